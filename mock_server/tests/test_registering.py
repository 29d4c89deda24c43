"""Registering apps by their URL: what is kept, what is found wrong, what is refused."""

import re
import socket
from pathlib import Path
from typing import Any

import pytest

from fake_pacs.calling import connecting
from fake_pacs.calling.addresses import UrlError
from fake_pacs.calling.registering import CODES, MAX_REGISTRATION, register
from fake_pacs.embedding import MockSectraServer
from fake_pacs.refusals import Refusal, Refusals
from fake_pacs.world import World

PAGE = Path(__file__).resolve().parents[2] / "docs" / "apps.md"
DOCUMENT: dict[str, Any] = {
    "applicationId": "hook",
    "displayName": "Hook",
    "manufacturer": "Example AI",
    "inputTemplate": {"type": "taggedPolygon", "content": {"tags": ["tumour"]}},
    "context": {"model": "m-1"},
}
INFO = {"apiVersion": "1.10", "softwareVersion": "1.0"}


@pytest.fixture
def world() -> World:
    return MockSectraServer(api_version="1.9", software_version="4.1.0.0").world


@pytest.fixture
def app(raw_app: Any, http_answer: Any) -> Any:
    """Makes apps that serve a registration with these members (None: without), or any answer at all."""

    def make(answer: bytes | None = None, info: bytes | None = None, **members: Any) -> Any:
        answers: dict[str, bytes] = {}
        made = raw_app(answers)
        document = {**DOCUMENT, "url": made.url, **members}
        document["url"] = spelled(made.url) if callable(spelled := document["url"]) else spelled
        given = {name: member for name, member in document.items() if member is not None}
        answers["GET /hook"] = http_answer(200, given) if answer is None else answer
        answers["GET /hook/info"] = http_answer(200, INFO) if info is None else info
        return made

    return make


def codes(registration: Any) -> list[tuple[str, str]]:
    return [(finding.code, finding.level) for finding in registration.findings]


def test_a_good_app_is_kept_as_it_says_and_nothing_is_found(world: World, app: Any):
    made = app()
    registration = register(world, "default", made.url)
    assert codes(registration) == []
    kept = world.store.app("default", "hook")
    assert kept == registration.app == registration.accepted()
    assert kept is not None
    assert (kept.url, kept.context, kept.enabled, kept.notifications) == (made.url, {"model": "m-1"}, True, False)
    assert kept.input_template == DOCUMENT["inputTemplate"]
    assert [request.split(b" HTTP")[0] for request in made.requests] == [b"GET /hook", b"GET /hook/info"]
    assert all(b"X-Sectra-ApiVersion: 1.9\r\nX-Sectra-SoftwareVersion: 4.1.0.0\r\n" in one for one in made.requests)


def test_both_calls_stand_in_the_delivery_log(world: World, app: Any, http_answer: Any):
    made = app(info=http_answer(404))
    registration = register(world, "default", made.url)
    assert list(registration.deliveries) == world.deliveries.read("default")
    first, second = registration.deliveries
    assert (first.kind, first.url, first.application_id, first.ok) == ("registration", made.url, "hook", True)
    assert (second.kind, second.url, second.number, second.state) == ("info", f"{made.url}/info", 2, "delivered")
    assert [finding.code for finding in second.findings] == ["info.missing"]


def test_a_missing_info_is_a_finding_and_no_failure(world: World, app: Any, http_answer: Any):
    registration = register(world, "default", app(info=http_answer(404, b"<html>", "text/html")).url)
    assert codes(registration) == [("info.missing", "should")]
    assert registration.accepted().application_id == "hook"


