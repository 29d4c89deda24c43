"""Pixels and the frame that is normalised by the width."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sectra_client.geometry import Frame
from sectra_client.schemas import Point

SIZES = st.integers(1, 10**6)
PLACES = st.floats(0, 10**6)


def test_both_axes_are_divided_by_the_width() -> None:
    frame = Frame(2000, 1000)
    assert frame.point(2000, 1000) == Point(x=1, y=0.5)
    assert frame.pixels(Point(x=0.5, y=0.5)) == (1000, 1000)
    assert frame.contains(Point(x=1, y=0.5))
    assert not frame.contains(Point(x=0.5, y=0.51))


@given(SIZES, SIZES, st.lists(st.tuples(PLACES, PLACES), min_size=3, max_size=5))
def test_there_and_back(width: int, height: int, corners: list[tuple[float, float]]) -> None:
    frame = Frame(width, height)
    back = frame.polygon_pixels(frame.polygon(corners))
    assert back == [pytest.approx(corner, rel=1e-12) for corner in corners]


@given(SIZES, SIZES, st.floats(0, 1), st.floats(0, 1))
def test_a_pixel_of_the_image_is_in_the_frame(width: int, height: int, x: float, y: float) -> None:
    frame = Frame(width, height)
    point = frame.point(x * width, y * height)
    assert 0 <= point.x <= 1
    assert 0 <= point.y <= height / width * (1 + 1e-12)


@pytest.mark.parametrize("size", [(0, 1), (1, 0), (-1, 5)])
def test_no_image_has_no_size(size: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="expected at least 1 x 1"):
        Frame(*size)
