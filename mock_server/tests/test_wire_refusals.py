"""What the HTTP server refuses by itself: answered like any other refusal of the emulator, and journalled once."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from fake_pacs.serving import HttpServer, Limits, WireRefusal
from fake_pacs.settings import Settings
from fake_pacs.sql_store import SqlStore
from fake_pacs.wire_refusals import server_problem
from fake_pacs.world import World, contract
from ia_api_spec import NEWEST

Ask = Callable[[bytes], tuple[dict[str, str], dict[str, Any]]]
BASE = contract("ia-api", NEWEST).base_path.encode()
HOST = b"Host: localhost\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"
LONG = b"X: " + b"x" * 70_000 + b"\r\n"
VERSIONS = {"x-sectra-apiversion": "1.10", "x-sectra-softwareversion": "4.2.0.0"}


@pytest.fixture
def server(run_pacs: Callable[..., Any]) -> Any:
    return run_pacs()


@pytest.fixture
def ask(server: Any, exchange: Callable[..., bytes]) -> Ask:
    """Sends bytes; gives back the headers of the one answer, by lower-case names, and its problem."""

    def send(request: bytes) -> tuple[dict[str, str], dict[str, Any]]:
        head, _, body = exchange(server, request).partition(b"\r\n\r\n")
        lines = [line.partition(": ") for line in head.decode("ascii").split("\r\n")[1:]]
        return {name.lower(): value for name, _, value in lines}, json.loads(body)

    return send


def journal(server: Any, tenant: str = "default") -> list[dict[str, Any]]:
    found = server.world.journal.read(
        tenant, with_strangers=tenant == "default", operation_id=None, after=None, limit=None
    )
    return [entry.as_json() for entry in found]


@pytest.mark.parametrize(
    ("request_", "status", "method", "path"),
    [
        (b"GARBAGE\r\n\r\n", 400, "", ""),
        (b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", 400, "", ""),
        (b"GET " + BASE + b"/a b HTTP/1.1\r\n" + HOST + b"\r\n", 400, "GET", f"{BASE.decode()}/a b"),
        (b"GET " + BASE + b"/info HTTP/2.0\r\n" + HOST + b"\r\n", 505, "GET", f"{BASE.decode()}/info"),
        (b"PUT " + BASE + b"/info HTTP/1.1\r\n\r\n", 400, "PUT", f"{BASE.decode()}/info"),
        (b"GET " + BASE + b"/info HTTP/1.1\r\n" + HOST + LONG + b"\r\n", 431, "GET", f"{BASE.decode()}/info"),
        (b"GET " + BASE + b"/" + b"x" * 70_000, 431, "GET", f"{BASE.decode()}/{'x' * 3000}"[:2000]),
        (
            b"POST " + BASE + b"/token HTTP/1.1\r\n" + HOST + b"Content-Length: 99999999999\r\n\r\n",
            413,
            "POST",
            f"{BASE.decode()}/token",
        ),
        (
            b"POST " + BASE + b"/token HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: gzip\r\n\r\n",
            501,
            "POST",
            f"{BASE.decode()}/token",
        ),
        (b"\r\nGET http://pacs" + BASE + b"/x HTTP/1.1\r\n\r\n", 400, "GET", f"http://pacs{BASE.decode()}/x"),
    ],
)
def test_refusals_of_the_server_itself_are_journalled_and_carry_both_versions(
    server: Any, ask: Ask, request_: bytes, status: int, method: str, path: str
) -> None:
    headers, problem = ask(request_)
    assert VERSIONS.items() <= headers.items()
    assert headers["content-type"] == "application/problem+json"
    assert problem["status"] == status
    assert problem["type"].startswith("urn:ia-api-kit:problem:")
    (entry,) = journal(server)
    assert (entry["status"], entry["tenant"], entry["operationId"]) == (status, None, None)
    assert (entry["method"], entry["path"]) == (method, path)
    assert json.loads(entry["answerBody"]) == problem
    assert entry["ourError"] is None


@pytest.mark.parametrize("target", [b"/_fake_pacs/live", b"/", b"relative", b"http://pacs/x"])
def test_beside_the_api_no_versions_are_told(ask: Ask, target: bytes) -> None:
    headers, problem = ask(b"GET " + target + b" HTTP/1.1\r\n\r\n")
    assert problem["status"] == 400
    assert not VERSIONS.keys() & headers.keys()


def test_the_control_plane_shows_them_as_its_contract_says(server: Any, ask: Ask) -> None:
    ask(b"GARBAGE\r\n\r\n")
    control = b"GET /_fake_pacs/journal HTTP/1.1\r\n" + HOST + b"X-Fake-Pacs-Control: dev-control\r\n"
    _, told = ask(control + b"Connection: close\r\n\r\n")
    assert [(entry["status"], entry["method"], entry["path"]) for entry in told["exchanges"]] == [(400, "", "")]


def test_whose_credentials_arrived_sees_the_refusal(server: Any, ask: Ask) -> None:
    server.world.store.create_tenant("north", "north-token")
    sent = b"POST " + BASE + b"/token HTTP/1.1\r\n" + HOST + b"Authorization: Bearer north-token\r\n"
    _, problem = ask(sent + b"Content-Length: 99999999999\r\n\r\n")
    (entry,) = journal(server, "north")
    assert (entry["status"], entry["tenant"]) == (problem["status"], "north")
    assert journal(server) == []


@pytest.mark.parametrize(
    "request_",
    [
        b"GET /x HTTP/1.1\r\n" + HOST + b"Authorization : Bearer SECRET\r\n\r\n",
        b"GET /x HTTP/1.1\r\n" + HOST + b"Authorization: SECRET\x00\r\n\r\n",
        b"GET /x HTTP/1.1\r\n" + HOST + b"X-Fake-Pacs-Control : SECRET\r\n\r\n",
        b"GET /x?sessionToken=SECRET a HTTP/1.1\r\n" + HOST + b"\r\n",
        b"GET ftp://dev:SECRET@pacs/ HTTP/1.1\r\n" + HOST + b"\r\n",
        b"GET x?token=SECRET&a=SECRET HTTP/1.1\r\n" + HOST + b"\r\n",
        b"GET x/SECRET HTTP/1.1\r\n" + HOST + b"Authorization: Bearer SECRET\r\n\r\n",
        b"GET /x?token=SECRET" + b"x" * 70_000,
        b"token=SECRET\r\n\r\n",
    ],
)
def test_no_secret_is_kept_or_answered(server: Any, ask: Ask, request_: bytes) -> None:
    _, problem = ask(request_)
    assert "SECRET" not in json.dumps(problem)
    (entry,) = journal(server)
    assert "SECRET" not in json.dumps(entry)


@pytest.mark.parametrize(("body", "status"), [(b"3\r\nabcd\r\n", 400), (b"30\r\nabc", 400), (b"1\r\na\r\nzz\r\n", 400)])
def test_a_body_that_breaks_is_journalled_once_with_its_operation(
    server: Any, ask: Ask, body: bytes, status: int
) -> None:
    head = b"POST " + BASE + b"/applications/nuclei-counter/results HTTP/1.1\r\n" + HOST + CHUNKED
    headers, problem = ask(head + b"Authorization: Bearer dev-token\r\nContent-Type: application/json\r\n\r\n" + body)
    assert problem["status"] == status
    assert VERSIONS.items() <= headers.items()
    (entry,) = journal(server)
    assert (entry["status"], entry["operationId"], entry["tenant"]) == (status, "createResult", "default")


def test_where_the_server_overrules_the_application_both_are_journalled(
    server: Any, exchange: Callable[..., bytes]
) -> None:
    problems, limits = server_problem(server.world), Limits(body_bytes=10)
    request = b"POST " + BASE + b"/nothing HTTP/1.1\r\n" + HOST + CHUNKED + b"\r\nb\r\nhello world\r\n0\r\n\r\n"
    with HttpServer(server.create_app(), render_problem=problems, limits=limits) as running:
        assert exchange(running, request).startswith(b"HTTP/1.1 413 ")
    assert [entry["status"] for entry in journal(server)] == [404, 413]


def test_requests_after_one_another_are_told_apart(server: Any, exchange: Callable[..., bytes]) -> None:
    first = b"GET " + BASE + b"/first HTTP/1.1\r\n" + HOST + b"Authorization: Bearer dev-token\r\n\r\n"
    answer = exchange(server, first + b"GET " + BASE + b"/second HTTP/1.1\r\n\r\n")
    assert answer.count(b"HTTP/1.1 ") == 2
    seen = [(entry["path"].rpartition("/")[2], entry["status"], entry["tenant"]) for entry in journal(server)]
    assert seen == [("first", 404, "default"), ("second", 400, None)]


def test_a_failure_beneath_the_application_is_our_error() -> None:
    with SqlStore() as store:
        world = World(Settings(), None, store)  # type: ignore[arg-type]
        body, headers = server_problem(world)(WireRefusal(500, "It failed.", "GET", "/x"))
        assert (json.loads(body)["status"], headers) == (500, {})
        assert world.journal.our_errors == ["GET /x: It failed."]
