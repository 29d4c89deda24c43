"""`fake-pacs doctor`: each obstacle between a PACS, an app and this machine is named by itself, with what to do."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from fake_pacs.certificates import TlsFiles, self_signed
from fake_pacs.cli import main
from fake_pacs.doctor import address, certificates
from fake_pacs.doctor import pacs as doctor_pacs
from fake_pacs.doctor.findings import CODES, Finding
from fake_pacs.embedding import MockSectraServer

Levels = dict[str, str]


def examined(*arguments: str, **environment: str) -> tuple[int, list[dict[str, str]]]:
    known = {"FAKE_PACS_CA_FILE": None, "HTTP_PROXY": None, "http_proxy": None, **environment}
    done = CliRunner().invoke(main, ["doctor", *arguments, "--json"], env=known, catch_exceptions=False)
    return done.exit_code, json.loads(done.output)


def levels(found: list[dict[str, str]]) -> Levels:
    return {finding["code"]: finding["level"] for finding in found}


def wrong(found: list[dict[str, str]]) -> Levels:
    assert all(bool(finding["advice"]) == (finding["level"] != "ok") for finding in found)
    return {code: level for code, level in levels(found).items() if level != "ok"}


def text_of(found: list[dict[str, str]], code: str) -> str:
    return next(f"{finding['text']} {finding['advice']}" for finding in found if finding["code"] == code)


@pytest.fixture
def server(run_pacs: Callable[..., MockSectraServer]) -> MockSectraServer:
    return run_pacs()


@pytest.fixture
def certified(tmp_path: Path) -> TlsFiles:
    return self_signed(["localhost"], tmp_path)


def test_where_all_is_well_nothing_is_wrong(server: MockSectraServer):
    for url in (server.root_url, server.url):
        status, found = examined(url)
        assert (status, wrong(found)) == (0, {})
        assert {code for code in CODES if code.startswith("pacs.")} <= set(levels(found))


def test_it_tells_a_line_for_each_and_what_to_do(server: MockSectraServer):
    done = CliRunner().invoke(main, ["doctor", server.url, "--token", "wrong"])
    assert done.exit_code == 1
    lines = done.output.splitlines()
    assert any(line.startswith("ok       pacs.answer") for line in lines)
    (at,) = [index for index, line in enumerate(lines) if line.startswith("problem  pacs.token")]
    assert lines[at + 1].strip().startswith("-> Give the server's own: --token")


def test_wrong_tokens_are_named(server: MockSectraServer):
    status, found = examined(server.url, "--token", "wrong", "--control-token", "other")
    assert (status, wrong(found)) == (1, {"pacs.token": "problem", "pacs.control-token": "problem"})


def test_tokens_come_from_the_environment_of_exec(run_pacs: Callable[..., MockSectraServer]):
    server = run_pacs(token="mine", control_token="ours")
    known = {"FAKE_PACS_SERVER": server.root_url, "IA_API_TOKEN": "mine", "FAKE_PACS_CONTROL_TOKEN": "ours"}
    assert wrong(examined(**known)[1]) == {}


def test_another_path_is_not_the_base_url(server: MockSectraServer):
    _, found = examined(f"{server.root_url}/api/v1")
    assert wrong(found) == {"pacs.base-url": "problem", "pacs.version": "problem"}
    assert server.url in text_of(found, "pacs.base-url")


def test_nobody_there_is_the_only_finding(server: MockSectraServer):
    url = server.root_url
    server.stop()
    status, found = examined(url)
    assert (status, wrong(found)) == (1, {"address.connect": "problem"})
    assert "nobody listens" in text_of(found, "address.connect")


def test_a_name_that_leads_nowhere_is_said():
    assert wrong(examined("http://nowhere.invalid")[1]) == {"address.name": "problem"}


def test_what_is_no_url_is_a_usage_error():
    done = CliRunner().invoke(main, ["doctor", "somewhere"])
    assert done.exit_code == 2
    assert "expected http or https" in done.output


def test_a_proxy_in_between_is_a_warning(server: MockSectraServer, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(address, "proxy_bypass", lambda host: False)
    status, found = examined(server.url, http_proxy="http://user:secret@proxy.example:3128", NO_PROXY="")
    assert (status, wrong(found)) == (0, {"address.proxy": "warning"})
    assert "NO_PROXY=localhost" in text_of(found, "address.proxy")
    assert "secret" not in json.dumps(found)


def test_a_certificate_that_is_signed_by_itself_is_named_until_it_is_trusted(
    run_pacs: Callable[..., MockSectraServer], certified: TlsFiles
):
    server = run_pacs(tls=certified)
    status, found = examined(server.url)
    assert (status, wrong(found)) == (1, {"tls.trust": "problem"})
    assert "signed by itself" in text_of(found, "tls.trust")
    status, found = examined(server.url, "--ca-file", str(certified.certificate))
    assert (status, wrong(found)) == (0, {})


def test_a_certificate_for_another_host_is_named(
    run_pacs: Callable[..., MockSectraServer], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("fake_pacs.certificates.ALWAYS_NAMED", ())
    files = self_signed(["pacs.example", "*.hospital.example"], tmp_path)
    server = run_pacs(tls=files)
    _, found = examined(server.url, "--ca-file", str(files.certificate))
    assert wrong(found) == {"tls.name": "problem"}
    assert "it is for pacs.example, *.hospital.example, not for localhost" in text_of(found, "tls.name")


@pytest.mark.parametrize(
    ("days", "level", "text"),
    [
        (-2, "problem", "valid only from"),
        (100, "ok", "days from now"),
        (360, "warning", "days"),
        (366, "problem", "expired"),
    ],
)
def test_the_time_of_a_certificate_is_looked_at(
    days: int, level: str, text: str, run_pacs: Callable[..., MockSectraServer], certified: TlsFiles
):
    server = run_pacs(tls=certified)
    now = datetime.now(UTC) + timedelta(days=days)
    found = list(certificates.certificate_findings("localhost", server.port, certified.certificate, now))
    (expiry,) = [finding for finding in found if finding.code == "tls.expiry"]
    assert expiry.level == level
    assert text in expiry.text


def test_http_and_https_taken_for_each_other_are_said(
    run_pacs: Callable[..., MockSectraServer], server: MockSectraServer, certified: TlsFiles
):
    _, found = examined(server.root_url.replace("http:", "https:"))
    assert wrong(found) == {"tls.handshake": "problem"}
    assert "write http://" in text_of(found, "tls.handshake")
    _, found = examined(run_pacs(tls=certified).root_url.replace("https:", "http:"))
    assert wrong(found) == {"pacs.answer": "problem"}
    assert "https://" in text_of(found, "pacs.answer")


def test_a_ca_file_that_isn_t_there_is_said(run_pacs: Callable[..., MockSectraServer], certified: TlsFiles):
    _, found = examined(run_pacs(tls=certified).url, "--ca-file", "nowhere.pem")
    assert wrong(found)["tls.trust"] == "problem"
    assert "nowhere.pem" in text_of(found, "tls.trust")


INFO = {"apiVersion": "1.10", "softwareVersion": "4.2.0.0"}


def other_pacs(raw_app: Any, http_answer: Any, info: dict[str, str], **headers: str) -> str:
    base = "/SectraPathologyServer/external/imageanalysis/v1"
    return str(raw_app({f"GET {base}/info": http_answer(200, info, **headers)}).url.removesuffix("/hook"))


def test_at_a_real_pacs_the_control_plane_is_left_out(raw_app: Any, http_answer: Any):
    url = other_pacs(raw_app, http_answer, INFO, X_Sectra_ApiVersion="1.10")
    status, found = examined(url, "--app", "http://localhost:9/hook")
    assert (status, wrong(found)) == (0, {"pacs.answer": "warning", "pacs.clock": "warning"})
    assert not any(code.startswith("app.") for code in levels(found))


@pytest.mark.parametrize(("version", "header"), [("1.11", "1.11"), ("new", "new"), ("1.10", "1.9")])
def test_a_version_that_is_unknown_or_unsure_is_a_warning(version: str, header: str, raw_app: Any, http_answer: Any):
    info = {**INFO, "apiVersion": version}
    _, found = examined(other_pacs(raw_app, http_answer, info, X_Sectra_ApiVersion=header))
    assert levels(found)["pacs.version"] == "warning"


@pytest.mark.parametrize(("seconds", "level"), [(0, "ok"), (30, "warning"), (-600, "problem")])
def test_clocks_that_differ_are_said(seconds: int, level: str):
    from email.utils import format_datetime

    from fake_pacs.calling.values import AppAnswer

    date = format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)
    finding = doctor_pacs._clock(AppAnswer(200, {"date": date}))
    assert finding.level == level
    assert ("ahead" in finding.text) == (seconds > 0)


def test_a_fake_pacs_whose_clock_was_moved_is_none_the_worse(server: MockSectraServer):
    server.clock.advance(86400)
    status, found = examined(server.url)
    assert (status, wrong(found)) == (0, {"pacs.clock": "warning"})
    (clock,) = [finding for finding in found if finding["code"] == "pacs.clock"]
    assert "fake-pacs clock reset" in clock["advice"]


def test_an_app_that_calls_back_is_well(server: MockSectraServer, make_hook: Any, call_back: Any):
    hook = make_hook()
    hook.answers = lambda invocation: call_back(invocation, "GET", "/info") and _answer()
    status, found = examined(server.url, "--app", hook.url)
    assert (status, levels(found)["app.callback"]) == (0, "ok")
    assert server.url in text_of(found, "app.callback")
    assert server.apps() == []
    assert [invocation["action"] for invocation in hook.invocations] == ["create"]


def _answer() -> bytes:
    return (
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Type: application/json\r\n"
        b"X-Sectra-ApiVersion: 1.10\r\nX-Sectra-SoftwareVersion: 4.2.0.0\r\nConnection: close\r\n\r\n{}"
    )


@pytest.mark.parametrize(
    ("template", "member"),
    [
        ({"type": "taggedPolygon", "content": {"tags": ["a"]}}, "tagIndex"),
        ({"type": "taggedPolygon", "content": {"tags": []}}, "polygon"),
        ({"type": "multiArea"}, "polygons"),
    ],
)
def test_an_app_is_started_as_its_template_says(
    template: dict[str, Any], member: str, server: MockSectraServer, make_hook: Any
):
    hook = make_hook(template=template)
    hook.answers = lambda invocation: _answer()
    _, found = examined(server.url, "--app", hook.url)
    assert levels(found)["app.invocation"] == "ok"
    assert member in hook.invocations[0]["input"]["content"]


def test_an_app_that_doesn_t_call_back_may_do_so_later(server: MockSectraServer, make_hook: Any):
    hook = make_hook()
    hook.answers = lambda invocation: _answer()
    status, found = examined(server.url, "--app", hook.url)
    assert (status, wrong(found)) == (0, {"app.callback": "warning"})


def test_an_app_that_can_t_reach_its_callback_url_is_a_problem(
    run_pacs: Callable[..., MockSectraServer], make_hook: Any, call_back: Any
):
    server, hook = run_pacs(public_url="http://localhost:9"), make_hook()
    hook.answers = lambda invocation: call_back(invocation, "GET", "/info")  # raises: the app closes the connection
    status, found = examined(server.url, "--app", hook.url)
    assert status == 1
    assert wrong(found) == {"app.invocation": "problem", "app.callback": "problem"}
    assert "--public-url" in text_of(found, "app.callback")
    assert "http://localhost:9/" in text_of(found, "app.callback")


def test_a_loopback_callback_means_the_app_s_own_machine():
    from fake_pacs.doctor.apps import _callback

    class Client:
        def call(self, method: str, path: str) -> Any:
            return {"exchanges": [{"path": "/_fake_pacs/apps", "status": 201}]}

    delivery = {"invocation": {"callbackInfo": {"url": "http://localhost:8001/v1"}}, "ok": True}
    finding = _callback(Client(), {"url": "http://app.example:9000/hook"}, delivery)  # type: ignore[arg-type]
    assert finding.level == "problem"
    assert "means the app's own machine, app.example" in finding.text


def test_an_app_can_be_registered_without_being_started(server: MockSectraServer, make_hook: Any):
    hook = make_hook()
    status, found = examined(server.url, "--app", hook.url, "--no-start")
    assert (status, levels(found)["app.from-pacs"]) == (0, "ok")
    assert hook.invocations == []


def test_an_app_that_isn_t_there_is_said_from_both_sides(server: MockSectraServer):
    status, found = examined(server.url, "--app", "http://localhost:9/hook")
    assert status == 1
    assert wrong(found) == {"app.from-here": "warning", "app.from-pacs": "problem"}


def test_what_is_wrong_with_its_info_is_told(server: MockSectraServer, raw_app: Any, http_answer: Any):
    registration = {
        "applicationId": "bare",
        "displayName": "Bare",
        "manufacturer": "Us",
        "inputTemplate": {"type": "wholeSlide"},
    }
    answers: dict[str, bytes] = {}
    app = raw_app(answers)
    answers["GET /hook"] = http_answer(200, {**registration, "url": app.url})
    status, found = examined(server.url, "--app", app.url, "--no-start")
    assert (status, wrong(found)) == (0, {"app.registration": "warning"})
    assert "info.missing" in text_of(found, "app.registration")


def test_codes_are_a_closed_list():
    with pytest.raises(ValueError, match=r"'pacs\.mood' is no code"):
        Finding("pacs.mood", "ok", "fine")


def test_a_page_that_answers_everything_is_no_ia_api(raw_app: Any, http_answer: Any):
    page = raw_app(lambda connection, _: connection.sendall(http_answer(200, b"<html>log in", "text/html")))
    status, found = examined(f"http://localhost:{page.port}")
    assert (status, levels(found)["pacs.version"]) == (1, "problem")
    assert "no JSON with an apiVersion" in text_of(found, "pacs.version")
    assert "pacs.token" not in levels(found)


def test_the_doctor_itself_asks_no_metadata_service(server: MockSectraServer):
    _, found = examined(server.root_url, "--app", "http://169.254.169.254/")
    assert (levels(found)["app.from-here"], levels(found)["app.from-pacs"]) == ("warning", "problem")
    assert "metadata service" in text_of(found, "app.from-here")
