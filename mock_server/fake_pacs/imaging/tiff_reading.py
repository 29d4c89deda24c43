"""The structure of TIFF files, classic and BigTIFF: directories, and where their values lie. Reads no pixels."""

from __future__ import annotations

import struct
from array import array
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

WIDTH, LENGTH, BITS, COMPRESSION, PHOTOMETRIC = 256, 257, 258, 259, 262
FILL_ORDER, STRIP_OFFSETS, ORIENTATION, SAMPLES, STRIP_COUNTS, PLANAR = 266, 273, 274, 277, 279, 284
TILE_WIDTH, TILE_LENGTH, TILE_OFFSETS, TILE_COUNTS, JPEG_TABLES = 322, 323, 324, 325, 347

_NUMBERS = {1: "B", 3: "H", 4: "L", 13: "L", 16: "Q", 18: "Q"}  # BYTE, SHORT, LONG, IFD, LONG8, IFD8
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
_MOST_DIRECTORIES = 10_000
LAST_OFFSET = (1 << 63) - 1
"""The last place in a file that a system can be asked for; a BigTIFF may name places beyond it."""
_MOST_ENDS_CHECKED = 4096
LARGEST_SIDE = 1 << 22
"""Pixels along a side beyond which a slide is absurd: at 0.25 µm/px a metre of glass."""


class BrokenDirectory(EOFError):  # noqa: N818 - named for what was found
    """A directory holds what it cannot hold; the text says what. There is no number in it, as if the file had ended."""


@dataclass(frozen=True)
class Values:
    """Where the values of a tag lie in the file, how many there are, and how they are spelled."""

    at: int
    count: int
    kind: int
    order: str

    def number(self, file: BinaryIO, index: int = 0) -> int:
        """One value that is a whole number. Raises EOFError where there is none."""
        code = self.order + self._code()
        size = struct.calcsize(code)
        at = self.at + index * size
        if not 0 <= index < self.count or at > LAST_OFFSET:
            raise EOFError
        file.seek(at)
        found = file.read(size)
        if len(found) < size:
            raise EOFError
        (number,) = struct.unpack(code, found)
        return int(number)

    def data(self, file: BinaryIO) -> bytes:
        """All values as they are spelled. Raises EOFError where the file ends before."""
        size = self.count * _SIZES.get(self.kind, 1)
        file.seek(0, 2)
        if self.at + size > file.tell():  # known before anything of a size that a broken file names is read
            raise EOFError
        file.seek(self.at)
        return file.read(size)

    def sampled(self, file: BinaryIO, step: int) -> list[int]:
        """Every so-manieth value, and the last. Raises EOFError where there are none, or no whole numbers."""
        numbers = array(_native(self._code()), self.data(file))
        if self.order == ">":
            numbers.byteswap()
        return [*numbers[::step], *numbers[-1:]]

    def _code(self) -> str:
        if self.kind not in _NUMBERS:
            raise BrokenDirectory(f"it holds values of type {self.kind} where whole numbers are expected")
        return _NUMBERS[self.kind]


@dataclass(frozen=True)
class Directory:
    """One image of a TIFF: its tags, each with the place of its values."""

    tags: Mapping[int, Values]

    def number(self, file: BinaryIO, tag: int, default: int = 0) -> int:
        """The first value of a tag, the default where the tag is absent."""
        return self.tags[tag].number(file) if tag in self.tags else default

    def size(self, file: BinaryIO) -> tuple[int, int]:
        """Width and height in px."""
        return self.number(file, WIDTH), self.number(file, LENGTH)


