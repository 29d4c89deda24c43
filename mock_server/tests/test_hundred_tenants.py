"""A hundred jobs on one server at once: none sees another, and what the server remembers of them is bounded."""

import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from typing import Any

import pytest

from fake_pacs.embedding import MockSectraServer
from fake_pacs.world import contract
from ia_api_spec import NEWEST

BASE = contract("ia-api", NEWEST).base_path
RESULTS = f"{BASE}/applications/nuclei-counter/results"
JOBS = 100
ROUNDS = 2


class Job:
    """One job: a tenant of its own, one connection, and everything that it was told."""

    def __init__(self, server: MockSectraServer, number: int) -> None:
        self.number = number
        self.server = server
        self.connection = HTTPConnection("localhost", server.port, timeout=60)
        made = self.ask("POST", "/_fake_pacs/tenants", {"tenant": f"job-{number}"}, token=None)
        self.tenant, self.token = made["tenant"], made["token"]

    def ask(self, method: str, path: str, body: Any = None, *, token: str | None = "own", status: int = 0) -> Any:
        headers = {"Authorization": f"Bearer {self.token if token == 'own' else token}"} if token else {}
        if path.startswith("/_"):
            headers["X-Fake-Pacs-Control"] = self.server.control_token
        sent = body if body is None or isinstance(body, bytes) else json.dumps(body)
        if sent is not None:
            headers["Content-Type"] = "application/json"
        self.connection.request(method, path, sent, headers)
        answer = self.connection.getresponse()
        content = answer.read()
        assert answer.status == status if status else answer.status < 300, content
        kind = answer.headers.get_content_type()
        return json.loads(content) if kind.endswith("json") and content else content

    def guarded(self, together: threading.Barrier) -> None:
        """Its work; where that fails, nobody waits for it."""
        try:
            self.work(together)
        except BaseException:
            together.abort()
            raise

    def work(self, together: threading.Barrier) -> None:
        """Stores, changes, judges, asks for a fault, and reads back: all its own."""
        mark = f"mark-{self.number}"
        together.wait(timeout=60)
        state = self.ask("GET", f"{BASE}/slides/demo-he-1/info")["qualityControl"]
        judged = {"applicationVersion": mark, "qualityControl": {**state, "status": "Rejected"}}
        self.ask("PUT", f"{BASE}/slides/demo-he-1/qualityControl", judged)
        for turn in range(1, ROUNDS + 1):
            result = {"slideId": "demo-he-1", "displayResult": mark, "attachments": [{"name": "a"}], "data": {}}
            stored = self.ask("POST", RESULTS, result)
            assert stored["id"] == turn
            self.ask("PUT", f"{RESULTS}/{turn}/attachments?name=a", mark.encode() * 100)
            self.ask("PUT", f"{RESULTS}/{turn}", {**stored, "displayProperties": {"turn": turn}})
            self.ask("PUT", f"{RESULTS}/{turn}", stored, status=409)
        if self.number % 10 == 0:
            self.ask(
                "POST", "/_fake_pacs/faults", {"operationId": "getInfo", "times": 1, "kind": "status", "status": 503}
            )
            self.ask("GET", f"{BASE}/info", status=503)
        self.ask("GET", f"{BASE}/info")
        together.wait(timeout=60)

    def check(self) -> None:
        """Nothing of anybody else's came to be seen."""
        mark = f"mark-{self.number}"
        listed = self.ask("GET", f"{RESULTS}/slide/demo-he-1")
        assert [(item["id"], item["displayResult"]) for item in listed] == [
            (turn, mark) for turn in range(1, ROUNDS + 1)
        ]
        assert self.ask("GET", f"{RESULTS}/1/attachments?name=a") == mark.encode() * 100
        told = self.ask("GET", "/_fake_pacs/journal")
        assert {entry["tenant"] for entry in told["exchanges"]} == {self.tenant}
        texts = json.dumps([entry["requestBody"] for entry in told["exchanges"]])
        assert set(texts.replace("\\", "").split('"')) & {f"mark-{other}" for other in range(JOBS)} == {mark}
        faulty = [entry for entry in told["exchanges"] if entry["status"] == 503]
        assert len(faulty) == (1 if self.number % 10 == 0 else 0)


@pytest.mark.slow
def test_a_hundred_tenants_at_once_see_nothing_of_each_other(run_pacs: Callable[..., MockSectraServer]) -> None:
    server = run_pacs()
    together = threading.Barrier(JOBS)
    with ThreadPoolExecutor(JOBS) as pool:
        jobs = list(pool.map(lambda number: Job(server, number), range(JOBS)))
        for _ in pool.map(lambda job: job.guarded(together), jobs):
            pass
        for _ in pool.map(Job.check, jobs):
            pass
    for job in jobs:
        job.connection.close()
    assert server.get_results("nuclei-counter", "demo-he-1") == [], "the default tenant is none of them"
    assert len(server.world.store.tenants()) == JOBS + 1


def test_what_is_remembered_of_a_hundred_tenants_is_bounded(make_pacs: Callable[..., Any]) -> None:
    pacs = make_pacs()
    journal = pacs.server.world.journal
    count, own, total = 50, 20_000, 600_000
    journal._count, journal._size, journal._total = count, own, total
    callers = [pacs.with_token(pacs.control("POST", "tenants").json["token"]) for _ in range(JOBS)]
    for turn in range(7):
        for caller in callers:
            caller.post("/applications/nuclei-counter/results", json=pacs.result(displayResult="x" * 900 * (turn % 3)))
    shelves = journal._shelves.values()
    assert sum(shelf.bytes for shelf in shelves) <= total
    assert all(len(shelf.exchanges) <= count and shelf.bytes <= own for shelf in shelves)
    assert journal.forgotten_in_all > 0
    kept = [caller.control("GET", "journal").json["exchanges"] for caller in callers]
    assert all(kept), "nobody was pushed out altogether"


def test_the_total_holds_even_where_one_exchange_of_each_is_too_much(make_pacs: Callable[..., Any]) -> None:
    pacs = make_pacs()
    journal = pacs.server.world.journal
    journal._total = 30_000
    for _ in range(JOBS):
        caller = pacs.with_token(pacs.control("POST", "tenants").json["token"])
        caller.post("/applications/nuclei-counter/results", json=pacs.result(displayResult="x" * 900))
        assert sum(shelf.bytes for shelf in journal._shelves.values()) == journal._bytes <= 30_000
    assert caller.control("GET", "journal").json["exchanges"], "the latest is there"
