"""What nobody can use in a result: each remark by itself, and none about good results."""

import copy
import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ia_api_contract.app_geometry import Limits, examine
from ia_api_contract.app_geometry.colours import is_colour, is_invisible
from ia_api_contract.app_geometry.remarks import CODES

SIZE = (1600, 1200)
SQUARE = [(0.1, 0.1), (0.2, 0.1), (0.2, 0.2), (0.1, 0.2)]


def polygon(*points: tuple[float, float]) -> dict[str, Any]:
    return {"points": [{"x": x, "y": y} for x, y in points]}


def primitive(**members: Any) -> dict[str, Any]:
    return {"data": {"result": {"type": "primitive", "content": [members]}}}


def gallery(**members: Any) -> dict[str, Any]:
    patch = {"tag": 0, "position": {"x": 0.3, "y": 0.2}, "sortKeyValue": 0.5}
    content = {"patches": [patch], "tags": ["a", "b"], "patchSize": 64, "magnification": 20, **members}
    return {"data": {"result": {"type": "patchCollection", "content": content}}}


def codes(document: dict[str, Any]) -> list[tuple[str, str]]:
    return [(remark.code, remark.pointer.removeprefix("/data/result/content")) for remark in examine(document, SIZE)]


def test_good_results_have_no_remarks():
    for name in ("result_patch_collection", "result_primitive_list", "result_primitive_object", "result_update"):
        text = files("demo_hospital").joinpath("examples", f"{name}.json").read_text(encoding="utf-8")
        assert examine(json.loads(text), SIZE) == [], name


@pytest.mark.parametrize(
    ("members", "code", "pointer"),
    [
        ({"polygons": [polygon((0.1, 0.1), (0.2, 0.1), (0.2, 0.76))]}, "polygon-off-slide", "/0/polygons/0"),
        ({"polylines": [polygon((0.1, 0.1), (1.1, 0.1))]}, "polyline-off-slide", "/0/polylines/0"),
        ({"arcs": [{"center": {"x": 1.2, "y": 0.5}, "radius": 0.1}]}, "arc-off-slide", "/0/arcs/0"),
        ({"labels": [{"location": {"x": -0.1, "y": 0}, "label": "a"}]}, "label-off-slide", "/0/labels/0"),
        (
            {"polygons": [polygon((0.1, 0.1), (0.2, 0.2), (0.2, 0.1), (0.1, 0.2))]},
            "polygon-crosses-itself",
            "/0/polygons/0",
        ),
        ({"polygons": [polygon((0.1, 0.1), (0.2, 0.2), (0.3, 0.3))]}, "degenerate-polygon", "/0/polygons/0"),
        ({"polygons": [polygon((0.1, 0.1), (0.1, 0.1), (0.1, 0.1))]}, "degenerate-polygon", "/0/polygons/0"),
        ({"polygons": [polygon((0.1, 0.1), (0.1001, 0.1), (0.1, 0.1001))]}, "polygon-too-small", "/0/polygons/0"),
        ({"polylines": [polygon((0.1, 0.1), (0.1, 0.1))]}, "degenerate-polyline", "/0/polylines/0"),
        ({"arcs": [{"center": {"x": 0.5, "y": 0.5}, "radius": 0}]}, "degenerate-arc", "/0/arcs/0/radius"),
        ({"style": {"strokeStyle": "FF0000"}}, "colour-unreadable", "/0/style/strokeStyle"),
        ({"style": {"fillStyle": "reddish"}}, "colour-unreadable", "/0/style/fillStyle"),
        ({"style": {"strokeStyle": "#ff000000", "fillStyle": "transparent"}}, "invisible", "/0/style"),
        ({"style": {"size": 0}}, "size-not-positive", "/0/style/size"),
        ({"style": {"size": 500}}, "size-too-large", "/0/style/size"),
        (
            {"style": {"size": 2}, "labels": [{"location": {"x": 0.1, "y": 0}, "label": "a"}]},
            "label-too-small",
            "/0/style/size",
        ),
        ({"labels": [{"location": {"x": 0.1, "y": 0}, "label": " "}]}, "label-empty", "/0/labels/0/label"),
        ({"labels": [{"location": {"x": 0.1, "y": 0}, "label": "a\0b"}]}, "label-unprintable", "/0/labels/0/label"),
        ({"labels": [{"location": {"x": 0.1, "y": 0}, "label": "a" * 101}]}, "label-too-long", "/0/labels/0/label"),
        (
            {"labels": [{"location": {"x": float("nan"), "y": 0}, "label": "a"}]},
            "no-number",
            "/0/labels/0/location/x",
        ),
    ],
)
def test_what_is_wrong_with_a_primitive_is_named(members: dict[str, Any], code: str, pointer: str):
    assert codes(primitive(**members)) == [(code, pointer)]


