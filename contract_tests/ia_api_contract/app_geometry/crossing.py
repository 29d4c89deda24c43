"""Whether an outline crosses itself, and whether it encloses anything; made for many small polygons and for huge ones.

Edges are sorted by where they begin, and each is compared with those only that reach as far: a sweep from left to
right. Convex outlines are known at once. Where too many edges lie above one another the search gives up and says so.
"""

from collections.abc import Sequence

from ia_api_contract.app_geometry.shapes import Point

Edge = tuple[float, float, float, float, int]
"""Left, right, upper and lower end of an edge, and the number of its first corner."""

BUDGET, BUDGET_OF_ALL = 400_000, 20_000_000
"""So many pairs of edges are compared at most: of one outline, and of all outlines of a result."""


class Budget:
    """How many pairs of edges may still be compared; outlines that are examined together share one."""

    def __init__(self, pairs: int = BUDGET_OF_ALL) -> None:
        self.left = pairs

    def spend(self, pairs: int) -> None:
        """Take so many. Raises TooTangledError where there are no more."""
        self.left -= pairs
        if self.left < 0:
            raise TooTangledError


class TooTangledError(Exception):
    """The outline is too tangled to be searched."""


def ring(points: Sequence[Point]) -> list[Point]:
    """The outline without points that repeat the one before, and without its first point at the end."""
    kept = [point for index, point in enumerate(points) if index == 0 or point != points[index - 1]]
    while len(kept) > 1 and kept[0] == kept[-1]:
        kept.pop()
    return kept


def area(corners: Sequence[Point]) -> float:
    """What an outline encloses, in squared units of its points, counted twice where it runs around twice."""
    x0, y0 = corners[0]
    following = [*corners[1:], corners[0]]
    return (
        abs(
            sum(
                (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
                for (x1, y1), (x2, y2) in zip(corners, following, strict=True)
            )
        )
        / 2
    )


def crosses_itself(corners: Sequence[Point], budget: Budget | None = None) -> tuple[int, int] | None:
    """Two edges of the outline that cross, as numbers of their first corners; None if there are none.

    Touching is no crossing: outlines traced along pixels do it. `corners` is a `ring`. Raises TooTangledError where
    more pairs would have to be compared than `BUDGET`, or than the `budget` still has.
    """
    if len(corners) < 4 or _is_convex(corners):
        return None
    return _swept(corners, budget or Budget())


def _is_convex(corners: Sequence[Point]) -> bool:
    """Whether the outline turns one way only, and around once: its steps change between left and right twice."""
    sign, turns, last_dx = 0, 0, 0.0
    (ax, ay), (bx, by) = corners[-2], corners[-1]
    for cx, cy in corners:
        cross = (bx - ax) * (cy - by) - (by - ay) * (cx - bx)
        if cross:
            if sign and (cross > 0) != (sign > 0):
                return False
            sign = 1 if cross > 0 else -1
        elif (bx - ax) * (cx - bx) + (by - ay) * (cy - by) < 0:
            return False
        dx = bx - ax
        if dx and last_dx and (dx > 0) != (last_dx > 0):
            turns += 1
        last_dx = dx or last_dx
        ax, ay, bx, by = bx, by, cx, cy
    return turns <= 2


def _swept(corners: Sequence[Point], budget: Budget) -> tuple[int, int] | None:
    count = len(corners)
    own = Budget(BUDGET)
    active: list[Edge] = []
    for edge in _edges(corners):
        left, top, bottom, number = edge[0], edge[2], edge[3], edge[4]
        active = [other for other in active if other[1] >= left]
        own.spend(len(active))
        budget.spend(len(active))
        for other in active:
            if other[2] > bottom or other[3] < top or (number - other[4]) % count in (1, count - 1):
                continue
            if _cross(corners, number, other[4]):
                return min(number, other[4]), max(number, other[4])
        active.append(edge)
    return None


def _edges(corners: Sequence[Point]) -> list[Edge]:
    """The edges, from left to right."""
    edges: list[Edge] = []
    previous = len(corners) - 1
    for index, (x2, y2) in enumerate(corners):
        x1, y1 = corners[previous]
        left, right = (x1, x2) if x1 < x2 else (x2, x1)
        top, bottom = (y1, y2) if y1 < y2 else (y2, y1)
        edges.append((left, right, top, bottom, previous))
        previous = index
    edges.sort()
    return edges


def _cross(corners: Sequence[Point], first: int, second: int) -> bool:
    a, b = corners[first], corners[(first + 1) % len(corners)]
    c, d = corners[second], corners[(second + 1) % len(corners)]
    return _side(a, b, c) * _side(a, b, d) < 0 and _side(c, d, a) * _side(c, d, b) < 0


def _side(a: Point, b: Point, c: Point) -> int:
    """On which side of the line from a to b the point c lies; 0 on it, as far as rounding lets one say."""
    one, two = (b[0] - a[0]) * (c[1] - a[1]), (b[1] - a[1]) * (c[0] - a[0])
    difference = one - two
    if abs(difference) <= 1e-12 * (abs(one) + abs(two)):
        return 0
    return 1 if difference > 0 else -1
