"""The framing of a multipart body, byte by byte, as strict readers see it."""

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from mmap import mmap

Bytes = bytes | mmap
"""A body in memory, or in a file that is mapped into it."""

LONGEST_HEAD = 16 * 1024
"""The headers of a part are no longer than this."""

_PIECE = 2**20
_BOUNDARY = re.compile(r'\bboundary=(?:"([^"]+)"|([^\s;"]+))', re.IGNORECASE)
_LAST_FILENAME = re.compile(r'attachment; (?:.*; )?filename="([^"]*)"')


@dataclass(frozen=True)
class Part:
    """One part: the lines of its headers, and SHA-256 and size of its bytes."""

    lines: tuple[str, ...]
    digest: str
    size: int

    def header(self, name: str) -> str | None:
        """The value of a header, whatever case its name is spelled in; None where the part has none."""
        for line in self.lines:
            found, _, value = line.partition(":")
            if found.strip().lower() == name.lower():
                return value.strip()
        return None


@dataclass(frozen=True)
class Framing:
    """A multipart body taken apart.

    `preamble` stands before the first delimiter, `tail` after the closing one (None: there is no closing one). `bare`
    names the lines of the framing that don't end in CRLF.
    """

    parts: tuple[Part, ...]
    preamble: bytes
    tail: bytes | None
    bare: tuple[str, ...]


def boundary_of(content_type: str) -> str | None:
    """The boundary that a content type names, in any case, with or without quotes; None where it names none."""
    found = _BOUNDARY.search(content_type)
    return (found.group(1) or found.group(2)) if found else None


def taken_apart(body: Bytes, boundary: str) -> Framing:
    """The body with all that is wrong with its framing; a line may end in LF alone, which is told in `bare`."""
    delimiter = b"--" + boundary.encode("latin-1")
    places = list(_delimiters(body, delimiter))
    if not places:
        return Framing((), bytes(body[:LONGEST_HEAD]), None, ())
    bare: list[str] = []
    parts: list[Part] = []
    preamble = bytes(body[: places[0]])
    for index, place in enumerate(places):
        after = place + len(delimiter)
        if index and body[place - 2 : place] != b"\r\n":
            bare.append(f"before delimiter {index + 1}")
        if body[after : after + 2] == b"--":
            return Framing(tuple(parts), preamble, bytes(body[after + 2 : after + 2 + LONGEST_HEAD]), tuple(bare))
        if body[after : after + 2] != b"\r\n":
            bare.append(f"delimiter {index + 1}")
        if index + 1 < len(places):
            start = after + (2 if body[after : after + 2] == b"\r\n" else 1)
            parts.append(_part(body, start, places[index + 1], index + 1, bare))
    return Framing(tuple(parts), preamble, None, tuple(bare))


def _delimiters(body: Bytes, delimiter: bytes) -> Iterator[int]:
    """Where delimiters begin: at the start of a line, a line end or `--` behind; none after the closing one."""
    place = body.find(delimiter)
    while place >= 0:
        after = place + len(delimiter)
        ends = body[after : after + 1] == b"\n" or body[after : after + 2] in (b"\r\n", b"--")
        if ends and (place == 0 or body[place - 1 : place] == b"\n"):
            yield place
            if body[after : after + 2] == b"--":
                return
        place = body.find(delimiter, after)


def _part(body: Bytes, start: int, end: int, index: int, bare: list[str]) -> Part:
    """The part between two delimiters; `end` is where the second one begins."""
    stop = end - (2 if body[end - 2 : end] == b"\r\n" else 1)
    lines: list[str] = []
    while True:
        newline = body.find(b"\n", start, min(end, start + LONGEST_HEAD))
        if newline < 0:
            bare.append(f"the headers of part {index}, which no blank line ends")
            return Part(tuple(lines), _digest(body, stop, stop), 0)
        line = bytes(body[start : newline + 1])
        start = newline + 1
        text = line.rstrip(b"\r\n").decode("latin-1")
        if not line.endswith(b"\r\n"):
            bare.append(f"header line {text!r} of part {index}" if text else f"the blank line of part {index}")
        if not text:
            return Part(tuple(lines), _digest(body, start, stop), max(stop - start, 0))
        lines.append(text)


def _digest(body: Bytes, start: int, stop: int) -> str:
    """SHA-256 of a stretch of the body, read in pieces."""
    digest = hashlib.sha256()
    for place in range(start, stop, _PIECE):
        digest.update(body[place : min(place + _PIECE, stop)])
    return digest.hexdigest()


def names_of(parts: Sequence[Part]) -> list[str]:
    """The file name of each part, as its Content-Disposition spells it; "" where it has none."""
    found = [_LAST_FILENAME.fullmatch(part.header("Content-Disposition") or "") for part in parts]
    return [match.group(1) if match else "" for match in found]


def trouble_with_name(disposition: str | None) -> str | None:
    """What is wrong with a Content-Disposition for the readers that are known; None where nothing is."""
    if disposition is None:
        return "there is no Content-Disposition"
    found = _LAST_FILENAME.fullmatch(disposition)
    if found is None:
        return f'Content-Disposition is {disposition!r}; expected attachment; filename="name", with the name last'
    name = found.group(1)
    if not name or not name.isascii() or any(character in name for character in ";/\\"):
        return f"the file name is {name!r}; expected one in ASCII, without ; / and \\"
    return None
