"""What clients do against HTTP and applications against WSGI: problems, no stack traces, no mix-up of requests."""

import http.client
import json
import logging
import queue
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import pytest

from fake_pacs.serving import HttpServer, Limits, Refused, WireRefusal

HOST = b"Host: localhost\r\n"
LIMITS = Limits(
    head_bytes=4096, body_bytes=10_000, head_seconds=0.3, body_seconds=0.3, idle_seconds=0.6, drain_bytes=5000
)
SECOND = b"GET /second HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n"


def echo(environ: dict[str, Any], start_response: Any) -> Any:
    """Answers path, body and some headers; reads the body unless the path says not to."""
    body = b"" if environ["PATH_INFO"] == "/ignore" else environ["wsgi.input"].read()
    seen = {key: value for key, value in environ.items() if key.startswith("HTTP_")}
    answer = json.dumps({"path": environ["PATH_INFO"], "body": body.decode(), "headers": seen}).encode()
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(answer)))])
    return [answer]


@pytest.fixture
def serve() -> Iterator[Callable[..., HttpServer]]:
    with ExitStack() as stack:
        yield lambda app=echo, **options: stack.enter_context(HttpServer(app, **{"limits": LIMITS} | options))


@pytest.fixture
def server(serve: Callable[..., HttpServer]) -> HttpServer:
    return serve()


def exchange(server: HttpServer, request: bytes, *, then_close: bool = False) -> bytes:
    """Send, then read until the server closes."""
    with socket.create_connection(("localhost", server.port), timeout=5) as client:
        client.sendall(request)
        if then_close:
            client.shutdown(socket.SHUT_WR)
        answer = b""
        while received := client.recv(65536):
            answer += received
    return answer


def problem(answer: bytes) -> dict[str, Any]:
    """The one problem that an answer holds."""
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"\r\nContent-Type: application/problem+json\r\n" in head
    assert b"\r\nServer: fake-pacs\r\n" in head
    assert b"\r\nConnection: close" in head
    found: dict[str, Any] = json.loads(body)
    assert head.startswith(f"HTTP/1.1 {found['status']} {found['title']}\r\n".encode())
    assert set(found) == {"type", "title", "status", "detail"}
    return found


def post(*headers: bytes, body: bytes = b"", path: bytes = b"/") -> bytes:
    return b"POST " + path + b" HTTP/1.1\r\n" + HOST + b"".join(line + b"\r\n" for line in headers) + b"\r\n" + body


LINGER = "hh" if sys.platform == "win32" else "ii"
CHUNKED = b"Transfer-Encoding: chunked"


