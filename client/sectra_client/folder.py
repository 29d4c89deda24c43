"""Files on their way into one folder, over several tries: temporary names, and nothing is written twice."""

import os
import re
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from sectra_client.filenames import UsedNames
from sectra_client.progress import OnFile

BLOCK = 1 << 20
_LEFT_OVER = re.compile(r"\..+\.[0-9a-f]{12}\.part")


class Arriving:
    """A file whose bytes come in. Where one is known that may be the same, it is compared with what comes, and kept;
    where they part, what they share is copied, and the rest written.
    """

    def __init__(self, final: Path, known: Path | None, temporary: Callable[[Path], Path]) -> None:
        self.final = final
        self.path = known or temporary(final)
        self._temporary = temporary
        self._old: BinaryIO | None = known.open("rb") if known else None
        self._new: BinaryIO | None = None if known else self.path.open("xb")
        self._same = 0

    def write(self, block: bytes) -> None:
        """Adds to the file."""
        if self._old is not None:
            if self._old.read(len(block)) == block:
                self._same += len(block)
                return
            self._part()
        assert self._new is not None
        self._new.write(block)

    def end(self) -> None:
        """Ends the file: what is buffered goes to disk, errors included."""
        if self._old is not None and self._old.read(1):
            self._part()
        self.close()

    def close(self) -> None:
        """Lets go of the files."""
        for file in (self._old, self._new):
            if file is not None:
                file.close()

    def _part(self) -> None:
        """Goes on in a new file, with what agreed so far."""
        assert self._old is not None
        self.path = self._temporary(self.final)
        self._new = self.path.open("xb")
        self._old.seek(0)
        while self._same:
            shared = self._old.read(min(BLOCK, self._same))
            self._new.write(shared)
            self._same -= len(shared)
        self._old.close()
        self._old = None


class Folder:
    """A folder that the files of one answer come into; a context, for one try or several (`start`).

    Files get their names together, in `finish`; leaving the context without it removes what was written. With `keep`
    each gets its name as soon as it is whole, and stays; and a file that is there already isn't written again.
    """

    def __init__(self, folder: Path, *, keep: bool = False, on_file: OnFile | None = None) -> None:
        self._folder = folder
        self._keep = keep
        self._on_file = on_file
        self._names = UsedNames()
        self._arriving: list[Arriving] = []
        self._whole: dict[str, Path] = {}
        self._written: list[Path] = []

    def __enter__(self) -> "Folder":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: object) -> None:
        self._whole = {}
        self._clean()

    def start(self) -> None:
        """Begins a try: the names are free again, and what an earlier try brought whole is known."""
        self._clean()
        self._arriving = []
        self._names = UsedNames()
        self._folder.mkdir(parents=True, exist_ok=True)

    def begin(self, name: str) -> None:
        """Begins a file under a temporary name; `name` must be a safe one, a second one of the same name is numbered.

        Raises `IsADirectoryError` where a folder has that name.
        """
        final = self._folder / self._names.unused(name)
        if final.is_dir():
            raise IsADirectoryError(f"{final} is a folder: a file of the answer has that name")
        there = final if self._keep and final.is_file() and os.access(final, os.R_OK) else None
        self._arriving.append(Arriving(final, self._whole.get(final.name, there), self._temporary))

    def write(self, block: bytes) -> None:
        """Adds to the file begun last."""
        self._arriving[-1].write(block)

    def end(self) -> None:
        """Ends the file begun last."""
        arriving = self._arriving[-1]
        arriving.end()
        self._whole[arriving.final.name] = arriving.path
        if self._keep:
            self._name(arriving)

    def finish(self) -> list[Path]:
        """Gives all files their names, replacing older files of these names; returns them in the order of the wire."""
        for arriving in self._arriving:
            if not self._keep:
                self._name(arriving)
        return [arriving.final for arriving in self._arriving]

    def _name(self, arriving: Arriving) -> None:
        if arriving.path != arriving.final:
            arriving.path.replace(arriving.final)
            arriving.path = self._whole[arriving.final.name] = arriving.final
        if self._on_file:
            self._on_file(arriving.final)

    def _temporary(self, final: Path) -> Path:
        path = final.with_name(f".{final.name[:40]}.{secrets.token_hex(6)}.part")
        self._written.append(path)
        return path

    def _clean(self) -> None:
        """Removes all temporary files but those of whole files."""
        for arriving in self._arriving:
            arriving.close()
        whole = set(self._whole.values())
        for path in self._written:
            if path not in whole:
                path.unlink(missing_ok=True)
        self._written = [path for path in self._written if path in whole]


def sweep(folder: Path, files: list[Path], before: float) -> None:
    """Removes temporary files that a killed process left: those last written before that time (seconds since 1970), and
    none of the files themselves. Raises `OSError`.
    """
    for path in set(folder.iterdir()) - set(files):
        if _LEFT_OVER.fullmatch(path.name) and path.is_file() and path.stat().st_mtime < before:
            path.unlink(missing_ok=True)
