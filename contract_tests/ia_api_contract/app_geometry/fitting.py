"""Where points may lie: on the slide, in an area that was drawn on it, near points that are known to be right."""

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import TypeVar

from ia_api_contract.app_geometry.crossing import area
from ia_api_contract.app_geometry.shapes import Point, Shape

Item = TypeVar("Item")

SLACK = 0.02
"""So far beside its place a point still counts, in image widths: outlines are drawn generously."""

SAME = 0.001
"""So near to each other two points are the same one, in image widths: a pixel of a slide's overview."""

FAR = 1e9
"""Farther off, in image widths, nothing is."""


class Region:
    """An area of the slide: the whole of it, or what polygons enclose; points up to `slack` beside it are in it."""

    def __init__(self, height: float, polygons: Iterable[Sequence[Point]] = (), *, slack: float = SLACK) -> None:
        self.height, self.slack = height, slack
        self.polygons = [list(polygon) for polygon in polygons if len(polygon) >= 3]

    @property
    def extent(self) -> float:
        """Its share of the slide, at most 1."""
        return min(1.0, sum(map(area, self.polygons)) / self.height) if self.polygons else 1.0

    def holds(self, point: Point) -> bool:
        """Whether the point lies in the region."""
        x, y = point
        slack = self.slack
        if not (-slack <= x <= 1 + slack and -slack <= y <= self.height + slack):
            return False
        return not self.polygons or any(inside(point, polygon, slack) for polygon in self.polygons)

    def share(self, shapes: Sequence[Shape]) -> float:
        """How much of the shapes lies in the region, as a share of them; a shape counts if most of its points do."""
        return sum(self._mostly(shape) for shape in shapes) / len(shapes) if shapes else 0.0

    def echoes(self, shapes: Sequence[Shape]) -> bool:
        """Whether the points are corners of the polygons: no accident where there are three or more."""
        points = [point for shape in shapes for point in shape.points]
        corners = [corner for polygon in self.polygons for corner in polygon]
        met = {corner for corner in corners if any(math.dist(corner, point) <= SAME for point in points)}
        near = sum(any(math.dist(corner, point) <= SAME for corner in corners) for point in points)
        return len(met) >= 3 and near >= 0.9 * len(points)

    def _mostly(self, shape: Shape) -> bool:
        points = evenly(shape.points, 12)
        needed = 0.5 if self.polygons else 1.0
        return sum(map(self.holds, points)) >= needed * len(points)


def inside(point: Point, polygon: Sequence[Point], slack: float = 0.0) -> bool:
    """Whether the point lies in the polygon or at most `slack` beside its outline."""
    x, y = point
    within = False
    for (x1, y1), (x2, y2) in zip(polygon, [*polygon[1:], polygon[0]], strict=True):
        if (y1 > y) != (y2 > y) and x < (x2 - x1) * (y - y1) / (y2 - y1) + x1:
            within = not within
        if slack and _distance(x, y, x1, y1, x2, y2) <= slack:
            return True
    return within


def _distance(x: float, y: float, x1: float, y1: float, x2: float, y2: float) -> float:
    length = (x2 - x1) ** 2 + (y2 - y1) ** 2
    part = 0.0 if length == 0 else max(0.0, min(1.0, ((x - x1) * (x2 - x1) + (y - y1) * (y2 - y1)) / length))
    return math.hypot(x - x1 - part * (x2 - x1), y - y1 - part * (y2 - y1))


class Landmarks:
    """Points that are known to be right, such as the nuclei of a slide's ground truth."""

    LONE_RADIUS, TINIEST = 0.02, 1e-6
    CROWDED = 0.35
    """The most that chance can hit: circles of a third of the spacing cover at most this share of a lattice."""

    def __init__(self, points: Sequence[Point], height: float) -> None:
        self.points, self.height = points, height

    @cached_property
    def radius(self) -> float:
        """How near is a hit: a third of the usual distance between neighbouring landmarks, at most 0.02 widths."""
        gaps = [self._nearest(point, own=True) for point in evenly(self.points, 200)]
        known = sorted(gap for gap in gaps if 0 < gap < math.inf)
        return max(self.TINIEST, min(self.LONE_RADIUS, known[len(known) // 2] / 3)) if known else self.LONE_RADIUS

    @property
    def chance(self) -> float:
        """The share of points that hit a landmark by chance, estimated generously: landmarks lie in clusters."""
        return min(self.CROWDED, 4 * len(self.points) * math.pi * self.radius**2 / self.height)

    def hits(self, points: Sequence[Point]) -> int:
        """How many of the points lie near a landmark."""
        reach = self.radius
        grid = self._grid
        return sum(any(math.dist(point, near) <= reach for near in _around(grid, point, reach)) for point in points)

    @cached_property
    def _grid(self) -> dict[tuple[int, int], list[Point]]:
        grid: dict[tuple[int, int], list[Point]] = defaultdict(list)
        for x, y in self.points:
            grid[math.floor(x / self.radius), math.floor(y / self.radius)].append((x, y))
        return grid

    def _nearest(self, point: Point, *, own: bool) -> float:
        distances = (math.dist(point, other) for other in self.points if not (own and other == point))
        return min(distances, default=math.inf)


def _around(grid: dict[tuple[int, int], list[Point]], point: Point, cell: float) -> Iterable[Point]:
    if max(map(abs, point)) > FAR:  # no landmark is there, and no number may be left for the cell
        return ()
    column, row = math.floor(point[0] / cell), math.floor(point[1] / cell)
    return (near for dx in (-1, 0, 1) for dy in (-1, 0, 1) for near in grid.get((column + dx, row + dy), ()))


def by_chance(hits: int, tries: int, chance: float) -> float:
    """The probability of at least so many hits in so many tries, each of which hits with that chance."""
    terms = (
        math.lgamma(tries + 1)
        - math.lgamma(k + 1)
        - math.lgamma(tries - k + 1)
        + k * math.log(chance)
        + (tries - k) * math.log1p(-chance)
        for k in range(hits, tries + 1)
    )
    return min(1.0, math.fsum(math.exp(term) for term in terms))


def evenly(items: Sequence[Item], most: int) -> Sequence[Item]:
    """At most so many items, evenly taken from all."""
    if len(items) <= most:
        return items
    return [items[index * len(items) // most] for index in range(most)]
