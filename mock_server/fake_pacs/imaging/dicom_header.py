"""The head of a DICOM file: the few attributes that decide what it is, and where its pixel data lie.

Read here rather than by pydicom, which takes a hundred times as long: a folder may hold 50,000 such files. Files that
are not in explicit little endian, as whole-slide images nearly always are, go to pydicom.
"""

from __future__ import annotations

import struct
import warnings
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import BinaryIO

from fake_pacs.imaging.dicom_pixels import PixelData

PREAMBLE = 132
_Found = dict[int, tuple[int, int, int]]
"""Type, place of the value and length of elements by tag."""


def _tag(number: int) -> int:
    """A tag as it is read as one number in little endian: the group comes last."""
    return (number & 0xFFFF) << 16 | number >> 16


def _type(name: bytes) -> int:
    return int.from_bytes(name, "little")


_SYNTAX = _tag(0x00020010)
_KEYWORDS = {
    _SYNTAX: "TransferSyntaxUID",
    _tag(0x00080008): "ImageType",
    _tag(0x00080016): "SOPClassUID",
    _tag(0x0020000E): "SeriesInstanceUID",
    _tag(0x00209311): "DimensionOrganizationType",
    _tag(0x00280004): "PhotometricInterpretation",
    _tag(0x00280008): "NumberOfFrames",
    _tag(0x00280010): "Rows",
    _tag(0x00280011): "Columns",
    _tag(0x00480006): "TotalPixelMatrixColumns",
    _tag(0x00480007): "TotalPixelMatrixRows",
    _tag(0x00480302): "NumberOfOpticalPaths",
    _tag(0x00480303): "TotalPixelMatrixFocalPlanes",
}
_PATH_KEYWORDS = {_tag(0x00480106): "OpticalPathIdentifier", _tag(0x00480107): "OpticalPathDescription"}
_OPTICAL_PATHS, _PER_FRAME = _tag(0x00480105), _tag(0x52009230)
_EXTENDED_OFFSETS, _PIXELS = _tag(0x7FE00001), _tag(0x7FE00010)
_ITEM, _ENDS = _tag(0xFFFEE000), frozenset({_tag(0xFFFEE00D), _tag(0xFFFEE0DD)})
_STOPS = frozenset({_SYNTAX, _PER_FRAME, _PIXELS})
"""Where the way through a file ends: how to go on must be decided first, or skipping it would take too long.

What each of 100,000 frames says of itself is skipped item by item where its length is undefined.
"""
_WANTED = frozenset({*_KEYWORDS, _OPTICAL_PATHS, _EXTENDED_OFFSETS, *_STOPS, *_ENDS})
_WANTED_OF_PATHS = frozenset({*_PATH_KEYWORDS, *_ENDS})
_LONG_LENGTHS = frozenset(
    map(_type, (b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"))
)
_NUMBERS = {_type(b"US"): struct.Struct("<H"), _type(b"UL"): struct.Struct("<L")}
_UNDEFINED = 0xFFFFFFFF
_NOT_EXPLICIT_LITTLE = {"1.2.840.10008.1.2", "1.2.840.10008.1.2.2", "1.2.840.10008.1.2.1.99"}
_LONGEST_TEXT = 4096
_PIECE = 16 * 1024
_ELEMENT, _LENGTH, _ITEM_HEAD = struct.Struct("<LHH"), struct.Struct("<L"), struct.Struct("<LL")


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


class _Pieces:
    """A file, read in pieces: nearly always its whole head lies in the first one, so it is read once."""

    def __init__(self, file: BinaryIO) -> None:
        self.end = file.seek(0, 2)
        self._file = file
        self._start, self._piece = 0, b""

    def at(self, place: int, size: int) -> tuple[bytes, int]:
        """A piece that holds so many bytes from that place on (less at the end of the file), and where in it they are.

        `size` is at most 16 KiB.
        """
        offset = place - self._start
        if offset < 0 or offset + size > len(self._piece):
            self._file.seek(place)
            self._start, self._piece, offset = place, self._file.read(_PIECE), 0
        return self._piece, offset


def read_header(file: BinaryIO) -> Header:
    """The head of a file that starts as DICOM files do. Raises what pydicom raises for files that only it can read."""
    pieces = _Pieces(file)
    found: _Found = {}
    paths: list[Mapping[str, str]] = []
    try:
        at = _walk(pieces, PREAMBLE, pieces.end, _WANTED, found)
        if _SYNTAX in found:
            if _text(pieces, *found[_SYNTAX]) in _NOT_EXPLICIT_LITTLE:
                return _by_pydicom(file)
            _walk(pieces, at, pieces.end, _WANTED, found)
        if _OPTICAL_PATHS in found:
            paths += _paths(pieces, *found[_OPTICAL_PATHS][1:])
    except EOFError:
        found.pop(_PIXELS, None)
        found.pop(_PER_FRAME, None)
    values = {_KEYWORDS[tag]: _text(pieces, *place) for tag, place in found.items() if tag in _KEYWORDS}
    if _PIXELS in found:
        pixels = _pixels(found)
        return Header(values, tuple(paths), pixels, pixels.missing(file))
    return Header(values, tuple(paths), cut=_PER_FRAME not in found or found[_PER_FRAME][2] != _UNDEFINED)


def _pixels(found: _Found) -> PixelData:
    _, at, length = found[_PIXELS]
    extended = found[_EXTENDED_OFFSETS][1] if _EXTENDED_OFFSETS in found else None
    return PixelData(at, None if length == _UNDEFINED else length, extended)


def _walk(pieces: _Pieces, at: int, end: int, wanted: Collection[int], found: _Found) -> int:
    """Go through elements, note the wanted ones, and give the place after the last.

    Ends at that place, after the delimiter of an item or a sequence, and after an element that is a stop. Raises
    EOFError. Runs for each of 50,000 files through some 80 elements, so it asks as little as it can of each.
    """
    start, last, piece = 0, -1, b""
    length: int
    while at < end:
        if at > last:
            piece, offset = pieces.at(at, 12)
            start, last = at - offset, at - offset + len(piece) - 12
            if len(piece) - offset < 8:
                raise EOFError
        tag, kind, length = _ELEMENT.unpack_from(piece, at - start)
        if kind in _LONG_LENGTHS:
            if at > last:
                raise EOFError
            (length,) = _LENGTH.unpack_from(piece, at - start + 8)
            at += 12
        else:
            at += 8
        if tag in wanted:
            if tag in _ENDS:
                return at
            found[tag] = kind, at, length
            if tag in _STOPS and (tag != _PER_FRAME or length == _UNDEFINED):
                return at + length
        at = _end_of_sequence(pieces, at) if length == _UNDEFINED else at + length
    if at > pieces.end:
        raise EOFError
    return at


def _end_of_sequence(pieces: _Pieces, at: int) -> int:
    """Where a sequence of undefined length ends, found by going through its items."""
    end = at
    for _, stop in _item_places(pieces, at):
        end = stop
    return end + 8


def _item_places(pieces: _Pieces, at: int) -> Iterator[tuple[int, int]]:
    """Where the items of a sequence begin and end, up to its delimiter; one of undefined length is gone through once.

    Going through it twice would double the work with each level that sequences lie in one another.
    """
    while True:
        if pieces.end - at < 8:
            raise EOFError
        tag, length = _ITEM_HEAD.unpack_from(*pieces.at(at, 8))
        if tag != _ITEM:
            return
        start = at + 8
        at = start + length if length != _UNDEFINED else _walk(pieces, start, pieces.end, _ENDS, {})
        yield start, at


def _paths(pieces: _Pieces, at: int, length: int) -> Iterator[Mapping[str, str]]:
    """The optical paths that a sequence lists."""
    end = at + length if length != _UNDEFINED else pieces.end
    for start, stop in _item_places(pieces, at):
        if start >= end:
            return
        found: _Found = {}
        _walk(pieces, start, stop, _WANTED_OF_PATHS, found)
        yield {_PATH_KEYWORDS[tag]: _text(pieces, *place) for tag, place in found.items()}


def _text(pieces: _Pieces, kind: int, at: int, length: int) -> str:
    """A value as text; of several numbers the first."""
    size = min(length, _LONGEST_TEXT)
    piece, place = pieces.at(at, size)
    raw = piece[place : place + size]
    if kind in _NUMBERS and len(raw) >= _NUMBERS[kind].size:
        return str(_NUMBERS[kind].unpack_from(raw)[0])
    try:
        return raw.decode("utf-8").strip("\0 ")
    except UnicodeDecodeError:
        return raw.decode("latin-1").strip("\0 ")


def _by_pydicom(file: BinaryIO) -> Header:
    from pydicom.filereader import read_partial

    file.seek(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # unfit values are left out
        data = read_partial(file, stop_when=lambda tag, vr, length: tag >= 0x52009230)
        values = {keyword: data.get(keyword) for keyword in _KEYWORDS.values()}
        values |= {"TransferSyntaxUID": data.file_meta.get("TransferSyntaxUID")}
        told = {k: "\\".join(v) if isinstance(v, list) else str(v) for k, v in values.items() if v is not None}
        listed = data.get("OpticalPathSequence") or ()
        paths = [{keyword: str(item.get(keyword) or "") for keyword in _PATH_KEYWORDS.values()} for item in listed]
    return Header(told, tuple(paths))
