"""The slides of a case."""

from collections.abc import Iterable, Sequence
from typing import Any

from fake_pacs.calls import Call, Oddity, Reply, json_reply
from fake_pacs.hospital import Case, Slide
from fake_pacs.refusals import Refusal, Refusals
from fake_pacs.world import World, contract
from ia_api_spec import NEWEST, asked_for


def get_images(call: Call, world: World) -> Reply:
    """The slides of every case of that number, or of the issuer asked for; an unknown issuer is 404 (A)."""
    number, issuer = call.parameters["accessionNumber"], call.parameters["accessionNumberIssuer"]
    cases = world.cases_named(number, issuer)
    if not cases:
        raise _unknown(number, issuer, world.cases_named(number))
    slides = [slide for case in cases for slide in world.slides_of(case)]
    return json_reply(_infos(slides, call), oddities=_several_issuers(cases))


def get_images_by_slide(call: Call, world: World) -> Reply:
    """The slides of the slide's own case; an issuer that isn't the case's own is 404 (A)."""
    slide = world.slide(call.parameters["slideId"])
    issuer = call.parameters["accessionNumberIssuer"]
    if issuer is not None and issuer != slide.case.issuer:
        detail = f"The case of the slide {slide.id!r} isn't of the issuer {issuer!r}."
        raise Refusal(Refusals.UNKNOWN_CASE, detail, hint="Leave the issuer out: a slide has one case.")
    return json_reply(_infos(world.slides_of(slide.case), call))


def _infos(slides: Iterable[Slide], call: Call) -> list[dict[str, Any]]:
    """CaseImageInfo of each slide; none of it needs the slide's file to be opened."""
    schema = contract("ia-api", NEWEST).schema("CaseImageInfo").node
    asked = {"phi"} if call.parameters["includePHI"] else set()
    return [asked_for(schema, slide.known(), asked) for slide in slides]


def _several_issuers(cases: Sequence[Case]) -> list[Oddity]:
    if len(cases) < 2:
        return []
    issuers = ", ".join(repr(case.issuer) for case in cases)
    text = f"{cases[0].accession_number} was issued by {issuers}; without an issuer the slides of all are listed"
    return [Oddity("several-issuers", "accessionNumberIssuer", text)]


def _unknown(number: str, issuer: str | None, others: Sequence[Case]) -> Refusal:
    known = ", ".join(repr(case.issuer) for case in others)
    of_issuer = f" of the issuer {issuer!r}" if issuer is not None else ""
    hint = f"Issuers of that number: {known}." if known else "GET /_fake_pacs/hospital lists the cases."
    return Refusal(Refusals.UNKNOWN_CASE, f"There is no case {number!r}{of_issuer}.", hint=hint)
