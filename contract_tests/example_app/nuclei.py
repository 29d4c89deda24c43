"""The work itself: dark nuclei on a low level of a slide. Knows pictures and points, nothing of invocations."""

from collections.abc import Callable
from itertools import product
from math import ceil

from PIL import Image

from sectra_client import SectraClient
from sectra_client.schemas import ImageMetadata, Point, Polygon

LEVEL = 9  # of the Deep Zoom pyramid: the longer side has at most 2^9 pixels
DARK, SMALLEST = 105, 6  # nuclei are darker than this, of 255; fewer dark pixels are dust


def find_nuclei(client: SectraClient, slide: ImageMetadata, stopped: Callable[[], bool]) -> list[Point]:
    """The middles of the slide's nuclei, divided by the image's width; some of them where it is stopped meanwhile."""
    picture = overview(client, slide, stopped)
    width, found = picture.width, []
    dark = picture.convert("L").point(lambda value: 255 if value < DARK else 0).tobytes()
    left = {place for place, value in enumerate(dark) if value}
    while left:
        blob = [left.pop()]
        for place in blob:  # it grows while it is gone through
            touching = {place - width, place - 1, place + 1, place + width} & left
            left -= touching
            blob += touching
        x, y = sum(place % width for place in blob), sum(place // width for place in blob)
        if len(blob) >= SMALLEST:  # y, too, is divided by the width
            found.append(Point(x=(x / len(blob) + 0.5) / width, y=(y / len(blob) + 0.5) / width))
    return sorted(found, key=lambda point: (point.y, point.x))


def overview(client: SectraClient, slide: ImageMetadata, stopped: Callable[[], bool]) -> Image.Image:
    """The whole slide at `LEVEL`, put together from its tiles; a part of it where it is stopped meanwhile."""
    width, height, side = slide.imageSize.width, slide.imageSize.height, slide.tileSize.width
    top = (max(width, height) - 1).bit_length()
    level = min(LEVEL, top)
    picture = Image.new("RGB", (ceil(width / 2 ** (top - level)), ceil(height / 2 ** (top - level))), "white")
    for y, x in product(range(ceil(picture.height / side)), range(ceil(picture.width / side))):
        if not stopped():
            picture.paste(client.get_tile(slide.id, level, x, y).convert_to_pil(), (x * side, y * side))
    return picture


def inside(polygon: Polygon, point: Point) -> bool:
    """Whether the point lies in the polygon: a ray to the left crosses its edges an odd number of times."""
    crossings = 0
    for start, end in zip(polygon.points, polygon.points[1:] + polygon.points[:1], strict=True):
        if (start.y > point.y) != (end.y > point.y):
            crossings += point.x > start.x + (point.y - start.y) / (end.y - start.y) * (end.x - start.x)
    return crossings % 2 == 1
