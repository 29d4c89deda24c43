"""What is served of a folder of slides, and what is not and why, as tables for people and JSON for machines."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fake_pacs.catalog import Loaded
from fake_pacs.hospital import Slide
from fake_pacs.imaging.errors import SlideUnreadable
from fake_pacs.imaging.pyramid import top_level
from fake_pacs.imaging.slide_files import FileOnDisk, Problem

Progress = Callable[[Iterable[Slide]], AbstractContextManager[Iterable[Slide]]]

_TITLES = ("id", "case", "size (px)", "µm/px", "planes", "paths", "files", "bytes", "label", "remark")
_RIGHT = {"µm/px", "planes", "paths", "files", "bytes"}


@dataclass(frozen=True)
class Checked:
    """Slides that were opened: a row for each that can be read, and the others as problems beside those from before."""

    rows: tuple[Mapping[str, Any], ...]
    problems: tuple[Problem, ...]


def checked(loaded: Loaded, progress: Progress = nullcontext) -> Checked:
    """Opens every slide, looks at its metadata, its label and its first tile, and tells what was found."""
    rows, problems = [], list(loaded.problems)
    with progress(loaded.slides) as shown_one_by_one:
        for slide in shown_one_by_one:
            try:
                rows.append(row(slide))
            except SlideUnreadable as error:
                paths = [file.path for file in slide.files if isinstance(file, FileOnDisk)]
                problems.append((paths[0] if paths else Path(slide.id), error.reason))
    return Checked(tuple(rows), tuple(problems))


def row(slide: Slide) -> dict[str, Any]:
    """What `fake-pacs slides` tells of a slide, by name; sizes in px and bytes. Raises SlideUnreadable."""
    metadata = slide.metadata()
    if slide.not_streamable_reason is None:
        level = top_level((metadata["imageSize"]["width"], metadata["imageSize"]["height"]))
        slide.picture.tile(level, 0, 0, focal_plane="0", optical_path=None, format="jpeg")
    return {
        "id": slide.id,
        "accessionNumber": slide.case.accession_number,
        "accessionNumberIssuer": slide.case.issuer,
        "imageSize": metadata["imageSize"],
        "micronsPerPixel": metadata["micronsPerPixel"],
        "focalPlanes": [plane["id"] for plane in metadata["focalPlanes"]],
        "opticalPaths": [path["id"] for path in metadata["opticalPaths"]],
        "fileFormat": metadata["fileFormat"]["mimeType"],
        "files": [file.name for file in slide.files],
        "bytes": sum(file.size for file in slide.files),
        "label": slide.picture.label() is not None,
        "isStreamable": metadata["isStreamable"],
        "notStreamableReason": slide.not_streamable_reason,
    }


def as_json(found: Checked) -> dict[str, Any]:
    """The rows and the problems as one JSON value."""
    problems = [{"path": str(path), "reason": reason} for path, reason in found.problems]
    return {"slides": _clean(list(found.rows)), "problems": _clean(problems)}


def slides_table(rows: Sequence[Mapping[str, Any]]) -> str:
    """The rows as a table with a line of totals."""
    cells = [_cells(one) for one in rows]
    total = sum(one["bytes"] for one in rows)
    counted = f"{len(rows)} slide{'' if len(rows) == 1 else 's'}, {total:,} bytes"
    return _table(_TITLES, cells) + f"\n{counted}"


def problems_table(problems: Sequence[Problem]) -> str:
    """What is not served, and why, as a table; empty for no problems."""
    if not problems:
        return ""
    return f"{len(problems)} not served:\n" + _table(
        ("not served", "reason"), [(shown(str(path)), shown(reason)) for path, reason in problems]
    )


def shown(text: str) -> str:
    """A text for a terminal: what is no printable Unicode is written as an escape, as file names may hold anything."""
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode("ascii")
        for character in text
    )


def _cells(one: Mapping[str, Any]) -> tuple[str, ...]:
    issuer = f" ({one['accessionNumberIssuer']})" if one["accessionNumberIssuer"] else ""
    return (
        shown(one["id"]),
        shown(one["accessionNumber"] + issuer),
        f"{one['imageSize']['width']} x {one['imageSize']['height']}",
        f"{one['micronsPerPixel']:.4g}",
        str(len(one["focalPlanes"])),
        str(len(one["opticalPaths"])),
        str(len(one["files"])),
        f"{one['bytes']:,}",
        "yes" if one["label"] else "no",
        f"no tiles: {shown(one['notStreamableReason'])}" if one["notStreamableReason"] else "",
    )


def _table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(titles, *rows, strict=True)]
    lines = [titles, ["-" * width for width in widths], *rows]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if title in _RIGHT else cell.ljust(width)
            for title, cell, width in zip(titles, line, widths, strict=True)
        ).rstrip()
        for line in lines
    )


def _clean(value: Any) -> Any:
    """The value without lone surrogates, which no UTF-8 can hold: names on disk may have them."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode("utf-8")
    if isinstance(value, list):
        return [_clean(item) for item in value]
    return {name: _clean(member) for name, member in value.items()} if isinstance(value, dict) else value
