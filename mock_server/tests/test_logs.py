"""The log: one line for each exchange, whatever is in it, and neither a token nor PHI."""

import io
import json
import logging
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote
from urllib.request import urlopen

import pytest

from fake_pacs import logs
from fake_pacs.embedding import AppAnswerError, MockSectraServer, Refusal, Reply
from fake_pacs.handlers import HANDLERS
from fake_pacs.world import contract
from ia_api_spec import NEWEST

CANARY = "DOE^JANE"
RESULTS = "/applications/nuclei-counter/results"


class Log:
    """What was logged so far."""

    def __init__(self, stream: io.StringIO) -> None:
        self.stream = stream

    def text(self) -> str:
        return self.stream.getvalue()

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text().splitlines()]

    def exchanges(self) -> list[dict[str, Any]]:
        return [line for line in self.lines() if line["event"] == "exchange"]


@pytest.fixture
def configure() -> Iterator[Callable[[logs.Style], Log]]:
    """Logs to a text, and puts logging back as it was."""
    root = logging.getLogger()
    before = root.handlers[:], root.level

    def made(style: logs.Style) -> Log:
        stream = io.StringIO()
        root.handlers[:] = []
        logs.configure(style, stream)
        return Log(stream)

    yield made
    root.handlers[:] = before[0]
    root.setLevel(before[1])
    for logger in (logs.EXCHANGES, logs.SERVER):
        logger.setLevel(logging.NOTSET)


@pytest.fixture
def log(configure: Callable[[logs.Style], Log]) -> Log:
    return configure("json")


def test_each_exchange_is_one_line_with_what_an_operator_wants_to_know(pacs: Any, log: Log) -> None:
    pacs.create()
    pacs.refused(409, "missing-version", "PUT", f"{RESULTS}/1", json=pacs.result())
    first, second = log.exchanges()
    assert first.pop("time") <= second.pop("time")
    assert first.pop("durationMs") >= 0
    assert first.pop("requestBytes") > 50
    assert first.pop("answerBytes") > 50
    assert first == {
        "level": "info",
        "event": "exchange",
        "logger": "fake_pacs.exchanges",
        "direction": "in",
        "tenant": "default",
        "number": 1,
        "method": "POST",
        "path": f"{pacs.base}{RESULTS}",
        "operationId": "createResult",
        "spelling": None,
        "effectiveVersion": "1.10",
        "status": 201,
        "problem": None,
        "violations": [],
        "oddities": [],
        "faults": [],
        "ownError": False,
    }
    assert (second["status"], second["problem"], second["number"]) == (409, "missing-version", 2)


def test_calls_of_apps_are_logged_too_and_nothing_of_what_is_said(
    run_pacs: Any, make_hook: Any, http_answer: Any, log: Log
) -> None:
    server = run_pacs()
    hook = make_hook(server)
    hook.answers = lambda invocation: http_answer(500, {"token": invocation["callbackInfo"]["token"], "who": CANARY})
    server.workstation().start(hook.id, "demo-he-1")
    token = hook.invocations[0]["callbackInfo"]["token"]
    registration, info, start = [line for line in log.exchanges() if line["direction"] == "out"]
    assert [registration["operationId"], info["operationId"]] == ["getRegistration", "getAppInfo"]
    assert start.pop("requestBytes") > 200
    assert start.pop("answerBytes") > 50
    assert start.pop("durationMs") > 0
    del start["time"]
    assert start == {
        "level": "info",
        "event": "exchange",
        "logger": "fake_pacs.exchanges",
        "direction": "out",
        "peer": hook.url.removeprefix("http://").removesuffix("/hook"),
        "tenant": "default",
        "number": 3,
        "method": "POST",
        "operationId": "invoke",
        "kind": "create",
        "applicationId": "hook-app",
        "slideId": "demo-he-1",
        "resultId": None,
        "attempt": 1,
        "resendOf": None,
        "status": 500,
        "trouble": None,
        "findings": ["answer.status"],
    }
    for secret in (token, CANARY, "/hook"):
        assert secret not in log.text()