@pytest.mark.parametrize(
    ("info", "found"),
    [
        ({"status": 500}, ("info.status", "should")),
        ({"body": b"<html>", "content_type": "text/html"}, ("info.not-json", "must")),
        ({"body": {"apiVersion": "1.10"}}, ("info.body", "must")),
        ({"body": INFO, "content_type": "text/plain"}, ("info.media-type", "should")),
        ({"body": INFO, "Content_Encoding": "gzip"}, ("info.no-answer", "should")),
    ],
)
def test_what_is_wrong_with_info_is_found_and_the_app_is_kept(
    world: World, app: Any, http_answer: Any, info: dict[str, Any], found: tuple[str, str]
):
    registration = register(world, "default", app(info=http_answer(**info)).url)
    assert codes(registration) == [found]
    assert world.store.app("default", "hook") is not None


def test_missing_version_headers_are_found_on_each_answer(world: World, app: Any, http_answer: Any):
    without = {"X_Sectra_ApiVersion": "", "X_Sectra_SoftwareVersion": ""}
    registration = register(world, "default", app(info=http_answer(200, INFO, **without)).url)
    assert codes(registration) == [("answer.version-header-missing", "must")] * 2
    assert registration.app is not None


def test_a_url_member_that_is_another_url_is_found_and_the_app_is_called_where_it_was_registered(
    world: World, app: Any
):
    made = app(url="http://elsewhere.example/hook")
    registration = register(world, "default", made.url)
    (finding,) = registration.findings
    assert (finding.code, finding.level, finding.place) == ("registration.url-differs", "should", "/url")
    assert '"http://elsewhere.example/hook"' in finding.text
    assert "Host header" in finding.text
    assert registration.accepted().url == made.url


@pytest.mark.parametrize(("part", "instead"), [("localhost", "LOCALHOST"), ("hook", "hook/")])
def test_a_url_member_that_leads_to_the_same_place_is_none_to_find(world: World, app: Any, part: str, instead: str):
    made = app(url=lambda url: url.replace(part, instead))
    assert codes(register(world, "default", made.url)) == []


