"""The HTTP server from the outside, with a plain WSGI application: starting, answering, streaming, stopping."""

import http.client
import logging
import signal
import socket
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from fake_pacs.serving import CONNECTION_KEY, Connection, HttpServer, Limits, ListenError
from fake_pacs.serving.server import plain_problem

MIB = 1024 * 1024
SMALL_GET = b"GET /small HTTP/1.1\r\nHost: localhost\r\n\r\n"
DOWNLOAD = b"GET /download HTTP/1.1\r\nHost: localhost\r\n\r\n"
CLOSING_GET = b"GET /a%2Fb%20c?q=%41 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"

Serve = Callable[..., HttpServer]


class Download:
    """256 MiB in chunks of 1 MiB; remembers that it was closed."""

    def __init__(self) -> None:
        self.closed = threading.Event()
        self.left = 256

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        self.left -= 1
        if self.left < 0:
            raise StopIteration
        return bytes(MIB)

    def close(self) -> None:
        self.closed.set()


def app(environ: dict[str, Any], start_response: Any) -> Any:
    if environ["PATH_INFO"] == "/download":
        start_response("200 OK", [("Content-Length", str(256 * MIB))])
        return Download()
    answer = (
        f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']} {environ['RAW_URI']} {environ['REMOTE_PORT']}".encode()
    )
    start_response("200 OK", [("Content-Length", str(len(answer)))])
    return [answer]


@pytest.fixture
def serve() -> Iterator[Serve]:
    with ExitStack() as stack:
        yield lambda application=app, **options: stack.enter_context(HttpServer(application, **options))


def connect(server: HttpServer) -> socket.socket:
    return socket.create_connection((server.host, server.port), timeout=5)


def exchange(server: HttpServer, *requests: bytes) -> bytes:
    """Send, then read until the server closes."""
    with connect(server) as client:
        client.sendall(b"".join(requests))
        answer = b""
        while received := client.recv(MIB):
            answer += received
    return answer


def get(server: HttpServer, path: str = "/small") -> tuple[int, bytes]:
    client = http.client.HTTPConnection(server.host, server.port, timeout=5)
    try:
        client.request("GET", path)
        response = client.getresponse()
        return response.status, response.read()
    finally:
        client.close()


BEFORE: list[threading.Thread] = []


@pytest.fixture(autouse=True)
def _threads_before() -> None:
    BEFORE[:] = [thread for thread in threading.enumerate() if thread.name.startswith("fake-pacs")]


def server_threads() -> list[threading.Thread]:
    """The threads of servers, without those that a wider fixture of another file keeps running."""
    own = [thread for thread in threading.enumerate() if thread.name.startswith("fake-pacs")]
    return [thread for thread in own if thread not in BEFORE]


def test_port_0_is_a_real_port_and_start_returns_when_it_answers(serve: Serve) -> None:
    server = serve()
    assert server.port > 0
    assert (server.scheme, server.host) == ("http", "localhost")
    assert get(server)[0] == 200


def test_the_raw_target_and_the_decoded_path_reach_the_application(serve: Serve) -> None:
    answer = exchange(serve(), CLOSING_GET)
    assert b"\r\n\r\nGET /a/b c /a%2Fb%20c?q=%41 " in answer
    assert b"\r\nServer: fake-pacs\r\n" in answer
    assert b"\r\nConnection: close\r\n" in answer


def test_localhost_is_served_on_every_address_it_has(serve: Serve) -> None:
    server = serve(host="localhost")
    found = socket.getaddrinfo("localhost", server.port, type=socket.SOCK_STREAM)
    addresses = {(family, address[0]) for family, _, _, _, address in found if machine_has(family, str(address[0]))}
    assert addresses
    for _, address in addresses:
        with socket.create_connection((address, server.port), timeout=5) as client:
            client.sendall(SMALL_GET)
            assert client.recv(100).startswith(b"HTTP/1.1 200 ")


def machine_has(family: int, address: str) -> bool:
    try:
        with socket.socket(family) as probe:
            probe.bind((address, 0))
    except OSError:
        return False
    return True


def test_a_taken_port_is_an_error_that_says_what_to_do(serve: Serve) -> None:
    port = serve().port
    with pytest.raises(ListenError, match=rf"localhost:{port}: the port is taken.*choose another one"):
        HttpServer(app, port=port).start()


