"""Bodies on their way to disk: constant memory, temporary names, renamed only when everything is there."""

import logging
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path

from sectra_client.filenames import announced_name, safe_name
from sectra_client.folder import Folder
from sectra_client.multipart_stream import Begin, Event, boundary_of, parts, single
from sectra_client.progress import Progress
from sectra_client.transport import Stream
from sectra_client.utils.errors import SectraTruncatedDownloadError, SectraUnreadableAnswerError

BLOCK = 1 << 20
NO_SLIDES = ("text/html", "application/problem+json")
"""What a proxy answers that wants somebody to log in, and what says what went wrong, be it with status 200."""

logger = logging.getLogger(__name__)


def save_files(stream: Stream, files: Folder, fallback: str, progress: Progress | None) -> list[Path]:
    """Writes the file or files of an answer into the folder; `fallback` names those that the answer doesn't name.

    Raises `SectraTruncatedDownloadError` where the answer isn't complete, `SectraUnreadableAnswerError` for a broken
    multipart and `OSError` for what the disk refuses.
    """
    files.start()
    _write(files, events(stream, progress), fallback)
    return files.finish()


def save_as(stream: Stream, files: Folder, name: str, progress: Progress | None) -> Path:
    """Writes the body to a file of that name, whatever name the answer gives it."""
    files.start()
    files.begin(name)
    for block in _counted(stream, progress):
        files.write(block)
    files.end()
    return files.finish()[0]


def never_less(progress: Progress | None) -> Progress | None:
    """The same for a download of several tries: what was there before doesn't come a second time."""
    most = 0

    def report(received: int, total: int | None) -> None:
        nonlocal most
        most = max(most, received) if total is None else min(max(most, received), total)
        if progress:
            progress(most, total)

    return report if progress else None


def events(stream: Stream, progress: Progress | None) -> Iterator[Event]:
    """The answer's parts: of a `multipart/*`, or its whole body as the only one."""
    blocks = _counted(stream, progress)
    first = next(blocks, b"")  # raises where the headers were cut: they aren't looked at before
    blocks = chain((first,), blocks) if first else blocks
    kind = stream.headers.get("content-type", "")
    boundary = boundary_of(kind)
    if not boundary:
        if kind.partition(";")[0].strip().lower() in NO_SLIDES:
            raise SectraUnreadableAnswerError(f"{stream.path} was answered with {kind}: no slide is such a text")
        yield from single(stream.headers.get("content-disposition", ""), blocks)
        return
    try:
        yield from parts(boundary, blocks)
    except SectraTruncatedDownloadError as error:
        error.permanent &= stream.is_framed  # else the end of the body is that of the connection
        raise


def _write(files: Folder, arriving: Iterable[Event], fallback: str) -> None:
    number = 0
    for event in arriving:
        if isinstance(event, Begin):
            number += 1
            files.begin(_name(event.disposition, fallback, number))
        elif event is None:
            files.end()
        else:
            files.write(event)


def _name(disposition: str, fallback: str, number: int) -> str:
    announced = announced_name(disposition)
    name = safe_name(announced or "", fallback if number == 1 else f"{fallback}-{number}")
    if announced not in (None, name):
        logger.warning("file %d is called %r by the server: written as %r", number, announced, name)
    return name


def _counted(stream: Stream, progress: Progress | None) -> Iterator[bytes]:
    """The blocks of a whole answer. Raises where the answer is none, or may have been cut inside its headers."""
    _check_head(stream)
    received = 0
    for block in stream.blocks(BLOCK):
        received += len(block)
        yield block
        if progress:
            progress(received, stream.length)
    if not received and not stream.is_framed:
        raise SectraTruncatedDownloadError(
            f"the answer to {stream.path} says neither its length nor has it a body: it was cut."
        )


def _check_head(stream: Stream) -> None:
    """Raises `SectraUnreadableAnswerError` for an answer of success that isn't the whole body, plainly."""
    encoding = stream.headers.get("content-encoding", "identity")
    if stream.status != 200 or encoding != "identity":
        raise SectraUnreadableAnswerError(
            f"{stream.path} was answered with status {stream.status} and Content-Encoding {encoding!r}: "
            "a download is the whole body, with status 200 and not encoded"
        )
