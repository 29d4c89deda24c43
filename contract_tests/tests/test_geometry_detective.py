"""The coordinate detective: names what was done to right points, and is silent about right ones."""

import json
import math
import random
from collections.abc import Callable, Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from demo_hospital import ground_truth
from demo_hospital.truth import GroundTruth
from ia_api_contract.app_geometry import detect, examine, shapes_of

Point = tuple[float, float]
LANDSCAPE, PORTRAIT, SQUARE = (1600, 1200), (1000, 2500), (2048, 2048)

WRONG: dict[str, Callable[[float, float, float, float], Point]] = {
    "pixels": lambda x, y, width, height: (x * width, y * width),
    "pixels of level 2": lambda x, y, width, height: (x * width / 4, y * width / 4),
    "pixels-swapped": lambda x, y, width, height: (y * width, x * width),
    "y-by-height": lambda x, y, width, height: (x, y * width / height),
    "swapped": lambda x, y, width, height: (y, x),
    "swapped-y-by-height": lambda x, y, width, height: (y * width / height, x),
    "swapped-x-by-height": lambda x, y, width, height: (y, x * width / height),
}


def result(polygons: Iterable[Iterable[Point]]) -> dict:
    listed = [{"points": [{"x": x, "y": y} for x, y in polygon]} for polygon in polygons]
    return {"slideId": "s", "data": {"result": {"type": "primitive", "content": [{"polygons": listed}]}}}


def spots(middles: Iterable[Point], size: float = 0.003) -> list[list[Point]]:
    return [[(x - size, y - size), (x + size, y - size), (x + size, y + size)] for x, y in middles]


def scattered(size: tuple[int, int], count: int = 40, seed: int = 1) -> list[Point]:
    numbers = random.Random(seed)
    return [(numbers.uniform(0.01, 0.99), numbers.uniform(0.01, 0.99) * size[1] / size[0]) for _ in range(count)]


def spoilt(polygons: list[list[Point]], wrong: str, size: tuple[int, int]) -> dict:
    return result([[WRONG[wrong](x, y, *size) for x, y in polygon] for polygon in polygons])


def kinds(suspicions: list) -> list[str]:
    return [suspicion.mistake.kind for suspicion in suspicions]


@pytest.mark.parametrize("size", [LANDSCAPE, PORTRAIT, SQUARE])
@pytest.mark.parametrize("wrong", ["pixels", "pixels of level 2"])
def test_pixels_are_known_by_the_slide_s_edges(wrong: str, size: tuple[int, int]):
    polygons = spots(scattered(size))
    first = detect(spoilt(polygons, wrong, size), size)[0]
    assert (first.mistake.kind, first.mistake.level) == ("pixels", 2 if "2" in wrong else 0)
    assert first.words == "almost certainly"
    near(first.corrected, polygons)


def test_y_divided_by_the_height_is_known_on_a_landscape_slide():
    polygons = spots(scattered(LANDSCAPE))
    found = detect(spoilt(polygons, "y-by-height", LANDSCAPE), LANDSCAPE)
    assert kinds(found) == ["y-by-height"]
    assert found[0].words == "almost certainly"
    near(found[0].corrected, polygons)


def test_where_the_axes_may_be_swapped_too_it_is_said():
    """Off the slide's edges alone, y by the height and both mistakes at once look the same."""
    for wrong in ("y-by-height", "swapped-y-by-height"):
        first = detect(spoilt(spots(scattered(LANDSCAPE)), wrong, LANDSCAPE), LANDSCAPE)[0]
        assert first.mistake.kind == "y-by-height"
        assert "They fit as well if x and y are swapped, too" in first.text
    swapped = detect(spoilt(spots(scattered(LANDSCAPE)), "swapped-x-by-height", LANDSCAPE), LANDSCAPE)[0]
    assert swapped.mistake.kind == "swapped-x-by-height", "(row, column) by (width, height) leads off the slide"
    assert "fit as well" not in swapped.text


@pytest.mark.parametrize("size", [LANDSCAPE, PORTRAIT])
def test_swapped_axes_are_known_on_a_slide_that_is_not_square(size: tuple[int, int]):
    polygons = spots(scattered(size))
    found = detect(spoilt(polygons, "swapped", size), size)
    assert kinds(found)[0] == "swapped"
    assert found[0].sureness > 0.5
    near(found[0].corrected, polygons)


