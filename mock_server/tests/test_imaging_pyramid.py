"""Deep Zoom arithmetic against the rules of ia-api-facts.md, "Tiles"."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fake_pacs.imaging import pyramid
from fake_pacs.imaging.errors import OutsidePyramid

SIZES = st.tuples(st.integers(1, 300_000), st.integers(1, 300_000))
TILE_SIZES = st.integers(1, 2048)


@given(SIZES)
def test_the_top_level_is_the_full_image_and_the_first_is_one_pixel(size: tuple[int, int]) -> None:
    top = pyramid.top_level(size)
    assert 2**top >= max(size)
    assert top == 0 or 2 ** (top - 1) < max(size)
    assert pyramid.level_size(size, top) == size
    assert pyramid.level_size(size, 0) == (1, 1)


@given(SIZES, st.data())
def test_sizes_of_levels_are_rounded_up(size: tuple[int, int], data: st.DataObject) -> None:
    top = pyramid.top_level(size)
    level = data.draw(st.integers(0, top))
    expected = tuple(math.ceil(side * 2.0 ** (level - top)) for side in size)
    assert pyramid.level_size(size, level) == expected
    if level < top:
        larger = pyramid.level_size(size, level + 1)
        assert expected == (math.ceil(larger[0] / 2), math.ceil(larger[1] / 2))


@given(SIZES, TILE_SIZES, st.data())
def test_tiles_cover_a_level_without_gap_or_overlap(size: tuple[int, int], side: int, data: st.DataObject) -> None:
    level = data.draw(st.integers(0, pyramid.top_level(size)))
    width, height = pyramid.level_size(size, level)
    columns, rows = pyramid.tile_grid(size, level, side)
    x, y = data.draw(st.integers(0, columns - 1)), data.draw(st.integers(0, rows - 1))
    box = pyramid.tile_box(size, level, x, y, side)
    assert 1 <= box.size[0] <= side
    assert 1 <= box.size[1] <= side
    assert (box.left, box.top) == (x * side, y * side)
    assert box.right == (width if x == columns - 1 else box.left + side)
    assert box.bottom == (height if y == rows - 1 else box.top + side)


@pytest.mark.parametrize(("level", "x", "y"), [(12, -1, 0), (12, 0, -1), (12, 10, 0), (12, 0, 13), (3, 1, 0)])
def test_what_lies_outside_is_refused_with_the_valid_range(level: int, x: int, y: int) -> None:
    with pytest.raises(OutsidePyramid) as refused:
        pyramid.tile_box((2220, 2967), level, x, y, 240)
    assert pyramid.valid_range((2220, 2967), level, 240) in str(refused.value)


def test_the_range_names_pixels_columns_and_rows() -> None:
    text = pyramid.valid_range((2220, 2967), 12, 240)
    assert text == "level 12 (2220 x 2967 px) has the columns 0 to 9 and the rows 0 to 12"


@pytest.mark.parametrize("level", [-1, 13, 10**6, 10**5000], ids=["below", "above", "far", "huge"])
def test_unknown_levels_are_refused_with_the_valid_ones(level: int) -> None:
    with pytest.raises(OutsidePyramid, match="2220 x 2967 px has the levels 0 to 12"):
        pyramid.level_size((2220, 2967), level)


@pytest.mark.parametrize("size", [(0, 5), (5, 0), (-1, 3)])
def test_an_image_has_at_least_one_pixel(size: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="expected at least 1 x 1"):
        pyramid.top_level(size)


@given(st.integers(1024, 200_000), st.integers(1024, 200_000), st.floats(0.05, 64.0))
def test_the_level_that_the_worker_asks_for_exists(width: int, height: int, microns_per_pixel: float) -> None:
    top = pyramid.top_level((width, height))
    level = top - math.floor(math.log2(64 / microns_per_pixel))
    assert 0 <= level <= top
    assert pyramid.tile_grid((width, height), level, 256) >= (1, 1)
