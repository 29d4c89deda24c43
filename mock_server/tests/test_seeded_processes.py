"""`fake-pacs serve --seed`: the same sequence of requests to two processes gives the same answers, byte by byte."""

import json
import re
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import zip_longest
from typing import Any

import pytest

from fake_pacs.handlers import HANDLERS
from fake_pacs.world import contract
from ia_api_spec import NEWEST

BASE = contract("ia-api", NEWEST).base_path
RESULTS = "/applications/nuclei-counter/results"
CONTROL = {"X-Fake-Pacs-Control": "dev-control"}


@contextmanager
def serving(*options: str) -> Iterator[int]:
    """A process that serves on a free port, which is given."""
    command = [sys.executable, "-m", "fake_pacs", "serve", "--port", "0", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout
            port = next(int(found[1]) for line in server.stdout if (found := re.search(r"URL .*:(\d+)/", line)))
            yield port
        finally:
            server.terminate()


class Client:
    """One client that asks one thing after the other and keeps each whole answer."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.told: list[tuple[str, bytes]] = []

    def raw(self, request: bytes) -> bytes:
        """Sends bytes, and reads all that is answered."""
        with socket.create_connection(("localhost", self.port), timeout=20) as connection:
            connection.sendall(request)
            answer = b"".join(iter(lambda: connection.recv(2**20), b""))
        self.told.append((request.partition(b"\r\n")[0].decode(), answer))
        return answer

    def ask(
        self, method: str, path: str, body: Any = None, token: str = "dev-token", more: Mapping[str, str] | None = None
    ) -> Any:
        """One request, and the JSON or the bytes of its answer."""
        target = path if path.startswith("/_") else BASE + path
        headers = {"Host": "pacs.test", "Connection": "close", "Authorization": f"Bearer {token}", **(more or {})}
        sent = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        if body is not None:
            headers = {"Content-Type": "application/json", "Content-Length": str(len(sent)), **headers}
        lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
        head, _, answered = self.raw("\r\n".join(lines).encode() + sent).partition(b"\r\n\r\n")
        return json.loads(answered) if re.search(rb"application/(problem.)?json", head) and answered else answered

    def control(self, method: str, path: str, body: Any = None, token: str = "dev-token", **more: str) -> Any:
        """One request to the control plane."""
        return self.ask(method, f"/_fake_pacs/{path}", body, token, {**CONTROL, **more})


def result(**members: Any) -> dict[str, Any]:
    return {"slideId": "demo-he-1", "displayResult": "2 nuclei", "data": {"context": None}, **members}


def reads(client: Client) -> None:
    """Everything that can be read without having written."""
    for query in ("", "?scope=extended", "?includePHI=true", "?scope=extended&includePHI=True"):
        client.ask("GET", f"/slides/demo-he-1/info{query}")
    for version in ("1.8", "1.9", "1.10", "9", "x"):
        client.ask("GET", "/info", more={"X-Sectra-ApiVersion": version})
        client.ask("GET", "/slides/demo-he-1/info", more={"X-Sectra-ApiVersion": version})
    for slide in client.control("GET", "hospital")["cases"]:
        for known in slide["slides"]:
            client.ask("GET", f"/slides/{known['id']}/files")
            client.ask("GET", f"/slides/{known['id']}/label")
            client.ask("GET", f"/images/{known['id']}_files/8/0_0.jpeg")
    client.ask("GET", "/slides/demo-he-1/request/images/info")
    client.ask("GET", "/requests/S26-1001/images/info?includePHI=true&accessionNumberIssuerId=LAB-NORTH")
    client.ask("GET", "/applications/nuclei-counter")


def writes(client: Client, token: str = "dev-token") -> None:
    """Results, attachments and quality control, with what is refused of them."""
    for number in range(5):
        stored = client.ask("POST", RESULTS, result(displayResult=str(number), attachments=[{"name": "a"}]), token)
        client.ask("PUT", f"{RESULTS}/{stored['id']}", {**stored, "displayResult": "new"}, token)
        client.ask("PUT", f"{RESULTS}/{stored['id']}", {**stored, "displayResult": "stale"}, token)
    client.ask("POST", "/hooks/nuclei-counter/results/", result(), token)
    client.ask("POST", RESULTS, {"slideId": 1}, token)
    client.ask("PUT", f"{RESULTS}/1/attachments?name=a", bytes(range(256)) * 5000, token)
    head = f"PUT {BASE}{RESULTS}/2/attachments?name=a HTTP/1.1\r\nHost: pacs.test\r\nAuthorization: Bearer {token}\r\n"
    chunked = "Content-Type: a/b\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
    client.raw(f"{head}{chunked}".encode())
    for span in ("bytes=0-9", "bytes=-5", "bytes=9999999-", "lines=1"):
        client.ask("GET", f"{RESULTS}/1/attachments?name=a", None, token, {"Range": span})
    client.ask("GET", f"{RESULTS}/3/attachments?name=a", None, token)
    client.ask("GET", f"{RESULTS}/1", None, token)
    client.ask("GET", f"{RESULTS}/slide/demo-he-1", None, token)
    state = client.ask("GET", "/slides/demo-he-1/info", None, token)["qualityControl"]
    for status in ("Rejected", "QualityOk"):  # the second one is stale
        sent = {"applicationVersion": "1", "qualityControl": {**state, "status": status}}
        client.ask("PUT", "/slides/demo-he-1/qualityControl", sent, token)


def credentials(client: Client) -> None:
    """Tokens, launches, tenants, and what they open."""
    form = {"Authorization": "Basic ZGV2OmRldg==", "Content-Type": "application/x-www-form-urlencoded"}
    wanted = b"grant_type=client_credentials"
    token = client.ask("POST", "/token?applicationId=nuclei-counter", wanted, more=form)["access_token"]
    client.ask("GET", "/applications/nuclei-counter", None, token)
    client.ask("GET", "/applications/dpat-ia-api-external-viewer", None, token)
    launch = {"applicationId": "nuclei-counter", "accessionNumber": "S26-1002"}
    address = client.control("POST", "launches", launch)["launchDataUrl"]
    for _ in range(2):
        data = client.ask("GET", address.partition("/v1")[2])
    client.ask("GET", "/info", None, data["callbackInfo"]["token"])
    for name in (None, {"tenant": "job"}, {"tenant": "job"}):
        made = client.control("POST", "tenants", name)
        if "token" in made:
            writes(client, made["token"])
            client.control("GET", "journal", None, made["token"])
            client.control("GET", "snapshot", None, made["token"])
            client.control("POST", "reset", None, made["token"])
            writes(client, made["token"])
            client.control("GET", "journal", None, made["token"])


def refusals(client: Client) -> None:
    """What is refused, by the application and by the HTTP server."""
    client.ask("GET", "/nothing")
    client.ask("DELETE", "/info")
    client.ask("HEAD", "/info")
    client.ask("GET", "/info", None, "wrong")
    client.raw(b"GARBAGE\r\n\r\n")
    client.raw(b"GET / HTTP/1.1\r\n\r\n")
    client.raw(b"GET / HTTP/3.0\r\nHost: a\r\n\r\n")
    client.raw(b"GET /" + b"x" * 100_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n")


def state(client: Client) -> None:
    """The control plane's own view: every operation that only reads, and a tenant saved and loaded."""
    file = client.control("GET", "snapshot")
    client.control("PUT", "snapshot", file, **{"Content-Type": "application/x-ndjson"})
    writes(client)
    for operation in contract("fake-pacs", NEWEST).operations.values():
        path = operation.spellings[0].path
        if operation.method == "GET" and "{" not in path:
            client.control("GET", path.removeprefix("/_fake_pacs/"))
    client.control("GET", "api/swagger-ui.css")
    client.control("GET", "journal")


@pytest.fixture(scope="module")
def two_runs() -> tuple[list[tuple[str, bytes]], list[tuple[str, bytes]]]:
    """What two processes with one seed told, request by request."""
    runs = []
    for _ in range(2):
        with serving("--seed", "7") as port:
            client = Client(port)
            for step in STEPS:
                step(client)
            runs.append(client.told)
    return runs[0], runs[1]


STEPS: list[Callable[[Client], None]] = [reads, writes, credentials, refusals, state]


@pytest.mark.slow
def test_two_processes_with_one_seed_answer_the_same_byte_by_byte(two_runs: Any) -> None:
    first, second = two_runs
    assert len(first) > 200
    for one, other in zip_longest(first, second):
        assert one == other


@pytest.mark.slow
def test_the_sequence_touches_every_operation(two_runs: Any) -> None:
    journals = [answer for line, answer in two_runs[0] if line.startswith("GET /_fake_pacs/journal")]
    entries = [entry for told in journals for entry in json.loads(told.partition(b"\r\n\r\n")[2])["exchanges"]]
    assert {entry["operationId"] for entry in entries if entry["status"] < 400} >= set(HANDLERS)
    reached = {entry["operationId"] for entry in entries}
    assert reached >= {"createTenant", "createLaunch", "resetTenant", "saveSnapshot", "loadSnapshot", "getMetrics"}


@pytest.mark.slow
def test_the_date_is_that_of_the_injected_clock(two_runs: Any) -> None:
    dates = [found[1] for _, answer in two_runs[0] if (found := re.search(rb"\r\nDate: ([^\r]+)\r\n", answer))]
    assert set(dates) <= {date for date in dates if b"01 Jan 2026" in date}
    assert len(dates) > 200
