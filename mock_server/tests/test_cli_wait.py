"""`fake-pacs wait`: until a server is ready, in bounded time."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from click.testing import CliRunner

from fake_pacs.cli import main
from fake_pacs.cli_wait import wait_for
from fake_pacs.control_client import ControlClient, ControlError
from fake_pacs.embedding import MockSectraServer


def run(*arguments: str, **environment: str) -> tuple[int, str]:
    done = CliRunner().invoke(main, ["wait", *arguments], env=environment, catch_exceptions=False)
    return done.exit_code, done.output


def test_a_server_that_is_ready_is_not_waited_for():
    with MockSectraServer() as server:
        assert run(server.root_url) == (0, "")
        assert run(server.url, "--timeout", "0") == (0, "")
        assert run("--timeout", "0", FAKE_PACS_SERVER=server.root_url) == (0, "")


def test_nobody_there_is_said_after_the_time_out():
    with MockSectraServer() as server:
        url = server.root_url
    status, said = run(url, "--timeout", "0.2")
    assert status == 1
    assert "not ready within 0.2 s" in said
    assert "refused" in said


class Turned:
    """A clock that only pausing moves, and a server that becomes ready at its third question."""

    def __init__(self, ready_after: int) -> None:
        self.time, self.asked, self.ready_after = 0.0, 0, ready_after
        self.pauses: list[float] = []
        self.patience: list[float] = []

    def call(self, method: str, path: str, *, timeout: float) -> dict[str, str]:
        self.asked += 1
        assert (method, path) == ("GET", "ready")
        assert timeout > 0
        self.patience.append(timeout)
        if self.asked < self.ready_after:
            raise ControlError(f"refused {self.asked}")
        return {"status": "ready"}

    def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.time += seconds


def waited(turned: Turned, timeout: float) -> str | None:
    return wait_for(turned, timeout, now=lambda: turned.time, pause=turned.pause)  # type: ignore[arg-type]


def test_it_asks_again_with_longer_pauses_until_it_is_ready():
    turned = Turned(ready_after=8)
    assert waited(turned, 30) is None
    assert turned.pauses == [0.05, 0.1, 0.2, 0.4, 0.8, 1.0, 1.0]


def test_it_never_waits_longer_and_tells_the_last_reason():
    turned = Turned(ready_after=10**6)
    assert waited(turned, 10) == f"refused {turned.asked}"
    assert turned.time == pytest.approx(10)
    assert waited(Turned(ready_after=2), 0) == "refused 1"


@pytest.fixture
def stranger() -> Iterator[str]:
    """Some other server, which answers everything with a page."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "6")
            self.end_headers()
            self.wfile.write(b"<html>")

        def log_message(self, *_: object) -> None:
            """Not on standard error."""

    server = HTTPServer(("localhost", 0), Page)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield f"http://localhost:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize(("timeout", "patience"), [(0, [5]), (0.2, [0.5, 0.5, 0.5, 0.5]), (30, [5, 5])])
def test_a_busy_server_is_given_time_to_answer(timeout: float, patience: list[float]):
    turned = Turned(ready_after=2 if timeout == 30 else 99)
    assert (waited(turned, timeout) is None) is (timeout == 30)
    assert turned.patience == patience


def test_another_server_is_no_fake_pacs(stranger: str):
    status, said = run(stranger, "--timeout", "0")
    assert status == 1
    assert "is it a fake PACS?" in said


def test_a_text_that_is_no_url_is_refused():
    status, said = run("somewhere")
    assert status == 1
    assert "expected its URL" in said


def test_the_client_can_be_asked_by_the_real_clock():
    with MockSectraServer() as server:
        assert wait_for(ControlClient(server.url, "dev-control"), 5) is None


def test_no_number_of_seconds_is_a_usage_error():
    status, said = run("http://localhost:1", "--timeout", "nan")
    assert (status, "no number of seconds" in said) == (2, True)