def test_calls_that_bring_no_answer_are_logged_with_their_trouble(
    run_pacs: Any, configure: Callable[[logs.Style], Log]
) -> None:
    log = configure("text")
    server = run_pacs()
    with pytest.raises(AppAnswerError):
        server.trigger("http://169.254.169.254/latest/SECRET", {"action": "create", "applicationId": "a\nb"})
    with pytest.raises(Refusal):
        server.register_app("http://localhost:1/SECRET")
    first, second = log.text().splitlines()
    assert re.search(r"INFO fake_pacs\.exchanges: create to 169\.254\.169\.254:80 address-refused answer\.", first)
    assert "registration to localhost:1 unreachable registration.no-answer, 0.0 ms, 0 bytes out, 0 in" in second
    assert "SECRET" not in log.text()


def test_nothing_is_logged_unless_it_is_asked_for(pacs: Any, capfd: pytest.CaptureFixture[str]) -> None:
    pacs.get("/info")
    assert capfd.readouterr().err == ""
    assert not logs.EXCHANGES.isEnabledFor(logging.INFO)


def test_text_has_the_same_on_one_line(pacs: Any, configure: Callable[[logs.Style], Log]) -> None:
    log = configure("text")
    pacs.get("/slides/demo-he-1/info")
    pacs.client.get(f"{pacs.base}/a%0Ab%1b[31m\u2028c")
    first, second = log.text().split("\n")[:-1]
    place = re.escape(f"INFO fake_pacs.exchanges: GET {pacs.base}/slides/demo-he-1/info 200, ")
    assert re.search(rf"^2\S+\+00:00 {place}[\d.]+ ms, 0 bytes in, \d+ out, tenant default$", first)
    assert second.endswith("nobody known")
    assert second.isprintable()


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", f"/requests/{CANARY}/images/info?accessionNumberIssuer={CANARY}&includePHI=true"),
        ("GET", f"/requests/{CANARY}/images/info?accessionNumberIssuerId={CANARY}"),
        ("GET", f"/launchdata?requestId={CANARY}&sessionToken={CANARY}?appId={CANARY}"),
        ("GET", f"/request/{CANARY}/images/info?requestId={CANARY}"),
        ("GET", f"/slides/demo-he-1/info?{CANARY}={CANARY}&scope=a?b={CANARY}&scope={CANARY};{CANARY}=1"),
        ("GET", f"{RESULTS}/1/attachments?name={CANARY}.pdf"),
        ("GET", f"{RESULTS}/slide/demo-he-1?patient={CANARY}"),
        ("GET", f"/slides/demo-he-1/info?number={CANARY}&x={CANARY}&slideId={CANARY}"),
        ("GET", f"/nothing?scope={CANARY}&number={CANARY}"),
        (CANARY.replace("^", ""), "/info"),
        ("POST", RESULTS),
        ("PUT", "/slides/demo-he-1/qualityControl"),
        ("POST", "/_fake_pacs/launches"),
    ],
)
@pytest.mark.parametrize("style", ["json", "text"])
def test_no_phi_and_no_token_is_logged(
    pacs: Any, configure: Callable[[logs.Style], Log], style: logs.Style, method: str, path: str
) -> None:
    log = configure(style)
    body = {CANARY: CANARY, "slideId": CANARY, "displayProperties": {CANARY: [CANARY]}, "accessionNumber": CANARY}
    sent = json.dumps({**body, "applicationId": CANARY, "displayResult": 1}) if method in ("POST", "PUT") else None
    headers = {"X-Fake-Pacs-Control": pacs.server.control_token, "X-Sectra-ApiVersion": "1.10"}
    pacs.ask(method, path, headers, data=sent, content_type="application/json" if sent else None)
    assert log.text().count("\n") == 1
    for spelling in (CANARY, quote(CANARY), CANARY.replace("^", ""), pacs.token, pacs.server.control_token):
        assert spelling not in log.text()


def test_what_was_hidden_leaves_the_rest_readable(pacs: Any, log: Log) -> None:
    pacs.get("/requests/S26-1001/images/info?accessionNumberIssuer=LAB&includePHI=true")
    pacs.get(f"{RESULTS}/1/attachments?name=a.pdf")
    pacs.get("/request/S26-1001/images/info")
    pacs.post("/hooks/nuclei-counter/results/", json={"slideId": 1, "displayProperties": {CANARY: []}, "data": {}})
    base = pacs.base
    assert [line["path"].removeprefix(base) for line in log.exchanges()] == [
        "/requests/*/images/info?accessionNumberIssuer=*&includePHI=true",
        f"{RESULTS}/1/attachments?name=*",
        "/request/*/images/info",
        "/hooks/nuclei-counter/results/",
    ]
    assert {found["pointer"] for found in log.exchanges()[-1]["violations"]} == {
        "/slideId",
        "/displayResult",
        "/displayProperties/*",
    }


