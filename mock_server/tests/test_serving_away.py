"""A server that is away for a moment: connections are refused, then it listens again on its port."""

import http.client
import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest

from fake_pacs.serving import HttpServer


def app(environ: dict[str, Any], start_response: Any) -> Any:
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]


@pytest.fixture
def server() -> Iterator[HttpServer]:
    def going_away(environ: dict[str, Any], start_response: Any) -> Any:
        if environ["PATH_INFO"] == "/away":
            running.refuse_connections(float(environ["QUERY_STRING"]))
        return app(environ, start_response)

    with HttpServer(going_away) as running:
        yield running


def ask(server: HttpServer, path: str = "/") -> int:
    client = http.client.HTTPConnection("localhost", server.port, timeout=5)
    try:
        client.request("GET", path)
        return client.getresponse().status
    finally:
        client.close()


def wait_until_refused(server: HttpServer) -> None:
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        try:
            ask(server)
        except (ConnectionRefusedError, ConnectionResetError):
            return
    pytest.fail("no connection was refused")


def wait_until_back(server: HttpServer) -> None:
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        try:
            assert ask(server) == 200
        except ConnectionError:
            time.sleep(0.01)
        else:
            return
    pytest.fail("it never listened again")


def test_connections_are_refused_and_then_taken_again_on_the_same_port(server: HttpServer) -> None:
    port = server.port
    assert ask(server, "/away?0.3") == 200, "what is under way is answered"
    wait_until_refused(server)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("localhost", port), timeout=5)
    wait_until_back(server)
    assert server.port == port


def test_idle_connections_are_closed(server: HttpServer) -> None:
    client = http.client.HTTPConnection("localhost", server.port, timeout=5)
    client.request("GET", "/")
    client.getresponse().read()
    idle = client.sock
    server.refuse_connections(0.2)
    assert idle.recv(1) == b""
    client.close()
    wait_until_back(server)


def test_it_stops_within_a_second_while_it_is_away(server: HttpServer) -> None:
    server.refuse_connections(60)
    wait_until_refused(server)
    began = time.monotonic()
    server.stop()
    assert time.monotonic() - began < 1


def test_it_may_be_away_several_times(server: HttpServer) -> None:
    for _ in range(3):
        server.refuse_connections(0.05)
        wait_until_refused(server)
        wait_until_back(server)


def test_a_port_that_somebody_else_took_meanwhile_is_taken_when_it_is_free(
    server: HttpServer, caplog: pytest.LogCaptureFixture
) -> None:
    server.refuse_connections(0.2)
    wait_until_refused(server)
    with socket.socket(socket.AF_INET) as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", server.port))
        other.listen()
        deadline = time.monotonic() + 5
        while "cannot listen again" not in caplog.text and time.monotonic() < deadline:
            time.sleep(0.01)
    assert "cannot listen again" in caplog.text
    wait_until_back(server)


def test_a_server_that_does_not_run_is_left_alone() -> None:
    HttpServer(app).refuse_connections(1)
