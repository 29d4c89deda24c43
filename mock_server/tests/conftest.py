"""Fixtures that several test files of the fake PACS share."""

import json
import os
import re
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import TestResponse

from fake_pacs.embedding import MockSectraServer
from fake_pacs.sql_store import SqlStore

BASE = "/SectraPathologyServer/external/imageanalysis/v1"
SHARED_SLIDES = Path(__file__).resolve().parents[3] / "shared" / "slides"


@pytest.fixture(params=["memory", "file"])
def make_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], SqlStore]]:
    """Makes a fresh store of each variant, as often as called, with the tenants `north` and `south`."""
    with ExitStack() as opened:
        made: list[SqlStore] = []

        def make() -> SqlStore:
            state = None if request.param == "memory" else tmp_path / f"state-{len(made)}.sqlite"
            made.append(opened.enter_context(SqlStore(state)))
            for tenant in ("north", "south"):
                made[-1].create_tenant(tenant)
            return made[-1]

        yield make


@pytest.fixture
def store(make_store: Callable[[], SqlStore]) -> SqlStore:
    """One fresh store of each variant, with the tenants `north` and `south`."""
    return make_store()


class Pacs:
    """A fake PACS behind Flask's test client, as one caller sees it; paths are those below the base path."""

    base = BASE

    def __init__(self, server: MockSectraServer, token: str = "dev-token") -> None:
        self.server = server
        self.token = token
        self.client = server.create_app().test_client(use_cookies=False)

    def with_token(self, token: str) -> "Pacs":
        """Another caller of the same server."""
        return Pacs(self.server, token)

    def ask(self, method: str, path: str, headers: Mapping[str, str] | None = None, **more: Any) -> TestResponse:
        """One request with the bearer token; a header given as "" is not sent."""
        sent = {"Authorization": f"Bearer {self.token}", **(headers or {})}
        root = "" if path.startswith("/_fake_pacs") else self.base
        return self.client.open(
            root + path, method=method, headers={name: text for name, text in sent.items() if text != ""}, **more
        )

    def get(self, path: str, headers: Mapping[str, str] | None = None, **more: Any) -> TestResponse:
        """GET."""
        return self.ask("GET", path, headers, **more)

    def post(self, path: str, headers: Mapping[str, str] | None = None, **more: Any) -> TestResponse:
        """POST."""
        return self.ask("POST", path, headers, **more)

    def put(self, path: str, headers: Mapping[str, str] | None = None, **more: Any) -> TestResponse:
        """PUT."""
        return self.ask("PUT", path, headers, **more)

    def control(self, method: str, path: str, **more: Any) -> TestResponse:
        """A request to the control plane, for the caller's tenant."""
        headers = {"X-Fake-Pacs-Control": self.server.control_token, **more.pop("headers", {})}
        return self.ask(method, f"/_fake_pacs/{path}", headers, **more)

    def refused(self, status: int, kind: str, method: str, path: str, *args: Any, **more: Any) -> dict[str, Any]:
        """Asks, checks that it is refused with that status and problem type, and gives back the problem."""
        return self.problem(self.ask(method, path, *args, **more), status, kind)

    @staticmethod
    def problem(answer: TestResponse, status: int, kind: str) -> dict[str, Any]:
        """The problem of an answer that has to be one, with nothing of the inside in it."""
        assert answer.status_code == status, answer.get_data(as_text=True)
        assert answer.content_type == "application/problem+json"
        problem: dict[str, Any] = json.loads(answer.data)
        assert problem["type"] == f"urn:ia-api-kit:problem:{kind}"
        assert problem["status"] == status
        assert problem["title"]
        for text in (problem["detail"], problem.get("hint", "A hint.")):
            assert re.fullmatch(r"[A-Z].*[^.…][.?]", text, re.DOTALL), f"no sentence: {text}"
        assert b"Traceback" not in answer.data
        return problem

    @staticmethod
    def result(**members: Any) -> dict[str, Any]:
        """A small result for the demo slide, with the given members changed or added."""
        return {"slideId": "demo-he-1", "displayResult": "2 nuclei", "data": {"context": None}, **members}

    def create(self, application: str = "nuclei-counter", **members: Any) -> dict[str, Any]:
        """Stores a result, and gives back what was answered."""
        answer = self.post(f"/applications/{application}/results", json=self.result(**members))
        assert answer.status_code == 201, answer.get_data(as_text=True)
        stored: dict[str, Any] = answer.json
        return stored

    def journal(self) -> list[dict[str, Any]]:
        """All exchanges that the journal has of the default tenant and of strangers."""
        journal = self.server.world.journal
        found = journal.read("default", with_strangers=True, operation_id=None, after=None, limit=None)
        return [exchange.as_json() for exchange in found]

    def oddities(self) -> dict[str, str]:
        """The oddities of the last exchange: place by name."""
        return {oddity["name"]: oddity["place"] for oddity in self.journal()[-1]["oddities"]}

    def everything(self) -> list[Any]:
        """All that callers can change, to be compared before and after a refusal."""
        store, hospital = self.server.world.store, self.server.world.hospital
        states = [store.quality_control("default", slide.id) for slide in hospital.slides]
        names = [application.applicationId for application in hospital.applications]
        return [store.tenants(), states, [store.results("default", name) for name in names]]


@pytest.fixture
def make_pacs() -> Iterator[Callable[..., Pacs]]:
    """Makes a fake PACS as `MockSectraServer` is told; at the end each must not have broken its own contract."""
    made: list[MockSectraServer] = []

    def make(*, may_break: bool = False, **options: Any) -> Pacs:
        server = MockSectraServer(**options)
        if not may_break:
            made.append(server)
        return Pacs(server)

    yield make
    for server in made:
        server.raise_for_errors()


@pytest.fixture
def pacs(make_pacs: Callable[..., Pacs]) -> Pacs:
    """The demo hospital on 1.10, with its defaults."""
    return make_pacs()


@pytest.fixture
def run_pacs() -> Iterator[Callable[..., MockSectraServer]]:
    """Runs a fake PACS on a free port; at the end it is stopped, and must not have broken its own contract."""
    with ExitStack() as running:

        def run(**options: Any) -> MockSectraServer:
            return running.enter_context(MockSectraServer(**options).run(port=0))

        yield run


@pytest.fixture
def exchange() -> Callable[[MockSectraServer, bytes], bytes]:
    """Sends bytes to a running server as they are, and reads until it closes."""

    def send(server: MockSectraServer, request: bytes) -> bytes:
        with socket.create_connection(("localhost", server.port), timeout=10) as client:
            client.sendall(request)
            client.shutdown(socket.SHUT_WR)
            answer = b""
            while received := client.recv(2**16):
                answer += received
        return answer

    return send


@pytest.fixture
def shared_slides() -> Path:
    """The folder of real slides beside the repository; without it the test is skipped, and fails under CI=true."""
    if not SHARED_SLIDES.is_dir():
        reason = f"no real slides at {SHARED_SLIDES}: they are handed out beside the repository"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return SHARED_SLIDES
