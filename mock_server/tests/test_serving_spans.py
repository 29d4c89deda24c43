"""Files that leave without being read: the same bytes as when they are, whatever carries them."""

import http.client
import io
import os
import random
import ssl
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from fake_pacs.certificates import TlsFiles, self_signed
from fake_pacs.embedding import MockSectraServer
from fake_pacs.framing import PIECE, Body, FileChanged, multipart_related, single
from fake_pacs.imaging.slide_files import FileInMemory, FileOnDisk
from fake_pacs.serving import HttpServer
from fake_pacs.serving.spans import Span
from fake_pacs.serving.wire import Wire

SIZES = (0, 5, PIECE, PIECE + 1, 3 * PIECE + 7)


def on_disk(path: Path, size: int) -> FileOnDisk:
    path.write_bytes(random.Random(size).randbytes(size))
    return FileOnDisk(path.name, path)


@pytest.fixture
def files(tmp_path: Path) -> list[Any]:
    return [*(on_disk(tmp_path / f"{size}.bin", size) for size in SIZES), FileInMemory("m", bytes(2 * PIECE))]


def sent(body: Body) -> Iterator[bytes]:
    """The body as a server sends it that knows spans."""
    for piece in body.spans():
        yield piece.file.read(piece.count) if isinstance(piece, Span) else piece


def test_spans_and_pieces_are_the_same_bytes(files: list[Any]) -> None:
    for file in files:
        assert b"".join(sent(single(file)[2])) == b"".join(single(file)[2])
    assert b"".join(sent(multipart_related(files, "b")[2])) == b"".join(multipart_related(files, "b")[2])


def test_nearly_all_of_a_large_file_is_one_span(tmp_path: Path) -> None:
    spans = [
        piece.count
        for piece in single(on_disk(tmp_path / "a", 9 * PIECE))[2].spans()
        if isinstance(piece, Span) and piece.file.seek(piece.count, io.SEEK_CUR)
    ]
    assert spans == [8 * PIECE]


@pytest.mark.parametrize("change", [-2 * PIECE, -1, 1])
def test_a_file_whose_size_changes_breaks_the_answer_off(tmp_path: Path, change: int) -> None:
    file = on_disk(tmp_path / "a", 3 * PIECE)
    _, length, body = single(file)
    os.truncate(file.path, 3 * PIECE + change)
    came: list[bytes] = []
    with pytest.raises(FileChanged, match="announced"):
        came.extend(sent(body))
    assert sum(map(len, came)) < length


def test_a_closed_body_closes_its_file(tmp_path: Path) -> None:
    body = single(on_disk(tmp_path / "a", 3 * PIECE))[2]
    span = next(body.spans())
    assert isinstance(span, Span)
    assert not span.file.closed
    body.close()
    assert span.file.closed


@pytest.fixture(params=["plain", "read", "tls"])
def fetch(
    request: pytest.FixtureRequest, files: list[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[str], http.client.HTTPResponse]]:
    """Asks a server for the files: over a plain socket, one of a system without sendfile, and with TLS."""

    def app(environ: dict[str, Any], start_response: Any) -> Any:
        length, body = multipart_related(files, "b")[1:]
        declared = [("Content-Length", str(length))] if environ["PATH_INFO"] == "/declared" else []
        start_response("200 OK", declared)
        if environ["PATH_INFO"] == "/shrinking":
            os.truncate(files[-2].path, PIECE + 1)
        return body

    if request.param == "read":
        monkeypatch.delattr(os, "sendfile", raising=False)
    tls: TlsFiles | None = self_signed(["localhost"], tmp_path) if request.param == "tls" else None
    with HttpServer(app, tls=tls) as server:
        context = ssl.create_default_context(cafile=tls.certificate) if tls else None
        connection = (
            http.client.HTTPSConnection("localhost", server.port, timeout=5, context=context)
            if context
            else http.client.HTTPConnection("localhost", server.port, timeout=5)
        )

        def ask(path: str) -> http.client.HTTPResponse:
            connection.request("GET", path)
            return connection.getresponse()

        yield ask
        connection.close()


@pytest.mark.parametrize("path", ["/declared", "/chunked"])
def test_the_client_gets_the_bytes_and_the_connection_goes_on(
    fetch: Callable[[str], http.client.HTTPResponse], files: list[Any], path: str
) -> None:
    whole = b"".join(multipart_related(files, "b")[2])
    for _ in range(2):
        assert fetch(path).read() == whole


def test_the_emulator_sends_files_unread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    counts: list[int] = []
    send_file = Wire.send_file
    monkeypatch.setattr(
        Wire, "send_file", lambda wire, file, count: counts.append(count) or send_file(wire, file, count)
    )
    paths = [on_disk(tmp_path / name, 3 * PIECE).path for name in ("a", "b")]
    with MockSectraServer(slide_files={"one": paths[0], "two": paths}).run(port=0) as pacs:
        for slide in ("one", "two"):
            request = urllib.request.Request(f"{pacs.url}/slides/{slide}/files")
            request.add_header("Authorization", f"Bearer {pacs.token}")
            with urllib.request.urlopen(request, timeout=10) as answer:
                assert paths[0].read_bytes() in answer.read()
    assert counts == [2 * PIECE] * 3


def test_a_file_that_shrinks_meanwhile_is_cut_off_and_logged(
    fetch: Callable[[str], http.client.HTTPResponse], caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises((http.client.IncompleteRead, OSError)):
        fetch("/shrinking").read()
    assert "the application failed" in caplog.text
