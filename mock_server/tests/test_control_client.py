"""The client of the control plane: what it answers, and what its errors say."""

import ssl
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from fake_pacs.certificates import self_signed
from fake_pacs.control_client import ControlClient, ControlError


def test_it_answers_what_the_operation_answers(run_pacs: Any) -> None:
    server = run_pacs()
    for url in (server.root_url, server.url, f"{server.root_url}/"):
        client = ControlClient(url, "dev-control")
        assert client.call("GET", "ready") == {"status": "ready"}
    assert client.call("POST", "/_fake_pacs/tenants", {"tenant": "job"})["tenant"] == "job"


def test_the_tenant_token_names_the_tenant(run_pacs: Any) -> None:
    server = run_pacs()
    made = ControlClient(server.root_url, "dev-control").call("POST", "tenants", {"tenant": "job"})
    assert ControlClient(server.root_url, "dev-control", made["token"]).call("POST", "reset") == {"tenant": "job"}


def test_an_answer_without_a_body_is_none(run_pacs: Any, raw_app: Any, http_answer: Any) -> None:
    app = raw_app({})
    document = {"applicationId": "hook", "displayName": "H", "manufacturer": "U", "url": app.url}
    answer = http_answer(200, {**document, "inputTemplate": {"type": "wholeSlide"}})
    app = raw_app({"GET /hook": answer})
    client = ControlClient(run_pacs().root_url, "dev-control")
    client.call("POST", "apps", {"url": app.url})
    assert client.call("DELETE", "apps/hook") is None


def test_a_refusal_says_every_place_and_what_to_do(run_pacs: Any) -> None:
    client = ControlClient(run_pacs().root_url, "dev-control")
    with pytest.raises(ControlError, match=r"(?s)/tenant: came .*expected text that matches") as refused:
        client.call("POST", "tenants", {"tenant": "a/b"})
    assert refused.value.status == 400
    assert refused.value.problem is not None
    with pytest.raises(ControlError, match=r"(?s)control token is wrong.*--control-token"):
        ControlClient(client.server, "other").call("GET", "journal")


@pytest.mark.parametrize(
    ("method", "path", "hint"),
    [
        ("DELETE", "apps/nix", "fake-pacs apps list lists them; fake-pacs apps add URL registers one."),
        ("POST", "deliveries/7/resend", "fake-pacs deliveries lists them."),
        ("DELETE", "faults/7", "fake-pacs faults list lists them."),
        ("GET", "incidents/slide-rescanned", "fake-pacs incident slide-rescanned begins it."),
        ("DELETE", "tenants/default", "POST /_fake_pacs/reset puts it back to its seeded state."),
        ("POST", "launches", "{origin}/_fake_pacs/hospital lists them."),
    ],
)
def test_what_to_do_is_told_in_commands(run_pacs: Any, method: str, path: str, hint: str) -> None:
    server = run_pacs()
    body = {"applicationId": "dpat-ia-api-external-viewer", "accessionNumber": "nix"} if path == "launches" else None
    with pytest.raises(ControlError) as raised:
        ControlClient(server.url, "dev-control").call(method, path, body)
    assert str(raised.value).splitlines()[-1] == hint.format(origin=f"http://localhost:{urlsplit(server.url).port}")


def test_a_wrong_control_token_is_the_option_s_matter(run_pacs: Any) -> None:
    with pytest.raises(ControlError, match=r"(?m)^Give --control-token; the server was started with it"):
        ControlClient(run_pacs().url, "wrong").call("GET", "hospital")


def test_https_needs_its_ca_file(run_pacs: Any, tmp_path: Path) -> None:
    files = self_signed(["localhost"], tmp_path)
    server = run_pacs(tls=files)
    assert ControlClient(server.root_url, "dev-control", ca_file=files.certificate).call("GET", "ready")
    with pytest.raises(ControlError, match=r"no TLS with https://.*--ca-file FILE"):
        ControlClient(server.root_url, "dev-control").call("GET", "ready")
    with pytest.raises(ControlError, match=r"the CA file .* can't be used"):
        ControlClient(server.root_url, "dev-control", ca_file=tmp_path / "none.pem")


@pytest.mark.parametrize(
    ("code", "advice"), [(18, "--ca-file FILE"), (10, "fake-pacs doctor"), (62, "fake-pacs doctor")]
)
def test_only_an_unknown_issuer_is_mended_by_a_ca_file(code: int, advice: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        error = ssl.SSLCertVerificationError(1, "failed")
        error.verify_code, error.verify_message = code, "what OpenSSL says"
        raise error

    monkeypatch.setattr("http.client.HTTPSConnection.request", fail)
    with pytest.raises(ControlError, match=rf"no TLS with https://localhost \(what OpenSSL says\): .*{advice}"):
        ControlClient("https://localhost", "dev-control").call("GET", "ready")


@pytest.mark.parametrize("url", ["", "localhost:8001", "ftp://localhost", "http://", "http://h:99999", "http://a:b@h"])
def test_what_is_no_server_is_refused(url: str) -> None:
    with pytest.raises(ControlError, match="expected its URL, such as http://localhost:8001"):
        ControlClient(url, "dev-control")


@pytest.mark.parametrize("token", ["", "a b", "dév", "a\r\nb"])
def test_tokens_that_no_header_can_carry_are_refused_and_not_repeated(token: str) -> None:
    with pytest.raises(ControlError, match="control token must be printable ASCII") as refused:
        ControlClient("http://localhost", token)
    assert not token or token not in str(refused.value)
    with pytest.raises(ControlError, match="tenant token must be"):
        ControlClient("http://localhost", "dev-control", token)


def test_a_server_that_isn_t_there_is_told(raw_app: Any) -> None:
    app = raw_app({})
    app.stop()
    with pytest.raises(ControlError, match=r"can't be asked .*does it run\? fake-pacs serve starts one"):
        ControlClient(app.url, "dev-control").call("GET", "ready")


@pytest.mark.parametrize(("status", "said"), [(200, "answered no JSON"), (404, "answered 404"), (500, "answered 500")])
def test_another_server_is_told(raw_app: Any, http_answer: Any, status: int, said: str) -> None:
    app = raw_app({"GET /_fake_pacs/ready": http_answer(status, b"<html>\x1b[2J", "text/html")})
    with pytest.raises(ControlError, match=f"{said}.*is it a fake PACS") as refused:
        ControlClient(app.url, "dev-control").call("GET", "ready")
    assert "\x1b" not in str(refused.value)


def test_a_server_that_hangs_is_given_up(raw_app: Any) -> None:
    app = raw_app(lambda connection, request: connection.recv(1))
    with pytest.raises(ControlError, match=r"didn't answer within 0\.2 s"):
        ControlClient(app.url, "dev-control").call("GET", "ready", timeout=0.2)


def test_a_refusal_that_comes_before_all_was_sent_is_read(run_pacs: Any, tmp_path: Path) -> None:
    large = tmp_path / "large"
    with large.open("wb") as made:
        made.truncate(600 * 2**20)  # nothing of it is on the disk
    client = ControlClient(run_pacs().root_url, "dev-control")
    with large.open("rb") as file, pytest.raises(ControlError, match="larger than the 536870912 bytes") as refused:
        client.upload("PUT", "snapshot", file, "application/x-ndjson")
    assert refused.value.status == 413
