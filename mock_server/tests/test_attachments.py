"""Attachments: declared with the result, uploaded by themselves, downloaded whole or in ranges."""

from collections.abc import Callable
from typing import Any

import pytest

from fake_pacs.settings import Settings
from fake_pacs.world import World

MakePacs = Callable[..., Any]

RESULTS = "/applications/nuclei-counter/results"
BYTES = bytes(range(256)) * 40


def path(name: str = "a.bin", result: int = 1) -> str:
    return f"{RESULTS}/{result}/attachments?name={name}"


def declared(pacs: Any, *names: str) -> dict[str, Any]:
    made: dict[str, Any] = pacs.create(attachments=[{"name": name, "state": "stored"} for name in names])
    return made


def states(pacs: Any) -> dict[str, str]:
    return {entry["name"]: entry["state"] for entry in pacs.get(f"{RESULTS}/1").json["attachments"]}


def test_a_declared_name_is_new_and_the_state_is_the_server_s(pacs: Any) -> None:
    stored = declared(pacs, "a.bin", "b.bin")
    assert stored["attachments"] == [{"name": "a.bin", "state": "new"}, {"name": "b.bin", "state": "new"}]


def test_an_upload_stores_the_bytes_and_leaves_the_version(pacs: Any) -> None:
    stored = declared(pacs, "a.bin")
    answer = pacs.put(path(), data=BYTES)
    assert answer.status_code == 200
    assert answer.data == b""
    assert states(pacs) == {"a.bin": "stored"}
    assert pacs.get(f"{RESULTS}/1").json["versionId"] == stored["versionId"]
    download = pacs.get(path())
    assert download.status_code == 200
    assert download.data == BYTES
    assert download.content_type == "application/octet-stream"
    assert download.content_length == len(BYTES)
    assert download.headers["Accept-Ranges"] == "bytes"


@pytest.mark.parametrize("kind", [None, "image/png", "application/json; charset=latin-1", "nonsense"])
def test_an_upload_may_be_of_any_media_type(pacs: Any, kind: str | None) -> None:
    declared(pacs, "a.bin")
    assert pacs.put(path(), data=b"\xff{", content_type=kind).status_code == 200
    assert pacs.get(path()).data == b"\xff{"


def test_an_empty_upload_is_stored_too(pacs: Any) -> None:
    declared(pacs, "a.bin")
    assert pacs.put(path(), data=b"").status_code == 200
    assert states(pacs) == {"a.bin": "stored"}
    assert pacs.get(path()).data == b""
    answer = pacs.get(path(), {"Range": "bytes=0-"})
    pacs.problem(answer, 416, "range-not-satisfiable")
    assert answer.headers["Content-Range"] == "bytes */0"


def test_a_second_upload_replaces_the_first(pacs: Any) -> None:
    declared(pacs, "a.bin")
    for content in (b"one", b"two"):
        assert pacs.put(path(), data=content).status_code == 200
        assert pacs.get(path()).data == content


def test_before_the_upload_there_are_no_bytes(pacs: Any) -> None:
    declared(pacs, "a.bin")
    problem = pacs.refused(404, "unknown-attachment", "GET", path())
    assert "no bytes yet" in problem["detail"]


@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_an_undeclared_name_is_404(pacs: Any, method: str) -> None:
    declared(pacs, "a.bin")
    for name in ("b.bin", "A.bin", "a.bin%20", "%00", "..%2Fa.bin"):
        pacs.refused(404, "unknown-attachment", method, path(name), data=b"x" if method == "PUT" else None)
    pacs.refused(404, "unknown-result", method, path(result=2), data=b"x" if method == "PUT" else None)
    assert states(pacs) == {"a.bin": "new"}


@pytest.mark.parametrize("query", ["", "?name=", "?Name=a.bin", "?name=a.bin&name=b.bin"])
def test_the_name_is_required_once(pacs: Any, query: str) -> None:
    declared(pacs, "a.bin", "b.bin")
    for method in ("GET", "PUT"):
        problem = pacs.refused(400, "invalid-request", method, f"{RESULTS}/1/attachments{query}", data=b"x")
        assert problem["violations"][0]["pointer"] == "name"
    assert states(pacs) == {"a.bin": "new", "b.bin": "new"}


@pytest.mark.parametrize("name", ["a b.txt", "ü/ñ.png", "a&b=c?d#e%f", "🔬", "x" * 1000])
def test_any_name_that_can_be_declared_can_be_used(pacs: Any, name: str) -> None:
    declared(pacs, name)
    assert pacs.put(f"{RESULTS}/1/attachments", query_string={"name": name}, data=b"x").status_code == 200
    assert pacs.get(f"{RESULTS}/1/attachments", query_string={"name": name}).data == b"x"


def test_names_that_stay_keep_bytes_and_state_and_dropped_ones_lose_them(pacs: Any) -> None:
    stored = declared(pacs, "a.bin", "b.bin")
    for name in ("a.bin", "b.bin"):
        pacs.put(path(name), data=name.encode())
    sent = {**stored, "attachments": [{"name": "c.bin"}, {"name": "b.bin", "note": "mine"}]}
    replaced = pacs.put(f"{RESULTS}/1", json=sent).json
    assert replaced["attachments"] == [
        {"name": "c.bin", "state": "new"},
        {"name": "b.bin", "note": "mine", "state": "stored"},
    ]
    assert pacs.get(path("b.bin")).data == b"b.bin"
    pacs.refused(404, "unknown-attachment", "GET", path("a.bin"))
    again = {**replaced, "attachments": [{"name": "a.bin"}]}
    assert pacs.put(f"{RESULTS}/1", json=again).json["attachments"] == [{"name": "a.bin", "state": "new"}]
    pacs.refused(404, "unknown-attachment", "GET", path("a.bin"))