@pytest.mark.parametrize(
    ("request_", "status", "detail"),
    [
        (b"GARBAGE\r\n\r\n", 400, "request line: 'GARBAGE'"),
        (b"\x16\x03\x01\x02\x00\x01\x00", 400, "request line"),
        (b"GET /a b HTTP/1.1\r\n" + HOST + b"\r\n", 400, "Percent-encode blanks"),
        (b"GET /\xc3\xa9 HTTP/1.1\r\n" + HOST + b"\r\n", 400, "non-ASCII"),
        (b"GET relative HTTP/1.1\r\n" + HOST + b"\r\n", 400, "asks for 'relative'"),
        (b"GET http://[ HTTP/1.1\r\n" + HOST + b"\r\n", 400, "no address here"),
        (b"CONNECT localhost:1 HTTP/1.1\r\n" + HOST + b"\r\n", 400, "no address here"),
        (b"GET / HTTP/2.0\r\n" + HOST + b"\r\n", 505, "Speak HTTP/1.1"),
        (b"GET / HTTP/1.1\r\n\r\n", 400, "Missing mandatory Host"),
        (b"GET / HTTP/1.1\r\n" + HOST + HOST + b"\r\n", 400, "multiple Host"),
        (b"GET / HTTP/1.1\r\nHost : localhost\r\n\r\n", 400, "illegal header line"),
        (b"GET / HTTP/1.1\r\n" + HOST + b"X: a\x00b\r\n\r\n", 400, "header"),
        (b"GET / HTTP/1.1\r\n" + HOST + b"X: " + bytes(5000).replace(b"\0", b"x") + b"\r\n\r\n", 431, "4096 bytes"),
        (b"GET /" + bytes(50_000).replace(b"\0", b"x"), 431, "too long"),
        (post(b"Content-Length: five"), 400, "bad Content-Length"),
        (post(b"Content-Length: -5"), 400, "bad Content-Length"),
        (post(b"Content-Length: 5", b"Content-Length: 6"), 400, "conflicting Content-Length"),
        (post(b"Content-Length: 5", CHUNKED, body=b"0\r\n\r\n"), 400, "both Content-Length and Transfer-Encoding"),
        (post(CHUNKED, CHUNKED), 501, "multiple Transfer-Encoding"),
        (post(b"Transfer-Encoding: gzip"), 501, "chunked"),
        (post(CHUNKED).replace(b"HTTP/1.1", b"HTTP/1.0"), 400, "HTTP/1.0 has no Transfer-Encoding"),
        (post(b"Content-Length: 10001"), 413, "10000 bytes"),
        (post(CHUNKED, body=b"2711\r\n" + bytes(10_001)), 413, "10000 bytes"),
        (post(CHUNKED, body=b"zz\r\nabc\r\n"), 400, "chunk header"),
        (post(CHUNKED, body=b"3\r\nabcd\r\n"), 400, "chunk footer"),
    ],
)
def test_what_breaks_http_is_answered_with_a_problem(
    server: HttpServer, caplog: pytest.LogCaptureFixture, request_: bytes, status: int, detail: str
) -> None:
    found = problem(exchange(server, request_))
    assert found["status"] == status
    assert detail in found["detail"]
    assert "bytearray" not in found["detail"]
    assert [record for record in caplog.records if record.name.startswith("fake_pacs")] == []


@pytest.mark.parametrize(
    "request_", [post(b"Content-Length: 50", body=b"abc"), post(CHUNKED, body=b"30\r\nabc"), b"GET / HTTP/1.1\r\nHo"]
)
def test_a_request_that_breaks_off_is_a_400(server: HttpServer, request_: bytes) -> None:
    assert problem(exchange(server, request_, then_close=True))["status"] == 400


@pytest.mark.parametrize("request_", [b"GET / HTT", post(b"Content-Length: 50", body=b"abc")])
def test_a_request_that_stalls_is_a_408(server: HttpServer, request_: bytes) -> None:
    assert problem(exchange(server, request_))["status"] == 408


def test_a_head_that_dribbles_in_is_a_408(server: HttpServer) -> None:
    with socket.create_connection(("localhost", server.port), timeout=5) as client:
        for _ in range(8):
            client.sendall(b"G")
            time.sleep(0.05)
        assert client.recv(100).startswith(b"HTTP/1.1 408 ")


def test_a_silent_connection_is_closed_without_a_word(server: HttpServer) -> None:
    assert exchange(server, b"") == b""


def test_the_problem_is_rendered_by_whom_the_server_was_told(serve: Callable[..., HttpServer]) -> None:
    told: list[WireRefusal] = []

    def render(refusal: WireRefusal) -> tuple[bytes, dict[str, str]]:
        told.append(refusal)
        return f"{refusal.status}: {refusal.detail}".encode(), {"X-Ours": "yes"}

    answer = exchange(serve(render_problem=render), b"GARBAGE\r\n\r\n")
    head, _, body = answer.partition(b"\r\n\r\n")
    assert body.startswith(b"400: This is not")
    assert b"\r\nX-Ours: yes\r\n" in head
    assert [(refusal.method, refusal.target, refusal.answered) for refusal in told] == [("", "", None)]


