"""The corner slide: tissue in the lower right corner of much blank glass, so that no wrong point can look right on it.

Of points in that corner, those in pixels, with y divided by the height, or with the axes exchanged lie off the slide,
whatever the app looks for; right ones, wherever they are, lie on it. On a slide that is full of tissue they look alike.
"""

import io
import struct
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from PIL import Image

from fake_pacs.embedding import Slide
from ia_api_contract.app_geometry import Suspicion, detect, shapes_of

Outline = tuple[tuple[float, float], ...]

SIZE, TILE = (2048, 896), 256
"""In pixels. A level of 512 pixels is four times smaller, as it is of the demo slide that the tissue comes from."""

PLACE = (1280, 512)
"""Where the tissue begins, in pixels; it reaches to the edges. So y / height is above 1, and x above height / width."""

FROM = (256, 256)
"""What comes to lie there, in pixels of the demo slide."""

TISSUE: Outline = ((0.625, 0.25), (1.0, 0.25), (1.0, 0.4375), (0.625, 0.4375))
AREA: Outline = ((0.68, 0.27), (0.9, 0.28), (0.96, 0.35), (0.88, 0.41), (0.7, 0.4))
OTHER_AREA: Outline = ((0.66, 0.36), (0.69, 0.36), (0.69, 0.42), (0.66, 0.42))
"""The tissue, and what the user draws in it, in image widths."""


def suspected(result: Mapping[str, Any], drawn: Sequence[Outline] = ()) -> list[Suspicion]:
    """The mistakes that explain a result on the corner slide, the surest first; `drawn` is what the user drew on it.

    Empty for whatever lies on the slide: an app may find something on the glass, too.
    """
    plain = detect(result, SIZE)
    if not plain:
        return []
    where = "in the area that the user drew" if drawn else "on the tissue"
    text = f"on a slide with tissue in its lower right corner alone they lie off the slide, and so they'd lie {where}"
    return [replace(found, evidence=text) for found in detect(result, SIZE, area=drawn or [TISSUE])] or plain


def holds(result: Mapping[str, Any]) -> bool:
    """Whether all that the result shows lies on the corner slide, but for a pixel."""
    boxes = [shape.box() for shape in shapes_of(result)]
    pixel, height = 1 / SIZE[0], SIZE[1] / SIZE[0]
    return all(
        min(left, top) >= -pixel and right <= 1 + pixel and bottom <= height + pixel
        for left, top, right, bottom in boxes
    )


def write_corner_slide(path: Path, tissue: Slide) -> None:
    """Writes the slide as a tiled TIFF: its tissue is a part of that slide, which is a demo one of 256-pixel tiles.

    Raises `OSError` where the file can't be written.
    """
    width, height = SIZE[0] - PLACE[0], SIZE[1] - PLACE[1]
    microns = float(tissue.metadata()["micronsPerPixel"])
    glass = _tile(tissue, 0, 0).getpixel((0, 0))
    picture = Image.new("RGB", SIZE, glass)
    for column in range(width // TILE):
        for row in range(-(-height // TILE)):
            part = _tile(tissue, FROM[0] // TILE + column, FROM[1] // TILE + row)
            picture.paste(part, (PLACE[0] + column * TILE, PLACE[1] + row * TILE))
    path.write_bytes(_tiff(picture, microns))


def _tile(slide: Slide, column: int, row: int) -> Image.Image:
    """A tile of the full resolution."""
    members = slide.metadata()
    level = (max(members["imageSize"].values()) - 1).bit_length()
    plane = str(members["focalPlanes"][0]["id"])
    tile = slide.picture.tile(level, column, row, focal_plane=plane, optical_path=None, format="png")
    return Image.open(io.BytesIO(tile)).convert("RGB")


def _tiff(picture: Image.Image, microns: float) -> bytes:
    """The picture as a TIFF of tiles: one level, without loss."""
    streams = [zlib.compress(tile, 6) for tile in _tiles(picture)]
    start = 8
    offsets = [start + sum(map(len, streams[:number])) for number in range(len(streams))]
    per_cm = (round(10_000_000 / microns), 1000)
    entries = [
        (256, "I", (picture.width,)),
        (257, "I", (picture.height,)),
        (258, "H", (8, 8, 8)),
        (259, "H", (8,)),  # deflate
        (262, "H", (2,)),  # RGB
        (277, "H", (3,)),
        (282, "R", per_cm),
        (283, "R", per_cm),
        (284, "H", (1,)),
        (296, "H", (3,)),  # per cm
        (322, "I", (TILE,)),
        (323, "I", (TILE,)),
        (324, "I", tuple(offsets)),
        (325, "I", tuple(map(len, streams))),
    ]
    data = b"".join(streams)
    data += b"\0" * (len(data) % 2)
    return struct.pack("<2sHI", b"II", 42, start + len(data)) + data + _directory(entries, start + len(data))


def _tiles(picture: Image.Image) -> Iterator[bytes]:
    """Row by row; beyond the edges they are black, which nobody sees."""
    for top in range(0, picture.height, TILE):
        for left in range(0, picture.width, TILE):
            yield picture.crop((left, top, left + TILE, top + TILE)).tobytes()


def _directory(entries: list[tuple[int, str, tuple[int, ...]]], place: int) -> bytes:
    """The TIFF directory that stands at that place of the file, and the values that don't fit in it."""
    numbers = {"H": 3, "I": 4, "R": 5}
    table, rest = struct.pack("<H", len(entries)), b""
    after = place + 2 + 12 * len(entries) + 4
    for tag, sort, values in entries:
        packed = struct.pack(f"<{len(values)}{'I' if sort == 'R' else sort}", *values)
        count = 1 if sort == "R" else len(values)
        if len(packed) > 4:
            place_of, rest = after + len(rest), rest + packed
            packed = struct.pack("<I", place_of)
        table += struct.pack("<HHI4s", tag, numbers[sort], count, packed.ljust(4, b"\0"))
    return table + struct.pack("<I", 0) + rest