def test_swapped_pixels_are_known_where_they_go_beyond_the_slide():
    polygons = spots(scattered(LANDSCAPE))
    assert kinds(detect(spoilt(polygons, "pixels-swapped", LANDSCAPE), LANDSCAPE))[0] == "pixels-swapped"


def test_one_shape_in_pixels_leaves_the_level_open():
    sent = result([[(300, 200), (340, 200), (340, 260)]])
    found = detect(sent, LANDSCAPE)
    assert {suspicion.mistake.kind for suspicion in found} == {"pixels"}
    assert {suspicion.mistake.level for suspicion in found} >= {0, 2}
    assert all(suspicion.sureness < 0.9 for suspicion in found)


@pytest.mark.parametrize("wrong", list(WRONG))
@pytest.mark.parametrize("size", [LANDSCAPE, PORTRAIT])
def test_with_an_area_mistakes_that_stay_on_the_slide_are_known(wrong: str, size: tuple[int, int]):
    height = size[1] / size[0]
    area = [[(0.7, 0.8 * height), (0.9, 0.8 * height), (0.9, 0.95 * height), (0.7, 0.95 * height)]]
    numbers = random.Random(2)
    middles = [(numbers.uniform(0.7, 0.9), numbers.uniform(0.8, 0.95) * height) for _ in range(20)]
    polygons = spots(middles)
    found = detect(spoilt(polygons, wrong, size), size, area=area)
    assert wrong.split(" ")[0] in kinds(found)
    sure = next(suspicion for suspicion in found if suspicion.mistake.kind == wrong.split(" ")[0])
    assert sure.sureness > 0.3


@pytest.mark.parametrize("wrong", list(WRONG))
@pytest.mark.parametrize("slide", ["demo-he-1", "demo-ihc-1", "demo-dicom_1"])
def test_with_ground_truth_every_mistake_is_known(wrong: str, slide: str, truths: Callable[[str], GroundTruth]):
    truth = truths(slide)
    size = truth["widthPx"], truth["heightPx"]
    middles = [(nucleus["x"], nucleus["y"]) for nucleus in truth["nuclei"]]
    found = detect(spoilt(spots(jittered(middles[::9], truth)), wrong, size), size, truth=middles)
    level = 2 if wrong.endswith("2") else 0
    assert [(suspicion.mistake.kind, suspicion.mistake.level) for suspicion in found] == [(wrong.split(" ")[0], level)]


def test_the_portrait_slide_hides_y_by_height_until_the_truth_is_told():
    middles = scattered(PORTRAIT, 60)
    sent = spoilt(spots(middles), "y-by-height", PORTRAIT)
    assert detect(sent, PORTRAIT) == []
    assert kinds(detect(sent, PORTRAIT, truth=middles)) == ["y-by-height"]


def test_one_sort_of_shape_may_be_wrong_alone():
    document = result(spots(scattered(LANDSCAPE, 50)))
    labels = [{"location": {"x": 100.0 * i, "y": 90.0 * i}, "label": "x"} for i in range(1, 13)]
    document["data"]["result"]["content"][0]["labels"] = labels
    found = detect(document, LANDSCAPE)
    assert kinds(found)[0] == "pixels"
    assert found[0].kinds == ("labels",)


def test_a_cluster_in_a_corner_is_no_proof_of_a_small_level():
    numbers = random.Random(5)
    cluster = [(numbers.uniform(0.2, 0.22), numbers.uniform(0.15, 0.17)) for _ in range(200)]
    found = detect(spoilt(spots(cluster), "pixels", LANDSCAPE), LANDSCAPE)
    assert {suspicion.mistake.kind for suspicion in found} == {"pixels"}
    assert all(suspicion.sureness < 0.9 for suspicion in found)
    assert 0 in {suspicion.mistake.level for suspicion in found}


DRAWN = [(0.55, 0.15), (0.8, 0.15), (0.85, 0.25), (0.78, 0.32), (0.55, 0.3)]


@pytest.mark.parametrize("wrong", ["y-by-height", "swapped", "pixels", "pixels of level 2"])
def test_a_drawn_outline_that_comes_back_elsewhere_is_certain(wrong: str):
    """That its corners would be those that the user drew, but for the mistake, is no accident."""
    found = detect(spoilt([DRAWN], wrong, LANDSCAPE), LANDSCAPE, area=[DRAWN])
    assert [(suspicion.mistake.kind, suspicion.words) for suspicion in found] == [
        (wrong.split(" ")[0], "almost certainly")
    ]
    near(found[0].corrected, [DRAWN])


