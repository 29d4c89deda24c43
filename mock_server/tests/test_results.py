"""Results: all that callers send, all that they need back, and what the state of things refuses."""

import itertools
import json
from collections.abc import Callable
from typing import Any

import pytest

import demo_hospital

MakePacs = Callable[..., Any]

RESULTS = "/applications/nuclei-counter/results"
TRIANGLE = {"points": [{"x": 0.1, "y": 0.1}, {"x": 0.2, "y": 0.1}, {"x": 0.2, "y": 0.2}]}
LINE = {"points": [{"x": 0.1, "y": 0.1}, {"x": 0.2, "y": 0.1}]}
ARC = {"center": {"x": 0.5, "y": 0.5}, "radius": 0.1, "startAngle": 0, "endAngle": 3.14159}
LABEL = {"location": {"x": 0.1, "y": 0.1}, "label": "Tumör 🔬"}
NULLS: dict[str, Any] = {"style": None, "polygons": None, "polylines": None, "arcs": None, "labels": None}


def primitive(content: Any) -> dict[str, Any]:
    return {"result": {"type": "primitive", "content": content}}


def patches(**members: Any) -> dict[str, Any]:
    """A gallery whose patches are in no order but their own."""
    tags = [2, 0, 1, 0]
    listed = [{"tag": tag, "position": {"x": 0.5 - tag / 10, "y": 0.3}, "sortKeyValue": tag * 0.3} for tag in tags]
    content = {"patches": listed, "tags": ["a", "b", "c"], "patchSize": 64, "magnification": 20, **members}
    return {"context": {"run": 1}, "result": {"type": "patchCollection", "content": content}}


FORMS: dict[str, dict[str, Any]] = {
    "no data at all": {"data": {}},
    "a null context": {"data": {"context": None}},
    "a null result": {"data": {"result": None}},
    "a context of any shape": {"data": {"context": {"b": [1, 2.5, None, True, {"a": "ü"}], "a": {}, "": ""}}},
    "one primitive as an object": {"data": primitive({"polygons": [TRIANGLE]})},
    "a list of primitives": {"data": primitive([{"polygons": [TRIANGLE]}, {"polylines": [LINE]}])},
    "an empty list": {"data": primitive([])},
    "an empty object": {"data": primitive({})},
    "arcs and labels": {"data": primitive([{"arcs": [ARC], "labels": [LABEL]}])},
    "nulls for every list and the style": {"data": primitive([NULLS])},
    "nulls in an object": {"data": primitive(NULLS)},
    "nulls in the style": {"data": primitive([{"style": {"strokeStyle": None, "fillStyle": None, "size": None}}])},
    "a style": {"data": primitive([{"style": {"strokeStyle": "#FF000080", "fillStyle": "red", "size": 3}}])},
    "members of a primitive that nobody knows": {"data": primitive({"patches": "none", "tags": 7, "x": 3})},
    "patches": {"data": patches()},
    "a status with a null message": {"data": patches(statuses={"allowVerify": {"value": True, "message": None}})},
    "an empty status": {"data": patches(statuses={"allowVerify": {}})},
    "gallery buttons": {"data": patches(actions=[{"id": "a", "state": 0, "name": "Again", "tooltip": "t"}])},
    "nulls in a gallery": {"data": patches(description=None, polygons=None, actions=None, statuses=None)},
    "null attachments": {"attachments": None},
    "null display properties and version": {"displayProperties": None, "applicationVersion": None},
    "strings and numbers as display properties": {"displayProperties": {"n": 7, "share": 0.25, "text": "ü", "e": 1e-9}},
    "unknown members": {"resultVersion": "2.0", "extra": {"deep": [None]}},
    "large and small numbers": {"data": {"context": {"n": [2**53, 2**64, -(10**300), 1e300, 5e-324, -0.0]}}},
}


@pytest.mark.parametrize("name", FORMS)
def test_every_form_that_occurs_is_stored_and_comes_back_as_it_was(pacs: Any, name: str) -> None:
    sent = pacs.result(**FORMS[name])
    answer = pacs.post(RESULTS, json=sent)
    assert answer.status_code == 201, answer.data
    stored = answer.json
    for member, value in sent.items():
        if value is not None and member != "attachments":
            assert json.dumps(stored[member]) == json.dumps(value), "same form, same order"
    assert pacs.get(f"{RESULTS}/1").json == stored
    assert pacs.get(f"{RESULTS}/slide/demo-he-1").json == [stored]


