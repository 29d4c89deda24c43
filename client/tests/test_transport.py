"""Against a server that answers late, short, in odd chunks, or not at all."""

import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests
import urllib3

from sectra_client import (
    RetryPolicy,
    SectraClient,
    SectraConnectionError,
    SectraError,
    SectraRedirectError,
    SectraTimeoutError,
    SectraUnavailableError,
    SectraUncertainWriteError,
    SectraVersionError,
)
from sectra_client.schemas import QualityControl, Result

LISTED = "/applications/app/results/slide/s"
STORED = "/applications/app/results"
RESULT = Result(slideId="s", displayResult="x")
ANSWER = {
    "id": 1, "versionId": "v", "slideId": "s", "displayResult": "x", "applicationVersion": "", "displayProperties": {},
    "attachments": [], "data": {}, "unknown": {"kept": [1]},
}  # fmt: skip


class Dialled:
    """Counts connections that are tried."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        real = urllib3.util.connection.create_connection

        def dial(*args: Any, **options: Any) -> socket.socket:
            self.count += 1
            return real(*args, **options)

        monkeypatch.setattr(urllib3.util.connection, "create_connection", dial)


@pytest.fixture
def nobody() -> str:
    """The URL of a port on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    return f"http://127.0.0.1:{port}/base"


@pytest.mark.parametrize("call", [lambda c: c.version_info, lambda c: c.create_results("app", RESULT)])
def test_a_refused_connection_is_tried_six_times(
    nobody: str,
    policy: RetryPolicy,
    waits: list[float],
    monkeypatch: pytest.MonkeyPatch,
    call: Callable[[SectraClient], object],
) -> None:
    dialled = Dialled(monkeypatch)
    with SectraClient(nobody, "a-token", True, retry=policy) as client, pytest.raises(SectraConnectionError) as caught:
        call(client)
    assert dialled.count == 6
    assert len(waits) == 5
    assert all(0.25 * 2**n <= wait <= 0.5 * 2**n for n, wait in enumerate(waits))
    assert "GET /info" in str(caught.value)
    assert "Connection refused" in str(caught.value)
    assert type(caught.value) is SectraConnectionError
    assert isinstance(caught.value, ConnectionError)
    assert not isinstance(caught.value, requests.RequestException)


