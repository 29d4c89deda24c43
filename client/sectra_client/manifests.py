"""What is known to be whole of a slide on disk: a small file beside its folder."""

import hashlib
import json
import logging
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

MANIFEST = ".{}.sectra-client.json"
"""Beside the folder of a slide: the slide's id, whether all its files are there, and those that are."""

SECONDS = 1.0
"""So often it is written while files come in, so that little is forgotten should the process be killed."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Entry:
    """A whole file as it was written: bytes, SHA-256 in hexadecimal, and when it was changed last, in nanoseconds."""

    size: int
    sha256: str
    mtimeNs: int

    @classmethod
    def of(cls, path: Path) -> "Entry":
        """The file as it is. Raises `OSError`."""
        status = path.stat()
        return cls(status.st_size, _digest(path), status.st_mtime_ns)

    def fits(self, path: Path) -> bool:
        """Whether that is the file still: its size and time, or its size and hash. Raises `OSError`."""
        status = path.stat()
        if status.st_size != self.size:
            return False
        return status.st_mtime_ns == self.mtimeNs or _digest(path) == self.sha256


class Manifest:
    """The manifest of one slide's folder, written as files become whole."""

    def __init__(self, place: Path, slide_id: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._place = place
        self._slide_id = slide_id
        self._clock = clock
        self._entries: dict[str, Entry] = {}
        self._written: float | None = None

    @property
    def files(self) -> list[Path]:
        """The files that are whole."""
        return [self._place / name for name in self._entries]

    def add(self, path: Path) -> None:
        """Notes a whole file. Raises `OSError`."""
        known = self._entries.get(path.name)
        if known is None or not known.fits(path):
            self._entries[path.name] = Entry.of(path)
        if self._written is None or self._clock() - self._written > SECONDS:
            self.write()

    def complete(self, paths: list[Path]) -> None:
        """Notes that these are all files of the slide. Raises `OSError`."""
        self._entries = {path.name: self._entries[path.name] for path in paths}
        self.write(is_complete=True)

    def write(self, *, is_complete: bool = False) -> None:
        """Writes what is known. Raises `OSError`."""
        files = {name: asdict(entry) for name, entry in self._entries.items()}
        document = {"slide": self._slide_id, "complete": is_complete, "files": files}
        target = manifest_of(self._place)
        temporary = target.with_name(f"{target.name}.part")
        temporary.write_text(json.dumps(document, indent=1), "utf-8")
        temporary.replace(target)
        self._written = self._clock()


def manifest_of(place: Path) -> Path:
    """Beside the folder, not in it: a file of the slide may have any name."""
    return place.with_name(MANIFEST.format(place.name))


def complete_files(place: Path, slide_id: str) -> list[Path]:
    """The files of a slide that is complete in that folder; none where it isn't."""
    try:
        manifest = json.loads(manifest_of(place).read_text("utf-8"))
        entries = _entries(manifest, slide_id)
        is_whole = all(entry.fits(place / name) for name, entry in entries.items())
    except FileNotFoundError:
        return []
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        logger.warning("%s can't be used, the slide is fetched again: %s", manifest_of(place), error)
        return []
    return [place / name for name in entries] if is_whole else []


def _entries(manifest: Any, slide_id: str) -> dict[str, Entry]:
    """The files of a complete manifest of that slide; none of another."""
    if manifest["slide"] != slide_id or manifest["complete"] is not True:
        return {}
    entries = {str(name): Entry(**entry) for name, entry in manifest["files"].items()}
    if any(Path(name).name != name for name in entries):
        raise ValueError("it names files that aren't in the folder")
    return entries


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
