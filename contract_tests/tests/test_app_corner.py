"""The corner slide: every mistake shows on it, and no right app is suspected, whatever it finds where."""

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import openslide
import pytest
from hypothesis import given
from hypothesis import strategies as st

from example_app.app import create_app
from ia_api_contract import app_corner
from ia_api_contract.app_corner import AREA, OTHER_AREA, SIZE, TISSUE, holds, suspected
from ia_api_contract.app_geometry.fitting import inside
from ia_api_contract.app_pacs import CORNER_SLIDE, SLIDE, AppPacs
from ia_api_contract.app_suite import BY_ID
from ia_api_contract.outcomes import CheckResult, Outcome
from ia_api_contract.runner import run_one
from ia_api_spec import NEWEST
from meta_tests.app_catalogue import target_of
from meta_tests.apps.bad_app import serving
from meta_tests.apps.shown import Spoiling
from sectra_client import SectraClient
from sectra_client.schemas import InputType, PatchResultContent, Point, PrimitiveResultContent, Result

Place = tuple[float, float]
WIDTH, HEIGHT = SIZE
TALL = HEIGHT / WIDTH

WRONG: dict[str, Callable[[float, float], Place]] = {
    "y-by-height": lambda x, y: (x, y * WIDTH / HEIGHT),
    "swapped": lambda x, y: (y, x),
    "pixels": lambda x, y: (x * WIDTH, y * WIDTH),
    "pixels-swapped": lambda x, y: (y * WIDTH, x * WIDTH),
    "swapped-x-by-height": lambda x, y: (y, x * WIDTH / HEIGHT),
}
BOTH = "They fit as well if x and y are swapped, too"

IN_TISSUE = st.lists(st.tuples(st.floats(0.63, 0.999), st.floats(0.255, TALL - 0.001)), min_size=1, max_size=30)
ON_SLIDE = st.lists(st.tuples(st.floats(0, 1), st.floats(0, TALL)), min_size=1, max_size=30)


def gallery(places: list[Place]) -> dict[str, Any]:
    patches = [{"tag": 0, "position": {"x": x, "y": y}} for x, y in places]
    return {"data": {"result": {"type": "patchCollection", "content": {"patches": patches}}}}


def outlined(outline: list[Place]) -> dict[str, Any]:
    points = [{"x": x, "y": y} for x, y in outline]
    return {"data": {"result": {"type": "primitive", "content": [{"polygons": [{"points": points}]}]}}}


@given(ON_SLIDE, st.sampled_from([(), (AREA,), (AREA, OTHER_AREA)]))
def test_what_lies_on_the_slide_is_never_suspected(places: list[Place], drawn: tuple[app_corner.Outline, ...]):
    assert suspected(gallery(places), drawn) == []
    assert suspected(outlined(places), drawn) == []
    assert holds(gallery(places))


@pytest.mark.parametrize("place", [(-0.5, 0.1), (1.5, 0.1), (0.5, -0.5), (0.5, 3.0)])
def test_what_lies_off_the_slide_for_no_known_reason_clears_nobody(place: Place):
    assert not holds(gallery([(0.5, 0.2), place]))


@given(IN_TISSUE, st.sampled_from(list(WRONG)))
def test_every_mistake_is_named_with_a_single_point_already(places: list[Place], wrong: str):
    first = suspected(gallery([WRONG[wrong](x, y) for x, y in places]))[0]
    assert first.mistake.kind == wrong
    assert first.sureness > 0.8
    assert "they lie off the slide" in first.text


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize("outline", [AREA, OTHER_AREA])
def test_a_drawn_outline_that_comes_back_wrong_is_named(wrong: str, outline: app_corner.Outline):
    found = suspected(outlined([WRONG[wrong](x, y) for x, y in outline]), [AREA, OTHER_AREA])
    assert [(suspicion.mistake.kind, suspicion.words) for suspicion in found] == [(wrong, "almost certainly")]


def test_two_mistakes_at_once_do_not_pass():
    places = [(0.7, 0.3), (0.8, 0.4), (0.9, 0.35)]
    assert suspected(gallery([(y * WIDTH / HEIGHT, x) for x, y in places]))


@pytest.mark.parametrize("both", [True, False])
def test_where_both_may_be_the_case_both_are_named(both: bool):
    """The tissue mirrored in the corner's diagonal is nearly itself; a drawn outline isn't."""
    places = [(y * WIDTH / HEIGHT, x) if both else (x, y * WIDTH / HEIGHT) for x, y in [(0.8, 0.35), (0.9, 0.4)]]
    first = suspected(gallery(places))[0]
    assert first.mistake.kind == "y-by-height"
    assert BOTH in first.text
    outline = [(y * WIDTH / HEIGHT, x) if both else (x, y * WIDTH / HEIGHT) for x, y in AREA]
    found = suspected(outlined(outline), [AREA])
    assert [known.mistake.kind for known in found] == ["swapped-y-by-height" if both else "y-by-height"]
    assert BOTH not in found[0].text


def test_what_is_drawn_lies_in_the_tissue():
    for outline in (AREA, OTHER_AREA):
        assert all(inside(corner, TISSUE) for corner in outline)


