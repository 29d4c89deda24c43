"""Scope and PHI: nothing beyond what was asked, ever; and what was asked for is there."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from ia_api_contract.asking import BOTH, NOWHERE, slide_info, slides
from ia_api_contract.check import Check
from ia_api_contract.exchanges import Answer
from ia_api_contract.outcomes import Skipped, expect
from ia_api_contract.target import Target

Query = dict[str, Any]

EXTENDED: Query = {"scope": "extended"}
PHI: Query = {"includePHI": "true"}
NOTHING: Query = {}

NEEDED_WITH_BOTH = {
    "accessionNumber": str,
    "accessionNumberIssuer": str,
    "studyInstanceUid": str,
    "examId": str,
    "examFreeFields": list,
    "seriesInstanceUid": str,
    "specimen": dict,
}
"""What the downloader requires when it asks for both (V)."""

DOUBTFUL: tuple[Query, ...] = (
    {"includePHI": "maybe"},
    {"includePHI": "0"},
    {"includePHI": ""},
    {"scope": "none"},
    {"scope": "basic", "includePHI": "no"},
)

TELLING = 8
"""A text of so many characters, with a digit among them, isn't somewhere by chance: words are."""


# Members


def basic_alone(target: Target) -> None:
    """Without scope and PHI only what is never marked."""
    _nothing_beyond(target, NOTHING, set())


def extended_alone(target: Target) -> None:
    """With scope=extended nothing that needs PHI."""
    _nothing_beyond(target, EXTENDED, {"extended"})


def phi_alone(target: Target) -> None:
    """With includePHI=true nothing that needs scope=extended."""
    _nothing_beyond(target, PHI, {"phi"})


def both_complete(target: Target) -> None:
    """With both, what the downloader requires is there."""
    for slide in slides(target):
        info = slide_info(target, slide, **BOTH)
        wrong = [name for name, kind in NEEDED_WITH_BOTH.items() if not isinstance(info.get(name), kind)]
        expect(not wrong, f"asked for with both, {slide} lacks (or has as another type) {', '.join(wrong)}")


def extended_adds(target: Target) -> None:
    """With scope=extended something that the basic answer hasn't."""
    _adds(target, EXTENDED, {"extended"})


def phi_adds(target: Target) -> None:
    """With includePHI=true something that the basic answer hasn't."""
    _adds(target, PHI, {"phi"})


def more_changes_nothing(target: Target) -> None:
    """The basic members are the same whatever else is asked for."""
    for slide in slides(target):
        basic = _unmarked(target, slide_info(target, slide))
        for query in (EXTENDED, PHI, BOTH):
            asked = _unmarked(target, slide_info(target, slide, **query))
            changed = sorted(name for name in basic.keys() | asked.keys() if basic.get(name) != asked.get(name))
            expect(not changed, f"with {query}, slide info of {slide} differs in {', '.join(changed)}")


def any_case(target: Target) -> None:
    """True means true, and False false, in any spelling of letters."""
    for spelling in ("True", "TRUE"):
        _same(target, "true", spelling)
    for spelling in ("False", "FALSE"):
        _same(target, "false", spelling)
    _same(target, None, "false")


def doubtful_values(target: Target) -> None:
    """A value that doesn't clearly ask for more gets no more, whatever the status."""
    for query in DOUBTFUL:
        answer = target.ask("getSlideInfo", slideId=target.slide, **query)
        shown = answer.json if answer.status // 100 == 2 and isinstance(answer.json, dict) else {}
        found = _beyond(target, shown, set())
        expect(not found, f"slide info asked for with {query} shows {', '.join(found)}")


# Values


def no_values_in_info(target: Target) -> None:
    """What is PHI stands in no other member of an answer without it."""
    for slide in slides(target):
        values = _phi_of(target, slide)
        for query in (NOTHING, EXTENDED):
            answer = target.ask("getSlideInfo", slideId=slide, **query)
            _expect_none(answer, values, f"slide info of {slide} with {query or 'no parameters'}")


def no_values_in_case_lists(target: Target) -> None:
    """What is PHI stands nowhere in a case list without it."""
    for slide in slides(target):
        answer = target.ask("getCaseImagesBySlide", slideId=slide)
        _expect_none(answer, _phi_of(target, slide), f"the list of the slides in the case of {slide}")


