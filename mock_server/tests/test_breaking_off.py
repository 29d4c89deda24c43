"""Answers that go wrong after they were journalled: whose error that is, and that it counts, once, with its request."""

import http.client
import io
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from fake_pacs.app import Application, create_app
from fake_pacs.calls import Call, Reply, stream_reply
from fake_pacs.cli_exec import OUR_FAULT, _with_our_fault
from fake_pacs.embedding import HANDLERS, BrokenContractError, MockSectraServer
from fake_pacs.framing import FileChanged, single
from fake_pacs.store import ContentReplacedError
from fake_pacs.testing import KeepingJournal
from fake_pacs.world import World

PIECE = b"x" * 65536
LABEL = "/slides/demo-he-1/label"


class Spoilt(MockSectraServer):
    """A server whose labels are whatever stream it is given, announced with that length."""

    stream: Callable[[], Iterator[bytes]]
    length = 3 * len(PIECE)

    def create_app(self) -> Application:
        def get_label(call: Call, world: World) -> Reply:
            return stream_reply(self.stream(), self.length, "image/jpeg", {})

        return create_app(self.world, {**HANDLERS, "getSlideLabel": get_label})


@contextmanager
def running(stream: Callable[[], Iterator[bytes]], length: int = Spoilt.length) -> Iterator[Spoilt]:
    server = Spoilt()
    server.stream, server.length = stream, length
    server.run(port=0)
    try:
        yield server
    finally:
        server.stop()


def ask(server: MockSectraServer, path: str = LABEL, *, most: int | None = None) -> tuple[int, bytes]:
    """Status and as much of the body as came, or as is wanted."""
    client = http.client.HTTPConnection("localhost", server.port, timeout=10)
    target = server.url.removeprefix(server.root_url) + path
    try:
        client.request("GET", target, headers={"Authorization": "Bearer dev-token"})
        answer = client.getresponse()
        body = b""
        with suppress(http.client.IncompleteRead, ConnectionError):
            while piece := answer.read(min(most or 4096, 4096)):
                body += piece
                if most and len(body) >= most:
                    break
        return answer.status, body
    finally:
        client.close()


def journal(server: MockSectraServer) -> list[dict[str, Any]]:
    found = server.world.journal.read("default", with_strangers=True, operation_id=None, after=None, limit=None)
    return [exchange.as_json() for exchange in found]


def breaks() -> Iterator[bytes]:
    yield PIECE
    raise RuntimeError("a defect with dev-token in it")


def test_a_defect_in_the_middle_of_a_body_counts_once_with_its_request(caplog: pytest.LogCaptureFixture) -> None:
    with running(breaks) as server:
        status, body = ask(server)
        assert (status, len(body) < Spoilt.length) == (200, True)
        (error,) = server.world.journal.our_errors
        (entry,) = journal(server)
        metrics = server.world.metrics.text().decode()
    assert error.startswith(f"GET {entry['path']}: the answer broke off: Traceback")
    assert entry["path"].endswith(LABEL)
    assert "RuntimeError: a defect" in error
    assert "dev-token" not in error
    assert (entry["status"], entry["operationId"], entry["ourError"] is not None) == (200, "getSlideLabel", True)
    assert 'fake_pacs_contract_breaks_total{side="server"} 1.0' in metrics
    (logged,) = [record for record in caplog.records if record.levelname == "ERROR"]
    assert logged.plain == "the answer of getSlideLabel broke off; the journal says how"  # type: ignore[attr-defined]
    with pytest.raises(BrokenContractError, match="the answer broke off"):
        server.raise_for_errors()


def test_a_body_of_another_length_than_announced_is_a_defect() -> None:
    with running(lambda: iter([PIECE]), 3 * len(PIECE)) as server:
        assert ask(server)[1] == PIECE
        (error,) = server.world.journal.our_errors
    assert "LocalProtocolError" in error


