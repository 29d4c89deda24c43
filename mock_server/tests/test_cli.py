"""The command `fake-pacs serve`: defaults, options, environment, refusals, and a state that survives kill -9."""

import http.client
import json
import os
import re
import signal
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from fake_pacs.cli import main

BASE = "/SectraPathologyServer/external/imageanalysis/v1"
AUTH = {"Authorization": "Bearer dev-token"}
RESULTS = f"{BASE}/applications/nuclei-counter/results"


class Running:
    """A `fake-pacs serve` of its own process."""

    def __init__(self, *options: str, **environment: str) -> None:
        command = [sys.executable, "-m", "fake_pacs", "serve", *options]
        kept = {name: value for name, value in os.environ.items() if not name.startswith("FAKE_PACS")}
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**kept, **environment}
        )
        assert self.process.stdout is not None
        self.greeting = ""
        while "Stop it with" not in self.greeting:
            line = self.process.stdout.readline()
            assert line, f"it ended: {self.greeting}{self.errors()}"
            self.greeting += line
        found = re.search(r"URL +(https?)://([^/]+?):(\d+)/", self.greeting)
        assert found, self.greeting
        self.scheme, self.host, self.port = found[1], found[2], int(found[3])

    def errors(self) -> str:
        return self.process.communicate(timeout=10)[1]

    def ask(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> tuple[int, dict[str, str], bytes]:
        client: http.client.HTTPConnection
        if self.scheme == "https":
            context = ssl.create_default_context(cafile=self.ca_file())
            client = http.client.HTTPSConnection("localhost", self.port, timeout=10, context=context)
        else:
            client = http.client.HTTPConnection("localhost", self.port, timeout=10)
        sent = {**AUTH, "Content-Type": "application/json", **(headers or {})}
        client.request(method, path, None if body is None else json.dumps(body), sent)
        answer = client.getresponse()
        content = answer.read()
        client.close()
        return answer.status, dict(answer.headers.items()), content

    def ca_file(self) -> str:
        found = re.search(r"CA file +(.+)", self.greeting)
        assert found, self.greeting
        return found[1]

    def get(self, path: str, **headers: str) -> Any:
        status, _, content = self.ask("GET", BASE + path, headers=headers)
        assert status == 200, content
        return json.loads(content)

    def kill(self) -> None:
        """As `kill -9` does: it can't tidy up."""
        self.process.kill()
        self.process.wait(timeout=10)


@pytest.fixture
def serve() -> Iterator[Callable[..., Running]]:
    """Starts servers, and ends them."""
    started: list[Running] = []

    def start(*options: str, **environment: str) -> Running:
        started.append(Running("--port", "0", *options, **environment))
        return started[-1]

    yield start
    for running in started:
        with suppress(ProcessLookupError):
            running.kill()
        for pipe in (running.process.stdout, running.process.stderr):
            if pipe is not None:
                pipe.close()


def refused(*options: str, **environment: str) -> str:
    """Runs the command in this process, expects it to end with an error, and gives back what it says."""
    outcome = CliRunner().invoke(main, ["serve", "--port", "0", *options], env=environment)
    assert outcome.exit_code != 0, outcome.output
    assert not outcome.exception or isinstance(outcome.exception, SystemExit), outcome.exception
    assert "Traceback" not in outcome.output
    return outcome.output


def test_the_defaults_are_those_of_the_issue() -> None:
    shown = CliRunner().invoke(main, ["serve", "--help"]).output
    said = re.sub(r"\s+", " ", shown)
    for option, default in [("--host", "localhost"), ("--port", "8001"), ("--api-version", "1.10")]:
        assert re.search(rf"{option} [^=]*?\[default: {re.escape(default)}[;\]]", said), option
    assert "dev-token" in said
    assert "dev:dev" in said
    for option in (
        *("--software-version", "--app", "--slides", "--state", "--seed", "--public-url", "--invent", "--user"),
        *("--missing-version", "--files", "--tls-cert", "--tls-key", "--tls", "--control-token"),
    ):
        assert option in said


def test_it_serves_the_demo_hospital_on_loopback_and_says_how_to_reach_it(serve: Callable[..., Running]) -> None:
    running = serve()
    assert running.host == "localhost"
    assert "dev-token" in running.greeting
    assert "3 cases, 7 slides, 3 applications" in running.greeting
    assert running.get("/info") == {"apiVersion": "1.10", "softwareVersion": "4.2.0.0"}
    assert running.get("/slides/demo-he-1/info")["id"] == "demo-he-1"
    status, _, page = running.ask("GET", "/_fake_pacs/api")
    assert status == 200
    assert b"swagger-ui" in page
    if sys.platform != "win32":
        began = time.monotonic()
        running.process.send_signal(signal.SIGTERM)
        assert running.process.wait(timeout=10) == 0
        assert time.monotonic() - began < 2


def test_options_say_what_it_is(serve: Callable[..., Running]) -> None:
    running = serve(
        *("--api-version", "1.9", "--token", "t0ken", "--app", "my-app=Mine", "--app", "other", "--user", "ann:a:b"),
        *("--public-url", "https://pacs.example", "--missing-version", "accept", "--files", "multipart"),
    )
    assert "t0ken" not in running.greeting
    auth = {"Authorization": "Bearer t0ken"}
    assert running.get("/info", **auth) == {"apiVersion": "1.9", "softwareVersion": "4.1.0.0"}
    assert running.get("/applications/my-app", **auth)["displayName"] == "Mine"
    assert running.get("/applications/other", **auth)["displayName"] == "other"
    files = running.ask("GET", f"{BASE}/slides/demo-he-1/files", headers=auth)[1]
    assert files["Content-Type"].startswith("multipart/")
    assert running.ask("GET", f"{BASE}/info")[0] == 401
    basic = {"Authorization": "Basic YW5uOmE6Yg==", "Content-Type": "application/x-www-form-urlencoded"}
    client = http.client.HTTPConnection("localhost", running.port, timeout=10)
    client.request("POST", f"{BASE}/token?applicationId=my-app", "grant_type=client_credentials", basic)
    assert client.getresponse().status == 200
    client.close()
    body = {"slideId": "demo-he-1", "displayResult": "", "data": {}}
    assert running.ask("POST", f"{BASE}/applications/my-app/results", body, auth)[0] == 201
    assert running.ask("PUT", f"{BASE}/applications/my-app/results/1", body, auth)[0] == 200
    wanted = {"applicationId": "my-app", "accessionNumber": "S26-1002"}
    control = {**auth, "X-Fake-Pacs-Control": "dev-control"}
    launch = json.loads(running.ask("POST", "/_fake_pacs/launches", wanted, control)[2])
    assert launch["launchDataUrl"].startswith(f"https://pacs.example{BASE}/launchdata?")


def test_options_may_come_from_the_environment(serve: Callable[..., Running]) -> None:
    running = serve(
        FAKE_PACS_SERVE_API_VERSION="1.8",
        FAKE_PACS_SERVE_TOKEN="from-env",
        FAKE_PACS_SERVE_APP="one two=Two",
        FAKE_PACS_SERVE_INVENT="slides",
    )
    auth = {"Authorization": "Bearer from-env"}
    assert running.get("/info", **auth)["apiVersion"] == "1.8"
    assert running.get("/applications/two", **auth)["displayName"] == "Two"
    assert running.get("/applications/one", **auth)["displayName"] == "one"
    assert running.get("/slides/any/info", **auth)["id"] == "any"
    assert running.ask("GET", f"{BASE}/applications/any", headers=auth)[0] == 404


def test_what_can_be_invented_is_told_apart(serve: Callable[..., Running]) -> None:
    running = serve("--invent", "slides,applications")
    body = {"slideId": "any", "displayResult": "", "data": {}}
    assert running.ask("POST", f"{BASE}/applications/whatever/results", body)[0] == 201


def test_the_round_trip_with_a_real_slide(serve: Callable[..., Running], shared_slides: Path) -> None:
    source = shared_slides / "cmu_small_region.svs"
    running = serve("--slides", str(source))
    hospital = json.loads(running.ask("GET", "/_fake_pacs/hospital")[2])
    (case,) = hospital["cases"]
    slide = case["slides"][0]["id"]
    assert [info["id"] for info in running.get(f"/requests/{case['accessionNumber']}/images/info")] == [slide]
    told = running.get(f"/slides/{slide}/info?scope=extended&includePHI=true")
    assert told["imageSize"] == {"width": 2220, "height": 2967}
    assert running.ask("GET", f"{BASE}/slides/{slide}/label")[1]["Content-Type"] == "image/jpeg"
    assert running.ask("GET", f"{BASE}/images/{slide}_files/12/0_0.jpg")[0] == 200
    assert running.ask("GET", f"{BASE}/slides/{slide}/files")[2] == source.read_bytes()
    body = {"slideId": slide, "displayResult": "1", "data": {}}
    stored = json.loads(running.ask("POST", RESULTS, body)[2])
    assert running.ask("PUT", f"{RESULTS}/1", {**stored, "displayResult": "2"})[0] == 200
    assert running.ask("PUT", f"{RESULTS}/1", {**stored, "displayResult": "3"})[0] == 409
    state = {"applicationVersion": "1", "qualityControl": {**told["qualityControl"], "status": "QualityOk"}}
    assert running.ask("PUT", f"{BASE}/slides/{slide}/qualityControl", state)[0] == 200
    assert running.get(f"/slides/{slide}/info")["qualityControl"]["status"] == "QualityOk"


def test_a_folder_of_real_slides_is_served(serve: Callable[..., Running], shared_slides: Path) -> None:
    running = serve("--slides", str(shared_slides))
    hospital = json.loads(running.ask("GET", "/_fake_pacs/hospital")[2])
    slides = [slide for case in hospital["cases"] for slide in case["slides"]]
    assert sorted(slide["files"] for slide in slides) == [1, 1, 2]


def test_every_acknowledged_write_survives_kill_9(serve: Callable[..., Running], tmp_path: Path) -> None:
    state = str(tmp_path / "state.sqlite")
    running = serve("--state", state)
    body = {"slideId": "demo-he-1", "displayResult": "x", "data": {}, "attachments": [{"name": "a"}]}
    acknowledged: list[dict[str, Any]] = []
    lock = threading.Lock()

    def write() -> None:
        with suppress(OSError, http.client.HTTPException):
            while True:
                status, _, content = running.ask("POST", RESULTS, body)
                assert status == 201
                with lock:
                    acknowledged.append(json.loads(content))

    writers = [threading.Thread(target=write) for _ in range(4)]
    for writer in writers:
        writer.start()
    while len(acknowledged) < 60:
        time.sleep(0.005)
    running.kill()
    for writer in writers:
        writer.join(timeout=20)

    again = serve("--state", state)
    kept = {stored["id"]: stored for stored in again.get("/applications/nuclei-counter/results/slide/demo-he-1")}
    assert [stored for stored in acknowledged if kept.get(stored["id"]) != stored] == []
    assert len(kept) - len(acknowledged) <= 4, "only what was under way may be there beyond"
    assert json.loads(again.ask("POST", RESULTS, body)[2])["id"] == max(kept) + 1


def test_tokens_attachments_and_quality_control_survive_a_restart(
    serve: Callable[..., Running], tmp_path: Path
) -> None:
    state = str(tmp_path / "state.sqlite")
    running = serve("--state", state)
    body = {"slideId": "demo-he-1", "displayResult": "", "data": {}, "attachments": [{"name": "a"}]}
    assert running.ask("POST", RESULTS, body)[0] == 201
    assert running.ask("PUT", f"{RESULTS}/1/attachments?name=a", "bytes")[0] == 200
    control = {"X-Fake-Pacs-Control": "dev-control"}
    tenant = json.loads(running.ask("POST", "/_fake_pacs/tenants", {"tenant": "job"}, control)[2])
    quality = running.get("/slides/demo-he-1/info")["qualityControl"]
    sent = {"applicationVersion": "1", "qualityControl": {**quality, "status": "Rejected"}}
    assert running.ask("PUT", f"{BASE}/slides/demo-he-1/qualityControl", sent)[0] == 200
    running.kill()

    again = serve("--state", state, "--token", "another")
    auth = {"Authorization": "Bearer another"}
    assert again.ask("GET", f"{RESULTS}/1/attachments?name=a", headers=auth)[2] == b'"bytes"'
    assert again.get("/slides/demo-he-1/info", **auth)["qualityControl"]["status"] == "Rejected"
    assert again.ask("GET", f"{BASE}/info", headers={"Authorization": f"Bearer {tenant['token']}"})[0] == 200
    assert again.ask("GET", f"{BASE}/info")[0] == 401, "the former development token opens nothing"


def test_a_self_signed_certificate_is_made_and_named(serve: Callable[..., Running]) -> None:
    running = serve("--tls", "self-signed")
    assert running.scheme == "https"
    assert running.get("/info")["apiVersion"] == "1.10"


def test_the_seed_makes_runs_reproducible(serve: Callable[..., Running]) -> None:
    def run() -> list[Any]:
        running = serve("--seed", "7")
        body = {"slideId": "demo-he-1", "displayResult": "x", "data": {}}
        stored = [running.ask("POST", RESULTS, body)[2] for _ in range(3)]
        boundary = running.ask("GET", f"{BASE}/slides/demo-dicom_1/files")[1]["Content-Type"]
        journal = running.ask("GET", "/_fake_pacs/journal", headers={"X-Fake-Pacs-Control": "dev-control"})[2]
        running.kill()
        return [stored, boundary, [(entry["at"], entry["status"]) for entry in json.loads(journal)["exchanges"]]]

    assert run() == run()


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.7.7", "pacs.example"])
def test_off_loopback_the_well_known_tokens_are_refused(host: str) -> None:
    for given in ([], ["--token", "x"], ["--control-token", "x"]):
        said = refused("--host", host, *given)
        assert "can be reached from other machines" in said
        missing = {"--token", "--control-token"} - set(given)
        assert all(option in said for option in missing)


def test_off_loopback_it_serves_with_tokens_of_its_own_and_no_well_known_user(serve: Callable[..., Running]) -> None:
    running = serve("--host", "0.0.0.0", "--token", "t-1", "--control-token", "c-1")
    assert running.get("/info", Authorization="Bearer t-1")["apiVersion"] == "1.10"
    assert running.ask("GET", "/_fake_pacs/journal", headers={"X-Fake-Pacs-Control": "dev-control"})[0] == 401
    basic = {"Authorization": "Basic ZGV2OmRldg=="}
    assert running.ask("POST", f"{BASE}/token?applicationId=nuclei-counter", headers=basic)[0] == 401


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (["--api-version", "1.7"], "1.8"),
        (["--port", "65536"], "65535"),
        (["--user", "dev"], "dev:dev"),
        (["--user", ":x"], "name and a password"),
        (["--user", "x:"], "name and a password"),
        (["--app", "a/b"], "expected ID"),
        (["--invent", "tiles"], "slides, applications"),
        (["--missing-version", "maybe"], "accept"),
        (["--files", "zip"], "multipart"),
        (["--token", "a b"], "without blanks"),
        (["--control-token", "ü"], "printable ASCII"),
        (["--public-url", "pacs.example"], "http://pacs.example:8001"),
        (["--tls-cert", "cert.pem"], "--tls-key"),
        (["--tls", "self-signed", "--tls-cert", "a", "--tls-key", "b"], "either"),
        (["--tls-cert", "missing.pem", "--tls-key", "missing.key"], "missing"),
        (["--slides", "no/such/file.svs"], "file.svs"),
        (["--slides", str(Path(__file__))], "no slide to serve"),
        (["--state", "no/such/folder/state.sqlite"], "no/such/folder"),
        (["--state", str(Path(__file__))], "test_cli.py"),
        (["--seed", "x"], "integer"),
        (["--no-such-option"], "No such option"),
    ],
)
def test_what_cannot_be_is_said_with_what_to_say_instead(options: list[str], text: str) -> None:
    assert text.replace("/", os.sep) in refused(*options) or text in refused(*options)


def test_a_taken_port_is_said_with_what_to_do(serve: Callable[..., Running]) -> None:
    running = serve()
    assert "choose another one" in refused("--port", str(running.port))


def test_the_name_of_the_environment_s_option_is_checked_like_the_option() -> None:
    assert "1.8" in refused(FAKE_PACS_SERVE_API_VERSION="0.9")


def test_the_version_is_told() -> None:
    assert CliRunner().invoke(main, ["--version"]).output.startswith("fake-pacs, version ")
