"""The framing of RFC 2046, read as it comes: fed with blocks of any size, it yields events, and keeps at most a line.

The library `multipart` was used before: it refuses blanks after a delimiter and lines that end in LF, both of which
`multipart/*` may have.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from sectra_client.utils.errors import SectraUnreadableAnswerError

MAX_HEADERS = 64
MAX_LINE = 1 << 16
"""Bytes of a header line, and of the blanks after a delimiter."""

PLAIN = frozenset({"", "binary", "8bit", "7bit"})
"""Transfer encodings that leave the bytes as they are; HTTP has no other."""

_PADDING = re.compile(rb"[ \t]*(\r?)")
_FIELD = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+)[ \t]*:[ \t]*(.*?)[ \t]*", re.DOTALL)


@dataclass(frozen=True)
class Begin:
    """A part begins; its `Content-Disposition`, empty where it has none."""

    disposition: str


Event = Begin | bytes | None
"""A part begins, bytes of it, or (None) its end."""


class Parser:
    """Reads one multipart body. `count` parts have begun so far; `is_complete` once the closing delimiter was read.

    How lines end is taken from the first delimiter's: CRLF as the RFC has it, or LF; then they all must. So bytes that
    look like the other sort of delimiter stay what they are, bytes of a file.
    """

    def __init__(self, boundary: str) -> None:
        try:
            self._dashed = b"--" + boundary.encode("latin-1")
        except UnicodeEncodeError:
            raise _broken(f"the boundary {boundary!r} isn't text of an HTTP header", 0) from None
        if not re.fullmatch(rb"[^\x00-\x08\x0a-\x1f\x7f]+", self._dashed):
            raise _broken(f"the boundary {boundary!r} has control characters in it", 0)
        self._read = self._preamble
        self._held = b"\n"  # the first delimiter begins a line, as all do
        self._newline = b""
        self._headers: list[str] = []
        self._left: int | None = None
        self.count = 0
        self.is_complete = False

    def feed(self, block: bytes) -> Iterator[Event]:
        """What the block adds. Raises `SectraUnreadableAnswerError` for what is no multipart."""
        if self.is_complete:
            return
        data = self._held + block if self._held else block
        place = 0
        while not self.is_complete:
            events: list[Event] = []
            now, reader = place, self._read
            place = reader(data, now, events)
            yield from events
            if place == now and reader == self._read:  # nothing more to be had of these bytes
                break
        self._held = b"" if self.is_complete else data[place:]

    def _preamble(self, data: bytes, place: int, events: list[Event]) -> int:
        """Skips what stands before the first delimiter."""
        found = data.find(self._dashed, place)
        if found < 0:
            return max(place, len(data) - len(self._dashed))  # and the byte before what may be a delimiter's beginning
        if data[found - 1 : found] != b"\n":
            raise _broken("unexpected bytes before the first delimiter", 0)
        self._read = self._delimiter_end
        return found + len(self._dashed)

    def _delimiter_end(self, data: bytes, place: int, events: list[Event]) -> int:
        """The rest of a delimiter's line, or the two hyphens of the closing one."""
        if data.startswith(b"--", place):
            self.is_complete = True
            return place + 2
        if data[place : place + 2] == b"-":
            return place
        padding = _PADDING.match(data, place)
        assert padding is not None
        is_bounded = padding.end() - place <= MAX_LINE
        if padding.end() == len(data) and is_bounded:
            return place
        if not data.startswith(b"\n", padding.end()) or not is_bounded:
            raise _broken("unexpected bytes after a delimiter", self.count)
        self._begin_part(padding[1] + b"\n")
        return padding.end() + 1

    def _begin_part(self, newline: bytes) -> None:
        if self._newline and newline != self._newline:
            raise _broken("some delimiters end in CRLF, others in LF", self.count)
        self._newline = newline
        self._headers = []
        self._read = self._header

    def _header(self, data: bytes, place: int, events: list[Event]) -> int:
        """One line of a part's headers; the empty one ends them, and its line break may be the next delimiter's."""
        end = data.find(b"\n", place)
        if end < 0:
            if len(data) - place > MAX_LINE:
                raise _broken("a header line is longer than 64 KiB", self.count + 1)
            return place
        line = data[place : end + 1]
        if not line.endswith(self._newline) or (self._newline == b"\n" and line.endswith(b"\r\n")):
            raise _broken("some lines end in CRLF, others in LF", self.count + 1)
        text = line[: -len(self._newline)].decode("latin-1")
        if not text:
            events.append(self._begun())
            self._read = self._body_start
            return place
        self._keep(text)
        return end + 1

    def _keep(self, line: str) -> None:
        if line[0] in " \t" and self._headers:
            self._headers[-1] += f" {line.strip()}"
        else:
            self._headers.append(line)
        if len(self._headers) > MAX_HEADERS or len(self._headers[-1]) > MAX_LINE:
            raise _broken("it has more than 64 headers, or one of more than 64 KiB", self.count + 1)

    def _begun(self) -> Begin:
        self.count += 1
        headers: dict[str, str] = {}
        for line in self._headers:
            field = _FIELD.fullmatch(line)
            if field is None:
                raise _broken("a line among its headers is none: NAME: VALUE was expected", self.count)
            headers.setdefault(field[1].lower(), field[2])
        encoding = headers.get("content-transfer-encoding", "").lower()
        if encoding not in PLAIN:
            raise _broken("its Content-Transfer-Encoding isn't binary, which HTTP doesn't have", self.count)
        length = headers.get("content-length")
        if length is not None and not re.fullmatch("[0-9]{1,18}", length):
            raise _broken("its Content-Length is no number", self.count)
        self._left = None if length is None else int(length)
        return Begin(headers.get("content-disposition", ""))

    def _body_start(self, data: bytes, place: int, events: list[Event]) -> int:
        """The line break before a body, which is the next delimiter's where a part has none."""
        delimiter = self._newline + self._dashed
        here = data[place : place + len(delimiter)]
        if here == delimiter:
            return self._part_end(place + len(delimiter), events)
        if delimiter.startswith(here):
            return place
        self._read = self._body
        return place + len(self._newline)

    def _body(self, data: bytes, place: int, events: list[Event]) -> int:
        """Bytes of a part up to the next delimiter, or to what may be the beginning of one."""
        delimiter = self._newline + self._dashed
        found = data.find(delimiter, place)
        if found >= 0:
            self._add(data, place, found, events)
            return self._part_end(found + len(delimiter), events)
        start = data.rfind(delimiter[:1], max(place, len(data) - len(delimiter) + 1))
        end = start if start >= 0 and delimiter.startswith(data[start:]) else len(data)
        self._add(data, place, end, events)
        return end

    def _add(self, data: bytes, place: int, end: int, events: list[Event]) -> None:
        if self._left is not None:
            self._left -= end - place
        if self._left is not None and self._left < 0:
            raise _broken("it has more bytes than its Content-Length says", self.count)
        if end > place:
            events.append(data[place:end] if end - place < len(data) else data)

    def _part_end(self, place: int, events: list[Event]) -> int:
        if self._left:
            raise _broken(f"it ended {self._left} bytes before its Content-Length", self.count)
        events.append(None)
        self._read = self._delimiter_end
        return place


def _broken(why: str, part: int) -> SectraUnreadableAnswerError:
    return SectraUnreadableAnswerError(f"the multipart body can't be read, part {part}: {why}")
