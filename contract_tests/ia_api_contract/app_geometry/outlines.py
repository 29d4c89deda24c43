"""What is wrong with the points of a result: off the slide, crossing, enclosing nothing, no numbers."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

from ia_api_contract.app_geometry.crossing import Budget, TooTangledError, area, crosses_itself, ring
from ia_api_contract.app_geometry.remarks import Limits, Remark, must, should
from ia_api_contract.app_geometry.shapes import Point, Shape, items_of

ROUNDING = 1e-6
"""So far beyond an edge a point is on it: rounded numbers."""


def of_shapes(
    document: Mapping[str, Any], shapes: tuple[Shape, ...], size: tuple[int, int], limits: Limits
) -> Iterator[Remark]:
    """Remarks about each shape."""
    for pointer, item in items_of(document):
        if not _all_finite(item):
            yield from _no_numbers(item, pointer)
    height, budget = size[1] / size[0], Budget()
    for shape in shapes:
        yield from _off_slide(shape, height)
        if shape.kind == "polygon":
            yield from _of_polygon(shape, 1 / size[0], limits, budget)
        elif shape.kind == "polyline" and len(ring(shape.points)) < 2:
            yield must("degenerate-polyline", shape.pointer, "all its points are the same; nothing is drawn")
        elif shape.kind == "arc" and shape.radius <= 0:
            yield must("degenerate-arc", f"{shape.pointer}/radius", f"a radius of {shape.radius:g}; nothing is drawn")


def _off_slide(shape: Shape, height: float) -> Iterator[Remark]:
    left, top, right, bottom = shape.box()
    if _on_slide(left, top, height) and _on_slide(right, bottom, height):
        return
    off = [(x, y) for x, y in shape.points if not _on_slide(x, y, height)]
    how_many = "it lies" if len(shape.points) == 1 else f"{len(off)} of {len(shape.points)} points lie"
    text = f"{how_many} off the slide, at {_told(off[0])}; x runs from 0 to 1 and y from 0 to {height:.4g}"
    yield must(f"{shape.kind}-off-slide", shape.pointer, text)


def _on_slide(x: float, y: float, height: float) -> bool:
    return -ROUNDING <= x <= 1 + ROUNDING and -ROUNDING <= y <= height + ROUNDING


def _of_polygon(shape: Shape, pixel: float, limits: Limits, budget: Budget) -> Iterator[Remark]:
    if len(shape.points) > limits.outline:
        text = f"{len(shape.points)} corners; more than {limits.outline} are slow to show"
        yield should("outline-too-fine", shape.pointer, text)
    corners = ring(shape.points)
    left, top, right, bottom = shape.box()
    # against the extent, since thin and small are different things
    if len(corners) < 3 or area(corners) <= 1e-9 * max(right - left, bottom - top) ** 2:
        yield from _flat(shape, corners, budget)
        return
    if max(right - left, bottom - top) < pixel:
        text = f"it is smaller than a pixel ({max(right - left, bottom - top) / pixel:.2g} px)"
        yield should("polygon-too-small", shape.pointer, text, assumed=False)
    yield from _crossing(shape, corners, budget)


def _flat(shape: Shape, corners: list[Point], budget: Budget) -> Iterator[Remark]:
    crossing = list(_crossing(shape, corners, budget))
    if crossing:  # a figure of eight may enclose as much on the left as on the right
        yield from crossing
        return
    what = f"{len(corners)} different corners" if len(corners) < 3 else "all corners on one line"
    yield must("degenerate-polygon", shape.pointer, f"{what}: it encloses nothing, {_told(corners[0])} and on")


def _crossing(shape: Shape, corners: list[Point], budget: Budget) -> Iterator[Remark]:
    try:
        found = crosses_itself(corners, budget)
    except TooTangledError:
        text = f"its {len(corners)} edges are too tangled to say whether they cross"
        yield should("polygon-not-examined", shape.pointer, text, assumed=False)
        return
    if found is not None:
        yield _crossing_at(shape, corners, found)


def _crossing_at(shape: Shape, corners: list[Point], edges: tuple[int, int]) -> Remark:
    text = (
        f"it crosses itself: the edges that start at {_told(corners[edges[0]])} and {_told(corners[edges[1]])}; "
        "what is inside and its area are undefined"
    )
    return must("polygon-crosses-itself", shape.pointer, text)


def _all_finite(value: Any) -> bool:
    """Whether all numbers are finite; without places, so that it costs little in large results."""
    todo = [value]
    while todo:
        item = todo.pop()
        if isinstance(item, float):
            if not math.isfinite(item):
                return False
        elif isinstance(item, dict):
            todo += item.values()
        elif isinstance(item, list):
            todo += item
    return True


def _no_numbers(value: Any, pointer: str) -> Iterator[Remark]:
    """Coordinates and keys that are NaN or infinite: JSON has no such numbers, but some writers send them."""
    if isinstance(value, float) and not math.isfinite(value):
        yield must("no-number", pointer, f"{value} is no number of JSON")
    elif isinstance(value, Mapping):
        for name, member in value.items():
            if isinstance(member, Mapping | list | float):
                yield from _no_numbers(member, f"{pointer}/{_escaped(str(name))}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _no_numbers(item, f"{pointer}/{index}")


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")


def _told(point: Point) -> str:
    return f"({point[0]:.5g}, {point[1]:.5g})"
