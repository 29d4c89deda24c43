"""Image notifications."""

from ia_api_contract.app_pacs import SLIDE
from ia_api_contract.app_requirements.asking import OURS, expect_true, must, should
from ia_api_contract.app_scene import scene
from ia_api_contract.app_target import AppTarget
from ia_api_contract.check import Check
from ia_api_contract.outcomes import expect

NOTIFIED = "app.notification-answered"


def answered(target: AppTarget) -> None:
    """A notification is answered with 200."""
    with scene(target) as made:
        answer = made.notify().needed()
        expect(answer.status == 200, f"the image notification was answered with {answer}; expected 200")


def empty(target: AppTarget) -> None:
    """The answer to a notification is empty."""
    with scene(target) as made:
        visit = made.notify()
        answer = visit.taken("the image notification")
        expect_true(made, visit)
        nothing = not answer.body.strip() or answer.json in ({}, [])
        expect(nothing, f"the image notification was answered with {answer}; expected nothing, or {{}}")


def of_the_slide(target: AppTarget) -> None:
    """What a notification makes the app store is about its slide."""
    with scene(target) as made:
        made.notify().taken("the image notification")
        wrong = [result["slideId"] for result in made.results() if result["slideId"] != SLIDE]
        expect(not wrong, f"told of {SLIDE}, the app stored results about {wrong}")


def twice(target: AppTarget) -> None:
    """A notification that comes twice is answered twice."""
    with scene(target) as made:
        notification = made.notification()
        made.notify(notification).taken("the image notification")
        made.notify(notification).taken("the same image notification again")


def once(target: AppTarget) -> None:
    """A notification that comes twice is worked on once."""
    with scene(target) as made:
        notification = made.notification()
        made.notify(notification).needed()
        before = len(made.results())
        made.notify(notification).needed()
        after = len(made.results())
        expect(after <= max(before, 1), f"after the same notification twice, {after} results are stored, not {before}")


CHECKS: tuple[Check, ...] = (
    must(
        NOTIFIED,
        "An image notification is answered with 200, in time; an app that takes none answers 404.",
        "notifyImage 200",
        "A PACS that imports a hundred slides tells of each.",
        answered,
    ),
    should(
        "app.notification-empty",
        "The answer to an image notification is empty, or {}.",
        "notifyImage 200",
        "The specification is quoted as “200, empty”.",
        empty,
        needs=(NOTIFIED,),
    ),
    must(
        "app.notification-slide",
        "What the app stores when it is told of a slide is about that slide.",
        "notifyImage 200",
        "Results of one patient must never show on a slide of another.",
        of_the_slide,
        needs=(NOTIFIED,),
        own=OURS,
    ),
    must(
        "app.notification-twice",
        "The same image notification again is answered with 2xx, too.",
        "notifyImage 200",
        "A PACS that got no answer tells once more.",
        twice,
        needs=(NOTIFIED,),
        own=OURS,
    ),
    should(
        "app.notification-once",
        "The same image notification again stores no further result.",
        "notifyImage 200",
        "Users would see everything twice.",
        once,
        needs=(NOTIFIED,),
        own=OURS,
    ),
)