def test_every_parameter_of_the_api_is_shown_or_hidden_on_purpose() -> None:
    names = {it.name for operation in contract("ia-api", NEWEST).operations.values() for it in operation.parameters}
    assert names - logs.SHOWN_PARAMETERS == {
        *("accessionNumber", "accessionNumberIssuer", "accessionNumberIssuerId", "requestId"),  # a case
        *("name", "sessionToken", "appId"),  # a file's name; a secret; what may carry one behind it
        *("Range", "X-Sectra-ApiVersion", "X-Sectra-SoftwareVersion"),  # headers aren't logged
    }


@pytest.mark.parametrize("text", ["a\nb", "\r\n", "\ud800", "\u2028", "\x00", '"}', "\x1b[2J", "😀"])
@pytest.mark.parametrize("style", ["json", "text"])
def test_a_record_is_one_line_whatever_is_in_it(
    configure: Callable[[logs.Style], Log], style: logs.Style, text: str
) -> None:
    log = configure(style)
    logs.event("start", **{text: text, "number": float("nan"), "list": [text, object]})
    logging.getLogger("other").warning("%s", text)
    assert len(log.text().splitlines()) == 2
    log.text().encode("ascii" if style == "json" else "utf-8")
    if style == "json":
        assert log.lines()[1]["message"] == text.replace("\ud800", "?")


@pytest.mark.parametrize("style", ["json", "text"])
def test_a_defect_of_ours_is_logged_without_what_callers_sent(
    configure: Callable[[logs.Style], Log], style: logs.Style
) -> None:
    def fails(call: Any, world: Any) -> Reply:
        raise ValueError(f"no idea what {call.parameters['accessionNumber']} is")

    def wrong(call: Any, world: Any) -> Reply:
        return Reply(body={"id": CANARY}, media_type="application/json")

    log = configure(style)
    server = MockSectraServer()
    from fake_pacs.app import create_app

    app = create_app(server.world, {**HANDLERS, "getCaseImages": fails, "getSlideInfo": wrong})
    base = contract("ia-api", NEWEST).base_path
    headers = {"Authorization": f"Bearer {server.token}"}
    for path in (f"/requests/{CANARY}/images/info", "/slides/demo-he-1/info"):
        assert app.test_client().get(base + path, headers=headers).status_code == 500
    assert len(log.text().splitlines()) == 4
    assert CANARY not in log.text()
    assert "ValueError" in log.text()
    assert "getSlideInfo was about to break its contract" in log.text()
    if style == "json":
        assert [line["ownError"] for line in log.exchanges()] == [True, True]
        assert log.lines()[0]["error"]["at"][-1].startswith("fails (")


def test_what_the_http_server_refuses_is_logged(
    run_pacs: Callable[..., MockSectraServer], exchange: Callable[[MockSectraServer, bytes], bytes], log: Log
) -> None:
    server = run_pacs()
    exchange(server, b"GARBAGE " + CANARY.encode() + b"\r\n\r\n")
    exchange(server, b"GET /requests/" + b"x" * 100_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n")
    first, second = log.exchanges()
    assert (first["status"], first["problem"], first["tenant"]) == (400, "malformed-message", None)
    assert (second["status"], second["problem"]) == (431, "headers-too-large")
    assert first["answerBytes"] > 0
    assert CANARY not in log.text()


def test_serve_logs_its_start_its_exchanges_and_its_stop() -> None:
    command = [sys.executable, "-m", "fake_pacs", "serve", "--port", "0", "--log", "json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as server:
        assert server.stderr
        start = json.loads(server.stderr.readline())
        with urlopen(start["url"].partition("/Sectra")[0] + "/_fake_pacs/live") as answer:
            assert answer.status == 200
        exchange = json.loads(server.stderr.readline())
        server.send_signal(signal.SIGTERM)
        out, err = server.communicate(timeout=20)
    assert (start["event"], start["apiVersion"]) == ("start", "1.10")
    assert re.fullmatch(r"http://localhost:\d+/SectraPathologyServer/.*/v1", start["url"])
    stop = json.loads(err)
    assert (exchange["operationId"], stop["event"], stop["requests"]) == ("getLive", "stop", 1)
    assert out == ""
    assert server.returncode == 0
