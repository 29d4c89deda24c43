"""How the answers of GET files are written: one file as it is, several as multipart/related.

Evidence: ia-api-facts.md, "Files" (V: framing, delimiters in one piece, spelling of Content-Disposition; C: the double
quotes). Constant memory: files are read in pieces of `PIECE` bytes while they are sent.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Sequence
from contextlib import closing
from urllib.parse import quote

from fake_pacs.hospital import SlideFile

PIECE = 512 * 1024
"""Bytes read and handed on at a time."""

_BOUNDARY = re.compile(r"[0-9A-Za-z_.+-]{1,70}")  # these need no quotes in the content type
_NOT_IN_QUOTES = re.compile(r'[^ -~]|["\\;/]|(?<=filename)=', re.IGNORECASE)


class FileChanged(Exception):  # noqa: N818
    """A file did not have the announced size while it was sent: the answer was broken off rather than sent wrong."""


def content_disposition(name: str) -> str:
    """The Content-Disposition value of a file, which every known reader of IA-API understands.

    Vendor code takes all text after ``filename=`` and knows no ``filename*``, so that parameter comes first and
    the quoted name last (V). The quoted name is ASCII without quotes, semicolons, backslashes and controls, and
    without another ``filename=``.
    """
    fallback = _NOT_IN_QUOTES.sub("_", name) or "file"
    if fallback == name:
        return f'attachment; filename="{name}"'
    exact = quote(name.encode("utf-8", "replace"), safe="")  # a name that is not UTF-8 on disk has lone surrogates
    return f"attachment; filename*=UTF-8''{exact}; filename=\"{fallback}\""


def single(file: SlideFile) -> tuple[dict[str, str], int, Generator[bytes, None, None]]:
    """Headers, length in bytes and body of an answer that is one file.

    The size is taken now; a body that finds another size raises FileChanged before its last piece.
    Raises SlideUnreadable when the file is gone. Closing the body closes the file.
    """
    headers = {
        "Content-Type": "application/octet-stream",
        "Content-Disposition": content_disposition(file.name),
    }
    size = file.size
    return headers, size, _with_last_piece_held_back(_pieces(file, size), b"")


def multipart_related(parts: Sequence[SlideFile], boundary: str) -> tuple[str, int, Generator[bytes, None, None]]:
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
    heads = [_head(part, boundary, first=index == 0) for index, part in enumerate(parts)]
    end = f"\r\n--{boundary}--\r\n".encode()
    length = sum(map(len, heads)) + sum(sizes) + len(end)
    body = _with_last_piece_held_back(_parts(parts, sizes, heads), end)
    return f"multipart/related; boundary={boundary}", length, body


def _head(part: SlideFile, boundary: str, *, first: bool) -> bytes:
    """The delimiter and the headers of a part, up to and with the blank line."""
    delimiter = f"--{boundary}" if first else f"\r\n--{boundary}"
    disposition = content_disposition(part.name)
    lines = (delimiter, "Content-Type: application/octet-stream", f"Content-Disposition: {disposition}", "", "")
    return "\r\n".join(lines).encode("ascii")


def _parts(parts: Sequence[SlideFile], sizes: Sequence[int], heads: Sequence[bytes]) -> Generator[bytes, None, None]:
    for part, size, head in zip(parts, sizes, heads, strict=True):
        yield head
        with closing(_pieces(part, size)) as pieces:
            yield from pieces


def _pieces(file: SlideFile, size: int) -> Generator[bytes, None, None]:
    """The bytes of a file, never empty ones. Raises FileChanged unless there are exactly `size` of them."""
    left = size
    with file.open() as stream:
        while left:
            piece = stream.read(min(PIECE, left))
            if not piece:
                raise FileChanged(f"{file.name}: ends {left} bytes short of the announced {size}")
            left -= len(piece)
            if not left and stream.read(1):
                raise FileChanged(f"{file.name}: is longer than the announced {size} bytes")
            yield piece


def _with_last_piece_held_back(pieces: Generator[bytes, None, None], end: bytes) -> Generator[bytes, None, None]:
    """The same bytes and then `end`, in one piece with the last of them: what raises, raises before it is sent."""
    with closing(pieces):
        held = next(pieces, b"")
        for piece in pieces:
            yield held
            held = piece
        if held or end:
            yield held + end
