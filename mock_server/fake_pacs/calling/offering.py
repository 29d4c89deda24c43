"""What the workstation lets a user do: start an app as its input template says, draw on the slide, edit a result."""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fake_pacs.calling.invocations import Document, multi_area, tagged_polygon, whole_slide
from fake_pacs.calling.values import RegisteredApp
from fake_pacs.hospital import Slide
from fake_pacs.imaging.errors import SlideUnreadable
from fake_pacs.refusals import Refusal, Refusals
from ia_api_spec import Contract, Violation, shown

Points = Sequence[tuple[float, float]]

_NAMES = {"wholeSlide": "a whole slide", "taggedPolygon": "a drawn polygon", "multiArea": "several areas"}
_FIXED = ("id", "versionId", "slideId")
_ROUNDING = 1e-6
"""So far beyond the edge, in image widths, a point still counts as on the slide."""


def started_on(
    app: RegisteredApp, polygon: Points | None, tag_index: int | None, areas: Sequence[Points] | None
) -> Document:
    """The input of a start. Refused: NOT_OFFERED, for what the app's input template doesn't offer."""
    if polygon is not None and areas is not None:
        raise _not_offered("A start is on one polygon or on several areas, not on both.")
    asked = "taggedPolygon" if polygon is not None else "multiArea" if areas is not None else "wholeSlide"
    offered = str(app.input_template.get("type"))
    if asked != offered:
        wanted = f"The app {app.application_id!r} is started on {_NAMES.get(offered, offered)}, not on {_NAMES[asked]}"
        raise _not_offered(f"{wanted}: its registration's inputTemplate says {offered}.")
    tags = list((app.input_template.get("content") or {}).get("tags") or ())
    _check_tag(app, tags if polygon is not None else [], tag_index)
    if polygon is not None:
        return tagged_polygon(polygon, tags, tag_index)
    return multi_area(areas) if areas is not None else whole_slide()


def _check_tag(app: RegisteredApp, tags: list[str], tag_index: int | None) -> None:
    known = ", ".join(f"{index} {tag}" for index, tag in enumerate(tags))
    if tags and tag_index is None:
        raise _not_offered(f"The app {app.application_id!r} wants a tag with the polygon: {known}.")
    if tag_index is not None and not 0 <= tag_index < len(tags):
        raise _not_offered(f"The app {app.application_id!r} has no tag {tag_index} here; there are: {known or 'none'}.")


def _not_offered(detail: str) -> Refusal:
    hint = "To send an app what no workstation would, use MockSectraServer.trigger()."
    return Refusal(Refusals.NOT_OFFERED, detail, hint=hint)


def check_points(slide: Slide, polygon: Points | None, areas: Sequence[Points] | None) -> None:
    """Refused: INVALID_REQUEST, for what nobody can draw on that slide, with every place of it in the action."""
    drawn = {f"/areas/{number}": area for number, area in enumerate(areas or ())}
    if polygon is not None:
        drawn = {"/polygon": polygon}
    violations = list(_undrawable(drawn, _height(slide))) if drawn else []
    if violations:
        detail = f"Nobody can draw that on the slide {slide.id!r}: {violations[0]}."
        raise Refusal(Refusals.INVALID_REQUEST, detail, violations=violations[:100])


def _undrawable(drawn: Mapping[str, Points], height: float) -> Iterator[Violation]:
    for pointer, area in drawn.items():
        if len(area) < 3:
            yield Violation("body", f"{pointer}/points", f"{len(area)} points", "at least 3")
        for index, point in enumerate(area):
            yield from _off_slide(point, f"{pointer}/points/{index}", height)


def _off_slide(point: Any, pointer: str, height: float) -> Iterator[Violation]:
    if not isinstance(point, (tuple, list)) or len(point) != 2:
        yield Violation("body", pointer, shown(point), "x and y")
        return
    for axis, value, most in zip("xy", point, (1.0, height), strict=True):
        if isinstance(value, (int, float)) and -_ROUNDING <= value <= most + _ROUNDING and math.isfinite(value):
            continue
        hint = "both axes are in image widths, not in pixels" if isinstance(value, (int, float)) and value > 2 else None
        yield Violation("body", f"{pointer}/{axis}", shown(value), f"0 to {most:.4g} image widths", hint)


def _height(slide: Slide) -> float:
    """The slide's height in image widths; unlimited where it can't be read now."""
    try:
        size = slide.metadata()["imageSize"]
    except SlideUnreadable:
        return math.inf
    return float(size["height"]) / float(size["width"])


def check_change(before: Mapping[str, Any], after: dict[str, Any], contract: Contract) -> None:
    """Refused: IDENTITY_CHANGED and INVALID_REQUEST, for what a user can't make of a result."""
    for name in _FIXED:
        if after.get(name) != before[name]:
            detail = f"The user can't change {name}: it was {shown(before[name])}, and became {shown(after.get(name))}."
            raise Refusal(Refusals.IDENTITY_CHANGED, detail)
    try:
        json.dumps(after, allow_nan=False)
    except (TypeError, ValueError) as error:
        violations = [Violation("body", "", f"what JSON can't say ({error})", "JSON values")]
    else:
        violations = contract.schema("AdaptedResult").violations(after, "body")
    if violations:
        detail = f"The changed result {before['id']} breaks the contract: {violations[0]}."
        raise Refusal(Refusals.INVALID_REQUEST, detail, violations=violations)
