"""JPEG streams as files hold them, made complete without decoding a pixel; anything unsure is refused."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Literal

Colour = Literal["RGB", "YCbCr"]

_SOI, _EOI = b"\xff\xd8", b"\xff\xd9"
_SOF0, _DHT, _SOS, _DQT, _DRI = 0xC0, 0xC4, 0xDA, 0xDB, 0xDD
_APP0, _APP14, _COMMENT = 0xE0, 0xEE, 0xFE
_JFIF = b"\xff\xe0\x00\x10JFIF\0\x01\x01\x00\x00\x01\x00\x01\x00\x00"
_ADOBE_RGB = b"\xff\xee\x00\x0eAdobe\0\x64\0\0\0\0\0"  # the last byte: no colour transform

Segment = tuple[int, bytes]


class _Unsure(Exception):  # noqa: N818 - a way out, not an error
    """The stream is not what this module knows; decoding it is the safe way."""


def complete_jpeg(stream: bytes, tables: bytes, size: tuple[int, int], colour: Colour) -> bytes | None:
    """A whole JPEG file of a stored tile: tables merged in, colour said, pixels untouched; None where unsure.

    `tables` is an abbreviated stream that only brings tables (TIFF tag 347), or empty. Sure is: baseline, 8 bits, three
    components, exactly this size in px, all tables there, and nothing in it that says another colour.
    """
    try:
        head, scan = _split(stream)
        given = _tables_of(tables)
        _check_frame(head, size)
        _check_colour(head, colour)
        _check_tables(given + head, scan)
    except (_Unsure, struct.error, IndexError):
        return None
    kept = [segment for segment in given + head if segment[0] in (_DQT, _DHT, _SOF0, _DRI)]
    marker = _ADOBE_RGB if colour == "RGB" else _JFIF
    return b"".join((_SOI, marker, *map(_written, kept), scan))


def _split(stream: bytes) -> tuple[list[Segment], bytes]:
    """The segments before the first scan, and everything from the scan on, which ends with EOI."""
    head = list(_segments(stream))
    start = 2 + sum(4 + len(body) for _, body in head)
    scan = stream[start:]
    if scan[:2] != b"\xff\xda" or not scan.endswith((_EOI, _EOI + b"\0")):  # one byte pads to even lengths
        raise _Unsure
    return head, scan if scan.endswith(_EOI) else scan[:-1]


def _tables_of(stream: bytes) -> list[Segment]:
    if not stream:
        return []
    if not stream.endswith(_EOI):
        raise _Unsure
    found = list(_segments(stream))
    if any(marker not in (_DQT, _DHT, _APP0, _APP14, _COMMENT) for marker, _ in found):
        raise _Unsure
    return found


def _segments(stream: bytes) -> Iterator[Segment]:
    """The segments up to the first scan or the end of the image."""
    if stream[:2] != _SOI:
        raise _Unsure
    at = 2
    while stream[at : at + 2] not in (b"\xff\xda", _EOI):
        fill, marker, length = struct.unpack_from(">BBH", stream, at)
        if fill != 0xFF or length < 2 or at + 2 + length > len(stream):
            raise _Unsure
        yield marker, stream[at + 4 : at + 2 + length]
        at += 2 + length


def _check_frame(head: list[Segment], size: tuple[int, int]) -> None:
    frames = [body for marker, body in head if 0xC0 <= marker <= 0xCF and marker != _DHT]
    if len(frames) != 1 or (_SOF0, frames[0]) not in head:
        raise _Unsure  # progressive, lossless, arithmetic …
    precision, height, width, components = struct.unpack_from(">BHHB", frames[0])
    if (precision, components, (width, height)) != (8, 3, size):
        raise _Unsure


def _check_colour(head: list[Segment], colour: Colour) -> None:
    """Nothing in the stream may speak against the colour that the slide file names."""
    for marker, body in head:
        if marker == _APP0 and body.startswith(b"JFIF") and colour == "RGB":
            raise _Unsure
        if marker == _APP14 and body.startswith(b"Adobe") and (body[11] == 1) != (colour == "YCbCr"):
            raise _Unsure


def _check_tables(segments: list[Segment], scan: bytes) -> None:
    """Every table that the frame and its first scan name has to be there."""
    quantisation = {body[at] & 15 for marker, body in segments if marker == _DQT for at in _starts_dqt(body)}
    huffman = {body[at] for marker, body in segments if marker == _DHT for at in _starts_dht(body)}
    frame = next(body for marker, body in segments if marker == _SOF0)
    needed = {frame[6 + 3 * index + 2] for index in range(3)}
    selectors = [scan[5 + 2 * index + 1] for index in range(scan[4])]
    coding = {selector >> 4 for selector in selectors} | {0x10 | (selector & 15) for selector in selectors}
    if not (needed <= quantisation and coding <= huffman):
        raise _Unsure


def _starts_dqt(body: bytes) -> Iterator[int]:
    at = 0
    while at < len(body):
        yield at
        at += 65 + 64 * (body[at] >> 4)


def _starts_dht(body: bytes) -> Iterator[int]:
    at = 0
    while at < len(body):
        yield at
        at += 17 + sum(body[at + 1 : at + 17])


def _written(segment: Segment) -> bytes:
    marker, body = segment
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body
