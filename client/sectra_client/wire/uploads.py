"""Bodies that are sent without being held in memory."""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

BLOCK = 1 << 20


class UploadError(Exception):
    """Carries what went wrong on this side through requests, which would take an `OSError` for the network's."""

    def __init__(self, error: Exception) -> None:
        self.error = error
        super().__init__(error)


@dataclass(frozen=True)
class Upload:
    """A body of known size in bytes; `open` begins reading it (again) from its first byte."""

    size: int
    open: Callable[[], AbstractContextManager[BinaryIO]]
    progress: Callable[[int, int | None], None] | None = None

    def __len__(self) -> int:
        return self.size

    def __iter__(self) -> Iterator[bytes]:
        """The body in blocks of 1 MiB. Raises `UploadError` around what the source or `progress` raises, and around a
        `ValueError` where the source has fewer bytes than it had.
        """
        try:
            yield from self._blocks()
        except Exception as error:
            raise UploadError(error) from error

    def _blocks(self) -> Iterator[bytes]:
        sent = 0
        with self.open() as source:
            while sent < self.size:
                block = source.read(min(BLOCK, self.size - sent))
                if not block:
                    raise ValueError(
                        f"the body to upload ended after {sent} of {self.size} bytes: it changed meanwhile"
                    )
                yield block
                sent += len(block)
                if self.progress:
                    self.progress(sent, self.size)


def upload_of(
    content: bytes | os.PathLike[str] | BinaryIO, progress: Callable[[int, int | None], None] | None
) -> bytes | Upload:
    """The content as a body: small ones as they are, files in blocks. Raises `TypeError` for anything else (a path is a
    `Path`), `OSError` for a file that can't be opened.

    A file object is read from where it stands to its end, must be seekable, and stays open.
    """
    if isinstance(content, bytes | bytearray | memoryview):
        return bytes(content)
    if isinstance(content, os.PathLike):
        path = Path(content)
        with path.open("rb") as file:  # a folder or a file that can't be read fails here, before anything is sent
            size = os.fstat(file.fileno()).st_size
        return _sized(size, lambda: path.open("rb"), progress)
    if isinstance(content, str) or not hasattr(content, "seek"):
        raise TypeError(
            f"content is a {type(content).__name__}: expected bytes, a pathlib.Path or a seekable binary file"
        )
    start = content.tell()
    size = content.seek(0, os.SEEK_END) - start

    def reopened() -> AbstractContextManager[BinaryIO]:
        content.seek(start)
        return nullcontext(content)

    return _sized(size, reopened, progress)


def _sized(
    size: int,
    reopened: Callable[[], AbstractContextManager[BinaryIO]],
    progress: Callable[[int, int | None], None] | None,
) -> bytes | Upload:
    return Upload(size, reopened, progress) if size else b""
