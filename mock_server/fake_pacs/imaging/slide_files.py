"""The files that GET files delivers, and which of them belong to a slide."""

from __future__ import annotations

import errno
import io
import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from fake_pacs.imaging.errors import SlideUnreadable
from fake_pacs.imaging.slide_reader import SPECIAL, state_of

Problem = tuple[Path, str]
"""A path that is not served, and why."""


@dataclass(frozen=True)
class FileOnDisk:
    """A file that is served as it lies on disk, under this name."""

    name: str
    path: Path

    @property
    def size(self) -> int:
        """Its size in bytes now. Raises SlideUnreadable when it is gone."""
        return state_of(self.path).size

    def open(self) -> BinaryIO:
        """The bytes, unbuffered; the caller closes. Raises SlideUnreadable when it is gone."""
        try:
            return self.path.open("rb", buffering=0)
        except OSError as error:
            raise SlideUnreadable(f"{self.name}: cannot be opened ({error.strerror})") from error


@dataclass(frozen=True)
class FileInMemory:
    """A small file that was made up and lies nowhere."""

    name: str
    content: bytes

    @property
    def size(self) -> int:
        """Its size in bytes."""
        return len(self.content)

    def open(self) -> BinaryIO:
        """The bytes."""
        return io.BytesIO(self.content)


def files_of(paths: Iterable[Path]) -> tuple[FileOnDisk, ...]:
    """The files to deliver for these files and folders; a folder stands for all files in and below it, sorted.

    A name that occurs twice gets its folder's name in front, and a number where that is not enough, so that callers
    can write all into one folder.
    """
    found: list[Path] = []
    for path in paths:
        found += files_below(path) if path.is_dir() else [path]
    return named_apart(found)


def named_apart(files: Iterable[Path]) -> tuple[FileOnDisk, ...]:
    """These files, each once, with names to deliver them under (see files_of); the disk isn't asked."""
    found = list(dict.fromkeys(files))
    counts = Counter(path.name for path in found)
    used: set[str] = set()
    delivered = []
    for path in found:
        wanted = name = path.name if counts[path.name] == 1 else f"{path.parent.name}_{path.name}"
        number = 2
        while name in used:
            name, number = f"{number}_{wanted}", number + 1
        used.add(name)
        delivered.append(FileOnDisk(name, path))
    return tuple(delivered)


def is_folder(path: Path) -> bool:
    """Whether there is a folder; not, where nobody may look for it (Path.is_dir raises then)."""
    return os.path.isdir(path)  # noqa: PTH112 - answers False where Path.is_dir raises


TRUTH = ".truth.json"
"""What make-slide writes beside a slide: for whoever scores an app, never for the app."""


def entries_of(folder: Path) -> tuple[list[Path], list[Path]]:
    """The files and the folders in a folder, each sorted, without hidden ones and ground truth. Raises OSError.

    A symbolic link counts as what it leads to; one that leads nowhere, or to itself, counts as a file.
    """
    with os.scandir(folder) as entries:
        shown = [entry for entry in entries if not entry.name.startswith(".") and not entry.name.endswith(TRUTH)]
    shown.sort(key=_name)  # as paths sort, but several times as fast
    is_inner = [_leads_to_folder(entry) for entry in shown]
    files = [folder / entry.name for entry, inner in zip(shown, is_inner, strict=True) if not inner]
    return files, [folder / entry.name for entry, inner in zip(shown, is_inner, strict=True) if inner]


def _name(entry: os.DirEntry[str]) -> str:
    return os.path.normcase(entry.name)


def _leads_to_folder(entry: os.DirEntry[str]) -> bool:
    """Asks the disk for links only."""
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False


def files_below(folder: Path) -> list[Path]:
    """The files in and below a folder, sorted, without hidden ones; linked folders are not entered. Raises OSError."""
    files, folders = entries_of(folder)
    found = [file for file in files if file.is_file()]
    for inner in folders:
        if not inner.is_symlink():
            found += files_below(inner)
    return sorted(found)


def refuse_special(path: Path) -> None:
    """Raises SlideUnreadable for what is neither a file nor a folder: reading a pipe would wait for ever."""
    if not path.is_file() and not is_folder(path):
        raise SlideUnreadable(f"{path.name} is {SPECIAL}")


def refuse_strangers(files: Iterable[Path], root: Path) -> None:
    """Raises SlideUnreadable for a file that lies outside the root folder, or leads out of it through a link.

    Likewise for a link to a folder that it lies in: what is in there is served already.
    """
    whole: str | None = None
    for file in files:
        whole = whole or os.path.realpath(root)  # mostly there is no file to look at
        if file.is_symlink():
            _refuse_dangling(file)
        target = os.path.realpath(file)
        if not _is_below(target, whole):
            raise SlideUnreadable(f"{file.name} leads out of the folder {root}: put a copy in its place")
        if file.is_symlink() and _is_below(os.path.realpath(file.parent), target):
            raise SlideUnreadable(f"{file.name} is a link to a folder that it lies in")


def _refuse_dangling(link: Path) -> None:
    """Raises SlideUnreadable for a link to what isn't there, and for one that leads back to itself."""
    try:
        link.stat()
    except (FileNotFoundError, NotADirectoryError) as error:
        there = f"there is no {os.path.realpath(link)}"
        raise SlideUnreadable(
            f"{link.name} is a link that leads nowhere: {there}; put the file in its place, or remove it"
        ) from error
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise SlideUnreadable(
                f"{link.name} is a link that leads nowhere: it leads back to itself; remove it"
            ) from error  # of anything else, such as no permission, whoever opens it tells


def _is_below(path: str, folder: str) -> bool:
    """Whether a path is the folder or lies in it; both are absolute and without links."""
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)
