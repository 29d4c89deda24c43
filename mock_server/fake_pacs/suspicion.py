"""What is accepted in a result though it is suspicious: stored as it came, and journalled."""

from collections.abc import Iterator
from itertools import islice
from typing import Any

from fake_pacs.calls import Oddity
from fake_pacs.hospital import Slide
from fake_pacs.imaging.errors import SlideUnreadable

MOST = 20
"""So many oddities are listed for a result; a result in pixels has thousands of them, all alike."""

_NUMBERS = frozenset((int, float, bool))

USUAL_TAGS = 5
"""The workstation shows at most 5 tags (C)."""


def suspicions(body: dict[str, Any], slide: Slide) -> list[Oddity]:
    """What is suspicious about a result on that slide: points off the slide, too many tags, tags that aren't there.

    At most `MOST` are listed, then one that says that there are more.
    """
    result = (body.get("data") or {}).get("result") or {}
    content = result.get("content")
    if content is None:
        return []
    found = _of_result(result, "/data/result/content", _height(slide))
    listed = list(islice(found, MOST))
    if next(found, None) is not None:
        listed.append(Oddity("more", "/data/result/content", f"more than {MOST} oddities; the rest is not listed"))
    return listed


def _height(slide: Slide) -> float:
    """The slide's height in image widths; unlimited where the slide can't be read now: no fault of the result."""
    try:
        size = slide.picture.properties()["imageSize"]
    except SlideUnreadable:
        return float("inf")
    return float(size["height"]) / float(size["width"])


def _of_result(result: dict[str, Any], pointer: str, height: float) -> Iterator[Oddity]:
    content = result["content"]
    if result["type"] == "patchCollection":  # a primitive may have unknown members of any name
        yield from _of_tags(content, pointer)
    if _has_point_off(content, height):  # nearly never: the way to each point is told only then
        yield from _points(content, pointer, height)


def _of_tags(content: dict[str, Any], pointer: str) -> Iterator[Oddity]:
    tags = content["tags"]
    if len(tags) > USUAL_TAGS:
        yield Oddity("many-tags", f"{pointer}/tags", f"{len(tags)} tags; at most {USUAL_TAGS} are shown")
    for index, patch in enumerate(content["patches"]):
        if not 0 <= patch["tag"] < len(tags):
            text = f"tag {patch['tag']} is no index into {len(tags)} tags"
            yield Oddity("tag-out-of-range", f"{pointer}/patches/{index}/tag", text)


def _has_point_off(content: Any, height: float) -> bool:
    """Whether any point below lies off the slide; JSON has no subtypes, so that types are compared, which is quick."""
    left = [content]
    while left:
        value = left.pop()
        kind = type(value)
        if kind is list:
            left += value
        elif kind is dict:
            x, y = value.get("x"), value.get("y")
            if type(x) in _NUMBERS and type(y) in _NUMBERS:
                if not (0 <= x <= 1 and 0 <= y <= height):
                    return True
                if len(value) == 2:
                    continue
            left += value.values()
    return False


def _points(value: Any, pointer: str, height: float) -> Iterator[Oddity]:
    """Every point below the value that lies off the slide."""
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _points(item, f"{pointer}/{index}", height)
    elif isinstance(value, dict):
        x, y = value.get("x"), value.get("y")
        if isinstance(x, (int, float)) and isinstance(y, (int, float)):
            yield from _of_point(x, y, pointer, height)
        for name, member in value.items():
            if isinstance(member, (list, dict)):
                yield from _points(member, f"{pointer}/{name}", height)


def _of_point(x: float, y: float, pointer: str, height: float) -> Iterator[Oddity]:
    name = "coordinate-off-slide"
    if not 0 <= x <= 1:
        yield Oddity(name, f"{pointer}/x", f"x = {x} lies outside 0 to 1 image widths; are these pixels?")
    if not 0 <= y <= height:
        text = f"y = {y} lies outside 0 to {height:.4g} image widths (height/width)"
        yield Oddity(name, f"{pointer}/y", text)
