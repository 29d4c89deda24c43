"""Mutants of scope and PHI."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from wsgiref.types import WSGIEnvironment

from flask import request

from fake_pacs.calls import Call, Reply
from fake_pacs.handlers import Handler
from fake_pacs.refusals import Refusal, Refusals
from fake_pacs.world import World
from meta_tests.mutant import Mutant, Response
from meta_tests.spoiling import INFO, answered, asked, instead, members, where


def _only_true(parameters: Mapping[str, Any], call: Call) -> Mapping[str, Any]:
    return {"includePHI": request.args.get("includePHI") == "true"}


def _maybe_is_yes(environ: WSGIEnvironment, response: Response) -> Response:
    shown = instead(200, b'{"id": "x", "seriesInstanceUid": "1.2.3"}')
    return shown(response) if "includePHI=maybe" in environ["QUERY_STRING"] else response


def _without_free_fields(info: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in info.items() if name != "examFreeFields"}


def _number_in_a_description(body: Any, call: Call, world: World) -> Any:
    number = world.slide(call.parameters["slideId"]).case.accession_number
    first, *others = body["opticalPaths"]
    return {**body, "opticalPaths": [{**first, "description": f"{first['description']} of {number}"}, *others]}


def _named_in_header(call: Call, world: World, right: Handler) -> Reply:
    case = world.slide(call.parameters["slideId"]).case
    return replace(right(call, world), headers={"X-Study": str(case.details["studyInstanceUid"])})


def _named_in_refusal(call: Call, world: World, right: Handler) -> Reply:
    try:
        return right(call, world)
    except Refusal as refusal:
        slide = world.hospital.slide(call.parameters["slideId"])
        named = slide.details["lisSlideId"] if slide else ""
        raise replace(refusal, detail=f"{refusal.detail} The slide is {named}.") from None


def _number_in_refusal(call: Call, world: World, right: Handler) -> Reply:
    try:
        return right(call, world)
    except Refusal:
        slide = world.hospital.slide(call.parameters["slideId"])
        number = slide.case.accession_number if slide else ""
        raise Refusal(Refusals.UNKNOWN_CASE, f"There is no such case {number}.") from None


MUTANTS = (
    Mutant(
        "scope-phi-unasked",
        "Slide info always shows what includePHI=true shows.",
        ("scope.basic-alone", "scope.extended-alone", "scope.no-phi-in-info"),
        handlers={"getSlideInfo": asked(lambda parameters, call: {"includePHI": True})},
    ),
    Mutant(
        "scope-extended-unasked",
        "Slide info always shows what scope=extended shows.",
        ("scope.basic-alone", "scope.phi-alone"),
        handlers={"getSlideInfo": asked(lambda parameters, call: {"scope": "extended"})},
    ),
    Mutant(
        "scope-ignored",
        "scope=extended is ignored.",
        ("scope.extended-adds", "scope.both-complete"),
        handlers={"getSlideInfo": asked(lambda parameters, call: {"scope": None})},
    ),
    Mutant(
        "scope-phi-ignored",
        "includePHI=true is ignored.",
        ("scope.phi-adds", "scope.both-complete"),
        handlers={"getSlideInfo": asked(lambda parameters, call: {"includePHI": False})},
    ),
    Mutant(
        "scope-only-lower-case-true",
        "includePHI=True counts as false.",
        ("scope.any-case",),
        handlers={"getSlideInfo": asked(_only_true)},
    ),
    Mutant(
        "scope-maybe-is-yes",
        "Anything in includePHI counts as true.",
        ("scope.doubtful-values",),
        spoil=_maybe_is_yes,
    ),
    Mutant(
        "scope-no-free-fields",
        "examFreeFields is missing.",
        ("scope.both-complete",),
        spoil=where(INFO, members(_without_free_fields)),
    ),
    Mutant(
        "scope-more-is-other",
        "With scope=extended, the files have another format.",
        ("scope.more-changes-nothing",),
        handlers={
            "getSlideInfo": answered(
                lambda body, call, world: (
                    {**body, "fileFormat": {"mimeType": "image/other"}}
                    if call.parameters["scope"] and not call.parameters["includePHI"]
                    else body
                )
            )
        },
    ),
    Mutant(
        "scope-number-in-a-description",
        "The case's number stands in a description.",
        ("scope.no-phi-in-info",),
        handlers={"getSlideInfo": answered(_number_in_a_description)},
    ),
    Mutant(
        "scope-phi-in-case-lists",
        "Case lists always show PHI.",
        ("scope.no-phi-in-case-lists", "cases.no-phi-by-number", "cases.no-phi-by-slide"),
        handlers={
            "getCaseImages": asked(lambda parameters, call: {"includePHI": True}),
            "getCaseImagesBySlide": asked(lambda parameters, call: {"includePHI": True}),
        },
    ),
    Mutant(
        "scope-phi-in-headers",
        "The label comes with the study's UID in a header.",
        ("scope.no-phi-in-headers",),
        handlers={"getSlideLabel": _named_in_header},
    ),
    Mutant(
        "scope-phi-in-refusals",
        "The error about a tile names the slide's id in the laboratory.",
        ("scope.no-phi-in-refusals",),
        handlers={"getTile": _named_in_refusal},
    ),
    Mutant(
        "scope-phi-in-case-refusals",
        "The error about a slide's case tells its number.",
        ("scope.no-phi-in-case-refusals",),
        handlers={"getCaseImagesBySlide": _number_in_refusal},
    ),
)
