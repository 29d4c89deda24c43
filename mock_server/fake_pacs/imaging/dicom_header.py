"""The head of a DICOM file: the few attributes that decide what it is, and where its pixel data lie.

Read here rather than by pydicom, which takes a hundred times as long: a folder may hold 50,000 such files. Files that
are not in explicit little endian, as whole-slide images nearly always are, go to pydicom.
"""

from __future__ import annotations

import struct
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import BinaryIO

from fake_pacs.imaging.dicom_pixels import PixelData

PREAMBLE = 132
_KEYWORDS = {
    0x00020010: "TransferSyntaxUID",
    0x00080008: "ImageType",
    0x00080016: "SOPClassUID",
    0x0020000E: "SeriesInstanceUID",
    0x00209311: "DimensionOrganizationType",
    0x00280004: "PhotometricInterpretation",
    0x00280008: "NumberOfFrames",
    0x00280010: "Rows",
    0x00280011: "Columns",
    0x00480006: "TotalPixelMatrixColumns",
    0x00480007: "TotalPixelMatrixRows",
    0x00480302: "NumberOfOpticalPaths",
    0x00480303: "TotalPixelMatrixFocalPlanes",
}
_PATH_KEYWORDS = {0x00480106: "OpticalPathIdentifier", 0x00480107: "OpticalPathDescription"}
_OPTICAL_PATHS, _PER_FRAME, _EXTENDED_OFFSETS, _PIXELS = 0x00480105, 0x52009230, 0x7FE00001, 0x7FE00010
_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
_LONG_LENGTHS = {b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"}
_NUMBERS = {b"US": "<H", b"UL": "<L"}
_UNDEFINED = 0xFFFFFFFF
_NOT_EXPLICIT_LITTLE = {"1.2.840.10008.1.2", "1.2.840.10008.1.2.2", "1.2.840.10008.1.2.1.99"}
_LONGEST_TEXT = 4096


@dataclass(frozen=True)
class Header:
    """Attributes by keyword as texts, the optical paths' likewise, and the pixel data (None: the way is not plain).

    `cut` where the file ends before its pixel data do, or has none.
    """

    values: Mapping[str, str]
    optical_paths: tuple[Mapping[str, str], ...] = ()
    pixels: PixelData | None = None
    cut: bool = False

    def number(self, keyword: str) -> int:
        """The attribute as a whole number, 0 where it is absent or none."""
        text = self.values.get(keyword, "")
        return int(text) if text.isascii() and text.isdigit() else 0


def read_header(file: BinaryIO) -> Header:
    """The head of a file that starts as DICOM files do. Raises what pydicom raises for files that only it can read."""
    values: dict[str, str] = {}
    paths: list[Mapping[str, str]] = []
    extended = None
    try:
        for tag, kind, at, length in _elements(file, PREAMBLE):
            if tag in _KEYWORDS:
                values[_KEYWORDS[tag]] = _text(file, kind, at, length)
            elif tag == _OPTICAL_PATHS:
                paths = [*_items(file, at, length)]
            elif tag == _EXTENDED_OFFSETS:
                extended = at
            elif tag == _PIXELS:
                pixels = PixelData(at, None if length == _UNDEFINED else length, extended)
                return Header(values, tuple(paths), pixels, pixels.missing(file))
            if tag >> 16 > 2 and values.get("TransferSyntaxUID") in _NOT_EXPLICIT_LITTLE:
                return _by_pydicom(file)
            if tag >= _PER_FRAME and length == _UNDEFINED:
                return Header(values, tuple(paths))  # skipping what it says of each of 100,000 frames takes too long
    except EOFError:
        pass
    return Header(values, tuple(paths), cut=True)


def _elements(file: BinaryIO, at: int) -> Iterator[tuple[int, bytes, int, int]]:
    """Tag, type, place of the value and length of each element, up to the end of an item or of the file.

    Sequences of undefined length are skipped when the next element is asked for. Raises EOFError.
    """
    end = file.seek(0, 2)
    while at < end:
        file.seek(at)
        head = file.read(12)
        if len(head) < 8:
            raise EOFError
        group, element, kind, length = struct.unpack_from("<HH2sH", head)
        tag = group << 16 | element
        if tag in (_ITEM_END, _SEQUENCE_END):
            return
        at += 8
        if kind in _LONG_LENGTHS:
            if len(head) < 12:
                raise EOFError
            (length,) = struct.unpack_from("<L", head, 8)
            at += 4
        yield tag, kind, at, length
        at = _end_of_sequence(file, at) if length == _UNDEFINED else at + length
    if at > end:
        raise EOFError


def _end_of_sequence(file: BinaryIO, at: int) -> int:
    """Where a sequence of undefined length ends, found by going through its items."""
    for _, start, length in _item_places(file, at):
        at = start + length if length != _UNDEFINED else _end_of_item(file, start)
    return at + 8


def _end_of_item(file: BinaryIO, at: int) -> int:
    for _, _, start, length in _elements(file, at):
        at = _end_of_sequence(file, start) if length == _UNDEFINED else start + length
    return at + 8


def _item_places(file: BinaryIO, at: int) -> Iterator[tuple[int, int, int]]:
    """Tag, place and length of the items of a sequence, up to its delimiter."""
    while True:
        file.seek(at)
        head = file.read(8)
        if len(head) < 8:
            raise EOFError
        group, element, length = struct.unpack("<HHL", head)
        if (group << 16 | element) != _ITEM:
            return
        yield _ITEM, at + 8, length
        at = at + 8 + length if length != _UNDEFINED else _end_of_item(file, at + 8)


def _items(file: BinaryIO, at: int, length: int) -> Iterator[Mapping[str, str]]:
    """The optical paths that a sequence lists."""
    end = at + length if length != _UNDEFINED else file.seek(0, 2)
    for _, start, size in _item_places(file, at):
        if start >= end:
            return
        found = {}
        for tag, kind, place, many in _elements(file, start):
            if size != _UNDEFINED and place > start + size:
                break
            if tag in _PATH_KEYWORDS:
                found[_PATH_KEYWORDS[tag]] = _text(file, kind, place, many)
        yield found


def _text(file: BinaryIO, kind: bytes, at: int, length: int) -> str:
    """A value as text; of several numbers the first."""
    file.seek(at)
    raw = file.read(min(length, _LONGEST_TEXT))
    if kind in _NUMBERS and len(raw) >= struct.calcsize(_NUMBERS[kind]):
        return str(struct.unpack_from(_NUMBERS[kind], raw)[0])
    try:
        return raw.decode("utf-8").strip("\0 ")
    except UnicodeDecodeError:
        return raw.decode("latin-1").strip("\0 ")


def _by_pydicom(file: BinaryIO) -> Header:
    from pydicom.filereader import read_partial

    file.seek(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # unfit values are left out
        data = read_partial(file, stop_when=lambda tag, vr, length: tag >= _PER_FRAME)
        values = {keyword: data.get(keyword) for keyword in _KEYWORDS.values()}
        values |= {"TransferSyntaxUID": data.file_meta.get("TransferSyntaxUID")}
        told = {k: "\\".join(v) if isinstance(v, list) else str(v) for k, v in values.items() if v is not None}
        listed = data.get("OpticalPathSequence") or ()
        paths = [{keyword: str(item.get(keyword) or "") for keyword in _PATH_KEYWORDS.values()} for item in listed]
    return Header(told, tuple(paths))
