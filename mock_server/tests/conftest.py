"""Fixtures that several test files of the fake PACS share."""

import json
import os
import re
import socket
import threading
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from PIL import Image
from werkzeug.test import TestResponse

from fake_pacs.embedding import MockSectraServer
from fake_pacs.hospital import Slide
from fake_pacs.imaging.tiff import tiled_tiff
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


class RawApp:
    """An app on raw sockets, which does to its caller whatever it is told; `requests` are those that came whole."""

    def __init__(self, listener: socket.socket, behave: Callable[[socket.socket, bytes], None]) -> None:
        self.requests: list[bytes] = []
        self.port: int = listener.getsockname()[1]
        self.url = f"http://localhost:{self.port}/hook"
        self._listener = listener
        self._behave = behave
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def stop(self) -> None:
        """Waits until every caller is served; each test's deadline ends that soon."""
        self._listener.close()
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
            pass  # wakes a thread that still waits in accept
        for thread in self._threads:
            thread.join(10)
            assert not thread.is_alive(), "a caller never hung up"

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self._threads.append(threading.Thread(target=self._serve, args=[connection], daemon=True))
                self._threads[-1].start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            connection.settimeout(10)
            request = self._request(connection)
            self.requests.append(request)
            self._behave(connection, request)

    @staticmethod
    def _request(connection: socket.socket) -> bytes:
        request = b""
        while b"\r\n\r\n" not in request:
            received = connection.recv(2**16)
            if not received:
                raise ConnectionAbortedError
            request += received
        head, _, body = request.partition(b"\r\n\r\n")
        found = re.search(rb"(?i)content-length: (\d+)", head)
        missing = int(found[1]) - len(body) if found else 0
        while missing > 0:
            received = connection.recv(min(missing, 2**16))
            request, missing = request + received, missing - len(received)
        return request


def http_answer(status: int = 200, body: Any = b"", content_type: str = "application/json", **headers: str) -> bytes:
    """An HTTP answer as bytes, with the version headers unless they are given; a body that isn't bytes is JSON."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = {"X_Sectra_ApiVersion": "1.10", "X_Sectra_SoftwareVersion": "1.0", "Content_Type": content_type}
    lines |= {"Content_Length": str(len(raw)), **headers}
    head = "".join(f"{name.replace('_', '-')}: {text}\r\n" for name, text in lines.items() if text)
    return f"HTTP/1.1 {status} Whatever\r\n{head}\r\n".encode() + raw


@pytest.fixture(name="http_answer")
def http_answer_fixture() -> Callable[..., bytes]:
    """Makes HTTP answers as bytes."""
    return http_answer


@pytest.fixture
def raw_app() -> Iterator[Callable[..., RawApp]]:
    """Makes apps on raw sockets: from a function of connection and request, or from answers by "METHOD /path"."""
    with ExitStack() as running:

        def run(behave: Callable[[socket.socket, bytes], None] | Mapping[str, bytes]) -> RawApp:
            def by_path(connection: socket.socket, request: bytes) -> None:
                assert isinstance(behave, Mapping)
                asked = " ".join(request.decode("latin-1").split(" ")[:2])
                connection.sendall(behave.get(asked, http_answer(404)))

            app = RawApp(socket.create_server(("127.0.0.1", 0)), behave if callable(behave) else by_path)
            running.callback(app.stop)
            return app

        yield run


class Hook:
    """A registered app: what `answers` makes of each invocation is sent back (bytes: as they are, else as JSON).

    `invocations` are those that came, oldest first.
    """

    def __init__(self, run: Callable[..., RawApp], template: Mapping[str, Any], context: Mapping[str, Any]) -> None:
        self.id = "hook-app"
        self.invocations: list[dict[str, Any]] = []
        self.paths: list[str] = []
        self.answers: Callable[[dict[str, Any]], Any] = lambda invocation: {}
        self._registration = {
            "applicationId": self.id,
            "displayName": "Hook",
            "manufacturer": "Example AI",
            "inputTemplate": dict(template),
            "context": dict(context),
        }
        app = run(self._serve)
        self.url = app.url

    def _serve(self, connection: socket.socket, request: bytes) -> None:
        head, _, body = request.partition(b"\r\n\r\n")
        method, path, _ = head.decode("latin-1").split(" ", 2)
        if method == "POST":
            self.paths.append(path)
            self.invocations.append(json.loads(body))
            answer = self.answers(self.invocations[-1])
        elif path.endswith("/info"):
            answer = {"apiVersion": "1.10", "softwareVersion": "1.0"}
        else:
            answer = {**self._registration, "url": self.url}
        connection.sendall(answer if isinstance(answer, bytes) else http_answer(200, answer))


def call_back(invocation: Mapping[str, Any], method: str, path: str, document: Any = None) -> Any:
    """What an app does with the callbackInfo of an invocation; the answer's JSON. Raises `HTTPError`."""
    callback = invocation["callbackInfo"]
    headers = {"Authorization": f"Bearer {callback['token']}", "Content-Type": "application/json"}
    body = None if document is None else json.dumps(document).encode()
    request = urllib.request.Request(callback["url"] + path, body, headers, method=method)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


@pytest.fixture(name="call_back")
def call_back_fixture() -> Callable[..., Any]:
    """Calls the PACS back as an app does."""
    return call_back


@pytest.fixture
def make_hook(raw_app: Callable[..., RawApp]) -> Callable[..., Hook]:
    """Makes apps: `make_hook(template, context)`, registered with the server given, if any."""

    def make(
        server: MockSectraServer | None = None,
        template: Mapping[str, Any] = MappingProxyType({"type": "wholeSlide"}),
        context: Mapping[str, Any] = MappingProxyType({}),
    ) -> Hook:
        hook = Hook(raw_app, template, context)
        if server is not None:
            assert server.register_app(hook.url).findings == ()
        return hook

    return make


@pytest.fixture
def gallery() -> dict[str, Any]:
    """A result for the demo slide that is a gallery, with two patches, two tags and two buttons."""
    patches = [{"tag": 0, "position": {"x": 0.1 * n, "y": 0.1}, "sortKeyValue": n} for n in (1, 2)]
    actions = [{"id": name, "state": 0, "name": name, "tooltip": ""} for name in ("recount", "verify")]
    content = {"patches": patches, "tags": ["yes", "no"], "patchSize": 64, "magnification": 20, "actions": actions}
    shown = {"context": {"run": 7}, "result": {"type": "patchCollection", "content": content}}
    return {"slideId": "demo-he-1", "displayResult": "2 nuclei", "applicationVersion": "1.0", "data": shown}


@pytest.fixture
def shared_slides() -> Path:
    """The folder of real slides beside the repository; without it the test is skipped, and fails under CI=true."""
    if not SHARED_SLIDES.is_dir():
        reason = f"no real slides at {SHARED_SLIDES}: they are handed out beside the repository"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return SHARED_SLIDES


@pytest.fixture
def slide_file() -> Callable[..., Path]:
    """Writes a slide of one colour to a path, its folder too, and returns the path."""

    def write(path: Path, size: tuple[int, int] = (300, 200), colour: str = "pink") -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(tiled_tiff([Image.new("RGB", size, colour)], microns_per_pixel=0.5))
        return path

    return write


@pytest.fixture
def lowest_tile() -> Callable[..., bytes]:
    """The PNG of the one pixel that a slide is at level 0."""

    def tile(slide: Slide, **which: Any) -> bytes:
        chosen = {"focal_plane": "0", "optical_path": None, "format": "png", **which}
        return slide.picture.tile(0, 0, 0, **chosen)

    return tile
