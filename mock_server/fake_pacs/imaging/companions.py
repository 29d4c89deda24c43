"""Formats of several files: which files belong to the one that is opened, and which of them are missing.

MIRAX (.mrxs and a folder of its name), Hamamatsu VMS and VMU (an index that names its images), Trestle (.tif, .Full).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from fake_pacs.imaging.errors import SlideUnreadable
from fake_pacs.imaging.slide_files import files_below

INDEX_SUFFIXES = (".mrxs", ".vms", ".vmu")
"""Files that are only read together with others."""

_SUFFIXES = {*INDEX_SUFFIXES, ".tif", ".tiff"}
_INDEX_BYTES = 1 << 20
_NAMED_BY_HAMAMATSU = re.compile(r"(ImageFile(\([0-9, ]*\))?|MapFile|OptimisationFile|MacroImage)", re.IGNORECASE)


def companions_of(path: Path) -> tuple[Path, ...]:
    """The other files of a slide in one of the formats of several files, sorted; none for every other file.

    Raises SlideUnreadable, naming what is missing.
    """
    suffix = path.suffix.lower()
    if suffix == ".mrxs":
        return _of_mirax(path)
    if suffix in (".vms", ".vmu"):
        return _of_hamamatsu(path)
    full = path.with_suffix(".Full")
    return (full,) if suffix in (".tif", ".tiff") and full.is_file() else ()


def claimed_by(paths: Iterable[Path]) -> set[Path]:
    """The files and folders that belong to some of these slide files, whether they are whole or not."""
    claimed: set[Path] = set()
    for path in paths:
        suffix = path.suffix.lower()
        if suffix not in _SUFFIXES:
            continue  # a folder may hold 50,000 others: the disk isn't asked about them
        try:
            if suffix == ".mrxs":
                claimed.add(path.with_suffix(""))
            elif not path.is_file():
                continue
            elif suffix in (".vms", ".vmu"):
                claimed.update(path.parent / name for name in _named_by_index(path))
            else:
                claimed.update(companions_of(path))
        except OSError:
            continue  # whoever opens it reports it
    return claimed


def _of_mirax(path: Path) -> tuple[Path, ...]:
    folder = path.with_suffix("")
    index = folder / "Slidedat.ini"
    if not index.is_file():
        raise SlideUnreadable(f"its companions are missing: expected the folder {folder.name} with Slidedat.ini in it")
    sections = dict(_settings(index))
    named = [
        value for (section, key), value in sections.items() if section == "DATAFILE" and re.fullmatch(r"FILE_\d+", key)
    ]
    named += [value for (section, key), value in sections.items() if (section, key) == ("HIERARCHICAL", "INDEXFILE")]
    _refuse_incomplete(folder, named)
    return tuple(files_below(folder))


def _of_hamamatsu(path: Path) -> tuple[Path, ...]:
    named = _named_by_index(path)
    _refuse_incomplete(path.parent, named)
    return tuple(sorted(path.parent / name for name in named))


def _named_by_index(path: Path) -> list[str]:
    found = [value for (_, key), value in _settings(path) if _NAMED_BY_HAMAMATSU.fullmatch(key) and value]
    return list(dict.fromkeys(found))


def _refuse_incomplete(folder: Path, names: Iterable[str]) -> None:
    wanted = list(names)
    missing = [name for name in wanted if not (folder / name).is_file()]
    empty = [] if missing else [name for name in wanted if not (folder / name).stat().st_size]
    for how, which in (("missing", missing), ("empty", empty)):
        if which:
            shown = ", ".join(which[:3]) + (f" and {len(which) - 3} more" if len(which) > 3 else "")
            raise SlideUnreadable(f"its companions are {how} in {folder.name}: {shown}")


def _settings(path: Path) -> Iterator[tuple[tuple[str, str], str]]:
    """Section, key and value of each line of an index; lines that are none of it are left out."""
    with path.open("rb") as file:
        text = file.read(_INDEX_BYTES).decode("utf-8-sig", "replace")
    section = ""
    for line in map(str.strip, text.splitlines()):
        if line.startswith("[") and line.endswith("]"):
            section = line[1:-1]
        elif "=" in line:
            key, _, value = line.partition("=")
            yield (section, key.strip()), value.strip()