def test_a_defect_before_the_head_is_out_is_a_500_and_counts_once() -> None:
    def at_once() -> Iterator[bytes]:
        raise RuntimeError("a defect")
        yield b""

    with running(at_once) as server:
        status, body = ask(server)
        (error,) = server.world.journal.our_errors
        (entry,) = journal(server)
    assert (status, json.loads(body)["type"]) == (500, "urn:ia-api-kit:problem:internal-error")
    assert (entry["status"], LABEL in entry["path"]) == (500, True)
    assert "RuntimeError: a defect" in error


@pytest.mark.parametrize("error", [FileChanged("a.svs: shorter"), ContentReplacedError("attachment replaced")])
def test_content_that_changed_meanwhile_is_nobody_s_defect(error: Exception) -> None:
    def changed() -> Iterator[bytes]:
        yield PIECE
        raise error

    with running(changed) as server:
        assert len(ask(server)[1]) < Spoilt.length
        (entry,) = journal(server)
        server.raise_for_errors()
    assert entry["ourError"] is None
    assert [(odd["name"], odd["place"]) for odd in entry["oddities"]] == [("broken-off", "answer")]
    assert str(error) in entry["oddities"][0]["text"]


def test_content_that_changed_before_the_head_is_out_is_cut_and_no_defect() -> None:
    def changed() -> Iterator[bytes]:
        raise FileChanged("a.svs: shorter")
        yield b""

    with running(changed) as server:
        with pytest.raises(ConnectionError):
            ask(server)
        server.raise_for_errors()
        assert [odd["name"] for odd in journal(server)[0]["oddities"]] == ["broken-off"]


def test_a_file_that_the_system_can_t_read_any_more_is_the_slide_s_error() -> None:
    class Torn(io.BytesIO):
        def read(self, count: int | None = -1, /) -> bytes:
            raise OSError(5, "Input/output error")

    class TornFile:
        name = "a.svs"
        size = 5

        def open(self) -> Any:
            return Torn(b"12345")

    with pytest.raises(FileChanged, match=r"a\.svs: can't be read any more: Input/output error"):
        list(single(TornFile())[2])


def test_a_slide_that_shrinks_on_disk_while_it_is_sent_breaks_off_and_is_no_defect(tmp_path: Path) -> None:
    file = tmp_path / "slide.bin"
    size = 64 * 2**20  # more than the system takes over at once
    with file.open("wb") as made:
        made.truncate(size)
    server = MockSectraServer(slide_files={"mine": file})
    with server.run(port=0):
        client = http.client.HTTPConnection("localhost", server.port, timeout=10)
        target = server.url.removeprefix(server.root_url) + "/slides/mine/files"
        client.request("GET", target, headers={"Authorization": "Bearer dev-token"})
        answer = client.getresponse()
        assert answer.read(10) == bytes(10)
        with file.open("r+b") as changed:
            changed.truncate(10)
        with pytest.raises((http.client.IncompleteRead, ConnectionError)):
            answer.read()
        client.close()
        (entry,) = journal(server)
    assert [odd["name"] for odd in entry["oddities"]] == ["broken-off"]


def test_a_client_that_hangs_up_is_no_error() -> None:
    def endless() -> Iterator[bytes]:
        while True:
            yield PIECE

    with running(endless, 10**12) as server:
        assert len(ask(server, most=5000)[1]) >= 5000
        assert ask(server, "/info")[0] == 200
    server.raise_for_errors()


def test_exec_and_the_pytest_plugin_see_it(capsys: pytest.CaptureFixture[str]) -> None:
    server = Spoilt()
    server.stream = breaks
    server.world.journal = kept = KeepingJournal()
    with suppress(BrokenContractError), server.run(port=0):
        ask(server)
    assert _with_our_fault(server.world, 0) == OUR_FAULT
    assert "RuntimeError: a defect" in capsys.readouterr().err
    (error,) = kept.take_errors("default")
    assert LABEL in error
    assert kept.take_errors("default") == []
