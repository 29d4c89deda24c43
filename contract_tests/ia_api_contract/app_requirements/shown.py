"""What the app's results show: whether the points lie where they should, and whether people can use it."""

from collections.abc import Sequence
from dataclasses import dataclass

from ia_api_contract import app_corner
from ia_api_contract.app_geometry import Suspicion, detect, examine, overlay, shapes_of
from ia_api_contract.app_pacs import CORNER_SLIDE, SLIDE
from ia_api_contract.app_requirements.asking import OURS, STORED, fail_for, first_start, must, should, stored
from ia_api_contract.app_scene import Document, scene
from ia_api_contract.app_target import AREA, OTHER_AREA, AppTarget
from ia_api_contract.check import Check, Level
from ia_api_contract.outcomes import Failed, Skipped

NEEDED = 0.6
"""So sure it must be, all explanations together, before an app is accused: "probably". Less decides nothing.

On the corner slide nothing is suspected that lies on the slide, as all right points do, and every mistake leads off it:
what is then moved to the tissue, or into the area, by one correction is told from others with a single shape. Where the
first start is all there is, as with `--slide`, points on the slide may be suspected for lying beside the area that was
drawn; a few in one spot may just have been found elsewhere, and stay below.
"""


@dataclass(frozen=True)
class _Clue:
    """What the points of one start say: the mistakes that explain them, if any is needed, and on which slide."""

    suspicions: Sequence[Suspicion]
    slide: str

    @property
    def sureness(self) -> float:
        """How sure it is that something is wrong with the points, from 0 to 1."""
        return sum(suspicion.sureness for suspicion in self.suspicions)

    @property
    def text(self) -> str:
        """All suspicions in words."""
        return "\n".join(suspicion.text for suspicion in self.suspicions)


def _size(target: AppTarget, slide: str = SLIDE) -> tuple[int, int]:
    size = target.pacs.world.slide(slide).metadata()["imageSize"]
    return size["width"], size["height"]


def coordinates(target: AppTarget) -> None:
    """Points are normalised by the width."""
    first, corner = _first_clue(target), _corner_clue(target)
    clue = corner or first  # the corner slide can't be mistaken, so it clears, too
    if clue.sureness >= NEEDED:
        raise Failed(clue.text, overlay(clue.suspicions[0], _thumbnail(target, clue.slide)))
    if clue.suspicions:
        raise Skipped(f"too little to go by, look at it: {clue.text}")


def _first_clue(target: AppTarget) -> _Clue:
    result = stored(first_start(target))
    return _Clue(detect(result, _size(target), area=_drawn(target, AREA, OTHER_AREA)), SLIDE)


def _corner_clue(target: AppTarget) -> _Clue | None:
    """What a start on the corner slide says; None where there is none, or the app stores no points that say anything.

    Points that lie off the slide and that no mistake explains clear nobody.
    """
    if not target.pacs.has_corner_slide:
        return None
    result = _corner_result(target)
    if result is None or not shapes_of(result):
        return None
    drawn = _drawn(target, app_corner.AREA, app_corner.OTHER_AREA)
    suspicions = app_corner.suspected(result, drawn)
    return _Clue(suspicions, CORNER_SLIDE) if suspicions or app_corner.holds(result) else None


def _corner_result(target: AppTarget) -> Document | None:
    patient = target.memory.get("patient", True)
    with scene(target) as made:
        made.start(target.given(areas=(app_corner.AREA, app_corner.OTHER_AREA)), CORNER_SLIDE)
        results = [result for result in made.settled() if result["slideId"] == CORNER_SLIDE]
    target.memory["patient"] = patient  # who finds nothing on that slide may still work afterwards on others
    return results[-1] if results else None


def _drawn(target: AppTarget, first: app_corner.Outline, second: app_corner.Outline) -> list[app_corner.Outline]:
    """What the user drew; nothing for a whole slide."""
    return {"wholeSlide": [], "taggedPolygon": [first], "multiArea": [first, second]}[target.asks_for]


def _thumbnail(target: AppTarget, slide: str) -> bytes | None:
    """The slide on one tile, where its tiles are as large as is usual."""
    found = target.pacs.world.slide(slide)
    side = found.metadata()["tileSize"]["width"]
    plane = str(found.metadata()["focalPlanes"][0]["id"])
    level = side.bit_length() - 1
    return found.picture.tile(level, 0, 0, focal_plane=plane, optical_path=None, format="jpeg")


def _remarks(target: AppTarget, level: Level) -> None:
    remarks = examine(stored(first_start(target)), _size(target))
    fail_for([str(remark) for remark in remarks if remark.level == level])


def showable(target: AppTarget) -> None:
    """The result makes sense wherever it is shown."""
    _remarks(target, "must")


def readable(target: AppTarget) -> None:
    """People can use the result."""
    _remarks(target, "should")


CHECKS: tuple[Check, ...] = (
    must(
        "app.result-coordinates",
        "Points are normalised by the image's width in both axes.",
        "createResult",
        "In pixels, with y divided by the height, or with the axes exchanged, everything shows elsewhere.",
        coordinates,
        document="ia-api",
        needs=(STORED,),
    ),
    must(
        "app.result-showable",
        "Nothing in the result is wrong wherever it's shown: tags in range, shapes on the slide, no crossing outlines.",
        "createResult",
        "The schema lets it pass, and the workstation shows nothing, or nonsense.",
        showable,
        document="ia-api",
        needs=(STORED,),
        own=OURS,
    ),
    should(
        "app.result-readable",
        "People can use the result: colours that there are, texts and lines that can be read, not too many objects.",
        "createResult",
        "What nobody can read or load in time helps no patient.",
        readable,
        document="ia-api",
        needs=(STORED,),
        own=OURS,
    ),
)
