"""DICOM whole-slide images: what one file says of itself; pydicom is loaded only when a DICOM slide is met."""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO

from fake_pacs.imaging.dicom_attributes import UID, case_members, slide_members
from fake_pacs.imaging.dicom_header import PREAMBLE, Header, read_header
from fake_pacs.imaging.dicom_pixels import PixelData
from fake_pacs.imaging.dicom_plain import plain_attributes
from fake_pacs.imaging.errors import SlideUnreadable
from fake_pacs.imaging.picture import OpticalPath
from fake_pacs.imaging.tiff_reading import LARGEST_SIDE

_WHOLE_SLIDE = "1.2.840.10008.5.1.4.1.1.77.1.6"
_MOST_PATHS = 1000
_PER_FRAME = 0x52009230  # from here on every frame has something to say: not needed


@dataclass(frozen=True)
class Instance:
    """One DICOM file: its series, how its frames lie, and the ImageMetadata members it gives.

    `is_level` where it is a level of the slide (not its label, overview or thumbnail). `size` and `frame_size` in px.
    `coding` is transfer syntax, photometric interpretation, and organisation of the frames. A file that no slide can
    be made of has a complaint.
    """

    path: Path
    series: str | None
    is_level: bool
    size: tuple[int, int]
    frame_size: tuple[int, int]
    frames: int
    coding: tuple[str, str, str]
    paths: tuple[OpticalPath, ...]
    pixels: PixelData | None
    complaint: str | None

    @cached_property
    def members(self) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
        """The case's and the slide's ImageMetadata members that its attributes give. Raises SlideUnreadable."""
        try:
            with self.path.open("rb") as file:
                data = plain_attributes(file)
                return (case_members(data), slide_members(data)) if data is not None else _read_by_pydicom(file)
        except Exception as error:  # pydicom raises nearly anything for broken files, down to struct.error
            raise SlideUnreadable(f"{self.path.name}: {_told(error)}") from error


def _read_by_pydicom(file: BinaryIO) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    from pydicom.filereader import read_partial  # 0.6 s: only who has slides that aren't plain pays for it

    file.seek(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # unfit values are left out
        data = read_partial(file, stop_when=lambda tag, vr, length: tag >= _PER_FRAME)
        return case_members(data), slide_members(data)


def is_dicom(path: Path) -> bool:
    """Whether the file starts as DICOM files do: 128 bytes of preamble, then DICM. Raises OSError."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(PREAMBLE)[128:] == b"DICM"


def read_instance(path: Path) -> Instance | None:
    """What a DICOM file says of itself; None for other files. Raises SlideUnreadable for broken ones, and OSError."""
    with open(path, "rb") as file:  # noqa: PTH123 - of 50,000 files, Path.open takes a third longer
        if file.read(PREAMBLE)[128:] != b"DICM":
            return None
        try:
            return _instance(path, read_header(file))
        except OSError:
            raise
        except Exception as error:  # whatever pydicom raises for a broken file
            raise SlideUnreadable(_told(error)) from error


def _told(error: Exception) -> str:
    """What is wrong with a file whose attributes raise this, in words."""
    if isinstance(error, RecursionError):
        why = "its sequences lie in one another too deeply"
    elif isinstance(error, OSError):
        why = error.strerror or str(error)
    else:  # many come without a text of any use: struct.error, KeyError, EOFError
        why = f"{error} ({type(error).__name__})" if str(error) else type(error).__name__
    return f"its DICOM attributes cannot be read, it may be broken or cut short: {why}"


def _instance(path: Path, header: Header) -> Instance:
    values = header.values
    series = values.get("SeriesInstanceUID", "")
    size = header.number("TotalPixelMatrixColumns"), header.number("TotalPixelMatrixRows")
    is_level = "VOLUME" in values.get("ImageType", "").split("\\")
    wrong = _unreadable(header, size) if is_level else None
    return Instance(
        path=path,
        series=series if re.fullmatch(UID, series) else None,
        is_level=is_level,
        size=size,
        frame_size=(header.number("Columns"), header.number("Rows")),
        frames=header.number("NumberOfFrames"),
        coding=(
            values.get("TransferSyntaxUID", ""),
            values.get("PhotometricInterpretation", ""),
            values.get("DimensionOrganizationType", ""),
        ),
        paths=_optical_paths(header),
        pixels=header.pixels,
        complaint="cut short, or no image: the file ends before its pixel data do" if header.cut else wrong,
    )


def _unreadable(header: Header, size: tuple[int, int]) -> str | None:
    """Why OpenSlide cannot read this level of a slide, as far as its attributes tell."""
    kind = header.values.get("SOPClassUID")
    if kind != _WHOLE_SLIDE:
        return f"no whole-slide image: its SOP class is {kind}, expected {_WHOLE_SLIDE}"
    if not all(1 <= side <= LARGEST_SIDE for side in size):
        return f"absurd size: {size[0]} x {size[1]} px; expected 1 to {LARGEST_SIDE} px along each side"
    if header.values.get("PhotometricInterpretation", "").startswith("MONOCHROME"):
        return "OpenSlide reads no grey DICOM slides (MONOCHROME); describe them with pictures in a cases.yaml"
    if header.number("NumberOfOpticalPaths") > _MOST_PATHS:
        return (
            f"absurd number of optical paths: {header.number('NumberOfOpticalPaths')}; expected at most {_MOST_PATHS}"
        )
    if header.number("TotalPixelMatrixFocalPlanes") > 1:
        return "OpenSlide reads no DICOM slides with several focal planes; describe them in a cases.yaml"
    return None


def _optical_paths(header: Header) -> tuple[OpticalPath, ...]:
    """The optical paths with the ids and descriptions of the file; as many as it counts where it lists fewer."""
    found = {}
    for index, item in enumerate(header.optical_paths):
        name = item.get("OpticalPathIdentifier") or str(index)
        found[name] = OpticalPath(name, item.get("OpticalPathDescription") or f"Optical path {name}")
    missing = range(len(found), min(header.number("NumberOfOpticalPaths"), _MOST_PATHS))
    return (*found.values(), *(OpticalPath(f"unnamed-{index}", "not described") for index in missing))
