"""Between pixels and the API's frame, which is normalised by the image width in both axes.

x runs from 0 to 1 and y from 0 to height/width: dividing y by the height is the easy mistake. Pixels are those of full
resolution, from the upper left corner; fractions of a pixel are kept.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import sectra_client._own_files  # noqa: F401 - says so where the files are another package's
from sectra_client.schemas.common import Point, Polygon
from sectra_client.schemas.image import ImageMetadata

Pixels = tuple[float, float]
"""x and y in pixels."""


@dataclass(frozen=True)
class Frame:
    """The frame of an image of `width` times `height` pixels."""

    width: int
    height: int

    def __post_init__(self) -> None:
        """Raises `ValueError` for a size that no image has."""
        if self.width < 1 or self.height < 1:
            raise ValueError(f"an image of {self.width} x {self.height} pixels: expected at least 1 x 1")

    @classmethod
    def of(cls, metadata: ImageMetadata) -> "Frame":
        """The frame of a slide."""
        return cls(metadata.imageSize.width, metadata.imageSize.height)

    def point(self, x: float, y: float) -> Point:
        """The point at that pixel."""
        return Point(x=x / self.width, y=y / self.width)

    def pixels(self, point: Point) -> Pixels:
        """The pixel at that point."""
        return point.x * self.width, point.y * self.width

    def polygon(self, corners: Iterable[Pixels]) -> Polygon:
        """The polygon through these pixels, at least three."""
        return Polygon(points=[self.point(x, y) for x, y in corners])

    def polygon_pixels(self, polygon: Polygon) -> list[Pixels]:
        """The pixels of a polygon's corners."""
        return [self.pixels(point) for point in polygon.points]

    def contains(self, point: Point) -> bool:
        """Whether the point lies on the image, edges included."""
        return 0 <= point.x <= 1 and 0 <= point.y * self.width <= self.height
