"""The app mode as a command: against the example app, against what is no app, and with bad options."""

import json
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import jsonschema_rs
import pytest
from click.testing import CliRunner, Result

from example_app.app import create_app
from ia_api_contract import app_mode, cli
from ia_api_contract.app_suite import BY_ID, NUMBERS, REQUIREMENTS, listed
from ia_api_contract.app_target import AppOptions, AppTarget
from ia_api_contract.check import place
from ia_api_contract.exchanges import Answer, Exchange, Redactor
from ia_api_contract.outcomes import EXIT_FAILED, EXIT_PASSED, EXIT_TOO_FEW, EXIT_USAGE, CheckResult, Outcome
from ia_api_contract.reports import Report
from ia_api_contract.reports.json_report import as_json, json_schema
from ia_api_contract.reports.junit import junit
from ia_api_contract.reports.page import page
from ia_api_contract.runner import run_one
from ia_api_spec import NEWEST, VERSIONS, ApiVersion, Contract
from meta_tests.apps.bad_app import serving

QUICK = ("--api-version", "1.10", "--timeout", "10")
OLD, NEW = ApiVersion("1.8"), ApiVersion("1.10")


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """The example app."""
    with serving(create_app().wsgi_app) as served:
        yield served


def _app(*arguments: str) -> Result:
    return CliRunner().invoke(cli.main, ["app", *arguments])


def _only(*names: str) -> list[str]:
    return [word for name in names for word in ("--only", name)]


@contextmanager
def _answering(raw: bytes, endless: bool = False) -> Iterator[str]:
    """Something that answers every connection with these bytes, over and over where `endless`."""
    listener = socket.create_server(("127.0.0.1", 0))
    stopped = threading.Event()

    def answer(connection: socket.socket) -> None:
        with connection:
            try:
                connection.recv(65536)
                connection.sendall(raw)
                while endless and not stopped.is_set():
                    connection.sendall(raw)
            except OSError:
                return

    def serve() -> None:
        while not stopped.is_set():
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            answer(connection)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/hook"
    finally:
        stopped.set()
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


def test_the_list_numbers_every_requirement():
    assert [line.split()[:2] for line in listed().splitlines()] == [
        [str(NUMBERS[check.id]), check.id] for check in REQUIREMENTS
    ]
    assert _app("--list").output == listed()


def test_every_requirement_has_a_place_in_the_contract_and_evidence():
    contracts = {name: Contract.of(name, NEWEST) for name in ("ia-api", "ia-app")}
    for check in REQUIREMENTS:
        assert check.id.startswith("app.")
        assert place(contracts[check.document], check.address)
        assert set(check.codes(contracts[check.document])) <= set("SVCA ")
        assert check.codes(contracts[check.document]), check.id
        assert check.level in ("must", "should")


def test_a_good_app_passes_what_it_is_asked(url: str, tmp_path: Path):
    reports = [
        "--html",
        str(tmp_path / "r.html"),
        "--json",
        str(tmp_path / "r.json"),
        "--junit",
        str(tmp_path / "r.xml"),
    ]
    done = _app(url, *QUICK, *_only("app.registration-*", "app.create-answered", "app.modify-true"), *reports)
    assert done.exit_code == EXIT_PASSED, done.output
    made = (tmp_path / "r.html").read_text()
    assert "PACS → app" in made
    assert "app → PACS" in made
    document = json.loads((tmp_path / "r.json").read_text())
    jsonschema_rs.Draft202012Validator(json_schema()).validate(document)
    assert document["mode"] == "app"
    assert {exchange["by"] for check in document["checks"] for exchange in check["exchanges"]} == {"pacs", "app"}


def test_no_callback_token_is_in_a_report(url: str):
    redactor, options = Redactor(), AppOptions(url, (NEW,), 10.0)
    results = app_mode.examine(options, [BY_ID["app.create-answered"]], redactor)
    report = app_mode.report(options, {}, results, redactor)
    token = next(
        json.loads(exchange.body)["callbackInfo"]["token"]
        for exchange in results[0].exchanges
        if exchange.by == "pacs" and exchange.body
    )
    assert token not in page(report) + junit(report) + json.dumps(as_json(report))


@pytest.mark.parametrize("arguments", [("no url",), ("ftp://x/hook",), ("http://x/hook?a=1",), ("http://[x/hook",)])
def test_what_is_no_url_is_a_usage_error(arguments: tuple[str, ...]):
    done = _app(*arguments)
    assert done.exit_code == EXIT_USAGE
    assert "expected a URL" in done.output


