"""A picture of a suspicion that needs nothing else: the points as they were sent beside the points as corrected."""

import base64
from collections.abc import Iterator, Sequence
from xml.sax.saxutils import escape, quoteattr

from ia_api_contract.app_geometry.detective import Suspicion
from ia_api_contract.app_geometry.fitting import evenly
from ia_api_contract.app_geometry.shapes import Shape

MOST_SHAPES, MOST_POINTS = 1000, 60
"""So many shapes are drawn, evenly taken from all, and so many points of each."""

PANEL = 460.0
"""Edge length of each of the two pictures, in SVG units."""

Box = tuple[float, float, float, float]

SIGNATURES = {b"\xff\xd8\xff": "image/jpeg", b"\x89PNG": "image/png"}


def overlay(suspicion: Suspicion, thumbnail: bytes | None = None) -> str:
    """An SVG of the slide with the points as sent (left) and as corrected (right); `thumbnail` is a JPEG or PNG of it.

    It stands for itself: the thumbnail is within, nothing is loaded, nothing is run. Raises ValueError for a thumbnail
    that is neither JPEG nor PNG.
    """
    slide = (0.0, 0.0, 1.0, suspicion.size[1] / suspicion.size[0])
    picture = _data_url(thumbnail) if thumbnail else None
    sent = evenly(suspicion.sent, MOST_SHAPES)
    right = [suspicion.mistake.corrected(shape) for shape in sent]
    title = f"{suspicion.words} ({suspicion.sureness:.0%}): {suspicion.mistake.text}"
    width, height = 2 * PANEL + 60, PANEL + 100
    some = f"; {len(sent)} of {len(suspicion.sent)} shapes are drawn" if len(sent) < len(suspicion.sent) else ""
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" font-family="sans-serif" '
        f'role="img" aria-label={quoteattr(title)}>',
        f'<rect width="{width:g}" height="{height:g}" fill="#fff"/>',
        f'<text x="20" y="28" font-size="14">{escape(title[:140])}</text>',
        *_panel(20, "as sent" + some, sent, slide, picture, "#c62828"),
        *_panel(PANEL + 40, "as corrected", right, slide, picture, "#1b7f3b"),
        "</svg>",
    ]
    return "\n".join(parts)


def _data_url(thumbnail: bytes) -> str:
    for signature, sort in SIGNATURES.items():
        if thumbnail.startswith(signature):
            return f"data:{sort};base64,{base64.b64encode(thumbnail).decode('ascii')}"
    raise ValueError(f"the thumbnail starts with {thumbnail[:4]!r}; expected a JPEG or PNG image")


def _panel(
    left: float, caption: str, shapes: Sequence[Shape], slide: Box, picture: str | None, colour: str
) -> Iterator[str]:
    """One picture, scaled so that the slide and every shape are seen."""
    view = _around([slide, *(shape.box() for shape in shapes)])
    scale = PANEL / max(view[2] - view[0], view[3] - view[1])
    x, y, width, height = (
        (slide[0] - view[0]) * scale,
        (slide[1] - view[1]) * scale,
        (slide[2] - slide[0]) * scale,
        (slide[3] - slide[1]) * scale,
    )
    yield f'<text x="{left:g}" y="52" font-size="13" fill="{colour}">{escape(caption)}</text>'
    yield f'<g transform="translate({left:g} 64)" fill="none" stroke="{colour}" stroke-width="1.2">'
    place = f'x="{x:.3f}" y="{y:.3f}" width="{width:.3f}" height="{height:.3f}"'
    if picture:
        yield f'<image {place} preserveAspectRatio="none" href="{picture}"/>'
    yield f'<rect {place} stroke="#333" stroke-dasharray="4 3"/>'
    for shape in shapes:
        yield _drawn(shape, view, scale)
    yield "</g>"


def _around(boxes: Sequence[Box]) -> Box:
    left, upper = min(box[0] for box in boxes), min(box[1] for box in boxes)
    right, lower = max(box[2] for box in boxes), max(box[3] for box in boxes)
    margin = 0.02 * max(right - left, lower - upper)
    return left - margin, upper - margin, right + margin, lower + margin


def _drawn(shape: Shape, view: Box, scale: float) -> str:
    points = [((x - view[0]) * scale, (y - view[1]) * scale) for x, y in evenly(shape.points, MOST_POINTS)]
    if len(points) == 1:
        x, y = points[0]
        radius = max(2.5, shape.radius * scale)
        return f'<circle cx="{x:.2f}" cy="{y:.2f}" r="{radius:.2f}"/>'
    element = "polyline" if shape.kind == "polyline" else "polygon"
    return f'<{element} points="{" ".join(f"{x:.2f},{y:.2f}" for x, y in points)}"/>'
