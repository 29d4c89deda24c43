"""The commands `fake-pacs faults`, `fake-pacs clock` and `fake-pacs incident`, against a running server."""

import json
import re
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
import requests
from click.testing import CliRunner, Result

from fake_pacs import cli_faults
from fake_pacs.cli import main
from fake_pacs.faults.slides import BAD_SLIDES
from fake_pacs.incidents.catalogue import INCIDENTS


@pytest.fixture
def server(run_pacs: Any) -> Any:
    return run_pacs()


@pytest.fixture
def run(server: Any) -> Callable[..., Result]:
    """Runs `fake-pacs` with these arguments against the server."""
    return lambda *arguments: CliRunner().invoke(main, arguments, env={"FAKE_PACS_SERVER": server.root_url})


def get(server: Any, path: str) -> int:
    headers = {"Authorization": "Bearer dev-token"}
    return requests.get(server.url + path, headers=headers, timeout=10).status_code


def test_the_slides_are_listed_without_a_server() -> None:
    done = CliRunner().invoke(main, ["faults"], env={"FAKE_PACS_SERVER": "http://localhost:1"})
    assert done.exit_code == 0
    listed = [line.split()[0] for line in done.output.splitlines() if line.startswith("  fault-")]
    assert listed == list(BAD_SLIDES)


def test_faults_are_added_listed_and_cleared(run: Any, server: Any) -> None:
    assert "No fault was put in" in run("faults", "list").output
    done = run("faults", "add", "getInfo", "status", "status=503", "times=2", "body=gone", "mediaType=text/plain")
    assert done.output == '#1 status on getInfo status=503 body="gone" mediaType="text/plain": took 0 of 0, 2 left\n'
    done = run("faults", "add", "*", "latency", "latency.seconds=0.01", "times=null", "match.slideId=demo-he-1")
    assert done.exit_code == 0, done.output
    assert get(server, "/info") == 503
    lines = run("faults", "list").output.splitlines()
    assert lines[0].endswith("took 1 of 1, 1 left")
    assert lines[1].startswith("#2 latency on *")
    assert lines[1].endswith("took 0 of 0, goes on")
    as_json = json.loads(run("faults", "list", "--json").output)
    assert (as_json[0]["taken"], len(as_json[0]["exchanges"])) == (1, 1)
    assert as_json[1]["fault"]["match"] == {"slideId": "demo-he-1"}
    assert run("faults", "clear").exit_code == 0
    assert server.faults.records == ()


@pytest.mark.parametrize(
    ("arguments", "status", "text"),
    [
        (["add", "getInfo", "status"], 1, "/status: came nothing, expected one: a fault of the kind status needs it"),
        (["add", "getInfo", "status", "status"], 2, "expected NAME=VALUE"),
        (["add", "getInfo", "status", "=5"], 2, "expected NAME=VALUE"),
        (["add", "getInfo", "status", "times=1", "times.a=5"], 2, "times has a value already"),
        (["add", "getInfo", "explode"], 1, "/kind"),
        (["remove"], 2, "No such command"),
    ],
)
def test_a_wrong_fault_is_refused_with_its_place(run: Any, arguments: list[str], status: int, text: str) -> None:
    done = run("faults", *arguments)
    assert done.exit_code == status
    assert text in done.output
    assert "Traceback" not in done.output


def test_the_clock_is_shown_and_moved(run: Any, server: Any) -> None:
    outputs = [run("clock").output, run("clock", "show").output]
    assert outputs[0][:13] == outputs[1][:13]
    assert re.match(r"20\d\d-\d\d-\d\dT", outputs[0])
    assert "(30 days, 0:00:00 ahead)" in run("clock", "advance", "30d").output
    assert server.clock.offset == 30 * 86400
    done = run("clock", "set", "2020-01-01T00:00:00Z")
    assert done.output.startswith("2020-01-01T00:00:00.")
    assert "behind" in done.output
    assert "stands still" in run("clock", "freeze").output
    assert "stands still" not in run("clock", "freeze", "off").output
    assert "ahead" not in run("clock", "reset").output
    assert server.clock.offset == 0


@pytest.mark.parametrize(("duration", "seconds"), [("90", 90), ("1.5m", 90), ("2h", 7200), ("1w", 604800), ("3s", 3)])
def test_durations_are_read(run: Any, server: Any, duration: str, seconds: float) -> None:
    assert run("clock", "advance", duration).exit_code == 0
    assert server.clock.offset == seconds


