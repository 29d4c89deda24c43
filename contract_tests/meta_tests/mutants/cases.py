"""Mutants of case lists."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from flask import request

from fake_pacs.calls import Call, Reply, json_reply
from fake_pacs.handlers import Handler
from fake_pacs.world import World
from meta_tests.mutant import Mutant
from meta_tests.spoiling import answered, asked, members, not_refused, where

LISTS = r"/images/info$"


def _one_spelling(parameters: Mapping[str, Any], call: Call) -> Mapping[str, Any]:
    return {"accessionNumberIssuer": request.args.get("accessionNumberIssuer")}


def _first_issuer(call: Call, world: World, right: Handler) -> Reply:
    asked_for = call.parameters
    cases = world.cases_named(asked_for["accessionNumber"])
    if asked_for["accessionNumberIssuer"] is None and cases:
        call = replace(call, parameters={**asked_for, "accessionNumberIssuer": cases[0].issuer})
    return right(call, world)


def _each(**given: Any) -> Any:
    return members(lambda entries: [{**entry, **given} for entry in entries])


def _without_series(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: value for name, value in entry.items() if name != "seriesInstanceUid"} for entry in entries]


MUTANTS = (
    Mutant(
        "cases-only-the-slide",
        "By slide, only that slide is listed.",
        ("cases.by-slide",),
        handlers={
            "getCaseImagesBySlide": answered(
                lambda body, call, world: [entry for entry in body if entry["id"] == call.parameters["slideId"]]
            )
        },
    ),
    Mutant(
        "cases-only-the-first",
        "By number, only the first slide is listed.",
        ("cases.by-number", "cases.without-issuer"),
        handlers={"getCaseImages": answered(lambda body, call, world: body[:1])},
    ),
    Mutant(
        "cases-null-stain",
        "By slide, the stain is null.",
        ("cases.members",),
        spoil=where(r"/request/images/info$", _each(staining=None)),
    ),
    Mutant(
        "cases-without-series",
        "Case lists never show seriesInstanceUid.",
        ("cases.phi-when-asked",),
        spoil=where(LISTS, members(_without_series)),
    ),
    Mutant(
        "cases-issuer-ignored",
        "The issuer of a number is ignored.",
        ("cases.issuer-selects", "cases.unknown-issuer-404", "cases.by-slide"),
        handlers={"getCaseImages": asked(lambda parameters, call: {"accessionNumberIssuer": None})},
    ),
    Mutant(
        "cases-one-spelling",
        "accessionNumberIssuerId is ignored.",
        ("cases.both-spellings",),
        handlers={"getCaseImages": asked(_one_spelling)},
    ),
    Mutant(
        "cases-first-issuer",
        "Without an issuer, the first one's case is listed alone.",
        ("cases.without-issuer",),
        handlers={"getCaseImages": _first_issuer},
    ),
    Mutant(
        "cases-unknown-empty",
        "An unknown case is answered with an empty list.",
        ("cases.unknown-number-404", "cases.unknown-issuer-404"),
        handlers={"getCaseImages": not_refused(lambda call: json_reply([]))},
    ),
    Mutant(
        "cases-of-unknown-slide-empty",
        "The case of an unknown slide is answered with an empty list.",
        ("cases.unknown-slide-404",),
        handlers={"getCaseImagesBySlide": not_refused(lambda call: json_reply([]))},
    ),
    Mutant(
        "cases-other-block",
        "Case lists name another block than slide info.",
        ("cases.as-in-slide-info",),
        spoil=where(LISTS, _each(block={"displayName": "Z9"})),
    ),
)