REFUSED: dict[str, tuple[dict[str, Any], str, str]] = {
    "html": ({"body": b"<html>Welcome</html>", "content_type": "text/html"}, "registration.not-json", ""),
    "nothing": ({}, "registration.not-json", ""),
    "a list": ({"body": [DOCUMENT]}, "registration.body", ""),
    "a 500": ({"status": 500, "body": b"boom", "content_type": "text/plain"}, "registration.status", "http"),
    "a 401": ({"status": 401}, "registration.status", "http"),
    "a redirect": ({"status": 301, "Location": "http://169.254.169.254/"}, "registration.no-answer", "http"),
    "no members": ({"body": {}}, "registration.body", "/applicationId"),
    "a number as id": ({"body": {**DOCUMENT, "url": "u", "applicationId": 7}}, "registration.body", "/applicationId"),
    "a context of null": ({"body": {**DOCUMENT, "url": "u", "context": None}}, "registration.body", "/context"),
    "another input": (
        {"body": {**DOCUMENT, "url": "u", "inputTemplate": {"type": "x"}}},
        "registration.body",
        "/inputTemplate/type",
    ),
    "a doubled member": ({"body": b'{"url": 1, "url": 2}'}, "registration.body", "/url"),
    "a lone surrogate": (
        {"body": {**DOCUMENT, "url": "u", "displayName": "\ud800"}},
        "registration.body",
        "/displayName",
    ),
    "a slash in the id": (
        {"body": {**DOCUMENT, "url": "u", "applicationId": "a/b"}},
        "registration.application-id-unfit",
        "/applicationId",
    ),
    "a blank in the id": (
        {"body": {**DOCUMENT, "url": "u", "applicationId": "a b\x1b[2J"}},
        "registration.application-id-unfit",
        "/applicationId",
    ),
    "a long id": (
        {"body": {**DOCUMENT, "url": "u", "applicationId": "a" * 201}},
        "registration.application-id-unfit",
        "/applicationId",
    ),
    "the hospital's id": (
        {"body": {**DOCUMENT, "url": "u", "applicationId": "nuclei-counter"}},
        "registration.application-id-taken",
        "/applicationId",
    ),
    "too much": (
        {"body": {**DOCUMENT, "url": "u", "context": {"k": "x" * MAX_REGISTRATION}}},
        "registration.too-large",
        "",
    ),
    "far too much": ({"body": b" " * (2**20 + 1)}, "registration.no-answer", "http"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_registration_that_can_t_be_used_is_refused_with_what_came_and_nothing_is_kept(
    world: World, app: Any, http_answer: Any, name: str
):
    answer, code, place = REFUSED[name]
    made = app(http_answer(**answer))
    registration = register(world, "default", made.url)
    assert registration.app is None
    first = next(finding for finding in registration.findings if finding.code == code)
    assert first.level == "must"
    assert first.place.startswith(place)
    assert [finding.place for finding in registration.findings].count(first.place) == 1, "each place is told once"
    assert len(first.text) < 1000
    assert first.text.isprintable()
    assert "came " in first.text
    assert "expected " in first.text
    assert world.store.apps("default") == []
    assert len(made.requests) == 1, "nothing is asked of an app that is refused"
    with pytest.raises(Refusal) as refused:
        registration.accepted()
    assert refused.value.refused is Refusals.REGISTRATION_REFUSED
    assert len(refused.value.violations) == len(registration.faults) > 0


def test_every_code_that_is_given_is_in_the_catalogue_and_on_the_page():
    assert {code for _, code, _ in REFUSED.values()} <= CODES.keys()
    rows = re.findall(r"^\| `((?:registration|info)\.[a-z-]+)` \|", PAGE.read_text("utf-8"), re.MULTILINE)
    assert rows == list(CODES)


def test_an_app_that_hangs_is_refused_within_its_deadline(world: World, raw_app: Any):
    def hang(connection: socket.socket, request: bytes) -> None:
        connection.recv(1)

    registration = register(world, "default", raw_app(hang).url, deadline=0.2)
    assert [finding.code for finding in registration.findings] == ["registration.no-answer"]
    assert "within 0.2 s" in registration.findings[0].text
    assert registration.deliveries[0].state == "failed"


def test_registering_again_replaces_the_app_and_keeps_what_the_administrator_decided(world: World, app: Any):
    register(world, "default", app().url)
    world.store.change_app("default", "hook", enabled=False, notifications=True, context={"mine": 1})
    again = app(displayName="Hook 2")
    registration = register(world, "default", again.url)
    (kept,) = world.store.apps("default")
    assert kept == registration.app
    assert (kept.url, kept.display_name, kept.context) == (again.url, "Hook 2", {"model": "m-1"})
    assert (kept.enabled, kept.notifications) == (False, True)


def test_a_refused_registration_leaves_the_app_of_before(world: World, app: Any):
    registration = register(world, "default", app().url)
    register(world, "default", app(displayName=7).url)
    assert world.store.apps("default") == [registration.app]


@pytest.mark.parametrize(
    "url", ["", "hook", "ftp://localhost/", "http://169.254.169.254/", "http://localhost/?a=1", "http://a:b@localhost/"]
)
def test_what_is_no_url_of_an_app_is_refused_before_anything_is_logged(world: World, url: str):
    with pytest.raises(UrlError):
        register(world, "default", url)
    assert world.deliveries.read("default") == []


def test_a_name_that_turns_to_a_metadata_address_after_the_registration_registers_nothing(
    world: World, app: Any, monkeypatch: pytest.MonkeyPatch
):
    made, looked_up = app(), []

    def turning(host: str, port: int, **_: Any) -> Any:
        looked_up.append(host)
        address = "127.0.0.1" if len(looked_up) == 1 else "169.254.169.254"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.setattr(connecting.socket, "getaddrinfo", turning)
    with pytest.raises(UrlError, match="metadata"):
        register(world, "default", f"http://app.example:{made.port}/hook")
    assert world.store.apps("default") == []