@pytest.mark.parametrize("duration", ["", "d", "-1d", "1y", "1e9", "1 d", "30 days"])
def test_what_is_no_duration_is_refused(run: Any, server: Any, duration: str) -> None:
    done = run("clock", "advance", "--", duration)
    assert done.exit_code == 2
    assert "such as 30d" in done.output
    assert server.clock.offset == 0


def test_the_incidents_are_listed_without_a_server() -> None:
    done = CliRunner().invoke(main, ["incident"], env={"FAKE_PACS_SERVER": "http://localhost:1"})
    assert [line for line in done.output.splitlines() if not line.startswith(" ")] == list(INCIDENTS)


def test_an_incident_without_occasion_has_a_status_of_its_own(run: Any) -> None:
    done = run("incident", "slide-rescanned", "--watch", "0s")
    assert (done.exit_code, done.output.splitlines()[-1][:14]) == (3, "not exercised:")


@pytest.mark.parametrize(("stored", "exit_code"), [(False, 0), (True, 1)])
def test_an_incident_ends_with_its_verdict(run: Any, server: Any, stored: bool, exit_code: int) -> None:
    def work() -> None:
        while not server.world.incidents.of("default"):
            time.sleep(0.01)
        get(server, "/slides/demo-he-1/info")
        get(server, "/images/demo-he-1_files/8/0_0.jpg")
        if stored:
            point = {"points": [{"x": 0.1, "y": 0.1}, {"x": 0.2, "y": 0.1}, {"x": 0.2, "y": 0.2}]}
            data = {"context": None, "result": {"type": "primitive", "content": {"polygons": [point]}}}
            body = {"slideId": "demo-he-1", "displayResult": "", "data": data}
            headers = {"Authorization": "Bearer dev-token"}
            requests.post(f"{server.url}/applications/tumor-finder/results", json=body, headers=headers, timeout=10)

    app, begun = threading.Thread(target=work), time.monotonic()
    app.start()
    done = run("incident", "slide-rescanned", "--slide", "demo-he-1", "--watch", "60s" if stored else "1s")
    app.join(10)
    assert time.monotonic() - begun < 30, "a failure stands: there is nothing to wait for"
    assert done.exit_code == exit_code, done.output
    assert "  demo-he-1 was 1600 x" in done.output
    assert done.output.splitlines()[-1].startswith("failed: " if stored else "passed: ")


def test_a_restart_is_watched_to_its_verdict(run: Any, server: Any) -> None:
    def work() -> None:
        while not server.world.incidents.of("default"):
            time.sleep(0.01)
        body = {"slideId": "demo-he-1", "displayResult": "", "data": {"context": None}}
        headers = {"Authorization": "Bearer dev-token"}
        with pytest.raises(requests.ConnectionError):
            requests.post(f"{server.url}/applications/tumor-finder/results", json=body, headers=headers, timeout=10)

    app = threading.Thread(target=work)
    app.start()
    done = run("incident", "restart-during-write", "--seconds", "0.6", "--watch", "0.5s")
    app.join(10)
    assert done.exit_code == 0, done.output
    assert "passed: " in done.output


def test_a_server_that_stays_away_is_told(run: Any, server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli_faults, "_BACK_AGAIN", 0.0)
    monkeypatch.setattr(cli_faults, "_watched", _after(server.stop, cli_faults._watched))
    done = run("incident", "slide-rescanned", "--watch", "1s")
    assert done.exit_code == 1
    assert "can't be asked" in done.output


def _after(before: Callable[[], None], act: Callable[..., Any]) -> Callable[..., Any]:
    def acting(*given: Any, **named: Any) -> Any:
        before()
        return act(*given, **named)

    return acting


def test_an_unknown_incident_is_an_error_that_names_the_known(run: Any) -> None:
    done = run("incident", "earthquake")
    assert done.exit_code == 1
    assert "slide-rescanned" in done.output


@pytest.mark.parametrize(
    ("moment", "why"),
    [
        ("tomorrow", "such as 2027-01-01T00:00:00Z"),
        ("2027-01-01", "has no offset to UTC"),
        ("1900-01-01T00:00:00Z", "a time from 1970 to 9000"),
    ],
)
def test_what_is_no_time_is_said_without_a_pattern(run: Callable[..., Result], moment: str, why: str) -> None:
    done = run("clock", "set", moment)
    assert (done.exit_code, why in done.output, "matches" in done.output) == (2, True, False), done.output


def test_a_refusal_with_one_place_says_it_once(run: Callable[..., Result]) -> None:
    said = run("faults", "add", "createReslt", "status", "status=503").output
    assert said.count("createReslt") == 1
    assert said.rstrip().endswith("did you mean createResult?")
