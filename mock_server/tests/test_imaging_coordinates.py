"""A point in the normalised frame lands on the same pixel through the tiles of every level and through the file."""

from __future__ import annotations

import io
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import openslide
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageStat

from fake_pacs.imaging import pyramid
from fake_pacs.imaging.openslide_picture import Layer, OpenSlidePicture
from fake_pacs.imaging.slide_reader import SlideReader
from fake_pacs.imaging.tiff import tiled_tiff

MARK = 16
"""Side in px of the marks: squares on a grid from the corner, each of a colour of its own."""
COLUMNS = 80


def colour_of(column: int, row: int) -> tuple[int, int, int]:
    """The colour of a mark, from which its place can be told."""
    number = row * COLUMNS + column
    return number % 64 * 4, number // 64 * 3, 90 + (column + row) % 2 * 60


def mark_at(colour: tuple[int, ...]) -> tuple[int, int]:
    """The place of the mark of a colour."""
    row, column = divmod(colour[1] // 3 * 64 + colour[0] // 4, COLUMNS)
    return column, row


class Marked:
    """A slide of marks, with as many levels in the file, and its picture."""

    def __init__(self, path: Path, size: tuple[int, int], levels: int) -> None:
        image = Image.new("RGB", size)
        for column in range(COLUMNS):
            for row in range(-(-size[1] // MARK)):
                image.paste(colour_of(column, row), (column * MARK, row * MARK, (column + 1) * MARK, (row + 1) * MARK))
        path.write_bytes(tiled_tiff([image.reduce(2**k) for k in range(levels)], 256))
        self.size = size
        self.reader = SlideReader()
        self.picture = OpenSlidePicture(self.reader, [Layer(path)])
        with openslide.OpenSlide(path) as slide:
            assert len(slide.level_dimensions) == levels
            self.in_file = slide.read_region((0, 0), 0, slide.dimensions).convert("RGB")
        self.tile = cache(self._tile)

    def _tile(self, level: int, x: int, y: int) -> Image.Image:
        data = self.picture.tile(level, x, y, focal_plane="0", optical_path=None, format="png")
        return Image.open(io.BytesIO(data)).convert("RGB")

    def through_tile(self, u: float, v: float, level: int) -> tuple[tuple[int, int], tuple[int, ...]]:
        """What a client sees at a point: the pixel of the level, and its colour.

        Both coordinates are normalised by the width (V), which is that of the level before it was rounded up.
        """
        width = self.size[0] / 2 ** (pyramid.top_level(self.size) - level)
        pixel = int(u * width), int(v * width)
        colour = self.tile(level, pixel[0] // 256, pixel[1] // 256).getpixel((pixel[0] % 256, pixel[1] % 256))
        assert isinstance(colour, tuple)
        return pixel, tuple(map(int, colour))


@pytest.fixture(scope="module", params=[((1235, 871), 1), ((1232, 864), 4)], ids=["flat", "pyramid"])
def marked(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Marked]:
    """The slide of marks without a pyramid, and with one."""
    made = Marked(tmp_path_factory.mktemp("marked") / "marks.tiff", *request.param)
    yield made
    made.reader.close()


@settings(max_examples=60, deadline=None)
@given(across=st.floats(0, 1, exclude_max=True), down=st.floats(0, 1, exclude_max=True))
def test_a_point_is_the_same_place_in_every_level_and_in_the_file(marked: Marked, across: float, down: float) -> None:
    width, height = marked.size
    full = int(across * width), int(down * height)
    u, v = (full[0] + 0.5) / width, (full[1] + 0.5) / width  # the middle of a pixel, both by the width
    place = full[0] // MARK, full[1] // MARK
    assert marked.in_file.getpixel(full) == colour_of(*place)
    for level in range(pyramid.top_level(marked.size), -1, -1):
        scale = 2 ** (pyramid.top_level(marked.size) - level)
        pixel, colour = marked.through_tile(u, v, level)
        assert pixel == (full[0] // scale, full[1] // scale)
        if scale <= MARK:
            assert (colour, mark_at(colour)) == (colour_of(*place), place), level
        left, top = pixel[0] * scale, pixel[1] * scale
        area = marked.in_file.crop((left, top, min(left + scale, width), min(top + scale, height)))
        assert max(abs(a - b) for a, b in zip(colour, ImageStat.Stat(area).mean, strict=True)) <= 4, level


def test_the_marks_tell_their_places() -> None:
    places = [(column, row) for column in range(COLUMNS) for row in range(55)]
    assert [mark_at(colour_of(*place)) for place in places] == places
