"""The coordinate detective: names results whose points only make sense in another frame than the one that is agreed on.

Right points are divided by the image's width in both axes: x runs from 0 to 1, y from 0 to height/width. What shows a
mistake is, from the strongest to the weakest: `truth`, points of which it is known that they are there; `area`, the
polygons that the app was asked to look at; and the slide's edges. A result that fits to what was given is never
suspected. So some mistakes can't be seen without `truth` or `area`: on a portrait slide y divided by the height stays
on the slide, and on a square slide so do swapped axes. `app_corner` has a slide on which every mistake leads off it.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from ia_api_contract.app_geometry.fitting import Landmarks, Region, by_chance, evenly
from ia_api_contract.app_geometry.mistakes import Mistake, normalised_mistakes, pixel_mistakes
from ia_api_contract.app_geometry.shapes import Point, Shape, shapes_of

MOST = 1000
"""So many shapes, evenly taken from all, are weighed; all are corrected."""

FITS, MISSES = 0.98, 0.5
"""On the slide so many shapes must lie to fit. In an area or near landmarks fewer must do to be right."""

_BOTH = ". They fit as well if x and y are swapped, too: these points don't tell whether they are"


@dataclass(frozen=True)
class Suspicion:
    """A mistake that explains why the points of a result don't fit, how sure that is, and the points as they should be.

    `sureness` runs from 0 to 1: the share of this explanation among all that fit, less a rest for what nobody thought
    of. `evidence` is what the points were held against, in words; `kinds` the sorts of shapes that are affected.
    """

    mistake: Mistake
    sureness: float
    evidence: str
    size: tuple[int, int]
    sent: tuple[Shape, ...] = field(repr=False)
    or_both: bool = False
    """Whether the points fit as well if the axes are exchanged on top of the mistake."""

    @cached_property
    def corrected(self) -> tuple[Shape, ...]:
        """The shapes as they should have been sent."""
        return tuple(map(self.mistake.corrected, self.sent))

    @property
    def kinds(self) -> tuple[str, ...]:
        """The sorts of shapes that are affected."""
        return tuple(dict.fromkeys("patches" if shape.kind == "patch" else f"{shape.kind}s" for shape in self.sent))

    @property
    def words(self) -> str:
        """How sure it is, in words."""
        if self.sureness >= 0.9:
            return "almost certainly"
        return "probably" if self.sureness >= 0.6 else "possibly"

    @property
    def text(self) -> str:
        """The suspicion in a sentence, with an example."""
        first = self.sent[0]
        came, right = _told(first.points[0]), _told(self.mistake.right(first.points[0]))
        return (
            f"{self.words} ({self.sureness:.0%}), {self.mistake.text} ({', '.join(self.kinds)}): {self.evidence}. "
            f"{first.pointer} starts at {came}; {right} would be right on {self.size[0]} x {self.size[1]} px"
            f"{_BOTH if self.or_both else ''}"
        )

    def as_json(self) -> dict[str, Any]:
        """The suspicion as a report tells it, without the points."""
        return {
            "kind": self.mistake.kind,
            "level": self.mistake.level,
            "sureness": round(self.sureness, 3),
            "affects": list(self.kinds),
            "text": self.text,
        }


def detect(
    document: Mapping[str, Any],
    size: tuple[int, int],
    area: Sequence[Sequence[Point]] | None = None,
    truth: Sequence[Point] | None = None,
) -> list[Suspicion]:
    """Which mistakes explain that a result's points don't fit; empty for a right result, the surest first.

    `size` is the image's width and height in pixels; `area` the polygons that the app was asked to look at and `truth`
    points that it must have found, both as right (normalised) points. What is no shape by the contract is left out.
    Raises ValueError for a size that no image has.
    """
    if min(size) < 1:
        raise ValueError(f"an image of {size[0]} x {size[1]} pixels: expected at least 1 x 1")
    shapes = shapes_of(document)
    if not shapes:
        return []
    found = _by_truth(shapes, size, truth) if truth else None
    if found is None and area:
        found = _by_area(shapes, size, area)
    if found is None:
        found = _by_slide(shapes, size)
    return found or _by_kind(shapes, size)


def _by_kind(shapes: tuple[Shape, ...], size: tuple[int, int]) -> list[Suspicion]:
    """Suspicions against one sort of shapes where the whole has none: say, labels in pixels beside right polygons."""
    kinds = dict.fromkeys(shape.kind for shape in shapes)
    if len(kinds) == 1:
        return []
    groups = (tuple(shape for shape in shapes if shape.kind == kind) for kind in kinds)
    return [suspicion for group in groups for suspicion in _by_slide(group, size)]


def _by_slide(shapes: tuple[Shape, ...], size: tuple[int, int]) -> list[Suspicion]:
    weighed = _thinned(shapes)
    height = size[1] / size[0]
    slide = Region(height)
    on_slide = slide.share(weighed)
    if on_slide >= FITS:
        return []
    # y by the height fills a square, so exchanged axes on top of it explain the same: told with it, and not weighed
    candidates = [mistake for mistake in normalised_mistakes(size) if mistake.kind != "swapped-y-by-height"]
    candidates += pixel_mistakes(size) if _far_off(weighed, height) else []
    fitting = [mistake for mistake in candidates if slide.share([*map(mistake.corrected, weighed)]) >= FITS]
    innocent = _innocent(weighed, height)
    weights = {
        mistake: _weight(mistake, weighed) + _surprise(mistake, 1 - on_slide, len(weighed), height)
        for mistake in fitting
    }
    text = f"{1 - on_slide:.0%} of them lie off the slide (x 0 to 1, y 0 to {height:.4g}), and so all would lie on it"
    found = _ranked(weights, innocent, text, shapes, size)
    return [replace(known, or_both=known.mistake.kind == "y-by-height") for known in found]


def _by_area(
    shapes: tuple[Shape, ...], size: tuple[int, int], area: Sequence[Sequence[Point]]
) -> list[Suspicion] | None:
    """None where the area neither clears the result nor explains it."""
    weighed = _thinned(_findings(shapes))
    height = size[1] / size[0]
    region = Region(height, area)
    within = region.share(weighed)
    if within >= MISSES:
        return [] if within >= FITS else None
    candidates = [*normalised_mistakes(size), *(pixel_mistakes(size) if _far_off(weighed, height) else ())]
    shares = {mistake: region.share([*map(mistake.corrected, weighed)]) for mistake in candidates}
    weights = {mistake: _weight(mistake, weighed) for mistake, share in shares.items() if share >= 0.9}
    text = f"only {within:.0%} of them lie in the area that the app was given, and so nearly all would"
    if echoing := [mistake for mistake in weights if region.echoes([*map(mistake.corrected, weighed)])]:
        weights = {mistake: weights[mistake] for mistake in echoing}
        text += ", on the very corners that the user drew"
        return _ranked(weights, None, text, shapes, size)
    # an app that looked elsewhere on the slide may by chance seem to have been in the area but for a mistake
    by_accident = min(1.0, len(candidates) * region.extent) ** (1 + _independent(weighed))
    return _ranked(weights, None, text, shapes, size, doubt=3 * by_accident * Region(height).share(weighed)) or None


def _by_truth(shapes: tuple[Shape, ...], size: tuple[int, int], truth: Sequence[Point]) -> list[Suspicion] | None:
    """None where the known points neither clear the result nor explain it."""
    landmarks = Landmarks(truth, size[1] / size[0])
    middles = [shape.middle for shape in evenly(_findings(shapes), MOST)]
    hits = landmarks.hits(middles)
    if hits >= MISSES * len(middles):
        return []
    base = max(landmarks.chance, hits / len(middles))
    weights: dict[Mistake, float] = {}
    candidates = [*normalised_mistakes(size), *pixel_mistakes(size)]
    rare = 0.01 / len(candidates)
    for mistake in candidates:
        better = landmarks.hits([*map(mistake.right, middles)])
        if better >= max(MISSES * len(middles), 1.5 * hits) and by_chance(better, len(middles), base) < rare:
            weights[mistake] = 10.0 * better / len(middles)
    text = f"only {hits} of {len(middles)} lie near something that is known to be there, and so most would"
    return _ranked(weights, None, text, shapes, size) or None


def _thinned(shapes: Sequence[Shape]) -> list[Shape]:
    """At most `MOST` of the shapes, with a dozen points each."""
    return [replace(shape, points=tuple(evenly(shape.points, 12))) for shape in evenly(shapes, MOST)]


def _findings(shapes: tuple[Shape, ...]) -> tuple[Shape, ...]:
    """What was found: labels may stand beside it, so they count only where there is nothing else."""
    return tuple(shape for shape in shapes if shape.kind != "label") or shapes


def _far_off(shapes: Sequence[Shape], height: float) -> bool:
    """Whether most shapes lie where only pixels make sense, far beyond the slide."""
    far = 2 * max(1.0, height)
    return 2 * sum(max(map(abs, shape.middle)) > far for shape in shapes) > len(shapes)


def _weight(mistake: Mistake, shapes: Sequence[Shape]) -> float:
    """The logarithm of how well the mistake explains the points: the tighter they fill its frame, the better.

    A frame twice as large explains points in a half of it less well, by a factor 2 for each independent shape.
    """
    return math.log(mistake.prior) + _independent(shapes) * math.log(mistake.shrinks)


def _independent(shapes: Sequence[Shape]) -> float:
    """For how many independent places the shapes stand, at most 5: what was found often lies in one spot.

    Counts the occupied squares, beyond the first, of a grid that divides the reach of the points by four; each counts
    half, as neighbours are no independent places.
    """
    middles = [shape.middle for shape in shapes]
    square = max(max(abs(x), abs(y)) for x, y in middles) / 4 or 1.0
    occupied = {(math.floor(x / square), math.floor(y / square)) for x, y in middles}
    return min(5.0, (len(occupied) - 1) / 2)


def _surprise(mistake: Mistake, off_slide: float, shapes: int, height: float) -> float:
    """Wrongly normalised points should lie off the slide far more often than a few strays do."""
    expected = 0.0 if mistake.kind.startswith("pixels") else 1 - min(height, 1 / height)
    return math.log(0.2) if shapes >= 12 and off_slide < expected / 4 else 0.0


def _innocent(shapes: Sequence[Shape], height: float) -> float | None:
    """The weight of no mistake at all: outlines that reach a little over the edge."""
    margin = 0.06
    if Region(height, slack=margin).share(shapes) < FITS:
        return None
    return math.log(3.0) - _independent(shapes) * math.log((1 + 2 * margin) * (1 + 2 * margin / height))


def _ranked(
    weights: Mapping[Mistake, float],
    innocent: float | None,
    evidence: str,
    shapes: tuple[Shape, ...],
    size: tuple[int, int],
    doubt: float = 0.0,
) -> list[Suspicion]:
    """The mistakes by their share; `innocent` is a weight as theirs, `doubt` is relative to the best of them."""
    if not weights:
        return []
    top = max(weights.values())
    rest = doubt + 0.2 / (1 + min(len(shapes), 6)) + (math.exp(innocent - top) if innocent is not None else 0.0)
    total = rest + sum(math.exp(weight - top) for weight in weights.values())
    sure = {mistake: math.exp(weight - top) / total for mistake, weight in weights.items()}
    likely = sorted((mistake for mistake in sure if sure[mistake] >= 0.1), key=lambda mistake: -sure[mistake])
    both = any(mistake.kind == "swapped-y-by-height" for mistake in weights)
    return [
        Suspicion(mistake, sure[mistake], evidence, size, shapes, both and mistake.kind == "y-by-height")
        for mistake in likely
    ]


def _told(point: Point) -> str:
    return f"({point[0]:.5g}, {point[1]:.5g})"
