"""Bodies on their way to disk: constant memory, temporary names, renamed only when everything is there."""

import logging
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from sectra_client.filenames import UsedNames, announced_name, safe_name
from sectra_client.multipart_stream import Begin, Event, boundary_of, parts, single
from sectra_client.progress import Progress
from sectra_client.transport import Stream
from sectra_client.utils.errors import SectraTruncatedDownloadError, SectraUnreadableAnswerError

BLOCK = 1 << 20
logger = logging.getLogger(__name__)


@dataclass
class _Partial:
    """A file that isn't complete: where its bytes go meanwhile, and what it will be called."""

    path: Path
    final: Path
    file: BinaryIO


class Folder:
    """Files on their way into one folder. Leaving it with an error removes what was written; nothing half-done is
    left.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._partials: list[_Partial] = []
        self._names = UsedNames()

    def __enter__(self) -> "Folder":
        self._folder.mkdir(parents=True, exist_ok=True)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: object) -> None:
        for partial in self._partials:
            partial.file.close()
            partial.path.unlink(missing_ok=True)

    def begin(self, name: str) -> None:
        """Begins a file under a temporary name; `name` must be a safe one, a second one of the same name is
        numbered.
        """
        unused = self._names.unused(name)
        path = self._folder / f".{unused[:40]}.{secrets.token_hex(6)}.part"
        self._partials.append(_Partial(path, self._folder / unused, path.open("xb")))

    def write(self, block: bytes) -> None:
        """Adds to the file begun last."""
        self._partials[-1].file.write(block)

    def end(self) -> None:
        """Ends the file begun last: what is buffered goes to disk, errors included."""
        self._partials[-1].file.close()

    def finish(self) -> list[Path]:
        """Gives all files their names, replacing older files of these names; returns them in the order of the wire.

        Raises `IsADirectoryError` where a folder has one of the names; then no older file was replaced.
        """
        for partial in self._partials:
            if partial.final.is_dir():
                raise IsADirectoryError(f"{partial.final} is a folder: a file of the answer has that name")
        for partial in self._partials:
            partial.file.close()
            partial.path.replace(partial.final)
        return [partial.final for partial in self._partials]


def save_files(stream: Stream, folder: Path, fallback: str, progress: Progress | None) -> list[Path]:
    """Writes the file or files of an answer into the folder; `fallback` names those that the answer doesn't name.

    Raises `SectraTruncatedDownloadError` where the answer isn't complete, `SectraUnreadableAnswerError` for a broken
    multipart and `OSError` for what the disk refuses; then no file of the answer is left.
    """
    with Folder(folder) as files:
        _write(files, events(stream, progress), fallback)
        return files.finish()


def save_as(stream: Stream, target: Path, progress: Progress | None) -> Path:
    """Writes the body to that one file, whatever name the answer gives it."""
    with Folder(target.parent) as files:
        files.begin(target.name)
        for block in _counted(stream, progress):
            files.write(block)
        files.end()
        return files.finish()[0]


def events(stream: Stream, progress: Progress | None) -> Iterator[Event]:
    """The answer's parts: of a `multipart/*`, or its whole body as the only one."""
    boundary = boundary_of(stream.headers.get("content-type", ""))
    blocks = _counted(stream, progress)
    return parts(boundary, blocks) if boundary else single(stream.headers.get("content-disposition", ""), blocks)


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
    is_framed = stream.length is not None or "transfer-encoding" in stream.headers
    if not received and not is_framed:
        raise SectraTruncatedDownloadError(
            f"the answer to {stream.path} says neither its length nor has it a body: it was cut. Ask again."
        )


def _check_head(stream: Stream) -> None:
    """Raises `SectraUnreadableAnswerError` for an answer of success that isn't the whole body, plainly."""
    encoding = stream.headers.get("content-encoding", "identity")
    if stream.status != 200 or encoding != "identity":
        raise SectraUnreadableAnswerError(
            f"{stream.path} was answered with status {stream.status} and Content-Encoding {encoding!r}: "
            "a download is the whole body, with status 200 and not encoded"
        )
