"""Writing small tiled TIFF files: whole-slide images of what the emulator draws."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Sequence

from PIL import Image


def tiled_tiff(images: Sequence[Image.Image], tile_size: int = 256, microns_per_pixel: float | None = None) -> bytes:
    """A tiled TIFF of RGB images, the largest first, which OpenSlide reads as a pyramid; lossless (deflate).

    Meant for small made-up slides: everything is held in memory. `tile_size` in px, a multiple of 16.
    """
    body = bytearray(struct.pack("<2sHL", b"II", 42, 0))
    link = 4  # where the offset of the next directory has to be written
    for index, image in enumerate(images):
        tiles = [zlib.compress(tile) for tile in _tiles(image, tile_size)]
        offsets = []
        for tile in tiles:
            offsets.append(len(body))
            body += tile + b"\0" * (len(tile) % 2)
        entries = _directory(image.size, tile_size, offsets, [len(tile) for tile in tiles], index, microns_per_pixel)
        link = _append_directory(body, link, entries)
    return bytes(body)


def _tiles(image: Image.Image, tile_size: int) -> Iterator[bytes]:
    """The pixels of each tile, row by row; what lies outside the image is black, as `crop` makes it."""
    for top in range(0, image.height, tile_size):
        for left in range(0, image.width, tile_size):
            yield image.convert("RGB").crop((left, top, left + tile_size, top + tile_size)).tobytes()


def _directory(
    size: tuple[int, int], tile_size: int, offsets: list[int], counts: list[int], index: int, mpp: float | None
) -> list[tuple[int, int, list[int]]]:
    """Tag, type and values of one directory, in the order of the tags."""
    per_cm = [10_000_000, round(mpp * 1000)] if mpp else [0, 1]
    return [
        (254, 4, [1 if index else 0]),  # NewSubfileType: reduced resolution
        (256, 4, [size[0]]),
        (257, 4, [size[1]]),
        (258, 3, [8, 8, 8]),
        (259, 3, [8]),  # Compression: deflate
        (262, 3, [2]),  # PhotometricInterpretation: RGB
        (277, 3, [3]),
        (282, 5, per_cm),
        (283, 5, per_cm),
        (284, 3, [1]),
        (296, 3, [3]),  # ResolutionUnit: cm
        (322, 4, [tile_size]),
        (323, 4, [tile_size]),
        (324, 4, offsets),
        (325, 4, counts),
    ]


def _append_directory(body: bytearray, link: int, entries: list[tuple[int, int, list[int]]]) -> int:
    """Append values and directory, point `link` at it, and return where the next link is."""
    packed = []
    for tag, kind, values in entries:
        data = struct.pack(f"<{len(values)}{'H' if kind == 3 else 'L'}", *values)
        if len(data) > 4:
            position = len(body)
            body += data + b"\0" * (len(data) % 2)
            data = struct.pack("<L", position)
        packed.append(struct.pack("<HHL", tag, kind, len(values) // (2 if kind == 5 else 1)) + data.ljust(4, b"\0"))
    struct.pack_into("<L", body, link, len(body))
    body += struct.pack("<H", len(packed)) + b"".join(packed)
    body += struct.pack("<L", 0)
    return len(body) - 4
