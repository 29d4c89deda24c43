"""What the app's results show: whether the points lie where they should, and whether people can use it."""

from ia_api_contract.app_geometry import detect, examine, overlay
from ia_api_contract.app_pacs import SLIDE
from ia_api_contract.app_requirements.asking import OURS, STORED, fail_for, first_start, must, should, stored
from ia_api_contract.app_target import AREA, OTHER_AREA, AppTarget
from ia_api_contract.check import Check, Level
from ia_api_contract.outcomes import Failed


def _size(target: AppTarget) -> tuple[int, int]:
    size = target.pacs.world.slide(SLIDE).metadata()["imageSize"]
    return size["width"], size["height"]


def coordinates(target: AppTarget) -> None:
    """Points are normalised by the width."""
    areas = {"wholeSlide": None, "taggedPolygon": [AREA], "multiArea": [AREA, OTHER_AREA]}[target.asks_for]
    result = stored(first_start(target))
    suspicions = detect(result, _size(target), area=areas)
    if suspicions:
        picture = overlay(suspicions[0], _thumbnail(target))
        raise Failed("\n".join(suspicion.text for suspicion in suspicions), picture)


def _thumbnail(target: AppTarget) -> bytes | None:
    """The slide on one tile, where its tiles are as large as is usual."""
    slide = target.pacs.world.slide(SLIDE)
    side = slide.metadata()["tileSize"]["width"]
    plane = str(slide.metadata()["focalPlanes"][0]["id"])
    level = side.bit_length() - 1
    return slide.picture.tile(level, 0, 0, focal_plane=plane, optical_path=None, format="jpeg")


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
