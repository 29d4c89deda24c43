"""A point in the normalised frame lands on the same pixel through the tiles of every level and through the file."""

from __future__ import annotations

import io
from collections.abc import Iterator
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

SIZE = (1235, 871)
MARK = 16
"""Side in px of the marks: squares on a grid from the corner, each of a colour of its own."""
COLUMNS = -(-SIZE[0] // MARK)


def colour_of(column: int, row: int) -> tuple[int, int, int]:
    """The colour of a mark, from which its place can be told."""
    number = row * COLUMNS + column
    return number % 64 * 4, number // 64 * 3, 90 + (column + row) % 2 * 60


def mark_at(colour: tuple[int, int, int]) -> tuple[int, int]:
    """The place of the mark of a colour."""
    row, column = divmod(colour[1] // 3 * 64 + colour[0] // 4, COLUMNS)
    return column, row


class Marked:
    """A slide of marks, once in one level and once in four, and its picture."""

    def __init__(self, path: Path, levels: int) -> None:
        image = Image.new("RGB", SIZE)
        for column in range(COLUMNS):
            for row in range(-(-SIZE[1] // MARK)):
                image.paste(colour_of(column, row), (column * MARK, row * MARK, (column + 1) * MARK, (row + 1) * MARK))
        smaller = [image.resize((SIZE[0] >> k, SIZE[1] >> k), Image.Resampling.BOX) for k in range(1, levels)]
        path.write_bytes(tiled_tiff([image, *smaller], 256))
        self.reader = SlideReader()
        self.picture = OpenSlidePicture(self.reader, [Layer(path)])
        self.file = openslide.OpenSlide(path)

    def close(self) -> None:
        """Close the slide."""
        self.file.close()
        self.reader.close()

    def in_file(self, box: tuple[int, int, int, int]) -> Image.Image:
        """The pixels of the full image in a box, as OpenSlide reads them."""
        size = (box[2] - box[0], box[3] - box[1])
        return self.file.read_region(box[:2], 0, size).convert("RGB")

    def through_tile(self, u: float, v: float, level: int) -> tuple[tuple[int, int], tuple[int, int, int]]:
        """What a client sees at a point: the pixel of the level, and its colour.

        Both coordinates are normalised by the width (V), and so is the number of pixels of a level before rounding up.
        """
        scale = 2 ** (pyramid.top_level(SIZE) - level)
        pixel = int(u * SIZE[0] / scale), int(v * SIZE[0] / scale)
        x, y = pixel[0] // 256, pixel[1] // 256
        data = self.picture.tile(level, x, y, focal_plane="0", optical_path=None, format="png")
        colour = Image.open(io.BytesIO(data)).getpixel((pixel[0] % 256, pixel[1] % 256))
        assert isinstance(colour, tuple)
        return pixel, (int(colour[0]), int(colour[1]), int(colour[2]))


@pytest.fixture(scope="module", params=[1, 4])
def marked(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Marked]:
    """The slide of marks without a pyramid, and with one."""
    made = Marked(tmp_path_factory.mktemp("marked") / "marks.tiff", request.param)
    yield made
    made.close()


points = st.tuples(
    st.floats(0, 1, exclude_max=True, allow_nan=False), st.floats(0, SIZE[1] / SIZE[0], exclude_max=True)
)


@settings(max_examples=120, deadline=None)
@given(point=points)
def test_a_point_is_the_same_place_in_every_level_and_in_the_file(marked: Marked, point: tuple[float, float]) -> None:
    u, v = point
    full = min(int(u * SIZE[0]), SIZE[0] - 1), min(int(v * SIZE[0]), SIZE[1] - 1)
    seen = marked.in_file((*full, full[0] + 1, full[1] + 1)).getpixel((0, 0))
    place = full[0] // MARK, full[1] // MARK
    assert seen == colour_of(*place)
    for level in range(pyramid.top_level(SIZE), -1, -1):
        scale = 2 ** (pyramid.top_level(SIZE) - level)
        pixel, colour = marked.through_tile(full[0] / SIZE[0] + 1e-9, full[1] / SIZE[0] + 1e-9, level)
        assert pixel == (full[0] // scale, full[1] // scale)
        ends = (
            pixel[0] * scale + scale <= SIZE[0] - SIZE[0] % scale,
            pixel[1] * scale + scale <= SIZE[1] - SIZE[1] % scale,
        )
        if scale <= MARK and all(ends) and not marked_by_rounding(marked, level):
            assert mark_at(colour) == place, level
        area = (pixel[0] * scale, pixel[1] * scale)
        whole = marked.in_file((*area, min(area[0] + scale, SIZE[0]), min(area[1] + scale, SIZE[1])))
        mean = ImageStat.Stat(whole).mean
        assert max(abs(a - b) for a, b in zip(colour, mean, strict=True)) <= tolerance(marked, level), level


def marked_by_rounding(marked: Marked, level: int) -> bool:
    """Whether the file's own level is rounded down there, and so a little larger in scale than the asked one."""
    return len(marked.file.level_dimensions) > 1 and level < pyramid.top_level(SIZE)


def tolerance(marked: Marked, level: int) -> int:
    """How far a colour may be off the mean of its area: rounding of halvings, or of the file's own level sizes."""
    return 60 if marked_by_rounding(marked, level) else 3