@pytest.mark.parametrize("example", ["result_primitive_list", "result_primitive_object", "result_patch_collection"])
def test_the_examples_of_the_demo_hospital_come_back_exactly(pacs: Any, example: str) -> None:
    sent = demo_hospital.example(example)
    stored = pacs.post(RESULTS, json=sent).json
    assert json.dumps(stored["data"]) == json.dumps(sent["data"])


@pytest.mark.parametrize("missing", [("applicationVersion",), ("displayProperties",), ("attachments",)])
@pytest.mark.parametrize("value", ["absent", None])
def test_what_callers_need_is_never_missing_nor_null(pacs: Any, missing: tuple[str], value: str | None) -> None:
    more = {} if value == "absent" else dict.fromkeys(missing)
    stored = pacs.create(**more)
    assert type(stored["id"]) is int
    assert isinstance(stored["versionId"], str)
    assert stored["slideId"] == "demo-he-1"
    assert stored["displayResult"] == "2 nuclei"
    assert stored["applicationVersion"] == ""
    assert stored["displayProperties"] == {}
    assert stored["attachments"] == []


def test_ids_count_from_1_per_application(pacs: Any) -> None:
    assert [pacs.create()["id"] for _ in range(3)] == [1, 2, 3]
    assert [pacs.create("tumor-finder")["id"] for _ in range(2)] == [1, 2]
    assert pacs.create(slideId="demo-tiff-1")["id"] == 4


def test_an_id_is_never_used_again(pacs: Any) -> None:
    for _ in range(3):
        pacs.create()
    pacs.server.world.store.delete_result("default", "nuclei-counter", 3)
    assert pacs.create()["id"] == 4
    pacs.refused(404, "unknown-result", "GET", f"{RESULTS}/3")


def test_lists_are_ordered_by_id_so_that_the_last_is_the_latest(pacs: Any) -> None:
    made = [pacs.create(displayResult=str(number)) for number in range(12)]
    for stored in reversed(made):
        assert pacs.put(f"{RESULTS}/{stored['id']}", json=stored).status_code == 200
    pacs.create(slideId="demo-tiff-1")
    pacs.create("tumor-finder")
    listed = pacs.get(f"{RESULTS}/slide/demo-he-1").json
    assert [stored["id"] for stored in listed] == list(range(1, 13))
    assert [stored["displayResult"] for stored in listed] == [str(number) for number in range(12)]
    assert pacs.get(f"{RESULTS}/slide/demo-fluor-1").json == []


def test_an_update_replaces_members_left_out_are_gone_and_unknown_ones_kept(pacs: Any) -> None:
    stored = pacs.create(applicationVersion="1", displayProperties={"n": 1}, resultVersion="a", data=patches())
    sent = pacs.result(displayResult="new", other=[1], versionId=stored["versionId"])
    answer = pacs.put(f"{RESULTS}/1", json=sent)
    assert answer.status_code == 200
    replaced = answer.json
    assert replaced["versionId"] != stored["versionId"]
    assert replaced == {
        "id": 1,
        "versionId": replaced["versionId"],
        "slideId": "demo-he-1",
        "displayResult": "new",
        "applicationVersion": "",
        "displayProperties": {},
        "attachments": [],
        "data": {"context": None},
        "other": [1],
    }
    assert pacs.get(f"{RESULTS}/1").json == replaced


@pytest.mark.parametrize("with_id", [True, False])
def test_an_update_may_be_the_whole_stored_result_or_lack_the_id(pacs: Any, with_id: bool) -> None:
    sent = pacs.create(data=patches())
    if not with_id:
        del sent["id"]
    answer = pacs.put(f"{RESULTS}/1", json=sent)
    assert answer.status_code == 200, answer.data
    assert answer.json == {**sent, "id": 1, "versionId": answer.json["versionId"]}


def test_every_write_gives_another_version(pacs: Any) -> None:
    stored, seen = pacs.create(), set()
    for _ in range(5):
        seen.add(stored["versionId"])
        stored = pacs.put(f"{RESULTS}/1", json=stored).json
    assert len(seen | {stored["versionId"]}) == 6


def test_a_stale_version_is_409_and_nothing_changes(pacs: Any) -> None:
    first = pacs.create()
    second = pacs.put(f"{RESULTS}/1", json={**first, "displayResult": "second"}).json
    for stale in (first["versionId"], "made-up", ""):
        problem = pacs.refused(409, "stale-version", "PUT", f"{RESULTS}/1", json={**first, "versionId": stale})
        assert problem["hint"]
        assert pacs.get(f"{RESULTS}/1").json == second