def directories(file: BinaryIO) -> Iterator[Directory]:
    """The directories of a TIFF in the order of their chain; none for what is no TIFF.

    Raises EOFError where a directory lies (partly) beyond the end of the file.
    """
    head = file.read(4)
    big = head in (b"II+\0", b"MM\0+")
    if not big and head not in (b"II*\0", b"MM\0*"):
        return
    order, pointer, first = ("<" if head[:2] == b"II" else ">"), ("Q" if big else "L"), (8 if big else 4)
    offset = _unpacked(file, f"{order}{pointer}", first)[0]
    seen: set[int] = set()
    while offset and offset not in seen and len(seen) < _MOST_DIRECTORIES:
        seen.add(offset)
        counting = f"{order}{'Q' if big else 'H'}"
        (number,) = _unpacked(file, counting, offset)
        start, width = offset + struct.calcsize(counting), 20 if big else 12
        yield _directory(file, order, pointer, start, min(number, 0xFFFF))
        (offset,) = _unpacked(file, f"{order}{pointer}", start + number * width)


def _directory(file: BinaryIO, order: str, pointer: str, start: int, number: int) -> Directory:
    shape = struct.Struct(f"{order}HH{pointer}{pointer}")
    file.seek(start)
    table = file.read(number * shape.size)
    if len(table) < number * shape.size:
        raise EOFError
    room = struct.calcsize(order + pointer)
    tags = {}
    for index, (tag, kind, count, value) in enumerate(shape.iter_unpack(table)):
        inline = start + (index + 1) * shape.size - room
        tags[tag] = Values(inline if count * _SIZES.get(kind, 1) <= room else value, count, kind, order)
    return Directory(tags)


def _unpacked(file: BinaryIO, code: str, at: int) -> tuple[int, ...]:
    size = struct.calcsize(code)
    file.seek(0, 2)
    if at + size > file.tell():
        raise EOFError
    file.seek(at)
    return struct.unpack(code, file.read(size))


def _native(code: str) -> str:
    """The array type of the same width on this machine: L has 4 bytes in files, 8 in many arrays."""
    return {1: "B", 2: "H", 4: "I", 8: "Q"}[struct.calcsize("<" + code)]


def complaint(path: Path) -> str | None:
    """What is wrong with a TIFF, as far as its directories tell: cut short, absurd sizes; None for sound ones.

    None, too, for what is no TIFF. Of images of very many tiles a few thousand are looked at. Raises OSError.
    """
    with path.open("rb") as file:
        file.seek(0, 2)
        end = file.tell()
        file.seek(0)
        if file.read(3) in (b"II*", b"MM\0") and end >= 2**32:  # NDPI beyond 4 GiB bends classic TIFF
            return None
        file.seek(0)
        try:
            for directory in directories(file):
                wrong = _wrong_size(directory, file) or _missing(directory, file, end)
                if wrong:
                    return wrong
        except BrokenDirectory as error:
            return f"broken: one of its directories is none: {error}"
        except EOFError:
            return "cut short: its directories end beyond the end of the file"
    return None


def _wrong_size(directory: Directory, file: BinaryIO) -> str | None:
    width, height = directory.size(file)
    if not (1 <= width <= LARGEST_SIDE and 1 <= height <= LARGEST_SIDE):
        return f"absurd size: {width} x {height} px; expected 1 to {LARGEST_SIDE} px along each side"
    if TILE_WIDTH not in directory.tags or TILE_OFFSETS not in directory.tags:
        return None
    across, down = directory.number(file, TILE_WIDTH), directory.number(file, TILE_LENGTH)
    if not (across and down):
        return f"absurd tiles: {across} x {down} px"
    needed, listed = -(-width // across) * -(-height // down), directory.tags[TILE_OFFSETS].count
    if listed < needed:
        return f"absurd size: {width} x {height} px need {needed} tiles of {across} x {down} px, {listed} are listed"
    return None


def _missing(directory: Directory, file: BinaryIO, end: int) -> str | None:
    for offsets, counts in ((STRIP_OFFSETS, STRIP_COUNTS), (TILE_OFFSETS, TILE_COUNTS)):
        if offsets in directory.tags and counts in directory.tags:
            step = max(1, directory.tags[offsets].count // _MOST_ENDS_CHECKED)
            starts, sizes = directory.tags[offsets].sampled(file, step), directory.tags[counts].sampled(file, step)
            last = max((start + size for start, size in zip(starts, sizes, strict=False)), default=0)
            if last > end:
                return f"cut short: its image data end {last - end} bytes beyond the end of the file"
    return None