@pytest.mark.parametrize(
    ("host", "port", "text"),
    [
        ("no-such-host.invalid", 0, "no-such-host.invalid:0: the name is unknown"),
        ("192.0.2.1", 0, "192.0.2.1:0: this machine has no such address"),
        ("localhost", 70000, "localhost:70000: a port is a number from 0 to 65535"),
    ],
)
def test_an_impossible_address_is_an_error_that_says_what_to_do(host: str, port: int, text: str) -> None:
    with pytest.raises(ListenError, match=text):
        HttpServer(app, host=host, port=port).start()


def test_a_running_server_is_not_started_twice_and_a_stopped_one_can_be_started_again(serve: Serve) -> None:
    server = serve()
    with pytest.raises(RuntimeError, match="stop it before"):
        server.start()
    server.stop()
    server.stop()
    server.start()
    assert get(server)[0] == 200


def test_a_connection_is_kept_for_the_next_request(serve: Serve) -> None:
    server = serve()
    client = http.client.HTTPConnection("localhost", server.port, timeout=5)
    answers = []
    for _ in range(3):
        client.request("GET", "/small")
        answers.append(client.getresponse().read())
    client.close()
    assert len(set(answers)) == 1  # the client's port is part of the answer


def test_http_1_0_gets_its_answer_and_the_end_of_the_connection(serve: Serve) -> None:
    assert exchange(serve(), b"GET /old HTTP/1.0\r\n\r\n").startswith(b"HTTP/1.1 200 ")


def test_pipelined_requests_are_answered_in_order(serve: Serve) -> None:
    answer = exchange(serve(), SMALL_GET, b"GET /second HTTP/1.1\r\nHost: x\r\n\r\n", CLOSING_GET)
    assert answer.count(b"HTTP/1.1 200 OK") == 3
    assert answer.index(b"GET /small") < answer.index(b"GET /second") < answer.index(b"GET /a/b c")


def test_a_chunk_of_the_application_is_one_send() -> None:
    sends: list[bytes] = []

    class Recorder(socket.socket):
        def sendall(self, data: Any, flags: int = 0) -> None:
            sends.append(bytes(data))
            super().sendall(data, flags)

    def multipart(environ: dict[str, Any], start_response: Any) -> Any:
        start_response("200 OK", [("Content-Length", str(len(b"".join(chunks))))])
        return iter(chunks)

    chunks = [b"--b\r\nContent-Type: x/y\r\n\r\n", bytes(MIB), b"\r\n--b--\r\n"]
    ours, theirs = socket.socketpair()
    recorder = Recorder(fileno=ours.detach())
    options: Any = {"limits": Limits(), "render_problem": plain_problem, "stopping": lambda: False}
    connection = Connection(recorder, multipart, {"REMOTE_ADDR": "test"}, **options)
    thread = threading.Thread(target=connection.run, args=(None,))
    thread.start()
    with theirs:
        theirs.sendall(CLOSING_GET)
        received = b""
        while data := theirs.recv(MIB):
            received += data
    thread.join(5)
    head, _, first = sends[0].partition(b"\r\n\r\n")
    assert [first, *sends[1:]] == chunks
    assert received == head + b"\r\n\r\n" + b"".join(chunks)