def test_a_missing_version_is_409_and_the_hint_names_the_switch(pacs: Any) -> None:
    stored = pacs.create()
    problem = pacs.refused(409, "missing-version", "PUT", f"{RESULTS}/1", json=pacs.result(displayResult="lost"))
    assert "--missing-version accept" in problem["hint"]
    assert pacs.get(f"{RESULTS}/1").json == stored


def test_a_missing_version_is_accepted_and_journalled_where_the_server_was_told_so(make_pacs: MakePacs) -> None:
    pacs = make_pacs(missing_version="accept")
    stored = pacs.create()
    answer = pacs.put(f"{RESULTS}/1", json=pacs.result(displayResult="new"))
    assert answer.status_code == 200
    assert answer.json["versionId"] != stored["versionId"]
    assert pacs.oddities() == {"missing-version": "/versionId"}
    pacs.refused(409, "stale-version", "PUT", f"{RESULTS}/1", json=stored)


@pytest.mark.parametrize(
    ("change", "word"), [({"slideId": "demo-tiff-1"}, "demo-tiff-1"), ({"slideId": "none"}, "none"), ({"id": 2}, "2")]
)
def test_what_a_result_belongs_to_cannot_change(pacs: Any, change: dict[str, Any], word: str) -> None:
    stored = pacs.create()
    pacs.create()
    problem = pacs.refused(409, "identity-changed", "PUT", f"{RESULTS}/1", json={**stored, **change})
    assert word in problem["detail"]
    assert pacs.get(f"{RESULTS}/1").json == stored


def test_id_and_version_of_a_new_result_are_the_server_s_and_what_came_is_journalled(pacs: Any) -> None:
    stored = pacs.create(id=77, versionId="mine")
    assert stored["id"] == 1
    assert stored["versionId"] != "mine"
    oddities = pacs.journal()[-1]["oddities"]
    assert [(oddity["name"], oddity["place"]) for oddity in oddities] == [
        ("assigned-member", "/id"),
        ("assigned-member", "/versionId"),
    ]


def test_unknown_things_are_404_with_a_hint_that_names_the_option(pacs: Any) -> None:
    pacs.create()
    assert "--slides" in pacs.refused(404, "unknown-slide", "POST", RESULTS, json=pacs.result(slideId="no"))["hint"]
    assert "--slides" in pacs.refused(404, "unknown-slide", "GET", f"{RESULTS}/slide/no")["hint"]
    for method, tail in (("POST", ""), ("GET", "/1"), ("PUT", "/1"), ("GET", "/slide/demo-he-1")):
        path = f"/applications/no/results{tail}"
        assert "--app no" in pacs.refused(404, "unknown-application", method, path, json=pacs.result())["hint"]
    for method, number in itertools.product(("GET", "PUT"), (2, 0, -1, 2**63, 10**30)):
        pacs.refused(404, "unknown-result", method, f"{RESULTS}/{number}", json=pacs.result(versionId="x"))
    assert pacs.get(f"{RESULTS}/slide/demo-he-1").json[-1]["id"] == 1


@pytest.mark.parametrize("number", ["abc", "1.0", "1e0", "01", "+1", "0x1", "%20", "1" * 500])
def test_an_id_that_is_no_whole_number_is_400(pacs: Any, number: str) -> None:
    problem = pacs.refused(400, "invalid-request", "GET", f"{RESULTS}/{number}")
    assert problem["violations"][0]["pointer"] == "resultId"


REFUSED: list[tuple[dict[str, Any], list[str]]] = [
    ({"slideId": None, "displayResult": 1, "data": []}, ["/data", "/displayResult", "/slideId"]),
    ({"slideId": ""}, ["/slideId"]),
    ({"displayProperties": {"a": None, "b": []}}, ["/displayProperties/a", "/displayProperties/b"]),
    ({"attachments": [{"name": ""}, {"state": "gone"}]}, ["/attachments/0/name", "/attachments/1/name"]),
    ({"data": {"context": []}}, ["/data/context"]),
    ({"data": {"result": {"type": "none", "content": []}}}, ["/data/result/type"]),
    ({"data": primitive([{"polygons": [{"points": []}]}])}, ["/data/result/content/0/polygons/0/points"]),
    ({"data": primitive({"polylines": [{"points": [{"x": 1}]}]})}, ["/data/result/content/polylines/0/points"]),
    (
        {"data": primitive([{"style": {"size": 1.5}}, 7])},
        ["/data/result/content/0/style/size", "/data/result/content/1"],
    ),
    (
        {"data": patches(patches=[{"tag": 0, "position": {"x": 1}, "sortKeyValue": "a"}])},
        ["/position/y", "/sortKeyValue"],
    ),
]