def test_what_a_query_holds_is_not_repeated():
    done = _app("http://x/hook?token=s3cret", *QUICK)
    assert done.exit_code == EXIT_USAGE
    assert "APP_URL came as 'http://x/hook?…'" in done.output
    assert "s3cret" not in done.output


def test_a_url_with_a_password_is_refused_and_not_repeated():
    """Reports would tell it."""
    ran = _app("http://user:passw0rd@localhost:9000/hook")
    assert ran.exit_code == EXIT_USAGE
    assert "user or password" in ran.output
    assert "passw0rd" not in ran.output


@pytest.mark.parametrize("listen", ["8001", "localhost:", "localhost:99999", ":80", "localhost:http"])
def test_an_address_that_is_none_is_a_usage_error(listen: str):
    done = _app("http://localhost:9/hook", "--listen", listen)
    assert done.exit_code == EXIT_USAGE
    assert "expected HOST:PORT" in done.output


def test_a_port_that_is_taken_is_a_usage_error(url: str):
    with socket.create_server(("localhost", 0)) as taken:
        done = _app(url, "--listen", f"localhost:{taken.getsockname()[1]}", *QUICK)
    assert done.exit_code == EXIT_USAGE
    assert "can't be played" in done.output
    assert "Errno" not in done.output


def test_an_unknown_requirement_is_a_usage_error(url: str):
    done = _app(url, "--only", "app.creat-answered")
    assert done.exit_code == EXIT_USAGE
    assert "app.create-answered" in done.output


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 4\r\n\r\n<h1>", "registration"),
        (b"HTTP/1.1 302 Found\r\nLocation: http://localhost/\r\nContent-Length: 0\r\n\r\n", "302"),
        (b"SSH-2.0-OpenSSH\r\n", "GET"),
        (b"", "GET"),
    ],
    ids=["html", "redirect", "no HTTP", "nothing"],
)
def test_what_is_no_app_fails_clearly_and_the_rest_is_omitted(raw: bytes, said: str):
    with _answering(raw) as served:
        done = _app(served, *QUICK)
    assert done.exit_code == EXIT_FAILED
    assert said in done.output
    assert " omit" in done.output


def test_an_app_that_never_stops_answering_is_left_in_time():
    began = time.monotonic()
    with _answering(
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n" + b" " * 65536, endless=True
    ) as served:
        done = _app(served, "--api-version", "1.10", "--timeout", "2", *_only("app.registration-answered"))
    assert done.exit_code == EXIT_FAILED
    assert time.monotonic() - began < 30


def test_nothing_at_the_url_is_a_failure():
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    done = _app(f"http://127.0.0.1:{port}/hook", *QUICK, *_only("app.registration-answered"))
    assert done.exit_code == EXIT_FAILED


def test_link_local_addresses_are_refused():
    done = _app("http://169.254.169.254/hook", *QUICK, *_only("app.registration-answered"))
    assert done.exit_code == EXIT_FAILED
    assert "metadata" in done.output


def test_a_run_of_skips_is_never_green(url: str):
    assert _app(url, *QUICK, *_only("app.create-multi-area")).exit_code == EXIT_TOO_FEW


def test_a_report_that_can_not_be_written_changes_nothing(url: str, tmp_path: Path):
    (tmp_path / "file").write_text("in the way")
    broken = str(tmp_path / "file" / "r")
    done = _app(url, *QUICK, *_only("app.info-*"), "--html", broken, "--json", broken, "--write-expected", broken)
    assert done.exit_code == EXIT_PASSED
    assert done.output.count("the verdict stays as it is") == 3


def test_expected_results_are_written_and_compared(url: str, tmp_path: Path):
    file = tmp_path / "expected.json"
    chosen = [url, *QUICK, *_only("app.info-*", "app.create-multi-area")]
    assert _app(*chosen, "--write-expected", str(file)).exit_code == EXIT_PASSED
    assert _app(*chosen, "--expected", str(file)).exit_code == EXIT_PASSED
    document = json.loads(file.read_text())
    assert document["app"]["app.create-multi-area"] == "skip"
    document["app"]["app.info-members"] = "fail"
    file.write_text(json.dumps(document))
    done = _app(*chosen, "--expected", str(file))
    assert done.exit_code == EXIT_FAILED
    assert "not as expected: app.info-members: expected fail, came pass" in done.output


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        '{"format": 2, "app": {}}',
        '{"format": 1, "app": {"app.x": "pass"}}',
        '{"format": 1, "app": {"app.info-members": "good"}}',
        '{"format": 1, "app": {"app.info-members": ["pass"]}}',
        "[" * 100_000,
    ],
)
def test_expected_results_that_are_none_are_a_usage_error(url: str, tmp_path: Path, content: str):
    file = tmp_path / "expected.json"
    file.write_text(content)
    assert _app(url, "--expected", str(file)).exit_code == EXIT_USAGE


