"""Outlines that cross themselves: found by a sweep as surely as by comparing each edge with each."""

import math
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ia_api_contract.app_geometry.crossing import Budget, TooTangledError, area, crosses_itself, ring

Point = tuple[float, float]

CORNERS = st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), min_size=3, max_size=14)


def by_all_pairs(corners: list[tuple[float, float]]) -> bool:
    count = len(corners)
    edges = [(corners[i], corners[(i + 1) % count]) for i in range(count)]
    return any(_crossing(*one, *other) for one, other in combinations(edges, 2))


def _crossing(a: Point, b: Point, c: Point, d: Point) -> bool:
    def side(p: Point, q: Point, r: Point) -> float:
        return (q[0] - p[0]) * (r[1] - p[1]) - (q[1] - p[1]) * (r[0] - p[0])

    return side(a, b, c) * side(a, b, d) < 0 and side(c, d, a) * side(c, d, b) < 0


@given(CORNERS)
def test_the_sweep_finds_what_comparing_all_edges_finds(points: list[Point]):
    corners = ring(points)
    assert (crosses_itself(corners) is not None) == by_all_pairs(corners)


@given(CORNERS)
def test_what_it_names_does_cross(points: list[Point]):
    corners = ring(points)
    if (found := crosses_itself(corners)) is not None:
        ends = [(corners[edge], corners[(edge + 1) % len(corners)]) for edge in found]
        assert _crossing(*ends[0], *ends[1])


@given(st.lists(st.floats(0.05, 1), min_size=5, max_size=60), st.integers(1, 500))
def test_a_star_around_a_point_never_crosses(radii: list[float], across: int):
    step = 2 * math.pi / len(radii)
    star = [(radius * math.cos(i * step) / across, radius * math.sin(i * step)) for i, radius in enumerate(radii)]
    assert crosses_itself(ring(star)) is None


@given(st.floats(0.001, 100), st.floats(-10, 10), st.integers(3, 80))
def test_a_circle_is_simple_and_a_pentagram_is_not(radius: float, shift: float, count: int):
    step = 2 * math.pi / count
    circle = [(shift + radius * math.cos(i * step), radius * math.sin(i * step)) for i in range(count)]
    assert crosses_itself(ring(circle)) is None
    pentagram = [(math.cos(i * 4 * math.pi / 5) * radius + shift, math.sin(i * 4 * math.pi / 5)) for i in range(5)]
    assert crosses_itself(ring(pentagram)) is not None


def test_a_circle_that_runs_around_twice_a_little_inside_crosses():
    spiral = [((1 - i / 200) * math.cos(i / 4), (1 - i / 200) * math.sin(i / 4)) for i in range(50)]
    assert crosses_itself(ring(spiral)) is not None


def test_touching_at_a_corner_is_no_crossing():
    pinched = [(0, 0), (2, 0), (2, 1), (1, 1), (1, 2), (2, 2), (2, 3), (0, 3), (0, 2), (1, 1), (0, 1)]
    assert crosses_itself(ring(pinched)) is None


def test_a_tangle_beyond_the_budget_is_given_up():
    comb = [(i % 2, i / 100) for i in range(60)] + [(-1, 1), (-1, 0)]
    with pytest.raises(TooTangledError):
        crosses_itself(ring(comb), Budget(50))
    assert crosses_itself(ring(comb)) is None


def test_a_ring_has_no_corner_twice_in_a_row_and_does_not_close():
    assert ring([(0, 0), (0, 0), (1, 0), (1, 1), (1, 1), (0, 0)]) == [(0, 0), (1, 0), (1, 1)]
    assert area([(0, 0), (2, 0), (2, 1), (0, 1)]) == 2