@pytest.mark.parametrize("members", [{"attachments": None}, {"attachments": []}])
def test_an_update_without_attachments_drops_all(pacs: Any, members: dict[str, Any]) -> None:
    stored = declared(pacs, "a.bin")
    pacs.put(path(), data=b"x")
    assert pacs.put(f"{RESULTS}/1", json={**stored, **members}).json["attachments"] == []
    pacs.refused(404, "unknown-attachment", "GET", path())


def test_a_name_declared_twice_is_400_and_nothing_changes(pacs: Any) -> None:
    stored = declared(pacs, "a.bin")
    twice = {**stored, "attachments": [{"name": "b"}, {"name": "c"}, {"name": "b"}]}
    for method, where in (("POST", RESULTS), ("PUT", f"{RESULTS}/1")):
        problem = pacs.refused(400, "invalid-request", method, where, json=twice)
        assert [violation["pointer"] for violation in problem["violations"]] == ["/attachments/2/name"]
        problem = pacs.refused(400, "invalid-request", method, where, json={**twice, "displayResult": 1})
        found = [violation["pointer"] for violation in problem["violations"]]
        assert found == ["/displayResult", "/attachments/2/name"]
    assert states(pacs) == {"a.bin": "new"}


@pytest.mark.parametrize(
    ("asked", "start", "stop"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=0-99", 0, 100),
        ("bytes=100-", 100, len(BYTES)),
        ("bytes=-7", len(BYTES) - 7, len(BYTES)),
        ("bytes=-99999999", 0, len(BYTES)),
        (f"bytes={len(BYTES) - 1}-", len(BYTES) - 1, len(BYTES)),
        ("bytes=10000-99999999", 10_000, len(BYTES)),
        (f"bytes=5-{'9' * 60}", 5, len(BYTES)),
        ("Bytes=0-1", 0, 2),
        ("BYTES=-1", len(BYTES) - 1, len(BYTES)),
    ],
)
def test_a_range_is_206_with_exactly_those_bytes(pacs: Any, asked: str, start: int, stop: int) -> None:
    declared(pacs, "a.bin")
    pacs.put(path(), data=BYTES)
    answer = pacs.get(path(), {"Range": asked})
    assert answer.status_code == 206
    assert answer.data == BYTES[start:stop]
    assert answer.headers["Content-Range"] == f"bytes {start}-{stop - 1}/{len(BYTES)}"
    assert answer.content_length == stop - start


@pytest.mark.parametrize("asked", [f"bytes={len(BYTES)}-", "bytes=99999-100000", "bytes=-0", f"bytes={'9' * 60}-"])
def test_a_range_outside_is_416_with_the_size(pacs: Any, asked: str) -> None:
    declared(pacs, "a.bin")
    pacs.put(path(), data=BYTES)
    answer = pacs.get(path(), {"Range": asked})
    problem = pacs.problem(answer, 416, "range-not-satisfiable")
    assert answer.headers["Content-Range"] == f"bytes */{len(BYTES)}"
    assert problem["hint"] == f"Ask for bytes before {len(BYTES)}."


@pytest.mark.parametrize(
    "asked", ["bytes=5-2", "bytes=0-1,3-4", "lines=1-2", "bytes", "Bytes=-", "bytes=-", "bytes=a-b", ""]
)
def test_what_is_no_single_range_is_ignored_and_journalled(pacs: Any, asked: str) -> None:
    declared(pacs, "a.bin")
    pacs.put(path(), data=BYTES)
    headers = {"Authorization": "Bearer dev-token", "Range": asked}
    answer = pacs.client.get(pacs.base + path(), headers=headers)
    assert answer.status_code == 200
    assert answer.data == BYTES
    assert pacs.oddities() == {"ignored-range": "Range"}


def test_uploaded_bytes_are_not_journalled(pacs: Any) -> None:
    declared(pacs, "a.bin")
    pacs.put(path(), data=b"SECRET" * 10, content_type="application/json")
    pacs.get(path())
    assert [(entry["requestBody"], entry["answerBody"]) for entry in pacs.journal()[-2:]] == [(None, None)] * 2


def test_a_body_over_the_limit_is_413_and_the_former_bytes_stay(make_pacs: MakePacs) -> None:
    pacs = make_pacs()
    world = pacs.server.world
    small = Settings(upload_limit=1000)
    pacs.server.world = World(small, world.hospital, world.store)
    pacs.server.world.seed()
    pacs = pacs.with_token("dev-token")
    declared(pacs, "a.bin")
    assert pacs.put(path(), data=bytes(1000)).status_code == 200
    pacs.refused(413, "body-too-large", "PUT", path(), data=bytes(1001))
    assert len(pacs.get(path()).data) == 1000
    assert states(pacs) == {"a.bin": "stored"}


def test_other_applications_have_attachments_of_their_own(pacs: Any) -> None:
    declared(pacs, "a.bin")
    pacs.create("tumor-finder", attachments=[{"name": "a.bin"}])
    pacs.put(path(), data=b"mine")
    pacs.refused(404, "unknown-attachment", "GET", path().replace("nuclei-counter", "tumor-finder"))
