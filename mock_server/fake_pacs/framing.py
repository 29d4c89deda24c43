"""How the answers of GET files are written: one file as it is, several as multipart/related.

Evidence: ia-api-facts.md, "Files" (V: framing, delimiters in one piece, spelling of Content-Disposition; C: the double
quotes). Constant memory: files are read in pieces of `PIECE` bytes while they are sent, or handed to the server to be
sent unread, all but their last piece.
"""

from __future__ import annotations

import io
import os
import re
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from typing import BinaryIO
from urllib.parse import quote

from fake_pacs.hospital import SlideFile
from fake_pacs.serving.spans import Span

PIECE = 128 * 1024
"""Bytes read and handed on at a time."""

_BOUNDARY = re.compile(r"[0-9A-Za-z_.+-]{1,70}")  # these need no quotes in the content type
_NOT_IN_QUOTES = re.compile(r'[^ -~]|["\\;/]|(?i:(?<=filename)=)')  # without case, [^ -~] takes U+0130 for an i


class FileChanged(Exception):  # noqa: N818 - named for what happened, like the refusals
    """A file was not as announced while it was sent: the answer was broken off rather than sent wrong."""


Pieces = Generator[bytes | Span, None, None]


class Body(Iterator[bytes]):
    """The bytes of an answer in pieces, for anybody; or with spans of files, for a server that sends them unread.

    Use it one way or the other, once. Closing it closes the file being read.
    """

    def __init__(self, make: Callable[[bool], Pieces]) -> None:
        self._make = make
        self._pieces: Pieces | None = None

    def __next__(self) -> bytes:
        """The next piece of at most `PIECE` bytes and some framing. Raises FileChanged."""
        self._pieces = self._pieces or self._make(False)
        piece = next(self._pieces)
        assert isinstance(piece, bytes)
        return piece

    def spans(self) -> Iterator[bytes | Span]:
        """The same, files as spans where they can be. Raises FileChanged."""
        self._pieces = self._make(True)
        return self._pieces

    def close(self) -> None:
        """Nothing more is wanted."""
        if self._pieces is not None:
            self._pieces.close()


def content_disposition(name: str, fallback: str | None = None) -> str:
    """The Content-Disposition value of a file, which every known reader of IA-API understands.

    Vendor code takes all text after ``filename=`` and knows no ``filename*``, so that parameter comes first and
    the quoted name last (V). The quoted name is ASCII without quotes, semicolons, backslashes and controls, and
    without another ``filename=``; `fallback` is that name where another file of the answer has the usual one.
    """
    fallback = fallback or _plain(name)
    if fallback == name:
        return f'attachment; filename="{name}"'
    exact = quote(name.encode("utf-8", "replace"), safe="")  # a name that is not UTF-8 on disk has lone surrogates
    return f"attachment; filename*=UTF-8''{exact}; filename=\"{fallback}\""


def _plain(name: str) -> str:
    return _NOT_IN_QUOTES.sub("_", name) or "file"


def _fallbacks(names: Sequence[str]) -> list[str]:
    """The quoted name of each file: no two are alike, or who reads nothing else writes one file over the other."""
    used = {name for name in names if _plain(name) == name}
    found = []
    for name in names:
        fallback, number = _plain(name), 2
        while fallback != name and fallback in used:
            fallback, number = f"{number}_{_plain(name)}", number + 1
        used.add(fallback)
        found.append(fallback)
    return found


def single(file: SlideFile) -> tuple[dict[str, str], int, Body]:
    """Headers, length in bytes and body of an answer that is one file.

    The size is taken now; a body that finds another size raises FileChanged before its last piece.
    Raises SlideUnreadable when the file is gone. Closing the body closes the file.
    """
    headers = {
        "Content-Type": "application/octet-stream",
        "Content-Disposition": content_disposition(file.name),
    }
    size = file.size
    return headers, size, Body(lambda unread: _with_last_piece_held_back(_pieces(file, size, unread), b""))


