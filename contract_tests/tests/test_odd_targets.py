"""Targets that say odd things: the suite reports on them, keeps secrets, and never breaks."""

import base64
import html
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import quote

import pytest
from click.testing import CliRunner

from ia_api_contract import __main__, cli, target
from ia_api_contract.exchanges import Answer, Redactor
from ia_api_contract.holdings import told
from ia_api_contract.learning import target_for
from ia_api_contract.outcomes import EXIT_ERROR, EXIT_FAILED, Failed, Skipped
from ia_api_contract.reports import Report, text
from ia_api_contract.target import Options, Target
from ia_api_spec import ApiVersion, Contract

SECRET = "very-secret/token+of=me"
Serve = Callable[[bytes], str]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts a server that answers everything with one JSON body, and says its URL."""
    servers: list[ThreadingHTTPServer] = []

    def start(body: bytes) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.end_headers()
                self.wfile.write(body)

            do_POST = do_PUT = do_DELETE = do_GET

            def log_message(self, *args: object) -> None: ...

        servers.append(ThreadingHTTPServer(("localhost", 0), Handler))
        threading.Thread(target=servers[-1].serve_forever, args=(0.02,), daemon=True).start()
        return f"http://localhost:{servers[-1].server_port}/v1"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def _options(url: str, **members: object) -> Options:
    return Options(url, SECRET, ApiVersion("1.10"), **members)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "body",
    [b"[" * 20_000 + b"]" * 20_000, b'{"cases": [{"x": 1}], "applications": 3}', b'{"apiVersion": "\\ud800\\u001b"}'],
)
def test_no_answer_breaks_the_suite(serve: Serve, body: bytes):
    arguments = ["server", serve(body), "--token", SECRET, "--api-version", "1.10", "--only", "slides.*"]
    done = CliRunner().invoke(cli.main, arguments)
    assert done.exit_code == EXIT_FAILED, done.output
    assert "error" not in done.output.splitlines()[-2]


def test_an_answer_without_end_is_given_up(serve: Serve, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(target, "LARGEST", 100_000)
    with pytest.raises(Failed, match="given up: more than 100000 bytes"):
        target_for(_options(serve(b" " * 300_000))).ask("getInfo")


def test_an_answer_that_takes_too_long_is_given_up(serve: Serve, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(target, "LONGEST", -1.0)
    with pytest.raises(Failed, match="and no end"):
        target_for(_options(serve(b"{}"))).ask("getInfo")


def test_a_target_that_is_read_only_is_sent_no_write_at_all(serve: Serve):
    options = _options(serve(b"{}"), read_only=True)
    subject = Target(options, Contract.of("ia-api", "1.10"), told(None, None, None))
    for method, path in (("POST", "/applications/a/results"), ("DELETE", "/slides/a/info"), ("PUT", "/x")):
        with pytest.raises(Skipped, match="--read-only"):
            subject.send(method, path, body=b"{}")
    assert subject.send("DELETE", "/info").status == 200
    assert subject.send("POST", "/token?applicationId=a").status == 200


def test_what_breaks_outside_a_check_is_told_as_the_suites_own(monkeypatch: pytest.MonkeyPatch):
    def broken() -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(cli, "main", broken)
    with pytest.raises(SystemExit) as ended:
        __main__.main()
    assert ended.value.code == EXIT_ERROR == __main__.BROKEN


def test_the_text_report_steers_no_terminal():
    said = text.header(Report("server", {"reports": "\x1b[2J\x9b1 \ud800 ok"}, (), (), 0))
    assert "ok" in said
    assert not set("\x1b\x9b\ud800") & set(said)


# Secrets in other clothes


@pytest.mark.parametrize(
    "spelled",
    [SECRET, quote(SECRET), quote(SECRET, safe=""), SECRET.replace("/", "\\/"), html.escape(SECRET)],
)
def test_a_secret_is_found_however_it_is_spelled(spelled: str):
    redactor = Redactor()
    redactor.learn(SECRET)
    assert redactor.text(f"before {spelled} after") == "before <redacted> after"


def test_what_http_basic_makes_of_a_password_is_a_secret():
    redactor = Redactor()
    redactor.learn_user("someone", 'pass"word')
    echoed = base64.b64encode(b'someone:pass"word').decode()
    assert redactor.text(f"you sent Basic {echoed}") == "you sent Basic <redacted>"
    assert redactor.text(json.dumps('pass"word')) == '"<redacted>"'


def test_of_a_secret_that_was_cut_off_nothing_is_left():
    redactor = Redactor()
    redactor.learn(SECRET)
    for before in range(280, 300):
        shown = redactor.text(str(Answer(401, {}, (" " * before + SECRET + " " * 50).encode())))
        assert "very" not in shown, before
