"""Files that belong to results."""

import re
from dataclasses import replace

from fake_pacs.calls import Call, Oddity, Reply, stream_reply
from fake_pacs.refusals import Refusal, Refusals
from fake_pacs.world import World

_RANGE = re.compile(r"bytes=([0-9]{0,1000})-([0-9]{0,1000})", re.IGNORECASE)
"""One range of bytes; range units are compared without case (RFC 9110, section 14.1)."""


def get(call: Call, world: World) -> Reply:
    """The bytes of an attachment, or one range of them (206); 404 until bytes were uploaded."""
    asked = call.parameters
    application = world.application(asked["applicationId"], call.caller.tenant)
    entry = world.store.attachment(call.caller.tenant, application.applicationId, asked["resultId"], asked["name"])
    if entry.size is None:
        raise Refusal(
            Refusals.UNKNOWN_ATTACHMENT,
            f"The attachment {entry.name!r} of result {asked['resultId']} is declared, but has no bytes yet "
            f"(its state is {entry.state}).",
            hint="Upload them: PUT on the same path.",
        )
    media_type = "application/octet-stream"
    span, oddities = _span(asked["Range"], entry.size)
    if span is None:
        headers = {"Accept-Ranges": "bytes"}
        body = world.store.read_attachment(entry, 0, entry.size)
        return replace(stream_reply(body, entry.size, media_type, headers), oddities=oddities)
    start, stop = span
    headers = {"Accept-Ranges": "bytes", "Content-Range": f"bytes {start}-{stop - 1}/{entry.size}"}
    return stream_reply(world.store.read_attachment(entry, start, stop), stop - start, media_type, headers, status=206)


def put(call: Call, world: World) -> Reply:
    """Stores the bytes of a declared attachment while they arrive; the result keeps its versionId."""
    asked = call.parameters
    application = world.application(asked["applicationId"], call.caller.tenant)
    if call.upload is None:
        raise ValueError("an upload without bytes reached its handler")
    tenant, result_id = call.caller.tenant, asked["resultId"]
    world.store.put_attachment(tenant, application.applicationId, result_id, asked["name"], call.upload)
    return Reply()


def _span(header: str | None, size: int) -> tuple[tuple[int, int] | None, list[Oddity]]:
    """The first byte and the one behind the last; None for the whole. Refused: RANGE_NOT_SATISFIABLE.

    As RFC 9110 has it: what isn't one range of bytes is ignored, and the whole is answered.
    """
    if header is None:
        return None, []
    found = _RANGE.fullmatch(header.strip())
    if not found or found.groups() == ("", ""):
        return None, [Oddity("ignored-range", "Range", f"{header[:100]!r} is not one range of bytes; answered whole")]
    first, last = found.groups()
    if first and last and int(last) < int(first):
        return None, [Oddity("ignored-range", "Range", f"{header[:100]!r} ends before it begins; answered whole")]
    start = int(first) if first else max(size - int(last), 0)
    stop = min(int(last) + 1, size) if first and last else size
    if start >= size or start >= stop:
        raise Refusal(
            Refusals.RANGE_NOT_SATISFIABLE,
            f"The range {header[:100]!r} lies outside the attachment of {size} bytes.",
            hint=f"Ask for bytes before {size}." if size else "It is empty: ask for it without a Range.",
            headers={"Content-Range": f"bytes */{size}"},
        )
    return (start, stop), []
