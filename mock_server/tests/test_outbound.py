"""Calls of apps that do what no app should: each comes back as a value, in bounded time and memory."""

import re
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from fake_pacs.calling import connecting
from fake_pacs.calling.addresses import place_of
from fake_pacs.calling.outbound import Outbound, UrlError
from fake_pacs.calling.values import AppAnswer

MIB = 2**20
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
Behave = Callable[[socket.socket, bytes], None]


@pytest.fixture
def outbound() -> Outbound:
    return Outbound(headers={"X-Sectra-ApiVersion": "1.9", "X-Sectra-SoftwareVersion": "4.1.0.0"})


def endlessly(piece: bytes, first: bytes = b"", pause: float = 0) -> Behave:
    """Sends until the caller hangs up."""

    def behave(connection: socket.socket, request: bytes) -> None:
        connection.sendall(first)
        while True:
            connection.sendall(piece)
            time.sleep(pause)

    return behave


def once(answer: bytes) -> Behave:
    return lambda connection, request: connection.sendall(answer)


def hanging(connection: socket.socket, request: bytes) -> None:
    connection.recv(1)


def resetting(connection: socket.socket, request: bytes) -> None:
    linger = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)


# What goes out.


def test_a_get_carries_the_host_as_apps_need_it_and_the_server_s_versions(outbound: Outbound, raw_app: Any):
    app = raw_app({"GET /hook?a=1": HEAD + b"Content-Length: 2\r\nX-Two: a\r\nX-Two: b\r\n\r\n{}"})
    answer = outbound.get(f"{app.url}?a=1", 5, {"X-More": "yes"})
    assert (answer.status, answer.body, answer.trouble) == (200, b"{}", None)
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-two"] == "a, b"
    assert 0 < answer.seconds < 5
    assert app.requests[0].decode().splitlines() == [
        "GET /hook?a=1 HTTP/1.1",
        f"Host: localhost:{app.port}",
        "Accept: application/json",
        "Accept-Encoding: identity",
        "Connection: close",
        "X-Sectra-ApiVersion: 1.9",
        "X-Sectra-SoftwareVersion: 4.1.0.0",
        "X-More: yes",
        "",
    ]


def test_a_post_carries_its_document_as_utf_8(outbound: Outbound, raw_app: Any, http_answer: Any):
    app = raw_app(once(http_answer(200)))
    answer = outbound.post(app.url, {"name": "Å", "large": "x" * 3 * MIB}, 5)
    assert (answer.status, answer.trouble) == (200, None)
    head, _, body = app.requests[0].partition(b"\r\n\r\n")
    assert body.startswith('{"name":"Å","large":"xxx'.encode())
    assert b"\r\nContent-Type: application/json\r\n" in head
    assert f"Content-Length: {len(body)}".encode() in head


def test_a_url_without_a_path_is_asked_for_its_root(outbound: Outbound, raw_app: Any, http_answer: Any):
    app = raw_app({"GET /": http_answer(200, {"a": 1})})
    assert outbound.get(f"http://127.0.0.1:{app.port}", 5).body == b'{"a": 1}'


def test_proxies_of_the_environment_are_not_used(
    outbound: Outbound, raw_app: Any, http_answer: Any, monkeypatch: pytest.MonkeyPatch
):
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert outbound.get(raw_app(once(http_answer(200))).url, 5).status == 200


# What comes back. Whatever the app does is a value.


def test_answers_in_chunks_and_until_the_end_are_read(outbound: Outbound, raw_app: Any):
    chunked = HEAD + b"Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\n\r\n"
    interim = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
    for answer in (chunked, HEAD + b"\r\n{}", interim + HEAD + b"Content-Length: 2\r\n\r\n{}"):
        came = outbound.get(raw_app(once(answer)).url, 5)
        assert (came.body, came.trouble) == (b"{}", None)


def test_untimed_answers_took_no_time(raw_app: Any, http_answer: Any):
    untimed = Outbound(timed=False)
    assert untimed.get(raw_app(once(http_answer(200))).url, 5).seconds == 0
    assert untimed.get(raw_app(once(b"")).url, 5).seconds == 0


