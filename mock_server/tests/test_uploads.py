"""Uploads on the wire: the state while they run, refusals before their bytes have come, and what breaks off."""

import http.client
import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest

from fake_pacs.embedding import MockSectraServer
from fake_pacs.settings import Settings
from fake_pacs.world import World

RunPacs = Callable[[], MockSectraServer]
RunLimited = Callable[[int], MockSectraServer]

RESULTS = "/applications/nuclei-counter/results"
MEGABYTE = 2**20


@contextmanager
def begun(
    server: MockSectraServer, length: int | None, name: str = "a", result: int = 1
) -> Iterator[http.client.HTTPConnection]:
    """An upload whose head has been sent; a length of None is a chunked one."""
    root = server.url.partition(str(server.port))[2]
    connection = http.client.HTTPConnection("localhost", server.port, timeout=20)
    connection.putrequest("PUT", f"{root}{RESULTS}/{result}/attachments?name={name}")
    connection.putheader("Authorization", "Bearer dev-token")
    framing = ("Transfer-Encoding", "chunked") if length is None else ("Content-Length", str(length))
    connection.putheader(*framing)
    connection.endheaders()
    try:
        yield connection
    finally:
        connection.close()


def declare(server: MockSectraServer) -> None:
    root = server.url.partition(str(server.port))[2]
    body = json.dumps({"slideId": "demo-he-1", "displayResult": "", "data": {}, "attachments": [{"name": "a"}]})
    headers = {"Authorization": "Bearer dev-token", "Content-Type": "application/json"}
    connection = http.client.HTTPConnection("localhost", server.port, timeout=20)
    connection.request("POST", f"{root}{RESULTS}", body, headers)
    assert connection.getresponse().status == 201
    connection.close()


def state(server: MockSectraServer) -> str:
    (result,) = server.get_results("nuclei-counter", "demo-he-1")
    return result.attachments[0].state


def becomes(server: MockSectraServer, wanted: str) -> None:
    for _ in range(1000):
        if state(server) == wanted:
            return
        time.sleep(0.01)
    pytest.fail(f"the state stayed {state(server)!r}, expected {wanted!r}")


def stored(server: MockSectraServer) -> bytes:
    store = server.world.store
    entry = store.attachment("default", "nuclei-counter", 1, "a")
    return b"".join(store.read_attachment(entry, 0, entry.size or 0))


def problem(connection: http.client.HTTPConnection, status: int) -> dict[str, Any]:
    answer = connection.getresponse()
    read: dict[str, Any] = json.loads(answer.read())
    assert (answer.status, answer.getheader("Content-Type")) == (status, "application/problem+json"), read
    return read


@pytest.fixture
def run_limited() -> Iterator[RunLimited]:
    """Runs a server that takes uploads of so many bytes, with one result that declares the attachment `a`."""
    with ExitStack() as running:

        def run(limit: int) -> MockSectraServer:
            server = MockSectraServer()
            server.world = World(Settings(upload_limit=limit), server.world.hospital, server.world.store)
            server.world.seed()
            running.enter_context(server.run(port=0))
            declare(server)
            return server

        yield run


@pytest.fixture
def server(run_pacs: RunPacs) -> MockSectraServer:
    """A running server with one result that declares the attachment `a`."""
    running = run_pacs()
    declare(running)
    return running


def test_the_state_says_so_while_the_bytes_arrive(server: MockSectraServer) -> None:
    with begun(server, 20 * MEGABYTE) as upload:
        becomes(server, "upload-in-progress")
        upload.send(bytes(5 * MEGABYTE))
        assert state(server) == "upload-in-progress"
        upload.send(b"x" * 15 * MEGABYTE)
        assert upload.getresponse().status == 200
    assert state(server) == "stored"
    assert stored(server) == bytes(5 * MEGABYTE) + b"x" * 15 * MEGABYTE


@pytest.mark.parametrize("length", [20 * MEGABYTE, None])
def test_an_upload_that_is_cut_off_changes_nothing(server: MockSectraServer, length: int | None) -> None:
    with begun(server, 5) as first:
        first.send(b"first")
        assert first.getresponse().status == 200
    with begun(server, length) as upload:
        piece = bytes(3 * MEGABYTE)
        upload.send(piece if length else b"%x\r\n%b\r\n" % (len(piece), piece))
        becomes(server, "upload-in-progress")
        assert stored(server) == b"first"
    becomes(server, "stored")
    assert stored(server) == b"first"


@pytest.mark.parametrize(
    ("name", "result", "kind"), [("b", 1, "unknown-attachment"), ("a", 7, "unknown-result"), ("", 1, "invalid-request")]
)
@pytest.mark.parametrize("sent", [0, 5 * MEGABYTE])
def test_what_cannot_be_stored_is_refused_while_the_body_is_pending(
    server: MockSectraServer, name: str, result: int, kind: str, sent: int
) -> None:
    with begun(server, 200 * MEGABYTE, name, result) as upload:
        upload.send(bytes(sent))
        answer = problem(upload, 400 if kind == "invalid-request" else 404)
        assert answer["type"].endswith(kind)
    assert state(server) == "new"


@pytest.mark.parametrize("name", ["b", "a"])
def test_a_client_that_sends_all_before_it_reads_sees_the_refusal(run_limited: RunLimited, name: str) -> None:
    server = run_limited(10 * MEGABYTE)
    with begun(server, 16 * MEGABYTE, name) as upload:
        for _ in range(16):
            upload.send(bytes(MEGABYTE))
        answer = problem(upload, 413 if name == "a" else 404)
        assert answer["type"].endswith("body-too-large" if name == "a" else "unknown-attachment")
    assert state(server) == "new"


def test_a_chunked_upload_over_the_limit_is_413_and_the_former_bytes_stay(run_limited: RunLimited) -> None:
    server = run_limited(2 * MEGABYTE)
    with begun(server, 2) as first:
        first.send(b"ok")
        assert first.getresponse().status == 200
    with begun(server, None) as upload:
        for _ in range(4):
            upload.send(b"%x\r\n%b\r\n" % (MEGABYTE, bytes(MEGABYTE)))
        assert "at most 2097152" in problem(upload, 413)["detail"]
    assert stored(server) == b"ok"
    becomes(server, "stored")


def test_after_an_early_refusal_the_connection_serves_on_or_is_closed(server: MockSectraServer) -> None:
    for length in (1000, 20 * MEGABYTE):
        with begun(server, length, "b") as upload:
            upload.send(bytes(length))
            problem(upload, 404)
            try:
                upload.request("GET", "/_fake_pacs/live")
                assert upload.getresponse().status == 200
            except (http.client.HTTPException, OSError):
                assert length > MEGABYTE
