"""Slides that misbehave without any set-up: they answer only when asked for by id, and stand in no list."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from fake_pacs.calls import Call
from fake_pacs.faults.effects import (
    Dribble,
    Effect,
    MalformedMultipart,
    Reset,
    Status,
    TooManyRequests,
    Truncate,
    WrongLength,
)
from fake_pacs.faults.fault import slide_of
from fake_pacs.faults.latency import Latency
from fake_pacs.hospital import Hospital, Slide

PREFIX = "fault-"

FILES = frozenset({"getSlideFiles"})
IMAGES = frozenset({"getSlideFiles", "getTile", "getSlideLabel"})
WRITES = frozenset({"createResult", "updateResult"})

PROXY_PAGE = "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>\n"
"""What a proxy in front of a PACS answers while the PACS is away."""


@dataclass(frozen=True)
class BadSlide:
    """A slide whose operations go wrong; `per_round`: of so many exchanges in a row only the last is right."""

    id: str
    what: str
    operations: frozenset[str]
    effect: Effect | None = None
    latency: Latency | None = None
    per_round: int | None = None


def _bad(
    name: str,
    what: str,
    operations: frozenset[str],
    effect: Effect | None = None,
    *,
    latency: Latency | None = None,
    per_round: int | None = None,
) -> BadSlide:
    return BadSlide(PREFIX + name, what, operations, effect, latency, per_round)


BAD_SLIDES: Mapping[str, BadSlide] = {
    slide.id: slide
    for slide in (
        _bad("truncated", "half of the body, then the connection is closed", IMAGES, Truncate()),
        _bad("reset", "the connection is reset before the answer", IMAGES, Reset()),
        _bad("reset-midway", "the connection is reset after 64 KiB of the body", FILES, Reset(after_bytes=65536)),
        _bad("dribble", "64 KiB per second", IMAGES, Dribble(65536)),
        _bad("slow", "2 s until the answer begins", IMAGES | {"getSlideInfo"}, latency=Latency(2.0)),
        _bad("length-too-long", "Content-Length is 100 bytes more than come", IMAGES, WrongLength(100)),
        _bad("length-too-short", "Content-Length is 100 bytes less than come", IMAGES, WrongLength(-100)),
        _bad("multipart-no-final-crlf", "the final CRLF is missing", FILES, MalformedMultipart("missing-final-crlf")),
        _bad("multipart-epilogue", "text after the closing delimiter", FILES, MalformedMultipart("epilogue")),
        _bad("multipart-preamble", "text before the first delimiter", FILES, MalformedMultipart("preamble")),
        _bad("multipart-wrong-boundary", "another boundary is declared", FILES, MalformedMultipart("wrong-boundary")),
        _bad("multipart-open", "no closing delimiter", FILES, MalformedMultipart("no-closing-delimiter")),
        _bad("multipart-torn", "right, but delimiters come in several reads", FILES, MalformedMultipart("torn")),
        _bad("401", "401: the token is no longer taken", IMAGES, Status(401)),
        _bad("429", "429 with Retry-After: 1", IMAGES, TooManyRequests(1)),
        _bad("429-once", "429 with Retry-After: 1, right the next time", IMAGES, TooManyRequests(1), per_round=2),
        _bad("500", "500", IMAGES, Status(500)),
        _bad("503-twice", "503 twice, right the third time", IMAGES, Status(503), per_round=3),
        _bad("html", "502 with the HTML page of a proxy", IMAGES, Status(502, {}, PROXY_PAGE, "text/html")),
        _bad("write-503", "503, nothing is stored", WRITES, Status(503)),
        _bad("write-lost", "stored, the connection is reset before the answer", WRITES, Reset()),
    )
}
"""Every misbehaving slide by its id."""


def misbehaviour(call: Call) -> BadSlide | None:
    """What goes wrong with this call because of the slide that it is about."""
    slide_id = slide_of(call)
    if slide_id is None or not slide_id.startswith(PREFIX):
        return None
    bad = BAD_SLIDES.get(slide_id)
    return bad if bad and call.operation_id in bad.operations else None


def bad_slide(slide_id: str, hospital: Hospital) -> Slide | None:
    """The misbehaving slide of that id: otherwise like one of the hospital, if possible with tiles and several files.

    None for other ids, and in a hospital without slides.
    """
    if slide_id not in BAD_SLIDES:
        return None
    with_tiles = [slide for slide in hospital.slides if slide.not_streamable_reason is None]
    several = [slide for slide in with_tiles if len(slide.files) > 1]
    like = next(iter(several or with_tiles or hospital.slides), None)
    if like is None:
        return None
    return replace(like, id=slide_id, details={**like.details, "lisSlideId": slide_id})