@pytest.fixture(scope="module")
def pacs() -> Iterator[AppPacs]:
    running = AppPacs(NEWEST).run(port=0)
    yield running
    running.stop()


def test_its_file_is_a_slide_with_glass_but_for_the_corner(pacs: AppPacs, tmp_path: Path):
    file = tmp_path / "corner.tiff"
    app_corner.write_corner_slide(file, pacs.world.slide(SLIDE))
    with openslide.OpenSlide(file) as slide:
        assert slide.dimensions == SIZE
        assert float(slide.properties[openslide.PROPERTY_NAME_MPP_X]) == 0.5
        whole = slide.read_region((0, 0), 0, SIZE).convert("L")
    left, top = app_corner.PLACE
    assert len({whole.getpixel(place) for place in [(0, 0), (left - 1, HEIGHT - 1), (WIDTH - 1, top - 1)]}) == 1
    assert len(set(whole.crop((left, top, WIDTH, HEIGHT)).tobytes())) > 100
    assert pacs.world.slide(CORNER_SLIDE).metadata()["imageSize"] == {"width": WIDTH, "height": HEIGHT}


def test_it_tells_of_a_patient_what_the_others_do(pacs: AppPacs):
    """So that what an app leaks of it is found, and it is of the same case."""
    corner, other = (pacs.world.slide(name).metadata() for name in (CORNER_SLIDE, SLIDE))
    for member in ("accessionNumber", "examId", "lisSlideId", "staining"):
        assert corner[member] == other[member]


def test_its_file_is_removed_with_the_pacs():
    ended = AppPacs(NEWEST).run(port=0)
    (file,) = ended.world.slide(CORNER_SLIDE).files
    assert file.size > 100_000
    folder = Path(ended._folder.name)  # type: ignore[union-attr]
    ended.stop()
    assert not folder.exists()


def judged(pacs: AppPacs, spoil: Callable[[SectraClient, Result], None], asks_for: InputType) -> CheckResult:
    with serving(create_app(asks_for, Spoiling(spoil)).wsgi_app) as url:
        return run_one(BY_ID["app.result-coordinates"], target_of(url, pacs, 8.0))


def moving(place: Callable[[random.Random, float], Place]) -> Callable[[SectraClient, Result], None]:
    """An app whose points lie where `place` says, given the slide's height."""

    def spoil(client: SectraClient, result: Result) -> None:
        size = client.get_image_metadata(result.slideId).imageSize
        numbers, shown = random.Random(7), result.data.result
        if isinstance(shown, PatchResultContent):
            for patch in shown.content.patches:
                patch.position = Point(**dict(zip("xy", place(numbers, size.height / size.width), strict=True)))
        elif isinstance(shown, PrimitiveResultContent):
            x, y = place(numbers, size.height / size.width)
            shown.primitives[0].polygons[0].points = [Point(x=x + dx, y=y + dx * dx) for dx in (0, 0.01, 0.02)]

    return spoil


@pytest.mark.parametrize("asks_for", InputType, ids=str)
@pytest.mark.parametrize(
    "place",
    [
        lambda numbers, height: (numbers.uniform(0, 0.97), numbers.uniform(0, 0.97 * height)),
        lambda numbers, height: (numbers.uniform(0, 0.3), numbers.uniform(0, 0.2 * height)),
        lambda numbers, height: (0.18, 0.6 * height),
    ],
    ids=["anywhere", "on the glass", "in one place"],
)
def test_an_app_that_is_right_about_points_and_wrong_about_tissue_is_not_accused(
    pacs: AppPacs, place: Callable[[random.Random, float], Place], asks_for: InputType
):
    result = judged(pacs, moving(place), asks_for)
    assert result.outcome is Outcome.PASS, result.text


def _nothing_in_the_corner(client: SectraClient, result: Result) -> None:
    shown = result.data.result
    if result.slideId == CORNER_SLIDE and isinstance(shown, PatchResultContent):
        shown.content.patches = []


def test_an_app_that_finds_nothing_in_the_corner_is_judged_by_its_first_start(pacs: AppPacs):
    assert judged(pacs, _nothing_in_the_corner, InputType.WHOLE_SLIDE).outcome is Outcome.PASS


def _elsewhere_without_a_corner(client: SectraClient, result: Result) -> None:
    """A spot that would lie in the drawn area if its axes were exchanged, and no result on the corner slide."""
    shown = result.data.result
    assert isinstance(shown, PrimitiveResultContent)
    places = [] if result.slideId == CORNER_SLIDE else [(0.2, 0.7), (0.21, 0.71), (0.2, 0.71)]
    shown.primitives[0].polygons[0].points = [Point(x=x, y=y) for x, y in places]


def test_a_single_spot_beside_the_area_is_told_and_decides_nothing(pacs: AppPacs):
    result = judged(pacs, _elsewhere_without_a_corner, InputType.TAGGED_POLYGON)
    assert result.outcome is Outcome.SKIP, result.text
    assert "too little to go by" in result.text
    assert "x and y are swapped" in result.text
