"""Small requests: GET of a slide's info, POST of a result, the list of 1,000 results; http.client, warm connections."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any
from urllib.parse import urlsplit

from benchmarks.bench.figures import Figure, Goal
from benchmarks.bench.measuring import Measure, alternating, median
from benchmarks.bench.roles import TOKEN
from benchmarks.bench.servers import OURS, Child, serving

import demo_hospital

SLIDE = "demo-he-1"
RESULTS = 1000
BYTES = 5 * 1024
HEADERS = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}


class Caller:
    """One connection that stays open, to one server."""

    def __init__(self, server: Child, application: str) -> None:
        parts = urlsplit(server.url)
        self._path = parts.path
        self._connection = http.client.HTTPConnection(parts.hostname or "", parts.port or 80)
        self.application = application

    def ask(self, method: str, path: str, body: bytes | None = None) -> bytes:
        """The answer's body. Raises `RuntimeError` for a refusal."""
        self._connection.request(method, f"{self._path}{path}", body, HEADERS)
        answer = self._connection.getresponse()
        content = answer.read()
        if not 200 <= answer.status < 300:
            raise RuntimeError(f"{method} {path} was answered with {answer.status}: {content[:500]!r}")
        return content

    def timed(self, times: int, method: str, path: str, body: bytes | None = None) -> Measure:
        """Milliseconds of one such request: the median of so many on a connection that was used already."""

        def once() -> float:
            began = time.perf_counter()
            self.ask(method, path, body)
            return (time.perf_counter() - began) * 1000

        def measure() -> float:
            self.close()
            self.ask(method, path, body)
            return median(once() for _ in range(times)) or 0.0

        return measure

    def close(self) -> None:
        """Closes the connection: servers do so by themselves when nothing came for seconds. The next call opens one."""
        self._connection.close()


def result_of(size: int, slide: str = SLIDE) -> bytes:
    """A result of that many bytes of JSON, or a few more, in the form that both servers take."""
    template: dict[str, Any] = demo_hospital.example("result_primitive_list")
    item = template["data"]["result"]["content"][0]
    document = {
        "slideId": slide,
        "displayResult": "benchmark",
        "displayProperties": {"cells": 1},
        "applicationVersion": "1.0",
        "attachments": [],
        "data": {"context": {"run": 1}, "result": {"type": "primitive", "content": [item]}},
    }
    content: list[Any] = document["data"]["result"]["content"]  # type: ignore[index]
    points = [{"x": round(0.3 + n / 977, 6), "y": round(0.2 + n / 1009, 6)} for n in range(24)]
    polygon = {"points": points}
    item["polygons"] = [polygon]
    while len(text := json.dumps(document).encode()) < size:
        content.append({**item, "polygons": [polygon], "labels": []})
    return text


def figures(rounds: int, python: str | None, application: str) -> Iterator[Figure]:
    """GET, POST and list against the community's mock, and against a bare handler with answers of the same size."""
    with ExitStack() as stack:
        ours = _caller(stack, OURS, "serve_mock", application)
        bare = _caller(stack, OURS, "serve_bare", application)
        mock = _caller(stack, python, "serve_mock", application) if python else None
        yield _info(ours, mock, bare, rounds)
        body = result_of(BYTES)
        yield _post(ours, mock, bare, rounds, body)
        yield _list(ours, mock, bare, rounds, body)


def _caller(stack: ExitStack, python: str, role: str, application: str) -> Caller:
    caller = Caller(stack.enter_context(serving(python, role)), application)
    stack.callback(caller.close)
    return caller


def _info(ours: Caller, mock: Caller | None, bare: Caller, rounds: int) -> Figure:
    path = f"/slides/{SLIDE}/info"
    size = len(ours.ask("GET", path))
    taken = alternating(
        {
            "here": ours.timed(200, "GET", path),
            "mock": mock.timed(20, "GET", path) if mock else None,
            "bare": bare.timed(200, "GET", f"/{size}"),
        },
        rounds,
    )
    return _figure("call.get", "small GET (slide info)", taken, Goal("ratio", 1 / 40))


def _post(ours: Caller, mock: Caller | None, bare: Caller, rounds: int, body: bytes) -> Figure:
    path = f"/applications/{ours.application}/results"
    size = len(ours.ask("POST", path, body))
    taken = alternating(
        {
            "here": ours.timed(50, "POST", path, body),
            "mock": mock.timed(50, "POST", path, body) if mock else None,
            "bare": bare.timed(50, "POST", f"/{size}", body),
        },
        rounds,
    )
    return _figure("call.post", "POST of a 5 KB result", taken, Goal("ratio", 1.0))


def _list(ours: Caller, mock: Caller | None, bare: Caller, rounds: int, body: bytes) -> Figure:
    path = f"/applications/{ours.application}/results/slide"
    for caller in filter(None, (ours, mock)):
        caller.close()
        other = json.dumps({**json.loads(body), "slideId": "demo-ihc-1"}).encode()
        for _ in range(RESULTS):
            caller.ask("POST", f"/applications/{caller.application}/results", other)
    answered = ours.ask("GET", f"{path}/demo-ihc-1")
    if len(json.loads(answered)) != RESULTS:
        raise RuntimeError(f"the list has {len(json.loads(answered))} results, expected {RESULTS}")
    taken = alternating(
        {
            "here": ours.timed(3, "GET", f"{path}/demo-ihc-1"),
            "mock": mock.timed(3, "GET", f"{path}/demo-ihc-1") if mock else None,
            "bare": bare.timed(3, "GET", f"/{len(answered)}"),
        },
        rounds,
    )
    return _figure("call.list", "list of 1,000 results of 5 KB", taken, Goal("ratio", 0.35))


def _figure(name: str, work: str, taken: dict[str, float | None], goal: Goal) -> Figure:
    return Figure(name, work, "ms", taken["here"], "community mock", taken["mock"], taken["bare"], goal)
