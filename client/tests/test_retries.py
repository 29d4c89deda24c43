"""When to send again, and when."""

import socket
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from sectra_client import (
    RetryPolicy,
    SectraClient,
    SectraConnectionError,
    SectraTimeoutError,
    SectraTruncatedDownloadError,
    SectraUncertainWriteError,
)
from sectra_client.retries import seconds_until
from sectra_client.transport import Transport
from sectra_client.wire.messages import Request

READ, WRITE = Request("getInfo", "GET", "/info"), Request("createResult", "POST", "/x")
REPEATABLE = Request("createToken", "POST", "/token", repeatable=True)


@given(st.floats(0, 1))
def test_waits_double_are_bounded_and_differ(jitter: float) -> None:
    policy = RetryPolicy(jitter=lambda: jitter)
    waits = [policy.wait(attempt) for attempt in range(8)]
    assert all(
        0.5 * longest <= wait <= longest for wait, longest in zip(waits, [0.5, 1, 2, 4, 8, 10, 10, 10], strict=True)
    )
    assert sum(waits[:5]) <= 15.5


@pytest.mark.parametrize(
    ("request_", "sent", "kind", "again"),
    [
        (READ, True, SectraConnectionError, True),
        (READ, False, SectraTimeoutError, True),
        (READ, True, SectraTimeoutError, False),
        (WRITE, False, SectraConnectionError, True),
        (WRITE, True, SectraUncertainWriteError, False),
        (REPEATABLE, True, SectraConnectionError, True),
    ],
)
def test_what_is_sent_again(request_: Request, sent: bool, kind: type[SectraConnectionError], again: bool) -> None:
    error = kind("x")
    error.sent = sent
    assert RetryPolicy().may_retry(request_, error) is again
    error.permanent = True
    assert not RetryPolicy().may_retry(request_, error)


@pytest.mark.parametrize(("request_", "again"), [(READ, True), (REPEATABLE, True), (WRITE, False)])
def test_only_what_may_be_repeated_is_sent_again_after_an_answer_broke_off(request_: Request, again: bool) -> None:
    assert RetryPolicy().may_retry(request_, SectraTruncatedDownloadError("x")) is again


def test_retry_after_as_a_number_or_a_date() -> None:
    now = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
    assert seconds_until("120", now) == 120
    assert seconds_until(format_datetime(now + timedelta(seconds=90), usegmt=True), now) == 90
    assert seconds_until(format_datetime(now - timedelta(days=1)), now) == 0
    assert seconds_until("Mon, 23 Nov 2026 12:00:07", now) == 7
    assert [seconds_until(text, now) for text in ("", "soon", "-5", "1.5", "\u0665", "Mon, 99 Nov")] == [None] * 6


def test_only_reads_wait_as_asked() -> None:
    policy = RetryPolicy()
    assert policy.asked_to_wait(READ, 503, {"retry-after": "5"}) == 5
    assert policy.asked_to_wait(WRITE, 503, {"retry-after": "5"}) is None
    assert policy.asked_to_wait(READ, 500, {"retry-after": "5"}) is None
    assert policy.asked_to_wait(READ, 429, {"retry-after": "61"}) is None


@pytest.mark.parametrize("wrong", [0, -1, None, True, "5", float("inf"), (1, None), float("nan")])
def test_there_is_always_a_time_out(wrong: object) -> None:
    with pytest.raises(ValueError, match="expected positive seconds"):
        Transport("https://x", timeout=wrong, verify=True, retry=RetryPolicy())  # type: ignore[arg-type]


def test_a_ca_file_must_be_there() -> None:
    with pytest.raises(ValueError, match="there is no such CA file"):
        Transport("https://x", timeout=1, verify="/no/such/ca.pem", retry=RetryPolicy())


def test_a_ca_file_without_certificates_is_refused_at_once(tmp_path: Path) -> None:
    garbage = tmp_path / "ca.pem"
    garbage.write_text("no certificate")
    with pytest.raises(ValueError, match=r"ca\.pem.*expected certificates in PEM"):
        SectraClient("https://x", "a-token", verify=garbage)
    with pytest.raises(ValueError, match="there is no such CA file"):  # requests would check nothing at all
        SectraClient("https://x", "a-token", verify="")


def test_a_ca_file_with_certificates_or_a_folder_of_them_is_taken(tmp_path: Path) -> None:
    for verify in (requests.certs.where(), tmp_path):
        assert repr(SectraClient("https://x", "a-token", verify=verify)) == "<SectraClient https://x>"


def test_garbage_for_all_of_requests_is_tried_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, policy: RetryPolicy, waits: list[float]
) -> None:
    garbage = tmp_path / "ca.pem"
    garbage.write_text("no certificate")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(garbage))
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"https://127.0.0.1:{server.getsockname()[1]}"
        with SectraClient(url, "a-token", retry=policy) as client, pytest.raises(SectraConnectionError, match="TLS"):
            _ = client.version_info
    assert waits == []