@pytest.mark.parametrize(("change", "pointers"), REFUSED)
def test_what_makes_no_sense_is_400_with_every_place_and_nothing_changes(
    pacs: Any, change: dict[str, Any], pointers: list[str]
) -> None:
    stored = pacs.create()
    before = pacs.everything()
    for method, path in (("POST", RESULTS), ("PUT", f"{RESULTS}/1")):
        problem = pacs.refused(400, "invalid-request", method, path, json={**stored, **change})
        found = [violation["pointer"] for violation in problem["violations"]]
        for pointer in pointers:
            assert any(place.endswith(pointer) for place in found), (pointer, found)
        assert {"in", "pointer", "came", "expected"} <= set(problem["violations"][0])
    assert pacs.everything() == before


def test_required_members_are_slide_display_result_and_data(pacs: Any) -> None:
    problem = pacs.refused(400, "invalid-request", "POST", RESULTS, json={})
    found = sorted(violation["pointer"] for violation in problem["violations"])
    assert found == ["/data", "/displayResult", "/slideId"]
    assert "3 places" in problem["detail"]


OFF = {"coordinate-off-slide"}


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (primitive({"polygons": [{"points": [{"x": 812.5, "y": 40}] * 3}]}), OFF),
        (primitive([{"labels": [{"location": {"x": -0.1, "y": 0.2}, "label": "a"}]}]), OFF),
        (primitive([{"polylines": [{"points": [{"x": 0.5, "y": 0.76}] * 2}]}]), OFF),
        (primitive([{"polylines": [{"points": [{"x": 1, "y": 0.75}] * 2}]}]), set()),
        (primitive({"labels": [{"location": {"x": 0.5, "y": 0.5, "on": [{"x": 2, "y": 0}]}, "label": "a"}]}), OFF),
        (patches(tags=list("abcdef")), {"many-tags"}),
        (patches(tags=list("abcde")), set()),
        (patches(tags=[]), {"tag-out-of-range"}),
        (patches(), set()),
    ],
)
def test_what_is_only_suspicious_is_stored_and_journalled(pacs: Any, data: Any, expected: set[str]) -> None:
    assert pacs.create(data=data)["data"] == data
    assert set(pacs.oddities()) == expected
    stored = pacs.get(f"{RESULTS}/1").json
    assert pacs.put(f"{RESULTS}/1", json=stored).status_code == 200
    assert set(pacs.oddities()) == expected


def test_a_result_in_pixels_does_not_flood_the_journal(pacs: Any) -> None:
    points = [{"x": 100 + number, "y": 200} for number in range(5000)]
    pacs.create(data=primitive([{"polygons": [{"points": points}]}]))
    oddities = pacs.journal()[-1]["oddities"]
    assert len(oddities) == 21
    assert oddities[-1]["name"] == "more"
    assert oddities[0]["place"] == "/data/result/content/0/polygons/0/points/0/x"


@pytest.mark.parametrize(
    ("path", "spelling"),
    [
        ("/applications/nuclei-counter/results", None),
        ("/applications/nuclei-counter/results/", "trailing-slash"),
        ("/hooks/nuclei-counter/results/", "hooks"),
        ("/hooks/nuclei-counter/results", "hooks-without-slash"),
    ],
)
def test_every_spelling_of_the_writes_is_served_as_it_is_and_named(pacs: Any, path: str, spelling: str | None) -> None:
    answer = pacs.post(path, json=pacs.result())
    assert answer.status_code == 201
    last = pacs.journal()[-1]
    assert (last["operationId"], last["spelling"]) == ("createResult", spelling)
    answer = pacs.put("/hooks/nuclei-counter/results/1", json=answer.json)
    assert answer.status_code == 200
    last = pacs.journal()[-1]
    assert (last["operationId"], last["spelling"]) == ("updateResult", "hooks")


@pytest.mark.parametrize("path", [f"{RESULTS}/1/", f"{RESULTS}/slide/demo-he-1/", f"{RESULTS}//1", f"{RESULTS}/slide/"])
def test_other_slashes_are_unknown_paths(pacs: Any, path: str) -> None:
    pacs.create()
    pacs.refused(404, "unknown-path", "GET", path)


@pytest.mark.parametrize("method", ["DELETE", "PATCH"])
def test_apps_cannot_delete_results(pacs: Any, method: str) -> None:
    stored = pacs.create()
    answer = pacs.ask(method, f"{RESULTS}/1")
    pacs.problem(answer, 405, "method-not-allowed")
    assert answer.headers["Allow"] == "GET, PUT"
    assert pacs.get(f"{RESULTS}/1").json == stored
