"""Tiles that are stored as JPEG exactly as they are asked for: handed on without decoding, and only when that is sure.

Sure means: the vendor's tiles neither overlap nor are shifted, the level is the only one of its size and smaller than
the full image by exactly a power of two, the stored grid is the asked one, the tile lies inside the image, and the
stream is a baseline JPEG whose colours the file names (see jpeg.complete_jpeg). OpenSlide gives no access to raw tiles.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from fake_pacs.imaging import dicom, tiff_reading
from fake_pacs.imaging.errors import SlideUnreadable
from fake_pacs.imaging.jpeg import Colour, complete_jpeg
from fake_pacs.imaging.pyramid import Size
from fake_pacs.imaging.tiff_reading import Directory, Values

_TIFF_VENDORS = {"aperio", "generic-tiff"}  # those whose levels OpenSlide takes as they are
_JPEG, _RGB, _YCBCR = 7, 2, 6
_LARGEST_STREAM = 64 << 20  # bytes; a broken file may name any number, and reading reserves what it names
_JPEG_BASELINE = "1.2.840.10008.1.2.4.50"
_DICOM_COLOURS: Mapping[str, Colour] = {"RGB": "RGB", "YBR_FULL": "YCbCr", "YBR_FULL_422": "YCbCr"}


class _Streams(Protocol):
    """Where the stored streams of a level lie."""

    def stream(self, file: BinaryIO, index: int) -> bytes | None:
        """The stored bytes of one tile, None where there are none. Raises EOFError, struct.error, OSError."""
        ...


@dataclass(frozen=True)
class StoredLevel:
    """One level that is stored as JPEG tiles: its size and that of its tiles in px, and where they lie."""

    path: Path
    size: Size
    tile_size: Size
    colour: Colour
    tables: bytes
    streams: _Streams

    def tile(self, x: int, y: int) -> bytes | None:
        """The tile in column x and row y as a whole JPEG file; None for edge tiles and whatever is unsure."""
        columns, rows = self.size[0] // self.tile_size[0], self.size[1] // self.tile_size[1]
        if not (0 <= x < columns and 0 <= y < rows):
            return None
        try:
            with self.path.open("rb", buffering=0) as file:
                stream = self.streams.stream(file, y * -(-self.size[0] // self.tile_size[0]) + x)
        except (OSError, EOFError, struct.error):
            return None  # decoding it says what is wrong
        return complete_jpeg(stream, self.tables, self.tile_size, self.colour) if stream else None


@dataclass(frozen=True)
class _TiffStreams:
    offsets: Values
    counts: Values

    def stream(self, file: BinaryIO, index: int) -> bytes | None:
        at, size = self.offsets.number(file, index), self.counts.number(file, index)
        if at > tiff_reading.LAST_OFFSET or size > _LARGEST_STREAM:
            return None
        file.seek(at)
        return file.read(size)


@dataclass(frozen=True)
class _DicomStreams:
    instance: dicom.Instance

    def stream(self, file: BinaryIO, index: int) -> bytes | None:
        pixels = self.instance.pixels
        return pixels.frame(file, index, self.instance.frames) if pixels else None


def stored_levels(path: Path, companions: Iterable[Path], vendor: str) -> tuple[StoredLevel, ...]:
    """The levels of a slide that are stored as JPEG tiles, each size once; none where that is not sure.

    `vendor` is OpenSlide's name of the format, `companions` the other files of a DICOM slide.
    """
    try:
        if vendor in _TIFF_VENDORS:
            with path.open("rb") as file:
                found = [*_tiff_levels(path, file)]
        elif vendor == "dicom":
            found = [*_dicom_levels(sorted({path, *companions}))]
        else:
            return ()
    except (OSError, EOFError, struct.error, SlideUnreadable):
        return ()  # decoding says what is wrong
    sizes = [size for size, _ in found]
    return tuple(level for size, level in found if level and sizes.count(size) == 1)


def _tiff_levels(path: Path, file: BinaryIO) -> Iterator[tuple[Size, StoredLevel | None]]:
    """Size and level of every tiled image of a TIFF; no level where it is not plain JPEG."""
    for directory in [*tiff_reading.directories(file)]:
        if tiff_reading.TILE_WIDTH in directory.tags:
            yield directory.size(file), _tiff_level(path, file, directory)


def _tiff_level(path: Path, file: BinaryIO, directory: Directory) -> StoredLevel | None:
    tags = directory.tags
    expected = {
        tiff_reading.COMPRESSION: (_JPEG,),
        tiff_reading.PHOTOMETRIC: (_RGB, _YCBCR),
        tiff_reading.SAMPLES: (3,),
        tiff_reading.BITS: (8,),
        tiff_reading.PLANAR: (0, 1),
        tiff_reading.FILL_ORDER: (0, 1),
        tiff_reading.ORIENTATION: (0, 1),
    }
    side = directory.number(file, tiff_reading.TILE_WIDTH), directory.number(file, tiff_reading.TILE_LENGTH)
    plain = all(directory.number(file, tag) in fit for tag, fit in expected.items()) and min(side) > 0
    if not plain or tiff_reading.TILE_OFFSETS not in tags or tiff_reading.TILE_COUNTS not in tags:
        return None
    tables = tags[tiff_reading.JPEG_TABLES].data(file) if tiff_reading.JPEG_TABLES in tags else b""
    return StoredLevel(
        path,
        directory.size(file),
        side,
        "RGB" if directory.number(file, tiff_reading.PHOTOMETRIC) == _RGB else "YCbCr",
        tables,
        _TiffStreams(tags[tiff_reading.TILE_OFFSETS], tags[tiff_reading.TILE_COUNTS]),
    )


def _dicom_levels(paths: Iterable[Path]) -> Iterator[tuple[Size, StoredLevel | None]]:
    for path in paths:
        instance = dicom.read_instance(path)
        if instance and instance.is_level:
            yield instance.size, _dicom_level(instance)


def _dicom_level(instance: dicom.Instance) -> StoredLevel | None:
    syntax, photometric, organisation = instance.coding
    across, down = instance.frame_size
    if syntax != _JPEG_BASELINE or photometric not in _DICOM_COLOURS or organisation != "TILED_FULL":
        return None
    needed = -(-instance.size[0] // max(1, across)) * -(-instance.size[1] // max(1, down))
    if len(instance.paths) > 1 or instance.frames != needed or min(across, down) < 1:
        return None
    colour = _DICOM_COLOURS[photometric]
    return StoredLevel(instance.path, instance.size, instance.frame_size, colour, b"", _DicomStreams(instance))