@pytest.mark.parametrize("wrong", ["y-by-height", "swapped", "pixels"])
def test_many_shapes_of_which_a_mistake_keeps_all_out_of_the_area_are_probable_at_least(wrong: str):
    numbers = random.Random(4)
    area = [[(0.55, 0.42), (0.85, 0.42), (0.85, 0.52), (0.55, 0.52)]]
    places = [(numbers.uniform(0.56, 0.84), numbers.uniform(0.43, 0.51)) for _ in range(20)]
    found = detect(spoilt(spots(places), wrong, LANDSCAPE), LANDSCAPE, area=area)
    assert found[0].mistake.kind == wrong
    assert found[0].words in ("probably", "almost certainly")


def test_an_outline_that_comes_back_right_is_cleared_by_itself():
    assert detect(result([DRAWN]), LANDSCAPE, area=[DRAWN]) == []


def test_one_shape_beside_the_area_may_just_be_elsewhere():
    area = [[(0.4, 0.1), (0.8, 0.1), (0.8, 0.4), (0.4, 0.4)]]
    found = detect(result(spots([(0.2, 0.6)])), LANDSCAPE, area=area)
    assert kinds(found) == ["swapped"]
    assert found[0].words == "possibly"


def test_one_shape_near_a_known_point_proves_nothing():
    assert detect(result(spots([(0.2, 0.6)])), LANDSCAPE, truth=[(0.6, 0.2)]) == []
    pairs = [(0.6, 0.2), (0.7, 0.3), (0.3, 0.1)]
    swapped = spots([(y, x) for x, y in pairs])
    assert kinds(detect(result(swapped), LANDSCAPE, truth=pairs)) == ["swapped"]


def test_a_few_strays_are_no_mistake_of_all_points():
    document = result(spots([*scattered(LANDSCAPE, 200), (0.5, 0.9)]))
    assert detect(document, LANDSCAPE) == []


def test_outlines_that_reach_a_little_over_the_edge_are_at_most_possibly_wrong():
    document = result([[(0.2, 0.7), (0.4, 0.7), (0.4, 0.79)]])
    assert all(suspicion.sureness < 0.9 for suspicion in detect(document, LANDSCAPE))


SIZES = st.tuples(st.integers(300, 200_000), st.integers(300, 200_000))


@given(
    SIZES,
    st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1), st.floats(0, 0.2)), min_size=1, max_size=12),
    st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), max_size=4),
)
def test_a_right_result_is_never_suspected(
    size: tuple[int, int], boxes: list[tuple[float, float, float]], truth: list[Point]
):
    height = size[1] / size[0]
    polygons = [
        [(x, y * height), (min(1, x + extent), y * height), (x, min(1, y + extent) * height)] for x, y, extent in boxes
    ]
    document = result(polygons)
    assert detect(document, size) == []
    assert detect(document, size, area=polygons) == []
    assert detect(document, size, area=[[(0, 0), (1, 0), (1, height), (0, height)]]) == []
    middles = [shape.middle for shape in shapes_of(document)]
    assert detect(document, size, truth=middles + [(x, y * height) for x, y in truth]) == []


@given(st.integers(0, 10_000))
def test_what_lies_anywhere_in_the_given_area_is_never_suspected(seed: int):
    numbers = random.Random(seed)
    size = numbers.choice([LANDSCAPE, PORTRAIT, SQUARE])
    height = size[1] / size[0]
    x, y = numbers.uniform(0, 0.7), numbers.uniform(0, 0.7 * height)
    wide, high = numbers.uniform(0.05, 0.3), numbers.uniform(0.05, 0.3 * height)
    middles = [(x + numbers.random() * wide, y + numbers.random() * high) for _ in range(numbers.randint(1, 30))]
    area = [[(x, y), (x + wide, y), (x + wide, y + high), (x, y + high)]]
    assert detect(result(spots(middles, 0.0005)), size, area=area) == []


