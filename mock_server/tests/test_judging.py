"""What is found wrong with an app's answer; each code of the catalogue has an answer that earns it."""

import json
import re
import socket
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fake_pacs.calling.invocations import PRESSED
from fake_pacs.calling.judging import CODES, Holdings, judge
from fake_pacs.calling.outbound import Outbound
from fake_pacs.calling.values import AppAnswer
from ia_api_spec import Contract

APP = Contract.of("ia-app")
HEADERS = {
    "content-type": "application/json; charset=utf-8",
    "x-sectra-apiversion": "1.10",
    "x-sectra-softwareversion": "2.0",
}
STORED: dict[str, Any] = {
    "id": 4,
    "versionId": "v-4",
    "slideId": "demo-he-1",
    "displayResult": "2 nuclei",
    "applicationVersion": "",
    "displayProperties": {},
    "attachments": [],
    "data": {"context": None},
}
OTHERS = {("other-app", 9): "v-9", ("other-app", 4): "v-14"}
CREATE = {"action": "create", "applicationId": "hook-app", "slideId": "demo-he-1", "input": {"type": "wholeSlide"}}
BUTTON = {"id": "recount", "state": PRESSED, "name": "", "tooltip": ""}
GALLERY = {"patches": [], "tags": [], "patchSize": 64, "magnification": 20, "actions": [BUTTON]}
PRESSED_INPUT = {**STORED, "data": {"result": {"type": "patchCollection", "content": GALLERY}}}
PRESS = {**CREATE, "action": "modify", "input": PRESSED_INPUT}
NOTIFICATION = {**CREATE, "action": "newImageFiles"}


def own(result_id: int) -> Mapping[str, Any] | None:
    return STORED if result_id == 4 else None


def owner(result_id: int, version_id: str) -> str | None:
    return next(
        (app for (app, number), version in OTHERS.items() if (number, version) == (result_id, version_id)), None
    )