def test_a_write_whose_connection_is_refused_is_tried_again(
    pacs: Any, client: SectraClient, waits: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    pacs.on(STORED, pacs.answer(ANSWER, 201))
    assert client.version_info.apiVersion == "1.10"
    client.close()
    real, refusals = urllib3.util.connection.create_connection, [ConnectionRefusedError(111, "Connection refused")] * 2

    def dial(*args: Any, **options: Any) -> socket.socket:
        if refusals:
            raise refusals.pop()
        return real(*args, **options)

    monkeypatch.setattr(urllib3.util.connection, "create_connection", dial)
    assert client.create_results("app", RESULT).id == 1
    assert len(waits) == 2
    assert len(pacs.asked(STORED)) == 1


def test_a_write_that_was_refused_first_is_still_sent_once(
    pacs: Any, client: SectraClient, waits: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    pacs.on(STORED, ["close"])
    assert client.version_info.apiVersion == "1.10"
    client.close()
    real, refusals = urllib3.util.connection.create_connection, [ConnectionRefusedError(111, "Connection refused")]

    def dial(*args: Any, **options: Any) -> socket.socket:
        if refusals:
            raise refusals.pop()
        return real(*args, **options)

    monkeypatch.setattr(urllib3.util.connection, "create_connection", dial)
    with pytest.raises(SectraUncertainWriteError) as caught:
        client.create_results("app", RESULT)
    assert (caught.value.attempts, len(pacs.asked(STORED)), len(waits)) == (2, 1, 1)
    assert "Tried" not in str(caught.value)


@pytest.mark.parametrize("end", ["close", "reset"])
def test_a_write_that_may_have_arrived_is_sent_once(
    pacs: Any, client: SectraClient, waits: list[float], end: str
) -> None:
    pacs.on(STORED, [end])
    with pytest.raises(
        SectraUncertainWriteError, match="may have reached the server, so it isn't sent again"
    ) as caught:
        client.create_results("app", RESULT)
    assert len(pacs.asked(STORED)) == 1
    assert waits == []
    assert caught.value.sent


def test_a_write_whose_answer_breaks_off_is_sent_once(pacs: Any, client: SectraClient) -> None:
    pacs.on(STORED, [pacs.answer(b'{"id"', 201, length=500), "close"])
    with pytest.raises(SectraUncertainWriteError):
        client.create_results("app", RESULT)
    assert len(pacs.asked(STORED)) == 1


def test_a_write_is_not_repeated_when_the_server_is_busy(pacs: Any, client: SectraClient, waits: list[float]) -> None:
    pacs.on(STORED, pacs.answer({"detail": "busy"}, 503, Retry_After="1"))
    with pytest.raises(SectraUnavailableError) as caught:
        client.create_results("app", RESULT)
    assert (len(pacs.asked(STORED)), waits, caught.value.retry_after) == (1, [], 1)


@pytest.mark.parametrize("end", ["close", "reset"])
def test_a_read_that_breaks_off_is_repeated(pacs: Any, client: SectraClient, waits: list[float], end: str) -> None:
    pacs.on(LISTED, [end], [pacs.answer(b'[{"id"', length=500), "close"], pacs.answer([ANSWER]))
    assert client.get_all_results("s", "app")[0].id == 1
    assert len(waits) == 2


def test_a_read_that_always_breaks_off_is_an_error_after_six(
    pacs: Any, client: SectraClient, waits: list[float]
) -> None:
    pacs.on(LISTED, [pacs.answer(b"[", length=500), "close"])
    with pytest.raises(SectraConnectionError, match="broke off"):
        client.get_all_results("s", "app")
    assert (len(pacs.asked(LISTED)), len(waits)) == (6, 5)


def test_retry_after_is_honoured_for_reads(pacs: Any, client: SectraClient, waits: list[float]) -> None:
    pacs.on(LISTED, pacs.answer({}, 503, Retry_After="3"), pacs.answer({}, 429, Retry_After="4"), pacs.answer([]))
    assert client.get_all_results("s", "app") == []
    assert waits == [3, 4]


@pytest.mark.parametrize("headers", [{}, {"Retry_After": "86400"}, {"Retry_After": "soon"}])
def test_a_busy_server_that_names_no_near_time_is_an_error_at_once(
    pacs: Any, client: SectraClient, waits: list[float], headers: dict[str, str]
) -> None:
    pacs.on(LISTED, pacs.answer({}, 503, **headers))
    with pytest.raises(SectraUnavailableError):
        client.get_all_results("s", "app")
    assert waits == []


def test_an_answer_that_does_not_come_is_a_timeout(pacs: Any, policy: RetryPolicy) -> None:
    pacs.on(LISTED, [1.0, "close"])
    pacs.on(STORED, [1.0, "close"])
    with SectraClient(pacs.url, "a-token", True, timeout=0.2, retry=policy) as client:
        with pytest.raises(SectraTimeoutError) as caught:
            client.get_all_results("s", "app")
        assert isinstance(caught.value, TimeoutError)
        with pytest.raises(SectraUncertainWriteError):
            client.create_results("app", RESULT)
    assert len(pacs.asked(LISTED)) == len(pacs.asked(STORED)) == 1


def test_an_answer_that_stalls_is_a_timeout(pacs: Any, policy: RetryPolicy, tmp_path: Path) -> None:
    stalled = [pacs.answer(b'[{"id"', length=500), 0.5, "close"]
    pacs.on(LISTED, stalled)
    pacs.on(STORED, stalled)
    pacs.on("/slides/s/files", [0.5, "close"])
    with SectraClient(pacs.url, "a-token", True, timeout=0.1, retry=policy) as client:
        with pytest.raises(SectraTimeoutError):
            client.get_all_results("s", "app")
        with pytest.raises(SectraUncertainWriteError):
            client.create_results("app", RESULT)
        with pytest.raises(SectraTimeoutError):
            client.download_slide_files("s", tmp_path)
    assert [len(pacs.asked(path)) for path in (LISTED, STORED, "/slides/s/files")] == [1, 1, 1]


def test_an_answer_in_odd_pieces_is_read(pacs: Any, client: SectraClient) -> None:
    whole = pacs.answer([ANSWER])
    pieces = [step for byte in range(0, len(whole), 7) for step in (whole[byte : byte + 7], 0.001)]
    pacs.on(LISTED, pieces)
    assert client.get_all_results("s", "app")[0].model_extra == {"unknown": {"kept": [1]}}


def test_a_chunked_answer_is_read_and_a_cut_one_repeated(pacs: Any, client: SectraClient) -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    pacs.on(LISTED, [head + b"1\r\n[\r\n", "close"], head + b"1\r\n[\r\n1;x=y\r\n]\r\n0\r\n\r\n")
    assert client.get_all_results("s", "app") == []
    assert len(pacs.asked(LISTED)) == 2


def test_what_is_no_http_is_a_connection_error(pacs: Any, client: SectraClient) -> None:
    pacs.on(LISTED, [b"SSH-2.0-OpenSSH_9.2\r\n", "close"])
    with pytest.raises(SectraConnectionError):
        client.get_all_results("s", "app")


def test_redirects_are_not_followed(pacs: Any, client: SectraClient) -> None:
    pacs.on(LISTED, pacs.answer(b"", 302, Location=f"{pacs.url}/elsewhere?x=1"))
    with pytest.raises(SectraRedirectError, match=f"to {pacs.url}/elsewhere: redirects are not followed"):
        client.get_all_results("s", "app")
    assert pacs.asked("/elsewhere") == []


def test_the_token_is_sent_and_never_shown(
    pacs: Any, client: SectraClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password mine")
    monkeypatch.setenv("NETRC", str(netrc))
    pacs.on(LISTED, pacs.answer({"detail": "Bearer a-token isn't valid here"}, 401))
    with pytest.raises(SectraError) as caught:
        client.get_all_results("s", "app")
    assert pacs.asked(LISTED)[0].headers["authorization"] == "Bearer a-token"
    assert "a-token" not in str(caught.value) + repr(caught.value) + repr(client)


def test_cookies_are_not_kept(pacs: Any, client: SectraClient) -> None:
    pacs.on(LISTED, pacs.answer([], Set_Cookie="session=1; Path=/"))
    client.get_all_results("s", "app")
    client.get_all_results("s", "app")
    assert all("cookie" not in request.headers for request in pacs.received)


@pytest.mark.parametrize(
    ("server", "spoken"),
    [("1.8", "1.8"), ("1.9", "1.9"), ("1.10", "1.10"), ("1.12", "1.10"), ("2.0", "1.10"), ("?", None)],
)
def test_the_server_is_asked_in_its_own_version_but_none_newer_than_ours(
    pacs: Any, client: SectraClient, server: str, spoken: str | None
) -> None:
    pacs.on("/info", pacs.answer({"apiVersion": server, "softwareVersion": "4.1"}))
    pacs.on(LISTED, pacs.answer([]))
    client.get_all_results("s", "app")
    client.get_all_results("s", "app")
    asked, *more = pacs.asked("/info")
    assert more == []
    assert "x-sectra-apiversion" not in asked.headers
    sent = pacs.asked(LISTED)[0].headers
    assert (sent.get("x-sectra-apiversion"), sent["x-sectra-softwareversion"]) == (spoken, "4.1")
    assert client.response_headers == {"X-Sectra-ApiVersion": server, "X-Sectra-SoftwareVersion": "4.1"}


@pytest.mark.parametrize(
    ("server", "needed", "call"),
    [
        ("1.8", "1.9", lambda c: c.get_image_infos_in_case("S1")),
        ("1.8", "1.9", lambda c: c.get_image_infos_in_case_by_slide_id("s")),
        ("1.9", "1.10", lambda c: c.set_quality_control("s", VERDICT)),
    ],
)
def test_an_older_server_is_not_asked_for_what_it_lacks(
    pacs: Any, client: SectraClient, server: str, needed: str, call: Callable[[SectraClient], object]
) -> None:
    pacs.on("/info", pacs.answer({"apiVersion": server, "softwareVersion": "4.0"}))
    with pytest.raises(SectraVersionError, match=f"needs IA-API {needed}, the server has {server}: nothing was sent"):
        call(client)
    assert [request.path for request in pacs.received] == ["/base/info"]


VERDICT = QualityControl(applicationVersion="1", qualityControl={"status": "Rejected", "versionId": "1"})


def test_clients_share_nothing(pacs: Any, policy: RetryPolicy) -> None:
    for version in ("1.9", "1.10"):
        pacs.on("/info", pacs.answer({"apiVersion": version, "softwareVersion": "4"}))
        with SectraClient(pacs.url, "a-token", True, retry=policy) as client:
            assert client.version_info.apiVersion == version


def test_a_failed_look_at_the_versions_is_not_kept(pacs: Any, client: SectraClient) -> None:
    pacs.on("/info", pacs.answer({}, 500), pacs.answer({"apiVersion": "1.10", "softwareVersion": "4"}))
    with pytest.raises(SectraError):
        _ = client.version_info
    assert client.version_info.softwareVersion == "4"


def test_an_unknown_host_and_a_bad_url_are_connection_errors(policy: RetryPolicy) -> None:
    for url in ("http://no-such-host.invalid/x", "http://exa mple/x"):
        with SectraClient(url, "a-token", True, retry=policy) as client, pytest.raises(SectraConnectionError):
            _ = client.version_info


def test_a_server_without_tls_is_named_so_and_not_tried_again(policy: RetryPolicy, waits: list[float]) -> None:
    def answer_plainly(server: socket.socket) -> None:
        connection, _ = server.accept()
        with connection:
            connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            connection.recv(1000)

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=answer_plainly, args=(server,), daemon=True).start()
        url = f"https://127.0.0.1:{server.getsockname()[1]}/base"
        with (
            SectraClient(url, "a-token", retry=policy) as client,
            pytest.raises(SectraConnectionError, match="TLS failed"),
        ):
            client.create_results("app", RESULT)
    assert waits == []
