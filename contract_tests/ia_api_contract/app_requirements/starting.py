"""Starting the app: every sort of input, and what it may not stumble over."""

from threading import Thread

from ia_api_contract.app_pacs import OTHER_SLIDE, SLIDE
from ia_api_contract.app_requirements.asking import (
    OURS,
    REGISTERED,
    STARTED,
    STORED,
    fail_for,
    first_start,
    in_time,
    must,
    should,
    stored,
)
from ia_api_contract.app_scene import Visit, scene
from ia_api_contract.app_target import AppTarget
from ia_api_contract.check import Check
from ia_api_contract.outcomes import Skipped, expect


def answered(target: AppTarget) -> None:
    """A start is answered with 200."""
    first_start(target)


def stores(target: AppTarget) -> None:
    """A start stores a result."""
    expect(bool(first_start(target).results), "the start was answered, and no result was stored")


def on_the_slide(target: AppTarget) -> None:
    """What is stored is about the slide of the invocation."""
    result = stored(first_start(target))
    expect(result["slideId"] == SLIDE, f"the result is about {result['slideId']!r}; started was on {SLIDE!r}")


def _takes(target: AppTarget, sort: str, tagged: bool) -> None:
    if target.asks_for != sort:
        raise Skipped(f"the app asks for {target.asks_for}")
    with scene(target) as made:
        made.start(target.given(sort, tagged)).taken(f"a start on a {sort}")


def takes_whole_slide(target: AppTarget) -> None:
    """A start on the whole slide is answered with 200."""
    _takes(target, "wholeSlide", True)


def takes_tagged_polygon(target: AppTarget) -> None:
    """A start on a polygon with a tag is answered with 200."""
    _takes(target, "taggedPolygon", True)


def takes_untagged_polygon(target: AppTarget) -> None:
    """A start on a polygon without tags is answered with 200."""
    _takes(target, "taggedPolygon", False)


def takes_areas(target: AppTarget) -> None:
    """A start on several areas is answered with 200."""
    _takes(target, "multiArea", True)


def other_input(target: AppTarget) -> None:
    """A start on something else is no accident."""
    others = [sort for sort in ("wholeSlide", "taggedPolygon", "multiArea") if sort != target.asks_for]
    wrong = []
    with scene(target) as made:
        for sort in others:
            answer = in_time(made.start(target.given(sort)))
            if answer.status >= 500:
                wrong.append(f"a start on a {sort} was answered with {answer}")
    fail_for(wrong)


def empty_context(target: AppTarget) -> None:
    """A start with an empty context is answered with 200."""
    with scene(target) as made:
        made.start(context={}).taken("a start with the context {}")


def newer_members(target: AppTarget) -> None:
    """Members that came later are no accident."""
    with scene(target) as made:
        invocation = dict(made.start().invocation)
        invocation |= {"userInfo": {"role": "pathologist"}, "cameLater": [1, None]}
        made.send(invocation).taken("a start with members that the app can't know")


def no_invocation(target: AppTarget) -> None:
    """What is no invocation is refused."""
    with scene(target) as made:
        answer = in_time(made.send({"action": "create"}))
    expect(400 <= answer.status < 500, f"what is no invocation was answered with {answer}; expected 400")


def unknown_action(target: AppTarget) -> None:
    """An action that there isn't is refused, not taken for another."""
    with scene(target) as made:
        invocation = {**made.start().invocation, "action": "archive"}
        before = len(made.settled())
        answer = in_time(made.send(invocation))
        expect(answer.status < 500, f"the action `archive` was answered with {answer}; expected 400, or nothing done")
        expect(len(made.results()) == before, "the action `archive`, which there isn't, made the app store a result")


def in_parallel(target: AppTarget) -> None:
    """Two starts at once are both answered, each with its own slide's result."""
    with scene(target) as made:
        visits: dict[str, Visit] = {}
        threads = [
            Thread(target=lambda slide=slide: visits.update({slide: made.start(slide=slide)}))
            for slide in (SLIDE, OTHER_SLIDE)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for slide, visit in visits.items():
            visit.taken(f"one of two starts at once, on {slide},")
            claimed = visit.claimed
            if claimed:
                expect(claimed.get("slideId", slide) == slide, f"the start on {slide} was answered with {visit.answer}")


CHECKS: tuple[Check, ...] = (
    must(
        STARTED,
        "A start on what the app asked for is answered with 200, in time.",
        "invoke 200",
        "It is what the app is for.",
        answered,
        needs=(REGISTERED,),
        mandatory=True,
    ),
    should(
        STORED,
        "A start stores a result.",
        "invoke 200",
        "Users see results, nothing else; an app that only fetches files has none, and is right not to.",
        stores,
    ),
    must(
        "app.create-slide",
        "The result is stored for the slide that the app was started on.",
        "createResult",
        "Results of one patient must never show on a slide of another.",
        on_the_slide,
        document="ia-api",
        needs=(STORED,),
    ),
    must(
        "app.create-whole-slide",
        "An app that asks for whole slides takes one.",
        "invoke",
        "The input has no content: there is nothing to read in it.",
        takes_whole_slide,
    ),
    must(
        "app.create-tagged-polygon",
        "An app that asks for a tagged polygon takes one with a tag.",
        "invoke",
        "It is what users draw.",
        takes_tagged_polygon,
    ),
    must(
        "app.create-untagged-polygon",
        "An app that asks for a tagged polygon takes one without tags and tagIndex.",
        "invoke",
        "Where there are no tags to choose from, neither member comes.",
        takes_untagged_polygon,
    ),
    must(
        "app.create-multi-area",
        "An app that asks for several areas takes them.",
        "invoke",
        "It is what users draw.",
        takes_areas,
    ),
    should(
        "app.create-other-input",
        "A start on an input that the app didn't ask for is answered without 5xx.",
        "invoke",
        "Administrators register an app anew after an update; the PACS may hold the old template for a while.",
        other_input,
        own=OURS,
    ),
    must(
        "app.create-empty-context",
        "A start with an empty context is answered with 200.",
        "invoke",
        "An app that registered no context gets `{}`, and administrators change contexts.",
        empty_context,
    ),
    should(
        "app.create-newer-members",
        "Members that the app doesn't know don't disturb it.",
        "invoke",
        "Later versions of the API bring some.",
        newer_members,
        own=OURS,
    ),
    should(
        "app.create-no-invocation",
        "What is no invocation is refused with 4xx.",
        "invoke",
        "A 5xx, or a result, hides that somebody called the app wrongly.",
        no_invocation,
        own=OURS,
    ),
    should(
        "app.create-unknown-action",
        "An action that the app doesn't know makes it store nothing, and is answered without 5xx.",
        "invoke",
        "Taking it for a start would make results that nobody asked for.",
        unknown_action,
        own=OURS,
    ),
    must(
        "app.create-parallel",
        "Two starts at once on two slides are both answered, each for its own slide.",
        "invoke 200",
        "Several users work at once.",
        in_parallel,
        own=OURS,
    ),
)
