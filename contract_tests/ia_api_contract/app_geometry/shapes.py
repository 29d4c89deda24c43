"""The shapes of a result as plain points, in every form that callers send: one object or a list, nulls and more.

What the schema refuses is skipped here without a word: saying so is the schema's part.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

Point = tuple[float, float]
Kind = Literal["polygon", "polyline", "arc", "label", "patch"]

FARTHEST = 1e100
"""Points beyond lie as far off every slide at this distance, and can be reckoned with: squares and sums stay finite."""


@dataclass(frozen=True)
class Shape:
    """One shape of a result: its points in the order in which they came, and the JSON Pointer where it stands.

    An arc, a label and a patch have one point; `radius` is the arc's.
    """

    kind: Kind
    pointer: str
    points: tuple[Point, ...]
    radius: float = 0.0

    @property
    def middle(self) -> Point:
        """The mean of its points."""
        return (
            math.fsum(x for x, _ in self.points) / len(self.points),
            math.fsum(y for _, y in self.points) / len(self.points),
        )

    def box(self) -> tuple[float, float, float, float]:
        """Left, upper, right and lower end of its points."""
        xs, ys = [x for x, _ in self.points], [y for _, y in self.points]
        return min(xs), min(ys), max(xs), max(ys)


def content_of(document: Mapping[str, Any]) -> tuple[str, Any]:
    """The sort of a result and its content; ("", None) for a result without."""
    data = document.get("data")
    result = data.get("result") if isinstance(data, Mapping) else None
    if not isinstance(result, Mapping):
        return "", None
    return str(result.get("type", "")), result.get("content")


CONTENT = "/data/result/content"


def items_of(document: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The objects that hold shapes, each with its JSON Pointer: primitives, or the one gallery."""
    _, content = content_of(document)
    if isinstance(content, Mapping):
        yield CONTENT, content
    for index, item in listed(content):
        if isinstance(item, Mapping):
            yield f"{CONTENT}/{index}", item


def listed(value: Any) -> Iterator[tuple[int, Any]]:
    """The numbered items of a list; none where no list came."""
    yield from enumerate(value if isinstance(value, list | tuple) else ())


def shapes_of(document: Mapping[str, Any]) -> tuple[Shape, ...]:
    """Every shape of a result whose points are finite numbers, in the order of the document."""
    return tuple(shape for pointer, item in items_of(document) for shape in _of_item(pointer, item))


def number(value: Any) -> float | None:
    """The value as a finite number, None if it is none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        as_float = float(value)
    except OverflowError:
        return None
    return as_float if math.isfinite(as_float) else None


def _within(value: float) -> float:
    return max(-FARTHEST, min(FARTHEST, value))


def point_of(value: Any) -> Point | None:
    """The point of an {x, y} object, None if it is none."""
    if not isinstance(value, Mapping):
        return None
    x, y = number(value.get("x")), number(value.get("y"))
    return None if x is None or y is None else (_within(x), _within(y))


def _of_item(pointer: str, item: Mapping[str, Any]) -> Iterator[Shape]:
    for index, value in listed(item.get("polygons")):
        yield from _line("polygon", f"{pointer}/polygons/{index}", value)
    for index, value in listed(item.get("polylines")):
        yield from _line("polyline", f"{pointer}/polylines/{index}", value)
    for index, value in listed(item.get("arcs")):
        yield from _single("arc", f"{pointer}/arcs/{index}", value, "center")
    for index, value in listed(item.get("labels")):
        yield from _single("label", f"{pointer}/labels/{index}", value, "location")
    for index, value in listed(item.get("patches")):
        yield from _single("patch", f"{pointer}/patches/{index}", value, "position")


def _line(kind: Kind, pointer: str, value: Any) -> Iterator[Shape]:
    corners = value.get("points") if isinstance(value, Mapping) else None
    points = [point_of(corner) for _, corner in listed(corners)]
    if known := tuple(point for point in points if point is not None):
        yield Shape(kind, pointer, known)


def _single(kind: Kind, pointer: str, value: Any, member: str) -> Iterator[Shape]:
    if isinstance(value, Mapping) and (point := point_of(value.get(member))) is not None:
        yield Shape(kind, pointer, (point,), _within(number(value.get("radius")) or 0.0))