@pytest.mark.parametrize(
    ("members", "code", "pointer"),
    [
        ({"patches": [{"tag": 2, "position": {"x": 0, "y": 0}}]}, "tag-out-of-range", "/patches/0/tag"),
        ({"patches": [{"tag": -1, "position": {"x": 0, "y": 0}}]}, "tag-out-of-range", "/patches/0/tag"),
        ({"patches": [{"tag": 1, "position": {"x": 0, "y": 0.8}}]}, "patch-off-slide", "/patches/0"),
        ({"patches": [{"tag": 1, "sortKeyValue": "high"}]}, "sort-key-no-number", "/patches/0/sortKeyValue"),
        ({"tagIndex": 2}, "tag-index-out-of-range", "/tagIndex"),
        ({"tags": list("abcdef")}, "too-many-tags", "/tags"),
        ({"tags": ["a", "a"]}, "tag-twice", "/tags"),
        ({"tags": ["a", ""]}, "tag-empty", "/tags"),
        ({"patchSize": 0}, "patch-size-not-positive", "/patchSize"),
        ({"patchSize": 1601}, "patch-size-too-large", "/patchSize"),
        ({"magnification": 0}, "magnification-not-positive", "/magnification"),
        ({"actions": [{"id": "a"}, {"id": "a"}]}, "action-id-twice", "/actions"),
    ],
)
def test_what_is_wrong_with_a_gallery_is_named(members: dict[str, Any], code: str, pointer: str):
    assert codes(gallery(**members)) == [(code, pointer)]


def test_every_code_is_met_by_a_test():
    """The tests above, and those below that name theirs."""
    text = Path(__file__).read_text("utf-8")
    assert [code for code in CODES if f'"{code}"' not in text] == []


def test_a_sort_key_that_is_no_number_is_named():
    patch = {"tag": 0, "position": {"x": 0, "y": 0}, "sortKeyValue": float("nan")}
    assert ("sort-key-no-number", "/patches/0/sortKeyValue") in codes(gallery(patches=[patch]))


def test_too_many_objects_are_named_by_a_limit_that_can_be_set():
    document = primitive(polygons=[polygon(*SQUARE)] * 5)
    assert examine(document, SIZE) == []
    remarks = examine(document, SIZE, Limits(objects=4, points=19, outline=3))
    assert [remark.code for remark in remarks] == ["too-many-objects", "too-many-points"] + ["outline-too-fine"] * 5
    assert "5 shapes" in remarks[0].text


def test_remarks_are_counted_beyond_a_bound():
    document = primitive(polygons=[polygon((2, 2), (3, 2), (3, 3))] * 100)
    remarks = examine(document, SIZE)
    assert len(remarks) == Limits().listed + 1
    assert remarks[-1].text.startswith("80 more")


def test_a_tangle_is_not_examined_for_ever():
    points = [(0.1 + 0.001 * (i % 2), 0.1 + i * 1e-5) for i in range(3000)]
    comb = [*points, (0.05, 0.13), (0.05, 0.1)]
    assert {code for code, _ in codes(primitive(polygons=[polygon(*comb)]))} == {"polygon-not-examined"}


def test_the_object_form_is_examined_alike():
    members = {"polygons": [polygon((0.1, 0.1), (0.2, 0.1), (0.2, 0.76))]}
    document = {"data": {"result": {"type": "primitive", "content": members}}}
    assert codes(document) == [("polygon-off-slide", "/polygons/0")]


def test_nulls_say_nothing():
    members = dict.fromkeys(("style", "polygons", "polylines", "arcs", "labels"))
    assert examine(primitive(**members), SIZE) == []
    assert examine(primitive(style=dict.fromkeys(("strokeStyle", "fillStyle", "size"))), SIZE) == []
    assert examine(gallery(description=None, polygons=None, actions=None, statuses=None), SIZE) == []
    assert examine({"data": {"context": None}}, SIZE) == []


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["x", "y", "points", "polygons", "tags", "style", "size"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.data(), JSON)
def test_nothing_that_came_makes_it_fail(data: st.DataObject, value: Any):
    document = copy.deepcopy(data.draw(st.sampled_from([primitive(polygons=[polygon(*SQUARE)]), gallery()])))
    content = document["data"]["result"]["content"]
    where = content[0] if isinstance(content, list) else content
    names = ["polygons", "labels", "arcs", "style", "tags", "patches", "patchSize", "magnification", "actions"]
    where[data.draw(st.sampled_from(names))] = value
    examine(document, SIZE)
    document["data"]["result"]["content"] = value
    examine(document, SIZE)


COLOURS = [
    "#fff",
    "#FF000040",
    "#00897B",
    "rgb(1,2,3)",
    "rgba(1 2 3 / 50%)",
    "rgba(1, 2, 3, .5)",
    "hsl(120deg 50% 50%)",
]


@pytest.mark.parametrize("text", [*COLOURS, "Red", " rebeccapurple ", "transparent"])
def test_a_colour_of_css_is_a_colour(text: str):
    assert is_colour(text)


@pytest.mark.parametrize(
    "text", ["", "#ff", "#12345", "FF0000", "rgb(1,2)", "rgb(1 2 3 4)", "rgb()", "rgb(a,b,c)", "0xFF0000", "rgb(1,2,3"]
)
def test_what_css_does_not_know_is_no_colour(text: str):
    assert not is_colour(text)


def test_invisible_is_what_has_no_alpha_left():
    assert all(map(is_invisible, ["#0000", "#ff000000", "rgba(1,2,3,0)", "rgb(1 2 3 / 0%)", "transparent"]))
    assert not any(map(is_invisible, ["#000", "#00000001", "#000000", "rgb(0,0,0)", "hsl(0 0% 0% / 1%)", "what"]))
