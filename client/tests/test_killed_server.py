"""The emulator in a process of its own, killed between a write and its answer: what the client says, and what is
stored.
"""

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sectra_client import RetryPolicy, SectraClient, SectraConnectionError, SectraUncertainWriteError
from sectra_client.schemas import AdaptedResult, Attachment, QualityControl, QualityControlStatus, Result

MockSectraServer = pytest.importorskip("sectra_client.mock_server", reason="needs the extra [server]").MockSectraServer
APP, SLIDE, NAME = "nuclei-counter", "demo-he-1", "heat map"

SERVER = '''
import json, sys, threading
from pathlib import Path
from fake_pacs.app import create_app
from fake_pacs.embedding import MockSectraServer
from fake_pacs.handlers import HANDLERS

state, held, when = Path(sys.argv[1]), sys.argv[2], sys.argv[3]

def say(**what):
    print(json.dumps(what), flush=True)

def holding(call, world):
    """Waits for the end before the write, or after it; the answer never goes out."""
    answer = HANDLERS[held](call, world) if when == "after" else None
    say(held=held)
    threading.Event().wait()
    return answer

class Server(MockSectraServer):
    def create_app(self):
        return create_app(self.world, {**HANDLERS, held: holding})

with Server(state=state).run(port=0) as server:
    say(url=server.url, token=server.token)
    sys.stdin.read()
'''


@dataclass
class Served:
    """The emulator's process and where it is."""

    process: subprocess.Popen[str]
    url: str
    token: str

    def said(self) -> dict[str, Any]:
        """What it says next."""
        assert self.process.stdout is not None
        said: dict[str, Any] = json.loads(self.process.stdout.readline())
        return said


@contextmanager
def served(state: Path, held: str, when: str = "after") -> Iterator[Served]:
    """The emulator over that file; an operation may be held before or after it is done."""
    command = [sys.executable, "-c", SERVER, str(state), held, when]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield Served(process, **json.loads(process.stdout.readline()))
        finally:
            process.kill()


def connected(server: Served, policy: RetryPolicy) -> SectraClient:
    """A client of that server."""
    return SectraClient(server.url, server.token, True, retry=policy)


@dataclass
class Write:
    """A write on what was prepared, and how often it shows in what is stored."""

    operation: str
    send: Callable[[SectraClient, AdaptedResult], object]
    count: Callable[[SectraClient, AdaptedResult], int]


def _change(client: SectraClient, read: AdaptedResult) -> object:
    read.displayResult = "changed"
    return client.update_results(APP, read.id or 0, read)


def _judge(client: SectraClient, read: AdaptedResult) -> None:
    verdict = client.get_image_metadata(SLIDE).qualityControl
    assert verdict is not None
    verdict.status = QualityControlStatus.REJECTED
    client.set_quality_control(SLIDE, QualityControl(applicationVersion="1", qualityControl=verdict))


def _rejected(client: SectraClient, read: AdaptedResult) -> int:
    verdict = client.get_image_metadata(SLIDE).qualityControl
    return int(verdict is not None and verdict.status == QualityControlStatus.REJECTED)


WRITES = [
    Write(
        "createResult",
        lambda client, read: client.create_results(APP, Result(slideId=SLIDE, displayResult="changed")),
        lambda client, read: sum(r.displayResult == "changed" for r in client.get_all_results(SLIDE, APP)),
    ),
    Write(
        "updateResult",
        _change,
        lambda client, read: sum(r.displayResult == "changed" for r in client.get_all_results(SLIDE, APP)),
    ),
    Write("setQualityControl", _judge, _rejected),
    Write(
        "putAttachment",
        lambda client, read: client.upload_attachment(APP, read.id or 0, NAME, b"bytes"),
        lambda client, read: sum(a.state == "stored" for a in client.list_attachments(APP, read.id or 0)),
    ),
]


@pytest.mark.parametrize(
    ("write", "when"),
    [(WRITES[0], "before"), *[(write, "after") for write in WRITES]],
    ids=lambda item: getattr(item, "operation", item),
)
def test_a_write_whose_server_is_killed_is_uncertain_and_stored_once_or_not_at_all(
    tmp_path: Path, policy: RetryPolicy, waits: list[float], write: Write, when: str
) -> None:
    state = tmp_path / "pacs.sqlite"
    new = Result(slideId=SLIDE, displayResult="x", attachments=[Attachment(name=NAME)])
    with MockSectraServer(state=state).run(port=0) as here, SectraClient(here.url, here.token, True) as client:
        read = client.create_results(APP, new).adapted()
    with (
        served(state, write.operation, when) as server,
        connected(server, policy) as client,
        killed_meanwhile(server),
        pytest.raises(SectraUncertainWriteError) as caught,
    ):
        write.send(client, read)
    assert caught.value.sent
    assert "may have reached the server, so it isn't sent again" in str(caught.value)
    assert waits == []
    with MockSectraServer(state=state).run(port=0) as here, SectraClient(here.url, here.token, True) as client:
        assert write.count(client, read) == (when == "after")


@contextmanager
def killed_meanwhile(server: Served) -> Iterator[None]:
    """The server is killed as soon as it has the request."""

    def kill() -> None:
        server.said()
        server.process.kill()

    watcher = threading.Thread(target=kill)
    watcher.start()
    yield
    watcher.join()


def test_a_read_whose_server_is_killed_is_asked_for_again(
    tmp_path: Path, policy: RetryPolicy, waits: list[float]
) -> None:
    with (
        served(tmp_path / "pacs.sqlite", "listResults") as server,
        connected(server, policy) as client,
        killed_meanwhile(server),
        pytest.raises(SectraConnectionError, match="Tried 6 times") as caught,
    ):
        client.get_all_results(SLIDE, APP)
    assert not caught.value.sent  # the last tries found nobody
    assert len(waits) == 5
