"""A `multipart/*` body, or a single one, as a stream of events: a part begins, bytes of it, it ends. No I/O, constant
memory.
"""

from collections.abc import Iterable, Iterator
from email.message import Message

from sectra_client.multipart_parser import Begin, Event, Parser
from sectra_client.utils.errors import SectraTruncatedDownloadError, SectraUnreadableAnswerError

__all__ = ["Begin", "Event", "boundary_of", "parts", "single"]


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

    Lines may end in CRLF, or all of them in LF; blanks may follow a delimiter; what stands before the first one and
    after the last one is skipped (RFC 2046, 5.1.1). Raises `SectraTruncatedDownloadError` where the closing delimiter
    is missing, `SectraUnreadableAnswerError` for a body that is no multipart, or has no part.
    """
    parser = Parser(boundary)
    for block in blocks:
        yield from parser.feed(block)
    if not parser.is_complete:
        error = SectraTruncatedDownloadError(
            f"the multipart body ended without its closing delimiter, in part {max(parser.count, 1)}."
        )
        error.permanent = True  # where the blocks were all that the server meant to send
        raise error
    if not parser.count:
        raise SectraUnreadableAnswerError("the multipart body has no parts: at least one file was expected")
