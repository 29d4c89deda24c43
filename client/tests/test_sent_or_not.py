"""Whether a request was sent: what a failure says of it, and what may therefore be sent again."""

import errno
import io
import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from sectra_client import (
    RetryPolicy,
    SectraClient,
    SectraConnectionError,
    SectraError,
    SectraNotFoundError,
    SectraRedirectError,
    SectraUncertainWriteError,
    SectraUnreadableAnswerError,
)
from sectra_client.schemas import Result

STORED = "/applications/app/results"
LISTED = f"{STORED}/slide/s"
ATTACHED = f"{STORED}/1/attachments"
RESULT = Result(slideId="s", displayResult="x")


@pytest.fixture
def nobody() -> str:
    """The URL of a port on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"http://127.0.0.1:{server.getsockname()[1]}"


@pytest.mark.parametrize("address", [None, "http://[bad"], ids=["refused", "no URL"])
def test_what_the_caller_is_handling_says_nothing_about_this_request(
    pacs: Any, client: SectraClient, nobody: str, address: str | None
) -> None:
    pacs.on(STORED, ["close"])
    pacs.on(LISTED, ["close"], ["close"], pacs.answer([]))
    try:
        requests.get(address or nobody, timeout=2)
    except requests.RequestException:
        with pytest.raises(SectraUncertainWriteError) as caught:
            client.create_results("app", RESULT)
        assert client.get_all_results("s", "app") == []
    assert caught.value.sent
    assert not caught.value.permanent
    assert len(pacs.asked(STORED)) == 1
    assert len(pacs.asked(LISTED)) == 3


def test_a_write_answered_with_two_lengths_is_uncertain(pacs: Any, client: SectraClient) -> None:
    pacs.on(STORED, b"HTTP/1.1 201 Created\r\nContent-Length: 2, 7\r\n\r\n{}")
    with pytest.raises(SectraUncertainWriteError):
        client.create_results("app", RESULT)
    assert len(pacs.asked(STORED)) == 1


@pytest.mark.parametrize("body", [b"", b'{"id": 1, "vers', b"<html>stored</html>"])
def test_a_write_whose_answer_makes_no_sense_was_probably_stored(pacs: Any, client: SectraClient, body: bytes) -> None:
    pacs.on(STORED, pacs.answer(body, 201))
    pacs.on(LISTED, pacs.answer(body))
    with pytest.raises(SectraUnreadableAnswerError, match="The write was probably stored: read what is stored"):
        client.create_results("app", RESULT)
    assert len(pacs.asked(STORED)) == 1
    with pytest.raises(SectraUnreadableAnswerError) as read:
        client.get_all_results("s", "app")
    assert "stored" not in str(read.value)


@pytest.fixture
def hangs_up() -> Iterator[tuple[str, list[int]]]:
    """The URL of a server that closes every connection amid the TLS handshake, and how often it did."""
    count = [0]
    with socket.create_server(("127.0.0.1", 0)) as server:

        def accept() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    count[0] += 1
                    connection.recv(10)

        threading.Thread(target=accept, daemon=True).start()
        yield f"https://127.0.0.1:{server.getsockname()[1]}/base", count
        server.shutdown(socket.SHUT_RDWR)


def test_a_write_whose_handshake_broke_off_was_not_sent(
    hangs_up: tuple[str, list[int]], pacs: Any, policy: RetryPolicy
) -> None:
    url, count = hangs_up
    with SectraClient(pacs.url, "a-token", True, retry=policy) as client:
        assert client.version_info.apiVersion == "1.10"
        client._caller._transport.base = url
        with pytest.raises(SectraConnectionError, match="TLS failed") as caught:
            client.create_results("app", RESULT)
    assert type(caught.value) is SectraConnectionError
    assert not caught.value.sent
    assert count == [6]


class Failing(io.BytesIO):
    """A source that can be opened and measured, but not read."""

    def __init__(self, error: Exception) -> None:
        super().__init__(b"x" * 100)
        self._error = error

    def read(self, size: int | None = -1, /) -> bytes:
        raise self._error


@pytest.mark.parametrize(
    "error", [OSError(errno.EIO, "Input/output error"), BrokenPipeError(), ConnectionError(), ValueError("closed")]
)
def test_a_source_that_fails_is_no_failure_of_the_network(pacs: Any, client: SectraClient, error: Exception) -> None:
    pacs.on(ATTACHED, pacs.answer(b"", 204))
    with pytest.raises(type(error)) as caught:
        client.upload_attachment("app", 1, "heatmap", Failing(error))
    assert caught.value is error


def test_a_progress_that_fails_comes_out_as_it_is(pacs: Any, client: SectraClient) -> None:
    error = OSError("the disk of the log is full")

    def report(sent: int, total: int | None) -> None:
        raise error

    with pytest.raises(OSError, match="log is full") as caught:
        client.upload_attachment("app", 1, "heatmap", io.BytesIO(b"x"), progress=report)
    assert caught.value is error


def test_a_folder_is_not_uploaded(pacs: Any, client: SectraClient, tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"directory|denied") as caught:
        client.upload_attachment("app", 1, "heatmap", tmp_path)
    assert not isinstance(caught.value, SectraError)
    assert pacs.received == []


@pytest.mark.parametrize("location", ["http://[bad", "\xff\xfe", "//[", "http://h:99999/"])
def test_a_redirect_to_nonsense_is_still_a_redirect(pacs: Any, client: SectraClient, location: str) -> None:
    pacs.on(LISTED, pacs.answer(b"", 302, Location=f"{location}?token=hidden"))
    with pytest.raises(SectraRedirectError) as caught:
        client.get_all_results("s", "app")
    assert caught.value.location == location
    assert "hidden" not in str(caught.value) + repr(caught.value) + str(caught.value.headers)


@pytest.mark.parametrize(
    "call", [lambda c, _: c.get_all_results("s", "app"), lambda c, p: c.download_slide_files("s", p)]
)
@pytest.mark.parametrize("status", [302, 404])
def test_little_of_an_endless_refusal_is_read(
    pacs: Any, client: SectraClient, tmp_path: Path, status: int, call: Callable[[SectraClient, Path], object]
) -> None:
    endless = [pacs.answer(b"", status, length=1 << 40), *[b"x" * (1 << 20)] * 64]
    pacs.on(LISTED, endless)
    pacs.on("/slides/s/files", endless)
    with pytest.raises((SectraRedirectError, SectraNotFoundError)) as caught:
        call(client, tmp_path)
    assert caught.value.text == "x" * (1 << 20)


@pytest.mark.parametrize("where", ["environment", "verify"])
def test_a_write_without_the_ca_file_was_not_sent(
    pacs: Any, policy: RetryPolicy, waits: list[float], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    authorities = tmp_path / "ca.pem"
    shutil.copy(requests.certs.where(), authorities)
    verify: Any = authorities
    if where == "environment":
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(authorities))
        verify = True
    with SectraClient(pacs.url, "a-token", True, verify=verify, retry=policy) as client:
        assert client.version_info.apiVersion == "1.10"
        authorities.unlink()
        client._caller._transport.base = "https://127.0.0.1:9/base"
        with pytest.raises(SectraConnectionError, match=r"ca\.pem.*Nothing was sent") as caught:
            client.create_results("app", RESULT)
    assert type(caught.value) is SectraConnectionError
    assert not caught.value.sent
    assert caught.value.permanent
    assert waits == []
