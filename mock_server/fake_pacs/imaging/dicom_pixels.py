"""Where the pixel data of a DICOM file lie: whether they are whole, and single frames of them as they are stored."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

_ITEM, _END = b"\xfe\xff\x00\xe0", b"\xfe\xff\xdd\xe0"
_MOST_ITEMS = 1_000_000
_LARGEST_FRAME = 64 << 20  # bytes; a broken file may name any number, and reading reserves what it names


@dataclass(frozen=True)
class PixelData:
    """The pixel data element of a file in explicit little endian: where its value lies.

    `length` in bytes, None where the frames are encapsulated. `extended` is the place of the extended offset table.
    """

    at: int
    length: int | None
    extended: int | None = None

    def missing(self, file: BinaryIO) -> bool:
        """Whether the file ends before the pixel data do."""
        end = file.seek(0, 2)
        if self.length is not None:
            return self.at + self.length > end
        file.seek(max(0, end - 8))
        if file.read(8) == _END + bytes(4):
            return False
        return not any(tag == _END for tag, _, _ in _items(file, self.at, end))

    def frame(self, file: BinaryIO, index: int, count: int) -> bytes | None:
        """The stored bytes of one of `count` frames; None where it is not one fragment at a place that is told."""
        table, first = self._table(file)
        if self.length is not None or table is None:
            return None
        at, code = table
        size = struct.calcsize(code)
        file.seek(at + index * size)
        told = struct.unpack(f"<{min(2, count - index)}{code[1]}", file.read(size * min(2, count - index)))
        if told[0] > file.seek(0, 2):
            return None
        file.seek(first + told[0])
        tag, length = struct.unpack("<4sL", file.read(8))
        if tag != _ITEM or length > _LARGEST_FRAME or (len(told) == 2 and told[1] - told[0] != 8 + length):
            return None
        data = file.read(length)
        return data if file.read(4) in (_ITEM, _END) and (len(told) == 2 or self._ends(file)) else None

    def _table(self, file: BinaryIO) -> tuple[tuple[int, str] | None, int]:
        """Place and type of the frame offsets, None where there are none; and the place they count from."""
        file.seek(self.at)
        tag, length = struct.unpack("<4sL", file.read(8))
        first = self.at + 8 + length
        if tag != _ITEM:
            return None, first
        if self.extended is not None:
            return (self.extended, "<Q"), first
        return ((self.at + 8, "<L") if length else None), first

    def _ends(self, file: BinaryIO) -> bool:
        file.seek(-4, 1)
        return file.read(4) == _END


def _items(file: BinaryIO, at: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Tag, place and length of the items of encapsulated pixel data, up to the delimiter or the end of the file."""
    for _ in range(_MOST_ITEMS):
        if at + 8 > end:
            return
        file.seek(at)
        tag, length = struct.unpack("<4sL", file.read(8))
        yield tag, at + 8, length
        if tag != _ITEM:
            return
        at += 8 + length
