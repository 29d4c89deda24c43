"""What nobody can use in a result though the schema may allow it: each remark says where, what came and why that's bad.

`must` remarks are wrong whatever the workstation does; `should` remarks rest on what people can see or on assumptions
about the workstation, which `assumed` marks (no public evidence).
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ia_api_contract.app_geometry.gallery import of_gallery
from ia_api_contract.app_geometry.outlines import of_shapes
from ia_api_contract.app_geometry.primitives import of_primitives
from ia_api_contract.app_geometry.remarks import Limits, Remark, should
from ia_api_contract.app_geometry.shapes import CONTENT, Shape, content_of, shapes_of

__all__ = ["Limits", "Remark", "examine"]

USUAL = Limits()


def examine(document: Mapping[str, Any], size: tuple[int, int], limits: Limits = USUAL) -> list[Remark]:
    """What nobody can use in a result on an image of that size (width, height in pixels); empty for a good one.

    Of each code at most `limits.listed` remarks are made, then one that counts the rest. Works on every form that
    callers send (one object or a list, nulls); members that are no shapes are the schema's to refuse. Raises ValueError
    for a size that no image has.
    """
    if min(size) < 1:
        raise ValueError(f"an image of {size[0]} x {size[1]} pixels: expected at least 1 x 1")
    sort, content = content_of(document)
    shapes = shapes_of(document)
    of_sort = of_gallery(content, size, limits) if sort == "patchCollection" else of_primitives(document, limits)
    return _bounded([*_too_many(shapes, limits), *of_sort, *of_shapes(document, shapes, size, limits)], limits.listed)


def _too_many(shapes: tuple[Shape, ...], limits: Limits) -> Iterator[Remark]:
    points = sum(len(shape.points) for shape in shapes)
    if len(shapes) > limits.objects:
        text = f"{len(shapes)} shapes and patches; more than {limits.objects} are slow to show and nobody looks at them"
        yield should("too-many-objects", CONTENT, text)
    if points > limits.points:
        yield should("too-many-points", CONTENT, f"{points} points; more than {limits.points} are slow to show")


def _bounded(remarks: Iterable[Remark], most: int) -> list[Remark]:
    """At most so many remarks of each code; the last of them says how many more there are."""
    kept: list[Remark] = []
    counts = Counter[str]()
    rest: dict[str, Remark] = {}
    for remark in remarks:
        counts[remark.code] += 1
        if counts[remark.code] <= most:
            kept.append(remark)
        else:
            rest.setdefault(remark.code, remark)
    for code, first in rest.items():
        text = f"{counts[code] - most} more like these, the first of them here"
        kept.append(Remark(code, first.level, first.pointer, text, first.assumed))
    return kept