def no_values_in_headers(target: Target) -> None:
    """What is PHI stands in no header, even where the body may hold it."""
    for slide in slides(target):
        values = _phi_of(target, slide)
        for operation, query in (("getSlideInfo", NOTHING), ("getSlideInfo", BOTH), ("getSlideLabel", NOTHING)):
            answer = target.ask(operation, slideId=slide, **query)
            found = _found_in("\n".join(answer.headers.values()), values)
            expect(not found, f"a header of {operation} of {slide} holds the value of {', '.join(found)}")


def no_values_in_refusals(target: Target) -> None:
    """What is PHI stands in no error about a slide, also where PHI was asked for."""
    for slide in slides(target):
        values = _phi_of(target, slide)
        for answer in _refusals(target, slide):
            _expect_none(answer, values, f"a refusal ({answer.status}) about {slide}")


def no_values_in_case_refusals(target: Target) -> None:
    """A refused list of the case of a slide doesn't tell which case that is."""
    for slide in slides(target):
        values = _phi_of(target, slide)
        answer = target.ask("getCaseImagesBySlide", slideId=slide, accessionNumberIssuer=NOWHERE)
        _expect_none(answer, values, f"the answer ({answer.status}) to another issuer's case of {slide}")


# Helpers


def _marks(target: Target) -> dict[str, set[str]]:
    properties = target.contract.schema("ImageMetadata").node["properties"]
    return {
        name: set(member["x-disclosed-with"]) for name, member in properties.items() if "x-disclosed-with" in member
    }


def _beyond(target: Target, shown: Mapping[str, Any], asked: set[str]) -> list[str]:
    return sorted(name for name, marks in _marks(target).items() if name in shown and not marks <= asked)


def _unmarked(target: Target, info: dict[str, Any]) -> dict[str, Any]:
    others = {*_marks(target), "qualityControl"}
    return {name: member for name, member in info.items() if name not in others}


def _nothing_beyond(target: Target, query: Query, asked: set[str]) -> None:
    for slide in slides(target):
        found = _beyond(target, slide_info(target, slide, **query), asked)
        expect(not found, f"asked for with {query or 'no parameters'}, slide info of {slide} shows {', '.join(found)}")


def _adds(target: Target, query: Query, asked: set[str]) -> None:
    names = sorted(name for name, marks in _marks(target).items() if marks == asked)
    info = slide_info(target, target.slide, **query)
    expect(any(name in info for name in names), f"asked for with {query}, slide info shows none of {', '.join(names)}")


def _same(target: Target, one: str | None, other: str) -> None:
    first, second = (slide_info(target, target.slide, includePHI=value) for value in (one, other))
    expect(
        first.keys() == second.keys(),
        f"includePHI={other} shows {sorted(second)}; {f'includePHI={one}' if one else 'without it'} {sorted(first)}",
    )


def _phi_of(target: Target, slide: str) -> dict[str, str]:
    """Member name by telling PHI value of the slide, as the answer to a request for everything has them."""
    info = slide_info(target, slide, **BOTH)
    values = {
        text: name
        for name, marks in _marks(target).items()
        if "phi" in marks and name != "accessionNumberIssuer"
        for text in _texts(info.get(name))
        if len(text) >= TELLING and any(map(str.isdigit, text)) and text not in slide
    }
    if not values:
        raise Skipped(f"{slide} has no PHI that could be recognised")
    return values


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, (list, dict)):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _texts(item)


def _found_in(text: str, values: Mapping[str, str]) -> list[str]:
    return sorted({name for value, name in values.items() if value in text})


def _expect_none(answer: Answer, values: Mapping[str, str], what: str) -> None:
    """Raises `Failed` if a value stands in the body, whether JSON escapes it or not."""
    text = answer.body.decode("utf-8", "replace") + json.dumps(answer.json, ensure_ascii=False)
    found = _found_in(text, values)
    expect(not found, f"{what} holds the value of {', '.join(found)}, which nobody asked for")


def _refusals(target: Target, slide: str) -> Iterator[Answer]:
    """Answers to requests about the slide that can't be granted."""
    asked = [
        target.ask("getSlideInfo", slideId=slide, scope="everything", includePHI="maybe"),
        target.ask("getTile", slideId=slide, level=99, x=0, y=0, z="0", ext="jpg"),
        target.ask("getTile", slideId=slide, level=0, x=0, y=0, z=NOWHERE, ext="jpg"),
        target.ask("getSlideInfo", slideId=slide, token=None, **BOTH),
        target.ask("getSlideInfo", slideId=slide, version="one", **BOTH),
    ]
    if not target.options.read_only:
        asked.append(target.send("DELETE", f"/slides/{slide}/info?scope=extended&includePHI=true"))
    return (answer for answer in asked if answer.status >= 400)


