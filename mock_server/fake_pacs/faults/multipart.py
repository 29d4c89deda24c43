"""multipart/related that breaks its own framing, one way at a time; HTTP itself is kept, `Content-Length` included."""

import re
from collections.abc import Iterable, Iterator
from functools import partial

from fake_pacs.faults.effects import Damage
from fake_pacs.serving.spoiling import STEP_SECONDS, Headers, Rewrite, pause

_BOUNDARY = re.compile(r"(boundary=)([0-9A-Za-z_.+-]+)")

EPILOGUE = b"An epilogue, which the framing of IA-API doesn't have.\r\n"
PREAMBLE = b"A preamble, which the framing of IA-API doesn't have.\r\n"


def damaged(damage: Damage) -> Rewrite:
    """What makes headers and body of a right answer wrong in that way; an answer that isn't multipart stays right."""
    return partial(_damaged, damage)


def _damaged(damage: Damage, headers: Headers, chunks: Iterable[bytes]) -> tuple[Headers, Iterable[bytes]]:
    known = {name.lower(): value for name, value in headers}
    found = _BOUNDARY.search(known.get("content-type", ""))
    if found is None:
        return headers, chunks
    end = f"\r\n--{found[2]}--\r\n".encode()
    length = int(known["content-length"])
    match damage:
        case "missing-final-crlf":
            return _with(headers, length - 2), _without_last(chunks, 2)
        case "no-closing-delimiter":
            return _with(headers, length - len(end)), _without_last(chunks, len(end))
        case "epilogue":
            return _with(headers, length + len(EPILOGUE)), _joined(chunks, [EPILOGUE])
        case "preamble":
            return _with(headers, length + len(PREAMBLE)), _joined([PREAMBLE], chunks)
        case "wrong-boundary":
            wrong = _BOUNDARY.sub(r"\1other-\2", known["content-type"])
            return [(name, wrong if name.lower() == "content-type" else value) for name, value in headers], chunks
        case "torn":
            return headers, _torn(chunks, first=len(end) // 2, last=len(end))


def _with(headers: Headers, length: int) -> Headers:
    return [(name, str(length) if name.lower() == "content-length" else value) for name, value in headers]


def _joined(first: Iterable[bytes], second: Iterable[bytes]) -> Iterator[bytes]:
    yield from first
    yield from second


def _without_last(chunks: Iterable[bytes], count: int) -> Iterator[bytes]:
    """The same bytes without the last `count` of them."""
    held = b""
    for chunk in chunks:
        held += chunk
        if len(held) > count:
            yield held[:-count]
            held = held[-count:]


def _torn(chunks: Iterable[bytes], first: int, last: int) -> Iterator[bytes]:
    """The same bytes; the first delimiter comes in two reads, the closing one in three."""
    held, begun = b"", False
    for chunk in chunks:
        held += chunk
        if not begun and len(held) > first:
            yield held[:first]
            held, begun = held[first:], True
            _let_read()
        if len(held) > last:
            yield held[:-last]
            held = held[-last:]
    for piece in (held[: last - 5], held[last - 5 : last - 3], held[last - 3 :]):
        _let_read()
        yield piece


def _let_read() -> None:
    """Long enough for the reader to take what was sent, so that the next bytes are another read."""
    pause(STEP_SECONDS, lambda: False)
