"""Starting: the command, the server in a thread, the client's import; each in new processes."""

from __future__ import annotations

import http.client
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.bench.figures import Figure, Goal
from benchmarks.bench.measuring import Measure, alternating
from benchmarks.bench.roles import TOKEN
from benchmarks.bench.servers import OURS, client_alone, free_port, played
from tools.repository import ROOT

from fake_pacs.world import contract
from ia_api_spec import NEWEST

SLIDE = "demo-he-1"
IMPORT = "from sectra_client import SectraClient; import sectra_client.schemas"
BARE = """
import sys
from fake_pacs.serving import HttpServer
def app(environ, start_response):
    start_response("200 OK", [("Content-Length", "2")])
    return [b"{}"]
HttpServer(app, port=int(sys.argv[1])).serve_forever()
"""
MOCK = """
import sys
from sectra_client.mock_server import MockSectraServer
MockSectraServer(token="dev-token").run(port=int(sys.argv[1]))
sys.stdin.read()
"""


def figures(folder: Path, rounds: int, python: str | None) -> Iterator[Figure]:
    """The command, `run()`, and the import."""
    yield _command(rounds, python)
    yield from _run(rounds, python)
    yield _import(client_alone(folder), rounds, python)


def _command(rounds: int, python: str | None) -> Figure:
    base = contract("ia-api", NEWEST).base_path
    command = [str(Path(OURS).parent / "fake-pacs"), "serve", "--port"]
    taken = alternating(
        {
            "here": _until_200(command, f"{base}/slides/{SLIDE}/info"),
            "mock": _until_200([python, "-c", MOCK], f"/slides/{SLIDE}/info") if python else None,
            "bare": _until_200([OURS, "-c", BARE], "/"),
        },
        rounds,
    )
    work = "`fake-pacs serve` to the first 200 of a slide's info"
    goal = Goal("value", 0.8)
    return Figure("start.command", work, "s", taken["here"], "community mock", taken["mock"], taken["bare"], goal)


def _until_200(command: list[str], path: str) -> Measure:
    """Seconds from starting the command to the answer."""

    def measure() -> float:
        port = free_port()
        began = time.perf_counter()
        with subprocess.Popen(
            [*command, str(port)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL
        ) as process:
            try:
                while not _answers(port, path):
                    if process.poll() is not None or time.perf_counter() - began > 30:
                        raise RuntimeError(f"{command} does not serve {path}: run it by hand to see why")
                    time.sleep(0.002)
                return time.perf_counter() - began
            finally:
                process.kill()

    return measure


def _answers(port: int, path: str) -> bool:
    connection = http.client.HTTPConnection("localhost", port, timeout=10)
    try:
        connection.request("GET", path, headers={"Authorization": f"Bearer {TOKEN}"})
        answer = connection.getresponse()
        answer.read()
        return answer.status == 200
    except OSError:
        return False
    finally:
        connection.close()


def _run(rounds: int, python: str | None) -> Iterator[Figure]:
    for what, when in (("first", "the first in a process"), ("again", "another in the same process")):
        taken = alternating(
            {
                "here": _played(OURS, "start", what),
                "mock": _played(python, "start", what) if python else None,
                "bare": _played(OURS, "start_bare", what),
            },
            rounds,
        )
        work = f"`MockSectraServer().run()` to the first 200 of a slide's info, {when}"
        goal = Goal("value", 0.05)
        yield Figure(
            f"start.run.{what}", work, "s", taken["here"], "community mock", taken["mock"], taken["bare"], goal
        )


def _played(python: str, role: str, what: str) -> Measure:
    return lambda: float(played(python, role, slide=SLIDE)[what])


def _import(alone: str, rounds: int, python: str | None) -> Figure:
    taken = alternating(
        {
            "here": _seconds_of(alone, IMPORT),
            "there": _seconds_of(python, IMPORT) if python else None,
            "bare": _seconds_of(alone, "pass"),
        },
        2 * rounds + 1,
    )
    note = "Each in an environment with nothing else in it; the bare figure is `python -c pass`."
    goal = Goal("ratio", 1.0)
    name, there = f"`{IMPORT}`", taken["there"]
    return Figure("start.import", name, "s", taken["here"], "community client", there, taken["bare"], goal, note)


def _seconds_of(python: str, program: str) -> Measure:
    """Seconds that a process takes for the program, from start to end."""

    def measure() -> float:
        began = time.perf_counter()
        subprocess.run([python, "-c", program], check=True, cwd=tempfile.gettempdir(), stdout=sys.stderr)
        return time.perf_counter() - began

    return measure
