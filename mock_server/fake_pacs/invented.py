"""What the emulator makes up, stably: case data for slides that come without, and whole slides for any id.

Everything is derived from a name by hashing, so that it is the same in every run and on every machine.
"""

from __future__ import annotations

import hashlib
import io
import json
import random
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, BinaryIO

from fake_pacs.hospital import Case, Slide, SlideFile
from fake_pacs.imaging.drawn_picture import DrawnPicture
from fake_pacs.imaging.slide_files import FileInMemory
from fake_pacs.imaging.tiff import tiled_tiff

_CLEAN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_SLIDE_OF_CASE = re.compile(r"(.+)_slide[12]")
_PREFIX = "INV-"
_ORGANS = ("Colon", "Breast", "Prostate", "Skin", "Lung", "Stomach")
_STAININGS = ("H&E", "HER2", "Ki-67", "PAS", "ER", "CK20")
_SIZES = ((40_960, 30_720), (61_440, 44_032), (35_840, 52_224), (98_304, 73_728), (27_648, 25_600))
_OVERVIEW = 1024


def digest(text: str, length: int = 8) -> str:
    """The first hexadecimal digits of the text's SHA-256; any text will do, also one with lone surrogates."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:length]


def made_up_uid(name: str) -> str:
    """A valid DICOM UID under 2.25 (made of a UUID), the same for the same name."""
    return f"2.25.{uuid.UUID(hex=digest(name, 32), version=5).int}"


def clean_id(name: str) -> str:
    """An id made of a name, free of / ? # % and blanks: the name where it is fit, else its fit part and a hash."""
    if _CLEAN.fullmatch(name):
        return name
    fit = re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-._")[:48]
    return f"{fit or 'slide'}-{digest(name)}"


def made_up_case(name: str) -> dict[str, Any]:
    """The case-level ImageMetadata members for a slide of this name, by wire name, with number and issuer.

    The accession number is the (clean) name itself, so that a caller who knows the slide finds its case.
    """
    dice = random.Random(digest(f"{name}/case"))
    day = dice.randrange(365)
    return {
        "accessionNumber": clean_id(name),
        "accessionNumberIssuer": "",
        "studyInstanceUid": made_up_uid(f"{name}/study"),
        "examId": f"E-{digest(name)}",
        "examCode": "PATH",
        "examDescription": "Histopathology (made up)",
        "examDateTime": f"2025-{day // 31 + 1:02}-{day % 28 + 1:02}T{8 + day % 10:02}:{day % 60:02}:00",
        "examFreeFields": [{"origin": "made up by fake-pacs"}],
        "bodyPart": dice.choice(_ORGANS),
        "stationName": "SCANNER-1",
        "priority": dice.randrange(1, 4),
    }


def made_up_slide(name: str) -> dict[str, Any]:
    """The slide-level ImageMetadata members for a slide of this name, by wire name."""
    return {
        "staining": {"displayName": "H&E"},
        "block": {"displayName": "A1"},
        "specimen": {},
        "seriesInstanceUid": made_up_uid(f"{name}/series"),
        "lisSlideId": clean_id(name),
    }


def case_of(members: Mapping[str, Any]) -> Case:
    """The case of these case-level members, which hold its number and issuer."""
    details = {name: value for name, value in members.items() if not name.startswith("accessionNumber")}
    return Case(members["accessionNumber"], members["accessionNumberIssuer"], details)


def invented_slide(slide_id: str) -> Slide:
    """A whole slide made up for any id, the same every time: metadata, tiles, a label, and two small files.

    It belongs to the case INV-<id>, alone, unless the id reads <accession number>_slide1 or _slide2. An id
    that is unfit for URLs has a hash in the number instead, from which invented_case does not find it back.
    """
    dice = random.Random(digest(f"{slide_id}/slide"))
    number = _accession_number(slide_id)
    case = {**made_up_case(number), "accessionNumber": number}
    details = {
        **made_up_slide(slide_id),
        "staining": {"displayName": dice.choice(_STAININGS)},
        "block": {"displayName": f"{dice.choice('ABC')}{dice.randrange(1, 5)}"},
        "specimen": {"anatomy": case["bodyPart"], "description": "Tissue made up by fake-pacs"},
    }
    picture = DrawnPicture(digest(slide_id), dice.choice(_SIZES), label_text=slide_id)
    return Slide(slide_id, case_of(case), details, invented_files(slide_id, picture), picture)


def invented_case(accession_number: str) -> list[Slide]:
    """The made-up slides of an accession number: the one slide of INV-<id>, else two, <number>_slide1 and _slide2.

    Each is what invented_slide makes of its id; none for a number that cannot stand in a URL as it is.
    """
    own = invented_slide(accession_number.removeprefix(_PREFIX))
    if own.case.accession_number == accession_number:
        return [own]
    slides = [invented_slide(f"{accession_number}_slide{number}") for number in (1, 2)]
    return [slide for slide in slides if slide.case.accession_number == accession_number]


def invented_files(slide_id: str, picture: DrawnPicture) -> tuple[SlideFile, ...]:
    """Two small files for a slide that has none: a tiled TIFF that shows it reduced, and a text that says so.

    Two, because the community client reads multipart answers only (C, ia-api-facts.md, "Files").
    """
    name = clean_id(slide_id)
    note = {"slideId": slide_id, "note": "made up by fake-pacs: the TIFF shows the slide reduced"}
    return _DrawnFile(f"{name}.tiff", picture), FileInMemory(f"{name}.json", json.dumps(note).encode("ascii"))


@dataclass(frozen=True)
class _DrawnFile:
    """A tiled TIFF that is drawn when its size or its bytes are asked for."""

    name: str
    picture: DrawnPicture

    @property
    def size(self) -> int:
        """Its size in bytes."""
        return len(self._content)

    def open(self) -> BinaryIO:
        """The bytes."""
        return io.BytesIO(self._content)

    @cached_property
    def _content(self) -> bytes:
        overview = self.picture.overview(_OVERVIEW)
        reduction = self.picture.size[0] / overview.width
        return tiled_tiff([overview, overview.reduce(4)], microns_per_pixel=self.picture.microns_per_pixel * reduction)


def _accession_number(slide_id: str) -> str:
    of_case = _SLIDE_OF_CASE.fullmatch(slide_id)
    if of_case and _CLEAN.fullmatch(of_case[1]):
        return of_case[1]
    return _PREFIX + clean_id(slide_id)