def judged(body: Any = b"", invocation: Mapping[str, Any] = CREATE, **answer: Any) -> dict[str, tuple[str, str]]:
    """Level and place by code."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    came = AppAnswer(**{"status": 200, "headers": HEADERS, "body": raw, "seconds": 0.5, **answer})
    found = judge(invocation, came, app_contract=APP, holdings=Holdings(own, owner), deadline=2.0)
    assert {finding.code for finding in found} <= set(CODES)
    return {finding.code: (finding.level, finding.place) for finding in found}


def headers(**changed: str | None) -> dict[str, str]:
    merged = HEADERS | {name.replace("_", "-"): text for name, text in changed.items()}
    return {name: text for name, text in merged.items() if text is not None}


@pytest.mark.parametrize("body", [b"", b" \r\n", {}, [], STORED])
@pytest.mark.parametrize("action", ["create", "modify", "delete", "cancel"])
def test_the_stored_result_and_nothing_in_any_form_are_fine(body: Any, action: str):
    assert judged(body, {**CREATE, "action": action, "input": STORED}) == {}


@pytest.mark.parametrize("body", [b"", {}])
def test_a_notification_is_answered_with_nothing(body: Any):
    assert judged(body, NOTIFICATION) == {}
    assert judged(STORED, NOTIFICATION)["answer.body"] == ("must", "")


def test_an_empty_body_may_be_of_any_media_type():
    assert judged(b"", headers=headers(content_type=None)) == {}
    assert judged(b"", headers=headers(content_type="text/html")) == {}


def test_the_page_lists_every_code():
    page = (Path(__file__).resolve().parents[2] / "docs" / "apps.md").read_text("utf-8")
    for code, meaning in CODES.items():
        assert re.search(rf"\| `{code}` \| .* \| {re.escape(meaning)} \|", page), code


def test_both_version_headers_are_missed():
    found = judge(CREATE, AppAnswer(200), app_contract=APP, holdings=Holdings(own, owner), deadline=2)
    assert [(finding.code, finding.place) for finding in found] == [
        ("answer.version-header-missing", "X-Sectra-ApiVersion"),
        ("answer.version-header-missing", "X-Sectra-SoftwareVersion"),
    ]
    assert judged(headers=headers(x_sectra_apiversion="newest")) == {
        "answer.version-header-malformed": ("must", "X-Sectra-ApiVersion")
    }
    assert judged(headers=headers(x_sectra_apiversion=" ")).keys() == {"answer.version-header-missing"}


@pytest.mark.parametrize(("status", "level"), [(500, "must"), (400, "must"), (404, "must"), (201, "should")])
def test_a_status_that_is_not_200(status: int, level: str):
    assert judged({}, status=status) == {"answer.status": (level, "")}


def test_of_an_error_only_the_status_is_told_and_what_it_says():
    (finding,) = judge(
        CREATE,
        AppAnswer(500, body=b"<h1>oh\n no</h1>"),
        app_contract=APP,
        holdings=Holdings(own, owner),
        deadline=2,
    )
    assert str(finding) == 'answer.status (must): came 500, expected 200; it said "<h1>oh no</h1>"'


@pytest.mark.parametrize("body", [b"<html></html>", b"done", b"{", b"\xff\xfe", b"[" * 5000, b'{"a": 1} x'])
def test_a_body_that_is_no_json(body: bytes):
    assert judged(body) == {"answer.not-json": ("must", "")}
    assert judged(body, headers=headers(content_type="text/html")) == {"answer.not-json": ("must", "")}


def test_json_that_says_it_is_something_else():
    assert judged(STORED, headers=headers(content_type="text/plain")) == {
        "answer.media-type": ("should", "Content-Type")
    }


def test_every_place_that_breaks_the_contract_is_told():
    broken = {**STORED, "displayResult": 5, "data": {"result": {"type": "primitive", "content": [{"polygons": 1}]}}}
    came = AppAnswer(200, HEADERS, json.dumps(broken).encode())
    found = judge(CREATE, came, app_contract=APP, holdings=Holdings(own, owner), deadline=2)
    places = [finding.place for finding in found if finding.code == "answer.body"]
    assert sorted(places) == ["/data/result/content/0/polygons", "/displayResult"]
    assert judged(b'{"id": NaN}')["answer.body"][0] == "must"
    for wrong in ("text", 5, [STORED], True):
        assert judged(wrong).keys() == {"answer.body"}


@pytest.mark.parametrize(
    ("came", "told"),
    [
        (b"NaN", "came NaN, expected a number: JSON has no such constant"),
        (b'1, "id": 2', 'came the member "id" more than once, expected each member once'),
    ],
)
def test_a_value_that_json_does_not_have_is_told_once(came: bytes, told: str):
    answer = AppAnswer(200, HEADERS, b'{"id": %s}' % came)
    found = judge(CREATE, answer, app_contract=APP, holdings=Holdings(own, owner), deadline=2)
    assert [finding.text for finding in found if finding.place == "/id"] == [told]


def test_a_missing_content_type_is_called_so():
    without = headers(content_type="")
    for body, told in ((b"<html>", 'it was sent without a Content-Type: "<html>"'), (b"[]", "came nothing, expected")):
        answer = AppAnswer(200, without, body)
        (finding,) = judge(CREATE, answer, app_contract=APP, holdings=Holdings(own, owner), deadline=2)
        assert told in finding.text


def test_a_result_without_id_was_not_stored():
    unstored = {name: value for name, value in STORED.items() if name not in ("id", "versionId")}
    assert judged(unstored) == {"answer.result-not-stored": ("must", "/id")}
    assert judged({"slideId": "demo-he-1"}).keys() == {"answer.result-not-stored", "answer.body"}


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"id": 2**70}, {"answer.result-not-stored": ("must", "/id")}),
        ({"id": 5}, {"answer.result-not-stored": ("must", "/id")}),
        ({"id": 9, "versionId": "v-9"}, {"answer.result-of-other-app": ("must", "/id")}),
        ({"versionId": "v-14"}, {"answer.result-of-other-app": ("must", "/id")}),
        ({"versionId": "v-3"}, {"answer.version-untrue": ("must", "/versionId")}),
        ({"slideId": "demo-he-2"}, {"answer.result-of-other-slide": ("must", "/slideId")}),
        ({"displayResult": "3 nuclei"}, {"answer.result-differs": ("should", "/displayResult")}),
    ],
)
def test_what_isnt_true_of_the_result(changed: dict[str, Any], expected: dict[str, Any]):
    assert judged({**STORED, **changed}) == expected


def test_a_stored_result_of_another_slide_than_the_invocation_s():
    assert judged(STORED, {**CREATE, "slideId": "demo-he-2"}) == {"answer.result-of-other-slide": ("must", "/slideId")}


@pytest.mark.parametrize("number", [0, -1, "4", True, None, 4.5])
def test_an_id_that_is_none_breaks_the_contract_and_nothing_else(number: Any):
    assert judged({**STORED, "id": number}) == {"answer.body": ("must", "/id")}


def test_a_press_may_be_answered_with_the_changed_input_unstored():
    assert judged(PRESSED_INPUT, PRESS) == {}
    edit = {**PRESS, "input": STORED}
    assert judged(PRESSED_INPUT, edit) == {"answer.result-differs": ("should", "/data")}
    assert judged({**PRESSED_INPUT, "id": 5}, PRESS).keys() == {"answer.result-not-stored"}
    assert judged({**PRESSED_INPUT, "versionId": "v-1"}, PRESS).keys() == {"answer.version-untrue"}


def test_an_answer_after_the_deadline():
    assert judged(STORED, seconds=2.1) == {"answer.too-slow": ("must", "")}


Behave = Callable[[socket.socket, bytes], None]
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


def waiting(connection: socket.socket, said: bytes = b"") -> None:
    connection.sendall(said)
    connection.recv(1)


ON_THE_WIRE: dict[str, tuple[str, Behave]] = {
    "hangs": ("answer.too-slow", lambda connection, _: waiting(connection)),
    "stops in the body": (
        "answer.too-slow",
        lambda connection, _: waiting(connection, HEAD + b"\r\n{"),
    ),
    "breaks off": ("answer.truncated", lambda connection, _: connection.sendall(HEAD + b"Content-Length: 9\r\n\r\n{")),
    "announces 10 GB": (
        "answer.too-large",
        lambda connection, _: connection.sendall(HEAD + b"Content-Length: 10000000000\r\n\r\n"),
    ),
    "sends too much": ("answer.too-large", lambda connection, _: connection.sendall(HEAD + b"\r\n" + b" " * 5000)),
    "has huge headers": (
        "answer.too-large",
        lambda connection, _: connection.sendall(
            HEAD + b"".join(b"X-%d: " % n + b"x" * 60_000 + b"\r\n" for n in (1, 2)) + b"\r\n"
        ),
    ),
    "redirects": (
        "answer.redirect",
        lambda connection, _: connection.sendall(b"HTTP/1.1 307 Go\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n"),
    ),
    "compresses": (
        "answer.encoded",
        lambda connection, _: connection.sendall(HEAD + b"Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}"),
    ),
    "hangs up": ("answer.unreachable", lambda connection, _: None),
    "isn't HTTP": ("answer.unreachable", lambda connection, _: connection.sendall(b"220 mail ready\r\n")),
}


@pytest.mark.parametrize("name", ON_THE_WIRE)
def test_what_goes_wrong_on_the_wire_has_its_code(raw_app: Any, name: str):
    code, behave = ON_THE_WIRE[name]
    answer = Outbound(limit=4096).post(raw_app(behave).url, CREATE, 0.3)
    (finding,) = judge(CREATE, answer, app_contract=APP, holdings=Holdings(own, owner), deadline=0.3)
    assert (finding.code, finding.level) == (code, "must"), finding


def test_nobody_listens(raw_app: Any):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    answer = Outbound().post(f"http://127.0.0.1:{port}/hook", CREATE, 5)
    (finding,) = judge(CREATE, answer, app_contract=APP, holdings=Holdings(own, owner), deadline=5)
    assert finding.code == "answer.unreachable"


LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8)


@given(st.dictionaries(st.sampled_from([*STORED, "other"]), VALUES), st.sampled_from([CREATE, PRESS, NOTIFICATION]))
def test_whatever_json_an_app_answers_with_is_judged(changed: dict[str, Any], invocation: dict[str, Any]):
    found = judged({**STORED, **changed}, invocation)
    if all(STORED.get(name) == value for name, value in changed.items()) and invocation is CREATE:
        assert found == {}
    if changed.get("slideId", "demo-he-1") != "demo-he-1":
        assert found


def test_nothing_that_an_app_says_breaks_the_judge():
    for body in (b"null", b'{"id": 4, "versionId": "\\ud800"}', b'{"id": 1e400}', b'{"id": 4, "id": 5}', b"\x00"):
        assert judged(body)
        assert judged(body, {"action": "create"})
        assert judged(body, {})
