"""One exchange with its faults: status and latency are applied here, what is wrong on the wire by the connection."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from email.utils import format_datetime
from http import HTTPStatus

from fake_pacs.answering import PROBLEM, Answer, render
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
from fake_pacs.faults.multipart import damaged
from fake_pacs.faults.table import Touch
from fake_pacs.refusals import TYPE_PREFIX, Refusal, Refusals
from fake_pacs.serving import Connection, WireFault, pause
from fake_pacs.world import World

INJECTED = TYPE_PREFIX + "injected-fault"
"""The problem type of answers that were asked for with a fault: no refusal of the catalogue."""


def serve_spoiled(
    touch: Touch, world: World, connection: Connection | None, handle: Callable[[World], Answer]
) -> Answer:
    """What goes out in place of, or of, the answer that `handle` gives; it isn't asked where the request is lost.

    Refused: UNAUTHENTICATED for a token that a fault let expire, and whatever `handle` refuses. Raises RuntimeError for
    what is wrong on the wire where the application isn't served by our own HTTP server.
    """
    if touch.dead:
        raise _expired()
    pause(touch.seconds, connection.stopping if connection else lambda: False)
    effect = touch.effect
    if wire := wire_fault(effect):
        if connection is None:
            raise RuntimeError(f"the fault {effect} needs the HTTP server of fake-pacs: run() the server")
        connection.spoil(wire)
    if isinstance(effect, Reset) and not effect.carried_out:
        return Answer(503, {}, b"")  # nobody sees it: the connection is reset
    if isinstance(effect, TooManyRequests):
        return _too_many(effect, world)
    if isinstance(effect, Status) and not effect.carried_out:
        return _with_status(effect, Answer(effect.status, {}, b""))
    answer = handle(_view(touch, world))
    return _with_status(effect, answer) if isinstance(effect, Status) and not answer.broken else answer


def wire_fault(effect: Effect | None) -> WireFault | None:
    """What the connection has to do to the answer; None where the effect isn't on the wire."""
    match effect:
        case Reset(after_bytes=after_bytes):
            return WireFault(reset=True, cut=after_bytes is not None, after_bytes=after_bytes)
        case Truncate(after_bytes=after_bytes):
            return WireFault(cut=True, after_bytes=after_bytes)
        case Dribble(bytes_per_second=rate):
            return WireFault(rate=rate)
        case WrongLength(by=by):
            return WireFault(length_off=by)
        case MalformedMultipart(damage=damage):
            return WireFault(rewrite=damaged(damage))
        case _:
            return None


def _view(touch: Touch, world: World) -> World:
    """The world as this exchange's handler sees it."""
    slides = touch.faults.slides_seen
    settings = world.settings
    if isinstance(touch.effect, MalformedMultipart):
        settings = replace(settings, files="multipart")
    return world.seen_as(settings, slides) if slides or settings is not world.settings else world


def _expired() -> Refusal:
    return Refusal(
        Refusals.UNAUTHENTICATED,
        "The token expired.",
        hint="Fetch a new one from POST /token; a fault or an incident let this one expire early.",
        headers={"WWW-Authenticate": 'Bearer realm="fake-pacs", error="invalid_token"'},
    )


def _with_status(effect: Status, usual: Answer) -> Answer:
    headers = dict(effect.headers)
    if effect.status in (204, 304):
        return Answer(effect.status, headers, b"")
    if effect.body is not None:
        return Answer(
            effect.status, {"Content-Type": effect.media_type or "text/plain", **headers}, effect.body.encode()
        )
    if effect.status < 300:
        return Answer(effect.status, {**usual.headers, **headers}, usual.body)
    close = getattr(usual.body, "close", None)
    if close:
        close()
    return Answer(
        effect.status, {"Content-Type": PROBLEM, **_challenge(effect.status), **headers}, _problem(effect.status)
    )


def _challenge(status: int) -> dict[str, str]:
    """401 has to say how to authenticate (RFC 9110, section 15.5.2)."""
    return {"WWW-Authenticate": 'Bearer realm="fake-pacs", error="invalid_token"'} if status == 401 else {}


def _too_many(effect: TooManyRequests, world: World) -> Answer:
    moment = world.clock.now() + timedelta(seconds=effect.retry_after)
    after = format_datetime(moment, usegmt=True) if effect.http_date else str(effect.retry_after)
    return Answer(429, {"Content-Type": PROBLEM, "Retry-After": after}, _problem(429))


def _problem(status: int) -> bytes:
    try:
        title = HTTPStatus(status).phrase
    except ValueError:
        title = f"Status {status}"
    detail = "This answer was asked for with a fault."
    return render({"type": INJECTED, "title": title, "status": status, "detail": detail})
