"""What runs in processes of their own: `python -m benchmarks.bench.roles ROLE JSON`, with either interpreter.

A server says where it is in a line of JSON, answers `peak` and `resident` with bytes, and serves until its input ends.
The environment of the community package has neither ours nor the development tools: so imports stand where they are
needed.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

SLIDE = "large"
TOKEN = "dev-token"
BOUNDARY = "bare-boundary"
BARE_BASE = "/bare"


def memory_of(process: int | str = "self") -> dict[str, int]:
    """`peak` and `resident`: bytes of memory that a process had at most, and has. Raises OSError without /proc."""
    lines = Path(f"/proc/{process}/status").read_text("ascii").splitlines()
    told = {name: text for name, _, text in (line.partition(":") for line in lines)}
    return {"peak": int(told["VmHWM"].split()[0]) * 1024, "resident": int(told["VmRSS"].split()[0]) * 1024}


def serve_mock(told: dict[str, Any], out: TextIO) -> None:
    """`MockSectraServer` of this interpreter's package, ours or the community's."""
    try:
        from fake_pacs.embedding import MockSectraServer
    except ModuleNotFoundError:
        from sectra_client.mock_server import MockSectraServer

    files = {SLIDE: [Path(name) for name in told["files"]]} if told["files"] else None
    server = MockSectraServer(token=TOKEN, slide_files=files)
    server.run(port=0, host="localhost")
    _obey({"url": server.url}, out)
    server.stop()


def serve_bare(told: dict[str, Any], out: TextIO) -> None:
    """The least that the HTTP server can carry: `/N` answers N bytes of JSON to GET and POST, `…/files` the files."""
    from fake_pacs.framing import multipart_related, single
    from fake_pacs.imaging.slide_files import files_of
    from fake_pacs.serving import HttpServer

    files = files_of([Path(name) for name in told["files"]])

    def body(path: str) -> tuple[str, int, Iterable[bytes]]:
        if path.endswith("/files") and len(files) > 1:
            return multipart_related(files, BOUNDARY)
        if path.endswith("/files"):
            _, length, content = single(files[0])
            return "application/octet-stream", length, content
        if path.endswith("/info"):
            text = json.dumps({"apiVersion": "1.10", "softwareVersion": "4.2.0.0"}).encode()
        else:
            text = b'"%s"' % (b"x" * max(int(path.rpartition("/")[2]) - 2, 0))
        return "application/json", len(text), [text]

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ["REQUEST_METHOD"] == "POST":
            environ["wsgi.input"].read()
        kind, length, content = body(environ["PATH_INFO"])
        start_response("200 OK", [("Content-Type", kind), ("Content-Length", str(length))])
        return content

    with HttpServer(app) as server:
        _obey({"url": f"http://localhost:{server.port}{BARE_BASE}"}, out)


def download(told: dict[str, Any], out: TextIO) -> None:
    """Downloads the slide's files with this interpreter's client: seconds, and the peak of memory."""
    from sectra_client import SectraClient

    with SectraClient(told["url"], TOKEN, _allow_http=True) as client:
        began = time.perf_counter()
        paths = client.download_slide_files(SLIDE, Path(told["folder"]))
        seconds = time.perf_counter() - began
    _say({"seconds": seconds, "size": sum(path.stat().st_size for path in paths), **memory_of()}, out)


def start(told: dict[str, Any], out: TextIO) -> None:
    """Seconds from `MockSectraServer()` to the first 200 of a slide's info, the first time and again in the process."""
    import http.client

    from sectra_client.mock_server import MockSectraServer  # the import path that users of both know

    def once() -> float:
        began = time.perf_counter()
        server = MockSectraServer(token=TOKEN).run(port=0, host="localhost")
        path = server.url.partition(str(server.port))[2]
        connection = http.client.HTTPConnection("localhost", server.port)
        connection.request("GET", f"{path}/slides/{told['slide']}/info", headers={"Authorization": f"Bearer {TOKEN}"})
        answer = connection.getresponse()
        answer.read()
        seconds = time.perf_counter() - began
        assert answer.status == 200, answer.status
        connection.close()
        server.stop()
        return seconds

    _say({"first": once(), "again": once()}, out)


def start_bare(told: dict[str, Any], out: TextIO) -> None:
    """The same for a bare handler on the same HTTP server."""
    import http.client

    from fake_pacs.serving import HttpServer

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterator[bytes]:
        start_response("200 OK", [("Content-Length", "2")])
        yield b"{}"

    began = time.perf_counter()
    with HttpServer(app) as server:
        connection = http.client.HTTPConnection("localhost", server.port)
        connection.request("GET", "/")
        connection.getresponse().read()
        seconds = time.perf_counter() - began
        connection.close()
    _say({"first": seconds, "again": seconds}, out)


ROLES = {f.__name__: f for f in (serve_mock, serve_bare, download, start, start_bare)}


def _obey(hello: dict[str, Any], out: TextIO) -> None:
    _say(hello, out)
    for command in sys.stdin:
        _say(memory_of()[command.strip()], out)


def _say(value: object, out: TextIO) -> None:
    out.write(json.dumps(value) + "\n")
    out.flush()


def main(arguments: list[str]) -> None:
    """Plays the role; what the packages print themselves goes nowhere."""
    out, sys.stdout = sys.stdout, Path(os.devnull).open("w")  # noqa: SIM115 - for the rest of the process
    ROLES[arguments[0]](json.loads(arguments[1]), out)


if __name__ == "__main__":
    main(sys.argv[1:])
