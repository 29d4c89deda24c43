"""A `multipart/*` body, or a single one, as a stream of events: a part begins, bytes of it, it ends. No I/O, constant
memory.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from email.message import Message
from typing import TYPE_CHECKING, Any

from sectra_client.utils.errors import SectraTruncatedDownloadError, SectraUnreadableAnswerError

if TYPE_CHECKING:
    from multipart import PushMultipartParser  # type: ignore[import-untyped]

MAX_HEADERS = 64


@dataclass(frozen=True)
class Begin:
    """A part begins; its `Content-Disposition`, empty where it has none."""

    disposition: str


Event = Begin | bytes | None
"""A part begins, bytes of it, or (None) its end."""


def boundary_of(content_type: str) -> str | None:
    """The boundary of a `multipart/*` content type; None for any other. Raises `SectraUnreadableAnswerError` where
    it's missing.
    """
    if not content_type.strip().lower().startswith("multipart/"):
        return None
    message = Message()
    message["Content-Type"] = content_type
    boundary = message.get_boundary()
    if not boundary:
        raise SectraUnreadableAnswerError(f"the content type {content_type!r} names no boundary")
    return boundary


def single(disposition: str, blocks: Iterable[bytes]) -> Iterator[Event]:
    """A body that is one file."""
    yield Begin(disposition)
    yield from blocks
    yield None


def parts(boundary: str, blocks: Iterable[bytes]) -> Iterator[Event]:
    """The parts of a multipart body; reads on after the closing delimiter until the blocks end.

    Raises `SectraTruncatedDownloadError` where the closing delimiter is missing, `SectraUnreadableAnswerError` for a
    body that is no multipart, or has no part.
    """
    from multipart import MultipartError

    parser = _parser(boundary)
    count = 0
    try:
        for block in blocks:
            for event in parser.parse(block):
                is_begin = not isinstance(event, bytes | bytearray) and event is not None
                count += is_begin
                yield Begin(event.header("Content-Disposition", "")) if is_begin else event
    except MultipartError as error:
        raise SectraUnreadableAnswerError(f"the multipart body can't be read: {error} (after {count} parts)") from error
    _check_end(parser, count)


def _check_end(parser: "PushMultipartParser", count: int) -> None:
    from multipart import MultipartError

    try:
        parser.close()
    except MultipartError as error:
        raise SectraTruncatedDownloadError(
            f"the multipart body ended without its closing delimiter, in part {max(count, 1)}: ask again from the start"
        ) from error
    if not count:
        raise SectraUnreadableAnswerError("the multipart body has no parts: at least one file was expected")


def _parser(boundary: str) -> "PushMultipartParser":
    from multipart import MultipartSegment, PushMultipartParser

    class Parser(PushMultipartParser):  # type: ignore[misc]
        """The library's parser insists on form-data; here every part is taken, its headers as latin-1, which never
        fails.
        """

        def _create_segment(self, headerlist: list[tuple[str, str]]) -> Any:
            segment = MultipartSegment([])
            segment.headerlist = headerlist
            return segment

    return Parser(boundary, header_charset="latin-1", max_header_count=MAX_HEADERS, max_header_size=1 << 16)
