"""Slides: what the PACS tells of them without being asked for more."""

from ia_api_contract.asking import NOWHERE, expect_status, expect_to_fit, json_object, slide_info, slides
from ia_api_contract.check import Check
from ia_api_contract.outcomes import Skipped, expect
from ia_api_contract.target import Target


def answered(target: Target) -> None:
    """Every slide that the target is said to hold is answered with 200."""
    for slide in slides(target):
        expect_status(target.ask("getSlideInfo", slideId=slide), 200, f"slide info of {slide}")


def members(target: Target) -> None:
    """The basic answer is as the contract says: nothing required is missing or null."""
    for slide in slides(target):
        answer = target.ask("getSlideInfo", slideId=slide)
        json_object(answer, f"slide info of {slide}")
        expect_to_fit(target, "getSlideInfo", answer)


def id_as_asked(target: Target) -> None:
    """The `id` in the answer is the one in the path."""
    for slide in slides(target):
        found = slide_info(target, slide).get("id")
        expect(found == slide, f"slide info of {slide!r} has the id {found!r}")


def same_again(target: Target) -> None:
    """Asking again, for as much as before, gives the same answer."""
    for query in ({}, {"scope": "extended", "includePHI": "true"}):
        first, second = (_without_state(slide_info(target, target.slide, **query)) for _ in range(2))
        changed = sorted(name for name in first.keys() | second.keys() if first.get(name) != second.get(name))
        expect(not changed, f"asked twice, slide info of {target.slide} differs in {', '.join(changed)}")


def unknown(target: Target) -> None:
    """A slide that isn't there is 404."""
    expect_status(target.ask("getSlideInfo", slideId=NOWHERE), 404, f"slide info of {NOWHERE}, which nobody has,")


def underscore(target: Target) -> None:
    """An id with `_` in it works in every path, also where `_` separates."""
    slide = next((slide for slide in target.holdings.slides if "_" in slide), None)
    if slide is None:
        raise Skipped("no slide of the target has _ in its id")
    for operation in ("getSlideInfo", "getSlideLabel"):
        answer = target.ask(operation, slideId=slide)
        expect(answer.status // 100 == 2, f"{operation} of {slide} was answered with {answer}")
    listed = target.ask("listResults", applicationId=target.application, slideId=slide)
    expect(listed.status // 100 == 2, f"the results on {slide} were answered with {listed}")


def _without_state(info: dict[str, object]) -> dict[str, object]:
    """The info without quality control, which somebody else may be writing."""
    return {name: member for name, member in info.items() if name != "qualityControl"}


CHECKS = (
    Check(
        "slides.answered",
        "Slide info of every slide that the target holds is answered with 200.",
        "getSlideInfo 200",
        "The first thing that every app asks.",
        answered,
        mandatory=True,
    ),
    Check(
        "slides.members",
        "Basic slide info has every required member, none of them null, each of its type.",
        "getSlideInfo 200",
        "Callers read these members without looking whether they are there.",
        members,
        needs=("slides.answered",),
        mandatory=True,
    ),
    Check(
        "slides.id-as-asked",
        "Slide info has the id that was asked for.",
        "getSlideInfo 200",
        "Apps build the addresses of tiles, files and results from the id in the answer.",
        id_as_asked,
        needs=("slides.answered",),
    ),
    Check(
        "slides.same-again",
        "Slide info is the same when it is asked for again.",
        "getSlideInfo",
        "Apps keep what they read; lists that change their order between requests break them.",
        same_again,
        needs=("slides.answered",),
    ),
    Check(
        "slides.unknown-404",
        "Slide info of an unknown slide is refused with 404.",
        "getSlideInfo 404",
        "An app must be able to tell a slide that is gone from a PACS that is ill.",
        unknown,
    ),
    Check(
        "slides.underscore",
        "Slide ids with _ in them work.",
        "getSlideInfo",
        "Real slide ids have underscores, and the addresses of tiles use them as separators.",
        underscore,
        needs=("slides.answered",),
    ),
)
