"""Deep Zoom arithmetic: levels from the top, sizes rounded up, tiles that fill each level exactly."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ia_api_contract.outcomes import Failed
from ia_api_contract.pyramid import Pyramid

sides = st.integers(1, 10**6)


def test_a_slide_with_edges_by_hand():
    pyramid = Pyramid(1600, 1200, 256)
    assert (pyramid.top, pyramid.overview) == (11, 8)
    assert pyramid.size(11) == (1600, 1200)
    assert pyramid.size(9) == (400, 300)
    assert pyramid.grid(11) == (7, 5)
    assert pyramid.tile_size(11, 6, 4) == (64, 176)
    assert pyramid.tile_size(11, 5, 3) == (256, 256)


@given(sides, sides, st.integers(1, 2048))
def test_levels_run_from_one_pixel_to_the_whole_picture(width: int, height: int, tile: int):
    pyramid = Pyramid(width, height, tile)
    assert pyramid.size(0) == (1, 1)
    assert pyramid.size(pyramid.top) == (width, height)
    assert max(width, height) > 2**pyramid.top / 2


@given(sides, sides, st.integers(64, 2048), st.data())
def test_the_tiles_of_a_level_fill_it(width: int, height: int, tile: int, data: st.DataObject):
    pyramid = Pyramid(width, height, tile)
    level = data.draw(st.integers(0, pyramid.top))
    columns, rows = pyramid.grid(level)
    corner = pyramid.tile_size(level, columns - 1, rows - 1)
    assert min(corner) >= 1
    assert ((columns - 1) * tile + corner[0], (rows - 1) * tile + corner[1]) == pyramid.size(level)


@pytest.mark.parametrize(
    "info",
    [
        {},
        {"imageSize": None, "tileSize": {"width": 256}},
        {"imageSize": {"width": 0, "height": 5}, "tileSize": {"width": 256}},
        {"imageSize": {"width": "5", "height": 5}, "tileSize": {"width": 256}},
    ],
)
def test_info_without_sizes_is_the_targets_failure(info: dict[str, object]):
    with pytest.raises(Failed, match=r"imageSize"):
        Pyramid.of(info)