def _results(**outcomes: str) -> list[CheckResult]:
    return [
        CheckResult(f"app.{name.replace('_', '-')}", Outcome(outcome), "because") for name, outcome in outcomes.items()
    ]


def _report(results: list[CheckResult], **options: object) -> Report:
    return app_mode.report(AppOptions("http://x/hook"), {}, results, Redactor(), **options)  # type: ignore[arg-type]


GOOD = {"registration_answered": "pass", "registration_members": "pass", "create_answered": "pass"}


def test_a_should_that_fails_is_a_failure_that_decides_nothing():
    results = _results(**GOOD, info_answered="fail")
    report = _report(results)
    assert report.exit_status == EXIT_PASSED
    assert report.counts[Outcome.FAIL] == 1
    assert 'failures="0"' in junit(report)
    assert "decides nothing" in junit(report)
    assert report.verdict == "nothing that decides failed, but for what is waived"
    strict = _report(results, strict=True)
    assert strict.exit_status == EXIT_FAILED
    assert 'failures="1"' in junit(strict)


def test_an_app_that_ends_in_the_middle_is_said_to():
    with socket.create_server(("127.0.0.1", 0)) as free:
        url = f"http://127.0.0.1:{free.getsockname()[1]}/hook"
    asked = Exchange("GET", url, {}, b"", Answer(200, {}, b""), 0.1, by="pacs")
    target = AppTarget(AppOptions(url, timeout=5.0), NEWEST)
    gone = run_one(BY_ID["app.registration-answered"], target)
    assert gone.outcome is Outcome.FAIL
    before = CheckResult("app.info-answered", Outcome.PASS, exchanges=[asked])
    assert _report([before, gone]).notes == (app_mode.ENDED,)
    assert _report([gone]).notes == (), "it never answered"
    assert _report([before]).notes == ()


def test_an_expected_failure_decides_nothing():
    results = _results(**GOOD, answer_true="fail")
    expected = {result.check_id: result.outcome for result in results}
    assert _report(results).exit_status == EXIT_FAILED
    assert _report(results, expected=expected).exit_status == EXIT_PASSED
    better = _results(**GOOD, answer_true="pass")
    assert _report(better, expected=expected).exit_status == EXIT_FAILED


def test_the_outcome_in_all_versions_is_the_worst_and_says_where():
    by_version = {
        version: [CheckResult("app.requests-known", outcome, text, 1.0)]
        for version, outcome, text in zip(
            VERSIONS, (Outcome.FAIL, Outcome.PASS, Outcome.SKIP), ("unknown", "", "why"), strict=True
        )
    }
    result = app_mode.together("app.requests-known", by_version)
    assert result.outcome is Outcome.FAIL
    assert result.text == "as 1.8: unknown"
    assert result.seconds == 3.0


def test_what_is_the_same_in_all_versions_is_said_once():
    by_version = {version: [CheckResult("app.info-members", Outcome.FAIL, "number")] for version in (OLD, NEW)}
    assert app_mode.together("app.info-members", by_version).text == "number"


def test_the_command_line_again_holds_what_was_given():
    options = AppOptions("http://x/hook", (OLD,), 5.0, host="0.0.0.0", port=8001, public_url="http://y/v1")
    line = app_mode.command_line(options, "app.info-members")
    for part in ("--api-version 1.8", "--listen 0.0.0.0:8001", "--public-url http://y/v1", "--only app.info-members"):
        assert part in line


def test_the_emulator_is_needed_and_said_so(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "ia_api_contract.app_mode", None)
    monkeypatch.delattr("ia_api_contract.app_mode", raising=False)
    done = _app("http://localhost:9/hook")
    assert done.exit_code == 1
    assert "pip install 'ia-api-kit[contract,server]'" in done.output