@pytest.mark.parametrize(
    ("request_", "method", "target", "headers", "answered"),
    [
        (b"GET /a?b HTTP/2.0\r\n" + HOST + b"X-A:  b \r\n\r\n", "GET", "/a?b", [("X-A", "b")], None),
        (b"GET /a b HTTP/1.1\r\n" + HOST + b"\r\n", "GET", "/a b", [], None),
        (b"GET /a HTTP/1.1\r\n" + HOST + b"bad line\r\nX-A: b\r\n\r\n", "GET", "/a", [("X-A", "b")], None),
        (b"GET /" + b"x" * 9000, "GET", "/" + "x" * 4091, None, None),
        (b"GET /a HTTP/1.1\r\nHo", "GET", "/a", None, None),
        (post(b"Content-Length: 50", body=b"POST /b HTTP/1.1", path=b"/a"), "POST", "/a", None, None),
        (post(CHUNKED, body=b"2711\r\n" + bytes(10_001), path=b"/ignore"), "POST", "/ignore", None, 200),
        (SECOND.replace(b"Connection: close\r\n", b"") + b"PUT /a HTTP/1.1\r\n\r\n", "PUT", "/a", None, None),
    ],
)
def test_the_renderer_is_told_what_is_known_of_the_request(
    serve: Callable[..., HttpServer], request_: bytes, method: str, target: str, headers: Any, answered: int | None
) -> None:
    told: list[WireRefusal] = []

    def render(refusal: WireRefusal) -> tuple[bytes, dict[str, str]]:
        told.append(refusal)
        return b"", {}

    exchange(serve(render_problem=render), request_, then_close=True)
    (refusal,) = told
    assert (refusal.method, refusal.target, refusal.answered) == (method, target, answered)
    if headers is not None:
        assert [pair for pair in refusal.headers if pair[0] != "Host"] == headers


@pytest.mark.parametrize(
    ("target", "path"),
    [("/a?b", "/a"), ("http://pacs:81/a/b?c", "/a/b"), ("http://[", ""), ("", ""), ("*", "*"), ("//a/b", "//a/b")],
)
def test_the_path_of_a_refused_target(target: str, path: str) -> None:
    assert WireRefusal(400, "", "GET", target).path == path


def test_the_server_s_refusal_wins_over_what_the_application_made_of_a_broken_body(
    serve: Callable[..., HttpServer],
) -> None:
    seen: list[Refused] = []

    def catching(environ: dict[str, Any], start_response: Any) -> Any:
        try:
            environ["wsgi.input"].read()
        except Refused as refusal:
            seen.append(refusal)
        start_response("500 Internal Server Error", [])
        return [b"oh"]

    assert problem(exchange(serve(catching), post(CHUNKED, body=b"1\r\na\r\nzz\r\n")))["status"] == 400
    assert seen[0].status == 400


def test_a_client_that_leaves_in_the_middle_of_its_body_is_one_more_refusal(
    serve: Callable[..., HttpServer], caplog: pytest.LogCaptureFixture
) -> None:
    reading, seen = threading.Event(), queue.Queue[Exception]()

    def application(environ: dict[str, Any], start_response: Any) -> Any:
        reading.set()
        try:
            environ["wsgi.input"].read()
        except Exception as error:
            seen.put(error)
            raise
        return []

    with socket.create_connection(("localhost", serve(application).port), timeout=5) as client:
        client.sendall(post(b"Content-Length: 50", body=b"abc"))
        assert reading.wait(5)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack(LINGER, 1, 0))  # leave with a reset
    assert isinstance(seen.get(timeout=5), Refused)
    assert caplog.records == []


def test_chunked_bodies_arrive_decoded(server: HttpServer) -> None:
    answer = exchange(
        server, post(CHUNKED, b"Connection: close", body=b"3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nTrailer: t\r\n\r\n")
    )
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["body"] == "abcde"


def test_an_unread_body_is_not_taken_for_the_next_request(server: HttpServer) -> None:
    hidden = b"GET /hidden HTTP/1.1\r\n" + HOST + b"\r\n"
    length = b"Content-Length: %d" % len(hidden)
    answer = exchange(server, post(length, body=hidden, path=b"/ignore") + SECOND)
    assert answer.count(b"HTTP/1.1 200 OK") == 2
    assert b"/second" in answer
    assert b"/hidden" not in answer