def multipart_related(parts: Sequence[SlideFile], boundary: str) -> tuple[str, int, Body]:
    """Content type, length in bytes and body of an answer of several files.

    The sizes are taken now; a body that finds another size raises FileChanged before its last piece. Delimiters and
    part headers are never torn, and the closing delimiter comes with the last bytes. Raises ValueError for no part or
    an unfit boundary, SlideUnreadable when a file is gone. Closing the body closes the file being read.
    """
    if not parts:
        raise ValueError("an answer of several files needs at least one part")
    if not _BOUNDARY.fullmatch(boundary):
        raise ValueError(f"boundary {boundary!r}: expected 1 to 70 of A-Z, a-z, 0-9 and _ . + -")
    sizes = [part.size for part in parts]
    names = [part.name for part in parts]
    dispositions = [content_disposition(*both) for both in zip(names, _fallbacks(names), strict=True)]
    heads = [_head(boundary, disposition, first=index == 0) for index, disposition in enumerate(dispositions)]
    end = f"\r\n--{boundary}--\r\n".encode()
    length = sum(map(len, heads)) + sum(sizes) + len(end)
    body = Body(lambda unread: _with_last_piece_held_back(_parts(parts, sizes, heads, unread), end))
    return f"multipart/related; boundary={boundary}", length, body


def _head(boundary: str, disposition: str, *, first: bool) -> bytes:
    """The delimiter and the headers of a part, up to and with the blank line."""
    delimiter = f"--{boundary}" if first else f"\r\n--{boundary}"
    lines = (delimiter, "Content-Type: application/octet-stream", f"Content-Disposition: {disposition}", "", "")
    return "\r\n".join(lines).encode("ascii")


def _parts(parts: Sequence[SlideFile], sizes: Sequence[int], heads: Sequence[bytes], unread: bool) -> Pieces:
    for part, size, head in zip(parts, sizes, heads, strict=True):
        yield head
        with closing(_pieces(part, size, unread)) as pieces:
            yield from pieces


def _pieces(file: SlideFile, size: int, unread: bool) -> Pieces:
    """The bytes of a file, never empty ones. Raises FileChanged unless there are exactly `size` of them, unchanged.

    `unread`: as a span, up to the last piece, which is read: whether the file has grown is known before that is sent.
    """
    left = size
    with file.open() as stream:
        on_disk = _is_on_disk(stream)
        written = os.fstat(stream.fileno()).st_mtime_ns if on_disk else None
        if unread and left > PIECE and on_disk:
            yield Span(stream, left - PIECE)
            left -= stream.tell()
            if left > PIECE:
                raise FileChanged(f"{file.name}: ends {left} bytes short of the announced {size}")
        while left:
            piece = _read(file, stream, min(PIECE, left))
            if not piece:
                raise FileChanged(f"{file.name}: ends {left} bytes short of the announced {size}")
            left -= len(piece)
            if not left and _read(file, stream, 1):
                raise FileChanged(f"{file.name}: is longer than the announced {size} bytes")
            if not left and on_disk and os.fstat(stream.fileno()).st_mtime_ns != written:
                raise FileChanged(f"{file.name}: was written to while it was sent, what went out may be a mixture")
            yield piece


def _read(file: SlideFile, stream: BinaryIO, count: int) -> bytes:
    """At most so many bytes more. Raises FileChanged where the system can't read the file any more."""
    try:
        return stream.read(count)
    except OSError as error:
        raise FileChanged(f"{file.name}: can't be read any more: {error.strerror or error}") from error


def _is_on_disk(stream: BinaryIO) -> bool:
    try:
        stream.fileno()
    except io.UnsupportedOperation:
        return False
    return True


def _with_last_piece_held_back(pieces: Pieces, end: bytes) -> Pieces:
    """The same bytes and then `end`, in one piece with the last of them: what raises, raises before it is sent.

    A span isn't held back: what follows it can be told only when it was sent. None is the last piece.
    """
    with closing(pieces):
        held = b""
        for piece in pieces:
            if held:
                yield held
            held = b""
            if isinstance(piece, Span):
                yield piece
            else:
                held = piece
        if held or end:
            yield held + end