def test_html_and_500_are_values_like_any_other(outbound: Outbound, raw_app: Any, http_answer: Any):
    app = raw_app(once(http_answer(500, b"<html>oh no</html>", "text/html")))
    answer = outbound.get(app.url, 5)
    assert (answer.status, answer.body, answer.trouble) == (500, b"<html>oh no</html>", None)


TROUBLES: dict[str, tuple[Behave, str]] = {
    "hangs before the answer": (hanging, r"no answer of localhost:\d+ within 0\.4 s"),
    "drips its head": (endlessly(b"X", b"HTTP/1.1 200 OK\r\nX-Long: ", 0.05), r"no answer of .* within 0\.4 s"),
    "drips its body": (endlessly(b" ", HEAD + b"\r\n", 0.05), r"the deadline passed after \d+ bytes .*; it had 0\.4 s"),
    "only ever says 100": (endlessly(b"HTTP/1.1 100 Continue\r\n\r\n", b"", 0.01), r"within 0\.4 s"),
    "only ever says 103": (endlessly(b"HTTP/1.1 103 Early Hints\r\n\r\n", b"", 0.01), r"within 0\.4 s"),
    "breaks off in its head": (once(HEAD[:-1]), r"no valid HTTP .*its headers broke off"),
    "has two lengths": (
        once(HEAD + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}"),
        r"Content-Length came as \W*2, 3\W*, expected one",
    ),
    "has a length that is none": (once(HEAD + b"Content-Length: -1\r\n\r\n{}"), r"Content-Length came as .*-1"),
    "endless trailers": (
        endlessly(b"X: y\r\n", HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\n", 0.01),
        r"the deadline passed after 0 bytes",
    ),
    "resets": (resetting, r"cut the connection before it answered|without an answer"),
    "closes": (once(b""), r"closed the connection without an answer"),
    "is no HTTP": (once(b"SSH-2.0-OpenSSH_9\r\n" + b"\x1b[2J" * 9), r'doesn\'t speak HTTP: it said "SSH-2\.0'),
    "is binary": (once(bytes(range(256)) * 300), r"doesn't speak HTTP|no valid HTTP"),
    "has an endless status line": (endlessly(b"A" * 65536), r"no valid HTTP \(LineTooLong"),
    "has endless headers": (endlessly(b"A: b\r\n" * 1000, HEAD), r"no valid HTTP \(HTTPException"),
    "has large headers": (once(HEAD + b"X-Y: " + b"a" * 60000 + b"\r\nX-Z: " + b"a" * 60000 + b"\r\n\r\n"), "65,536"),
    "announces 10 GB": (once(HEAD + b"Content-Length: 10737418240\r\n\r\n"), r"it announced 10,737,418,240 bytes"),
    "breaks off": (once(HEAD + b"Content-Length: 9\r\n\r\n{}"), r"its answer broke off after 2 of 9 bytes"),
    "breaks off in a chunk": (
        once(HEAD + b"Transfer-Encoding: chunked\r\n\r\n9\r\n{}"),
        r"its answer broke off after \d bytes",
    ),
    "has chunks that are none": (
        once(HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}"),
        r"its answer broke off after 0 bytes",
    ),
    "is a gzip bomb": (
        once(HEAD + b"Content-Encoding: gzip\r\nContent-Length: 3\r\n\r\n\x1f\x8b\x08"),
        r'its body is encoded \("gzip"\)',
    ),
    "redirects": (
        once(b"HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n"),
        r'it answered 302, a redirect to "http://169\.254\.169\.254/", which is not followed',
    ),
}


@pytest.mark.parametrize("name", TROUBLES)
def test_what_an_app_does_is_told_as_trouble_in_bounded_time(outbound: Outbound, raw_app: Any, name: str):
    behave, trouble = TROUBLES[name]
    app = raw_app(behave)
    began = time.monotonic()
    answer = outbound.post(app.url, {"action": "create"}, 0.4)
    assert time.monotonic() - began < 3
    assert answer.trouble is not None
    assert re.search(trouble, answer.trouble), answer.trouble
    assert answer.trouble.isascii()
    assert answer.trouble.isprintable()


@pytest.mark.parametrize("head", [HEAD + b"\r\n", HEAD + b"Transfer-Encoding: chunked\r\n\r\nffffffffffff\r\n"])
def test_an_endless_answer_is_read_up_to_the_bound(raw_app: Any, head: bytes):
    sent = []

    def behave(connection: socket.socket, request: bytes) -> None:
        connection.sendall(head)
        while True:
            sent.append(connection.send(b" " * 2**16))

    answer = Outbound(limit=MIB).get(raw_app(behave).url, 20)
    assert (len(answer.body), answer.status) == (MIB, 200)
    assert answer.trouble == "it sent more than 1,048,576 bytes, and no more are read"
    assert sum(sent) < 64 * MIB


def test_an_answer_of_exactly_the_bound_is_whole(raw_app: Any, http_answer: Any):
    app = raw_app(once(http_answer(200, b" " * 1000)))
    answer = Outbound(limit=1000).get(app.url, 5)
    assert (len(answer.body), answer.trouble) == (1000, None)


def test_an_answer_that_comes_before_all_was_sent_is_read(outbound: Outbound):
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def refuse() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(100)
                connection.sendall(b"HTTP/1.1 413 No\r\nContent-Length: 0\r\n\r\n")
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(2**20):
                    pass

        thread = threading.Thread(target=refuse)
        thread.start()
        answer = outbound.post(f"http://127.0.0.1:{listener.getsockname()[1]}/", {"x": "x" * 8 * MIB}, 10)
        thread.join(10)
    assert (answer.status, answer.trouble) == (413, None)


def test_an_app_that_takes_no_request_is_given_up(outbound: Outbound):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        began = time.monotonic()
        answer = outbound.post(f"http://127.0.0.1:{listener.getsockname()[1]}/", {"x": "x" * 32 * MIB}, 0.3)
    assert time.monotonic() - began < 3
    assert str(answer.trouble).endswith("within 0.3 s")


def test_nothing_that_listens_and_no_such_name_are_told_apart(outbound: Outbound):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    answer = outbound.get(f"http://127.0.0.1:{port}/", 5)
    assert answer == AppAnswer(None, trouble=answer.trouble, trouble_kind="unreachable")
    assert str(answer.trouble).startswith(f"nothing listens at 127.0.0.1:{port}")
    assert "isn't known" in str(outbound.get("http://no-such-host.invalid/", 5).trouble)


def test_a_name_that_nobody_resolves_in_time_is_given_up(outbound: Outbound, monkeypatch: pytest.MonkeyPatch):
    released = threading.Event()
    monkeypatch.setattr(connecting.socket, "getaddrinfo", lambda *_, **__: released.wait(10) and [])
    try:
        assert outbound.get("http://slow.example/", 0.2).trouble == "no answer of slow.example:80 within 0.2 s"
    finally:
        released.set()


# What isn't called at all.


@pytest.mark.parametrize(
    "url",
    [
        "",
        "hook",
        "localhost:9000/hook",
        "ftp://localhost/hook",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "http://",
        "http:///hook",
        "http://localhost:0/",
        "http://localhost:65536/",
        "http://localhost:x/",
        "http://[::1/",
        "http://local host/",
        "http://localhost/ä",
        "http://localhost/a\r\nX-Injected: yes",
        "http://localhost/hook#part",
        "http://localhost/" + "a" * 2048,
    ],
)
def test_what_is_no_url_of_an_app_is_refused_with_what_came_and_what_was_expected(outbound: Outbound, url: str):
    with pytest.raises(UrlError, match=r"the URL came as .*; expected ") as refused:
        outbound.get(url, 1)
    assert len(str(refused.value)) < 500
    assert str(refused.value).isprintable()


@pytest.mark.parametrize("url", ["http://me:hunter2@localhost/", "http://hunter2@localhost/", "http://a:hunter2@b c/"])
def test_a_user_in_a_url_is_refused_and_never_repeated(outbound: Outbound, url: str):
    with pytest.raises(UrlError) as refused:
        outbound.get(url, 1)
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(
    ("url", "what"),
    [
        ("http://169.254.169.254/latest/meta-data/", "a cloud's metadata service"),
        ("http://169.254.1.1/", "a link-local address"),
        ("http://2852039166/", "a cloud's metadata service"),
        ("http://0xa9.0xfe.0xa9.0xfe/", "a cloud's metadata service"),
        ("http://[fe80::1]/", "a link-local address"),
        ("http://[::ffff:169.254.169.254]/", "a cloud's metadata service"),
        ("http://[64:ff9b::a9fe:a9fe]/", "a cloud's metadata service"),
        ("http://[64:ff9b:1::a9fe:a9fe]/", "a cloud's metadata service"),
        ("http://[::ffff:0:169.254.169.254]/", "a cloud's metadata service"),
        ("http://[2002:a9fe:a9fe::1]/", "a cloud's metadata service"),
        ("http://[fd00:ec2::254]/", "a cloud's metadata service"),
        ("http://100.100.100.200/", "a cloud's metadata service"),
        ("http://168.63.129.16/", "a cloud's metadata service"),
        ("http://224.0.0.1/", "a multicast address"),
        ("http://metadata.google.internal/", "a cloud's metadata service"),
        ("http://METADATA.google.internal./", "a cloud's metadata service"),
    ],
)
def test_link_local_and_metadata_addresses_are_refused(outbound: Outbound, url: str, what: str):
    with pytest.raises(UrlError, match=f"{what}.*--allow-link-local"):
        outbound.get(url, 1)


def resolving_to(address: str) -> Callable[..., Any]:
    return lambda host, port, **_: [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]


def test_a_name_that_leads_to_a_metadata_address_is_refused(outbound: Outbound, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(connecting.socket, "getaddrinfo", resolving_to("169.254.169.254"))
    with pytest.raises(UrlError, match=r'leads to "169\.254\.169\.254", a cloud\'s metadata service'):
        outbound.get("http://innocent.example/", 1)


class Elsewhere:
    """A connection that led somewhere else than its address said."""

    closed = False

    def getpeername(self) -> tuple[str, int]:
        return "169.254.169.254", 80

    def close(self) -> None:
        self.closed = True


def test_the_address_connected_to_is_what_counts(outbound: Outbound, monkeypatch: pytest.MonkeyPatch):
    connection = Elsewhere()
    monkeypatch.setattr(connecting, "_first_open", lambda *_: connection)
    with pytest.raises(UrlError, match=r"169\.254\.169\.254"):
        outbound.get("http://127.0.0.1/", 1)
    assert connection.closed


def test_the_address_that_was_checked_is_connected_to_not_the_name_again(
    outbound: Outbound, raw_app: Any, http_answer: Any, monkeypatch: pytest.MonkeyPatch
):
    asked: list[str] = []

    def changing(host: str, port: int, **_: Any) -> Any:
        asked.append(host)
        return resolving_to("127.0.0.1" if len(asked) == 1 else "169.254.169.254")(host, port)

    monkeypatch.setattr(connecting.socket, "getaddrinfo", changing)
    app = raw_app(once(http_answer(200)))
    assert outbound.get(f"http://app.example:{app.port}/", 5).status == 200
    assert asked == ["app.example"]


def test_who_allows_link_local_addresses_has_them(monkeypatch: pytest.MonkeyPatch):
    tried: list[str] = []

    def no_connection(addresses: Any, until: float) -> Any:
        tried.append(addresses[0][1][0])
        raise ConnectionRefusedError

    monkeypatch.setattr(connecting, "_first_open", no_connection)
    answer = Outbound(allow_link_local=True).get("http://169.254.169.254/", 1)
    assert tried == ["169.254.169.254"]
    assert "nothing listens" in str(answer.trouble)


def test_an_ipv6_address_is_named_as_urls_name_it():
    assert place_of("http://[::1]:8080/hook").peer == "[::1]:8080"
    assert place_of("http://localhost/hook").peer == "localhost:80"