@pytest.mark.parametrize("seed", range(5))
def test_an_app_without_any_skill_is_not_said_to_have_swapped_anything(seed: int, truths: Callable[[str], GroundTruth]):
    truth = truths("demo-he-1")
    size = truth["widthPx"], truth["heightPx"]
    middles = [(nucleus["x"], nucleus["y"]) for nucleus in truth["nuclei"]]
    for count in (1, 5, 300):
        assert detect(result(spots(scattered(size, count, seed))), size, truth=middles) == []


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"data": None},
        {"data": {"result": None}},
        {"data": {"result": {"type": "primitive", "content": None}}},
        {"data": {"result": {"type": "primitive", "content": [None, 3, {"polygons": None, "labels": [None]}]}}},
        {"data": {"result": {"type": "primitive", "content": {"polygons": [{"points": [{"x": "1"}, {}, None]}]}}}},
    ],
)
def test_what_holds_no_points_is_not_suspected(document: dict):
    assert detect(document, LANDSCAPE) == []


def test_patches_and_the_object_form_are_looked_at():
    patches = [{"tag": 0, "position": {"x": x * 1600, "y": y * 1600}} for x, y in scattered(LANDSCAPE)]
    gallery = {"data": {"result": {"type": "patchCollection", "content": {"patches": patches}}}}
    assert kinds(detect(gallery, LANDSCAPE)) == ["pixels"]
    arc = {"center": {"x": 800, "y": 600}, "radius": 160, "startAngle": 0, "endAngle": 1}
    found = detect({"data": {"result": {"type": "primitive", "content": {"arcs": [arc] * 8}}}}, LANDSCAPE)
    assert math.isclose(next(s for s in found if s.mistake.level == 0).corrected[0].radius, 0.1)


def test_it_says_what_came_and_what_would_be_right():
    suspicion = detect(spoilt(spots([(0.5, 0.25), (0.9, 0.7)] * 4), "pixels", LANDSCAPE), LANDSCAPE)[0]
    assert "pixels of the full resolution" in suspicion.text
    assert "/data/result/content/0/polygons/0 starts at (795.2, 395.2); (0.497, 0.247) would be right" in suspicion.text
    assert json.loads(json.dumps(suspicion.as_json()))["affects"] == ["polygons"]


@pytest.mark.parametrize("far", [1.7e308, -1e308, 1e160, 5e-324])
def test_numbers_as_large_as_there_are_can_be_reckoned_with(far: float):
    where = {"x": far, "y": -far}
    shapes = {
        "polygons": [{"points": [where, {"x": far / 2, "y": far}, {"x": far, "y": far}]}] * 2,
        "polylines": [{"points": [where, {"x": 0.1, "y": 0.1}]}],
        "arcs": [{"center": where, "radius": abs(far)}],
        "labels": [{"location": where, "label": "here"}],
        "style": {"size": far},
    }
    document = {"slideId": "s", "data": {"result": {"type": "primitives", "content": [shapes]}}}
    assert examine(document, (1024, 512))
    assert all(
        math.isfinite(found.sureness) for found in detect(document, (1024, 512), area=[[(0, 0), (1, 0), (1, 1)]])
    )


@pytest.mark.parametrize("gap", [5e-324, 1e-12])
def test_landmarks_that_are_next_to_the_same_can_be_reckoned_with(gap: float):
    known = [(0.5, 0.5), (0.0, 0.0), (0.0, gap)]
    assert detect(result(spots(known[:1])), LANDSCAPE, truth=known) == []
    assert detect(result(spots([(1.7e308, 0.5)], 0.0)), LANDSCAPE, truth=known) == []


def test_an_image_without_size_is_refused():
    with pytest.raises(ValueError, match="0 x 5 pixels"):
        detect({}, (0, 5))


def near(shapes: Iterable, polygons: list[list[Point]]) -> None:
    for shape, polygon in zip(shapes, polygons, strict=True):
        assert all(math.dist(a, b) < 1e-9 for a, b in zip(shape.points, polygon, strict=True))


def jittered(middles: list[Point], truth: GroundTruth) -> list[Point]:
    """Two micrometres beside the nuclei, as detectors are."""
    numbers, error = random.Random(3), 1.0 / truth["widthUm"]
    return [(x + numbers.gauss(0, error), y + numbers.gauss(0, error)) for x, y in middles]


@pytest.fixture(scope="module")
def truths() -> Callable[[str], GroundTruth]:
    known: dict[str, GroundTruth] = {}
    return lambda slide: known.get(slide) or known.setdefault(slide, ground_truth(slide))