CHECKS = (
    Check(
        "scope.basic-alone",
        "Slide info asked for without scope and PHI shows nothing that needs either.",
        "getSlideInfo",
        "Patients' data that nobody asked for end in logs and caches of apps. (Which member needs what is assumed.)",
        basic_alone,
        needs=("slides.answered",),
        mandatory=True,
    ),
    Check(
        "scope.extended-alone",
        "Slide info asked for with scope=extended shows nothing that needs includePHI=true.",
        "getSlideInfo",
        "The wider scope is no consent to patients' data. (Which member needs what is assumed.)",
        extended_alone,
        needs=("slides.answered",),
        mandatory=True,
    ),
    Check(
        "scope.phi-alone",
        "Slide info asked for with includePHI=true shows nothing that needs scope=extended.",
        "getSlideInfo",
        "An app that needs one identifier isn't shown the examination. (Which member needs what is assumed.)",
        phi_alone,
        needs=("slides.answered",),
    ),
    Check(
        "scope.both-complete",
        "Slide info asked for with both shows what the downloader requires, none of it null.",
        "getSlideInfo 200",
        "The downloader makes its folders of these members and stops where one is missing.",
        both_complete,
        needs=("slides.answered",),
    ),
    Check(
        "scope.extended-adds",
        "scope=extended shows members that the basic answer hasn't.",
        "getSlideInfo",
        "A parameter that is ignored goes unnoticed until an app needs what it asks for.",
        extended_adds,
        needs=("slides.answered",),
    ),
    Check(
        "scope.phi-adds",
        "includePHI=true shows members that the basic answer hasn't.",
        "getSlideInfo",
        "A parameter that is ignored goes unnoticed until an app needs what it asks for.",
        phi_adds,
        needs=("slides.answered",),
    ),
    Check(
        "scope.more-changes-nothing",
        "The basic members are the same whatever else is asked for.",
        "getSlideInfo",
        "An app that asks for more sees the same slide.",
        more_changes_nothing,
        needs=("slides.answered",),
    ),
    Check(
        "scope.any-case",
        "includePHI is compared without case, and false is as good as nothing.",
        "getSlideInfo",
        "Callers send true, True and false.",
        any_case,
        needs=("slides.answered",),
    ),
    Check(
        "scope.doubtful-values",
        "A value of scope or includePHI that doesn't clearly ask for more gets no more.",
        "getSlideInfo",
        "Whatever isn't a yes is a no.",
        doubtful_values,
        needs=("slides.answered",),
    ),
    Check(
        "scope.no-phi-in-info",
        "Without includePHI=true, no PHI value stands anywhere in slide info.",
        "getSlideInfo",
        "A number in a description is as bad as the number in its member.",
        no_values_in_info,
        needs=("scope.both-complete",),
    ),
    Check(
        "scope.no-phi-in-case-lists",
        "Without includePHI=true, no PHI value stands anywhere in the list of a case's slides.",
        "getCaseImagesBySlide",
        "A list shows a whole case at once.",
        no_values_in_case_lists,
        since="1.9",
        needs=("scope.both-complete",),
    ),
    Check(
        "scope.no-phi-in-headers",
        "No PHI value stands in a header of an answer.",
        "getSlideInfo",
        "Proxies write headers to logs.",
        no_values_in_headers,
        needs=("scope.both-complete",),
    ),
    Check(
        "scope.no-phi-in-refusals",
        "No PHI value stands in the error about a slide.",
        "getSlideInfo 400",
        "Callers log errors as they are.",
        no_values_in_refusals,
        needs=("scope.both-complete",),
    ),
    Check(
        "scope.no-phi-in-case-refusals",
        "A refused list of the slides in a slide's case doesn't tell the case's number.",
        "getCaseImagesBySlide 404",
        "Who knows a slide and doesn't ask for PHI must not learn the case from an error.",
        no_values_in_case_refusals,
        since="1.9",
        needs=("scope.both-complete",),
    ),
)