def test_after_a_large_unread_body_the_connection_is_closed(serve: Callable[..., HttpServer]) -> None:
    server = serve(limits=replace(LIMITS, body_bytes=500_000))
    answer = exchange(server, post(b"Content-Length: 500000", body=bytes(500_000), path=b"/ignore") + SECOND)
    assert answer.count(b"HTTP/1.1 ") == 1
    assert answer.startswith(b"HTTP/1.1 200 OK")


def test_100_continue_is_said_when_the_application_reads(server: HttpServer) -> None:
    with socket.create_connection(("localhost", server.port), timeout=5) as client:
        client.sendall(post(b"Content-Length: 3", b"Expect: 100-continue", b"Connection: close"))
        assert client.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(b"abc")
        assert b'"body": "abc"' in b"".join(iter(lambda: client.recv(65536), b""))


@pytest.mark.parametrize(("length", "status"), [(b"3", b"200"), (b"10001", b"413")])
def test_100_continue_is_not_said_when_the_body_is_not_wanted(server: HttpServer, length: bytes, status: bytes) -> None:
    answer = exchange(server, post(b"Content-Length: " + length, b"Expect: 100-continue", path=b"/ignore"))
    assert answer.startswith(b"HTTP/1.1 " + status)
    assert b"\r\nConnection: close" in answer


def test_a_large_refused_upload_still_gets_its_answer(server: HttpServer) -> None:
    client = http.client.HTTPConnection("localhost", server.port, timeout=5)
    client.request("POST", "/", body=bytes(20_000_000))
    response = client.getresponse()
    assert response.status == 413
    response.read()
    client.close()


def test_headers_are_joined_and_those_with_underscores_left_out(server: HttpServer) -> None:
    headers = b"X-A: 1\r\nX-A: 2\r\nCookie: a=1\r\nCookie: b=2\r\nX_B: no\r\nConnection: close\r\n"
    answer = exchange(server, b"GET http://other:1/p HTTP/1.1\r\n" + HOST + headers + b"\r\n")
    seen = json.loads(answer.partition(b"\r\n\r\n")[2])
    assert seen["path"] == "/p"
    expected = {"HTTP_HOST": "other:1", "HTTP_X_A": "1,2", "HTTP_COOKIE": "a=1; b=2", "HTTP_CONNECTION": "close"}
    assert seen["headers"] == expected


def failing(environ: dict[str, Any], start_response: Any) -> Any:
    """Applications that break, by path."""
    match environ["PATH_INFO"]:
        case "/at-once":
            raise ValueError("a secret")
        case "/no-start":
            return [b"x"]
        case "/bad-header":
            start_response("200 OK", [("X", "a\r\nb")])
        case "/twice":
            start_response("200 OK", [])
            start_response("200 OK", [])
        case "/short":
            start_response("200 OK", [("Content-Length", "10")])
            return iter([b"abc"])
        case "/in-the-middle":
            start_response("200 OK", [("Content-Length", "10")])
            return (chunk if chunk else 1 / 0 for chunk in (b"abc", b""))
    return []


@pytest.mark.parametrize("path", [b"/at-once", b"/no-start", b"/bad-header", b"/twice"])
def test_a_failing_application_is_a_500_and_logged(
    serve: Callable[..., HttpServer], caplog: pytest.LogCaptureFixture, path: bytes
) -> None:
    answer = exchange(serve(failing), b"GET " + path + b" HTTP/1.1\r\n" + HOST + b"\r\n")
    assert problem(answer)["status"] == 500
    assert b"secret" not in answer
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
    assert caplog.records[0].exc_info


@pytest.mark.parametrize("path", [b"/short", b"/in-the-middle"])
def test_an_answer_that_breaks_off_is_reset(
    serve: Callable[..., HttpServer], caplog: pytest.LogCaptureFixture, path: bytes
) -> None:
    with pytest.raises(ConnectionResetError):
        exchange(serve(failing), b"GET " + path + b" HTTP/1.1\r\n" + HOST + b"\r\n")
    assert len(caplog.records) == 1