def test_a_download_streams_at_constant_memory_with_its_exact_length(serve: Serve) -> None:
    buffer = bytearray(MIB)
    received = 0
    with connect(serve()) as client:
        client.sendall(DOWNLOAD.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        tracemalloc.start()
        try:
            while count := client.recv_into(buffer):
                received += count
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert 0 < received - 256 * MIB < 500  # the rest is the head
    assert peak < 8 * MIB


@pytest.mark.parametrize(
    ("method", "status", "body", "expected"),
    [
        ("GET", "200 OK", [b"ab", b"c"], b"Content-Length: 3\r\n"),
        ("GET", "200 OK", iter([b"ab", b"", b"c"]), b"Transfer-Encoding: chunked\r\n"),
        ("GET", "200 OK", [], b"Content-Length: 0\r\n"),
        ("HEAD", "200 OK", [b"abc"], b"Content-Length: 3\r\n"),
        ("GET", "204 No Content", [], b"HTTP/1.1 204 No Content\r\n"),
    ],
)
def test_the_length_is_declared_where_it_is_known(
    serve: Serve, method: str, status: str, body: Any, expected: bytes
) -> None:
    def application(environ: dict[str, Any], start_response: Any) -> Any:
        start_response(status, [])
        return body

    server = serve(application)
    assert expected in exchange(server, CLOSING_GET.replace(b"GET", method.encode(), 1))


def test_head_leaves_the_body_unread_and_closes_it(serve: Serve) -> None:
    download = Download()

    def application(environ: dict[str, Any], start_response: Any) -> Any:
        start_response("200 OK", [("Content-Length", str(256 * MIB))])
        return download

    head, _, body = exchange(serve(application), CLOSING_GET.replace(b"GET", b"HEAD", 1)).partition(b"\r\n\r\n")
    assert f"Content-Length: {256 * MIB}".encode() in head
    assert body == b""
    assert download.closed.wait(1)
    assert download.left >= 255


def test_an_application_that_calls_back_is_answered(serve: Serve) -> None:
    def application(environ: dict[str, Any], start_response: Any) -> Any:
        if environ["PATH_INFO"] == "/outer":
            status, body = get(server, "/inner")
            start_response(f"{status} OK", [])
            return [b"inner said " + body]
        return app(environ, start_response)

    server = serve(application)
    assert b"inner said GET /inner" in get(server, "/outer")[1]


def test_stalled_downloads_hold_nobody_up(serve: Serve) -> None:
    downloads: list[Download] = []

    def application(environ: dict[str, Any], start_response: Any) -> Any:
        answer = app(environ, start_response)
        if isinstance(answer, Download):
            downloads.append(answer)
        return answer

    server = serve(application)
    with ExitStack() as stack:
        for _ in range(64):
            stack.enter_context(connect(server)).sendall(DOWNLOAD)
        wait_until_still(lambda: (len(downloads), sum(download.left for download in downloads)))
        begun = time.monotonic()
        assert get(server)[0] == 200
        assert time.monotonic() - begun < 1  # the delay, of at most 50 ms, is measured: benchmarks/server_trial.py
        assert len(downloads) == 64


def wait_until_still(state: Callable[[], object]) -> None:
    """Wait until the downloads have filled the socket buffers: only then they stall."""
    deadline = time.monotonic() + 20
    before, after = None, state()
    while before != after:
        assert time.monotonic() < deadline, "the downloads never came to a stand"
        time.sleep(0.3)
        before, after = after, state()


def test_stop_takes_less_than_a_second_whatever_is_open(serve: Serve) -> None:
    server = serve()
    port = server.port
    with ExitStack() as stack:
        for request in (*[DOWNLOAD] * 20, *[SMALL_GET] * 5, *[b"GET /half"] * 5, *[b""] * 5):
            stack.enter_context(connect(server)).sendall(request)
        assert get(server)[0] == 200
        begun = time.monotonic()
        server.stop()
        assert time.monotonic() - begun < 1
    assert server_threads() == []
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("localhost", port), timeout=5)


def test_a_short_request_under_way_is_finished_by_stop(serve: Serve) -> None:
    begun = threading.Event()

    def slow(environ: dict[str, Any], start_response: Any) -> Any:
        begun.set()
        time.sleep(0.2)
        return app(environ, start_response)

    server = serve(slow)
    answers: list[tuple[int, bytes]] = []
    client = threading.Thread(target=lambda: answers.append(get(server)))
    client.start()
    assert begun.wait(5)
    server.stop()
    client.join(5)
    assert answers[0][0] == 200


def test_serve_forever_ends_cleanly_on_a_signal() -> None:
    server = HttpServer(app)
    previous = signal.getsignal(signal.SIGTERM)
    timer = threading.Timer(0.3, signal.raise_signal, [signal.SIGTERM])
    timer.start()
    server.serve_forever()
    timer.join()
    assert signal.getsignal(signal.SIGTERM) == previous
    assert server_threads() == []


def test_a_client_that_leaves_closes_the_download_and_is_no_error(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    download = Download()

    def application(environ: dict[str, Any], start_response: Any) -> Any:
        start_response("200 OK", [("Content-Length", str(256 * MIB))])
        return download

    with caplog.at_level(logging.INFO), connect(serve(application)) as client:
        client.sendall(DOWNLOAD)
        assert client.recv(100)
        client.close()
        assert download.closed.wait(2)
    assert download.left > 0
    assert caplog.records == []


def test_the_application_reaches_the_socket_and_can_reset_the_connection(serve: Serve) -> None:
    nodelay = []

    def application(environ: dict[str, Any], start_response: Any) -> Any:
        connection: Connection = environ[CONNECTION_KEY]
        nodelay.append(connection.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        connection.abort()
        raise RuntimeError("what an application does after a reset is of no interest")

    with connect(serve(application)) as client:
        client.sendall(SMALL_GET)
        with pytest.raises(ConnectionResetError):
            client.recv(1)
    assert nodelay != [0]
