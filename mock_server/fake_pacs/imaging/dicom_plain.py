"""The DICOM attributes that case and slide are told by, where they are written plainly, as they nearly always are.

pydicom takes 0.6 s to load and five times as long for each file, and a folder may hold 10,000 slides. Whatever isn't
plain (implicit or big endian, rare character sets, several values, a header beyond `READ`) is left to it.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Any, BinaryIO

_TEXTS = {
    0x00080005: "SpecificCharacterSet",
    0x00080020: "StudyDate",
    0x00080030: "StudyTime",
    0x00080050: "AccessionNumber",
    0x00080100: "CodeValue",
    0x00080104: "CodeMeaning",
    0x00081010: "StationName",
    0x00081030: "StudyDescription",
    0x00180015: "BodyPartExamined",
    0x0020000D: "StudyInstanceUID",
    0x0020000E: "SeriesInstanceUID",
    0x00200010: "StudyID",
    0x00400031: "LocalNamespaceEntityID",
    0x00400032: "UniversalEntityID",
    0x00400512: "ContainerIdentifier",
    0x00400600: "SpecimenShortDescription",
    0x00400602: "SpecimenDetailedDescription",
    0x0040A160: "TextValue",
}
_SEQUENCES = {
    0x00080051: "IssuerOfAccessionNumberSequence",
    0x00082228: "PrimaryAnatomicStructureSequence",
    0x00400560: "SpecimenDescriptionSequence",
    0x00400610: "SpecimenPreparationSequence",
    0x00400612: "SpecimenPreparationStepContentItemSequence",
    0x0040A043: "ConceptNameCodeSequence",
    0x0040A168: "ConceptCodeSequence",
}
_LAST = 0x00400560
"""The last one outside of sequences; elements are in order."""
_START = 132
READ = 64 * 1024
"""So many bytes of a file are looked at."""

_OTHER_SYNTAXES = {b"1.2.840.10008.1.2", b"1.2.840.10008.1.2.2", b"1.2.840.10008.1.2.1.99"}
_SYNTAX = 0x00020010
_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
_LONG_LENGTHS = {b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"}
_ONE_VALUE = {b"UT", b"ST", b"LT"}
"""Types in whose values a backslash is one; in others it divides values."""
_UNDEFINED = 0xFFFFFFFF
_ENCODINGS = {"": "ascii", "ISO_IR 6": "ascii", "ISO_IR 100": "latin-1", "ISO_IR 192": "utf-8"}
_ELEMENT = struct.Struct("<HH2sH")
_LENGTH = struct.Struct("<L")
_ITEM_HEAD = struct.Struct("<HHL")


class _NotPlain(Exception):  # noqa: N818 - a way out, not an error
    """This file is one for pydicom."""


def plain_attributes(file: BinaryIO) -> Mapping[str, Any] | None:
    """Attributes by keyword, texts or lists of such mappings, as `case_members` and `slide_members` want them.

    None for a file that is not plain, or broken: pydicom reads it, or says what is wrong. Raises OSError.
    """
    file.seek(0)
    raw = file.read(READ)
    try:
        found, _ = _elements(raw, _START, len(raw), outside=True)
        encoding = _ENCODINGS[found.get("SpecificCharacterSet", b"").decode("ascii").strip()]
        return {name: _decoded(value, encoding) for name, value in found.items()}
    except (_NotPlain, struct.error, UnicodeDecodeError, KeyError, RecursionError):
        return None


def _elements(raw: bytes, at: int, end: int, *, outside: bool = False) -> tuple[dict[str, Any], int]:
    """What is found up to that place, or to the end of an item of undefined length, and where that is."""
    found: dict[str, Any] = {}
    while at < end:
        group, element, kind, length = _ELEMENT.unpack_from(raw, at)
        tag = group << 16 | element
        if tag == _ITEM_END:
            return found, at + 8
        if outside and tag > _LAST:
            return found, at
        at += 8
        if kind in _LONG_LENGTHS:
            (length,) = _LENGTH.unpack_from(raw, at)
            at += 4
        if tag in _SEQUENCES or length == _UNDEFINED:
            items, at = _items(raw, at, length, kind)
            if tag in _SEQUENCES:
                found[_SEQUENCES[tag]] = items
            continue
        if at + length > len(raw):
            raise _NotPlain
        if tag in _TEXTS:
            found[_TEXTS[tag]] = _value(raw[at : at + length], kind)
        elif tag == _SYNTAX and raw[at : at + length].rstrip(b"\0 ") in _OTHER_SYNTAXES:
            raise _NotPlain
        at += length
    if outside:
        raise _NotPlain  # the wanted ones may come later
    return found, at


def _items(raw: bytes, at: int, length: int, kind: bytes) -> tuple[list[dict[str, Any]], int]:
    """The items of a sequence, and where it ends."""
    if kind != b"SQ":
        raise _NotPlain
    items: list[dict[str, Any]] = []
    end = len(raw) if length == _UNDEFINED else at + length
    while at < end:
        group, element, size = _ITEM_HEAD.unpack_from(raw, at)
        at += 8
        if (tag := group << 16 | element) == _SEQUENCE_END:
            return items, at
        if tag != _ITEM:
            raise _NotPlain
        item, at = _elements(raw, at, len(raw) if size == _UNDEFINED else at + size)
        if "SpecificCharacterSet" in item:
            raise _NotPlain
        items.append(item)
    return items, at


def _value(raw: bytes, kind: bytes) -> bytes:
    if b"\\" in raw and kind not in _ONE_VALUE:
        raise _NotPlain
    return raw.rstrip(b"\0 ")


def _decoded(value: Any, encoding: str) -> Any:
    if isinstance(value, bytes):
        return value.decode(encoding)
    return [{name: _decoded(inner, encoding) for name, inner in item.items()} for item in value]
