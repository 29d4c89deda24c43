"""The mistakes that the detective knows: each is a linear map that leads from the points as sent to the right ones."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from ia_api_contract.app_geometry.shapes import Point, Shape

MistakeKind = Literal[
    "pixels", "pixels-swapped", "y-by-height", "swapped", "swapped-y-by-height", "swapped-x-by-height"
]

SMALLEST_LEVEL = 64
"""Nobody computes results on a level whose longer side has fewer pixels."""


@dataclass(frozen=True)
class Mistake:
    """One way to get coordinates wrong: right x = `across` times what came, right y = `down` times what came.

    Where `swapped`, the axes are exchanged first. `prior` says how often we expect it, against the others.
    """

    kind: MistakeKind
    text: str
    across: float
    down: float
    swapped: bool = False
    level: int = 0
    prior: float = 1.0

    def right(self, point: Point) -> Point:
        """Where the point that came should lie."""
        x, y = reversed(point) if self.swapped else point
        return x * self.across, y * self.down

    def corrected(self, shape: Shape) -> Shape:
        """The shape that was meant."""
        points = tuple(self.right(point) for point in shape.points)
        return replace(shape, points=points, radius=shape.radius * self.across)

    @property
    def shrinks(self) -> float:
        """By what factor the map changes areas."""
        return self.across * self.down


def normalised_mistakes(size: tuple[int, int]) -> Iterator[Mistake]:
    """Points that are normalised, but wrongly."""
    height = size[1] / size[0]
    if size[0] != size[1]:
        yield Mistake("y-by-height", "y is divided by the image's height instead of its width", 1.0, height, prior=4.0)
        text = "x and y are swapped, and y is divided by the image's height instead of its width"
        yield Mistake("swapped-y-by-height", text, 1.0, height, swapped=True, prior=0.1)
        text = "x and y are swapped, and x is divided by the image's height: (row, column) divided by (width, height)"
        yield Mistake("swapped-x-by-height", text, height, 1.0, swapped=True, prior=0.05)
    yield Mistake("swapped", "x and y are swapped", 1.0, 1.0, swapped=True)


def pixel_mistakes(size: tuple[int, int]) -> Iterator[Mistake]:
    """Points that are pixels, of full resolution or of a level that is 2, 4, 8 … times smaller."""
    level = 0
    while level == 0 or max(size) / 2**level >= SMALLEST_LEVEL:
        scale = 2**level / size[0]
        what = _pixels(level)
        yield Mistake("pixels", f"the points are {what}", scale, scale, level=level, prior=4.0 if level == 0 else 1.0)
        text = f"the points are {what}, and x and y are swapped"
        yield Mistake(
            "pixels-swapped", text, scale, scale, swapped=True, level=level, prior=0.2 if level == 0 else 0.05
        )
        level += 1


def _pixels(level: int) -> str:
    if level == 0:
        return "pixels of the full resolution, not divided by the image's width"
    return (
        f"pixels of a level {2**level} times smaller than the image (or another unit of that size, such as "
        "micrometres), not divided by that level's width"
    )
