"""Slides that misbehave without any set-up: they answer only by id, stand in no list, and otherwise are like others."""

import http.client
import json
from collections.abc import Callable
from typing import Any

import pytest

from fake_pacs.embedding import MockSectraServer
from fake_pacs.faults.slides import BAD_SLIDES, PREFIX

RESULT = {"displayResult": "2 nuclei", "data": {"context": None}}


def test_each_has_its_id_and_says_what_goes_wrong() -> None:
    for slide_id, bad in BAD_SLIDES.items():
        assert slide_id == bad.id
        assert slide_id.startswith(PREFIX)
        assert bad.what
        assert bad.effect or bad.latency


def test_they_stand_in_no_case_and_no_list(pacs: Any) -> None:
    lists = ["/requests/S26-1001/images/info", "/requests/S26-1002/images/info"]
    lists += [f"/slides/{slide_id}/request/images/info" for slide_id in BAD_SLIDES]
    answers = [pacs.get(path) for path in lists] + [pacs.control("GET", "hospital")]
    assert {answer.status_code for answer in answers} == {200}
    assert [answer for answer in answers if PREFIX in answer.get_data(as_text=True)] == []


def test_their_metadata_are_those_of_a_real_slide(pacs: Any) -> None:
    like = pacs.get("/slides/demo-focus-1/info?scope=extended&includePHI=true").json
    own = {"id", "lisSlideId", "qualityControl"}
    for slide_id in BAD_SLIDES.keys() - {"fault-slow"}:
        told = pacs.get(f"/slides/{slide_id}/info?scope=extended&includePHI=true").json
        assert told["id"] == told["lisSlideId"] == slide_id
        assert {name: told[name] for name in told.keys() - own} == {name: like[name] for name in like.keys() - own}


@pytest.mark.parametrize(
    ("slide_id", "statuses"),
    [
        ("fault-401", [401, 401]),
        ("fault-429", [429, 429]),
        ("fault-429-once", [429, 200, 429, 200]),
        ("fault-500", [500, 500]),
        ("fault-503-twice", [503, 503, 200, 503, 503, 200]),
        ("fault-html", [502, 502]),
    ],
)
def test_statuses_come_as_listed(pacs: Any, slide_id: str, statuses: list[int]) -> None:
    level = 0
    for path in (f"/slides/{slide_id}/files", f"/images/{slide_id}_files/{level}/0_0.jpg", f"/slides/{slide_id}/label"):
        answers = [pacs.get(path) for _ in statuses]
        assert [204 if answer.status_code == 204 else answer.status_code for answer in answers] == statuses
    for answer in answers:
        assert answer.status_code != 429 or answer.headers["Retry-After"] == "1"
        assert answer.status_code != 401 or answer.headers["WWW-Authenticate"]
    assert f"slide {slide_id}: " in pacs.journal()[0]["faults"][0]


def test_writes_go_wrong_where_that_is_what_the_slide_is_for(pacs: Any) -> None:
    path = "/applications/nuclei-counter/results"
    assert pacs.post(path, json={**RESULT, "slideId": "fault-write-503"}).status_code == 503
    assert pacs.get(f"{path}/slide/fault-write-503").json == []
    assert pacs.post(path, json={**RESULT, "slideId": "fault-truncated"}).status_code == 201


@pytest.fixture(scope="module")
def server() -> Any:
    with MockSectraServer().run(port=0) as running:
        yield running


def ask(server: MockSectraServer, path: str) -> tuple[int, int, bytes]:
    """Status, declared length and body of an answer; raises what http.client raises."""
    connection = http.client.HTTPConnection("localhost", server.port, timeout=10)
    try:
        base = server.url.partition(str(server.port))[2]
        connection.request("GET", base + path, headers={"Authorization": "Bearer dev-token"})
        answer = connection.getresponse()
        return answer.status, int(answer.headers["Content-Length"]), answer.read()
    finally:
        connection.close()


@pytest.mark.parametrize("slide_id", ["fault-truncated", "fault-reset-midway", "fault-length-too-long"])
def test_bodies_that_break_off(server: MockSectraServer, slide_id: str) -> None:
    with pytest.raises((http.client.IncompleteRead, ConnectionResetError)):
        ask(server, f"/slides/{slide_id}/files")


def test_the_connection_is_reset(server: MockSectraServer) -> None:
    with pytest.raises(ConnectionResetError):
        ask(server, "/slides/fault-reset/files")


def test_a_length_that_is_too_short(server: MockSectraServer) -> None:
    _, length, body = ask(server, "/slides/fault-length-too-short/files")
    assert length == len(body)
    assert not body.endswith(b"--\r\n"), "the last 100 bytes were beyond what was declared"


@pytest.mark.parametrize("slide_id", [name for name in BAD_SLIDES if name.startswith("fault-multipart")])
def test_multipart_slides_keep_http(server: MockSectraServer, slide_id: str) -> None:
    status, length, body = ask(server, f"/slides/{slide_id}/files")
    assert (status, length) == (200, len(body))


def test_a_tile_of_a_dribbling_slide_comes_whole(server: MockSectraServer) -> None:
    status, length, body = ask(server, "/images/fault-dribble_files/8/0_0.jpg")
    assert (status, length) == (200, len(body))


def test_a_write_is_stored_and_its_answer_lost(server: MockSectraServer) -> None:
    connection = http.client.HTTPConnection("localhost", server.port, timeout=10)
    base = server.url.partition(str(server.port))[2]
    headers = {"Authorization": "Bearer dev-token", "Content-Type": "application/json"}
    body = json.dumps({**RESULT, "slideId": "fault-write-lost"})
    connection.request("POST", f"{base}/applications/nuclei-counter/results", body, headers)
    with pytest.raises(ConnectionResetError):
        connection.getresponse()
    connection.close()
    assert len(server.get_results("nuclei-counter", "fault-write-lost")) == 1


def test_a_slide_of_the_hospital_that_has_such_an_id_behaves_well(make_pacs: Callable[..., Any]) -> None:
    pacs = make_pacs(slides={"fault-500": {}, "mine": {}})
    assert pacs.get("/slides/fault-500/files").status_code == 200
    assert pacs.get("/slides/fault-503-twice/files").status_code == 503, "the others are like the hospital's slides"


def test_an_empty_hospital_has_none(make_pacs: Callable[..., Any]) -> None:
    make_pacs(slides={}).refused(404, "unknown-slide", "GET", "/slides/fault-500/info")


def test_where_slides_are_invented_these_are_none_of_them(make_pacs: Callable[..., Any]) -> None:
    pacs = make_pacs(invent=True)
    assert pacs.get("/slides/fault-500/files").status_code == 500
    assert pacs.get("/slides/fault-anything/files").status_code == 200
