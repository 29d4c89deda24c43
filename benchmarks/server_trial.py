"""Which HTTP server for the emulator? All candidates in one run on loopback, in turn, medians: a markdown table.

    python benchmarks/server_trial.py [--rounds 3]

Each candidate serves the same WSGI application from a process of its own; this process is the client. A round starts
every candidate afresh. Takes about 90 s with three rounds. What was decided by it: docs/decisions/0001-http-server.md.
"""

import argparse
import http.client
import json
import os
import platform
import socket
import ssl
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

FILE_BYTES = 256 * 1024 * 1024
CHUNK = bytes(1024 * 1024)
SMALL = json.dumps({"text": "x" * 500}).encode()
PATIENCE = 1.0
"""Seconds after which a request (or a stop) is given up."""
SETTLE = 0.7
"""Seconds that the downloads have to fill the socket buffers: until then they don't stall, they run."""

Stop = Callable[[], object]
Start = Callable[[WSGIApplication, Any], tuple[int, Stop]]


def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterator[bytes] | list[bytes]:
    """/file streams 256 MiB in chunks of 1 MiB, anything else answers half a kilobyte of JSON."""
    if environ["PATH_INFO"] == "/file":
        start_response("200 OK", [("Content-Type", "application/octet-stream"), ("Content-Length", str(FILE_BYTES))])
        return (CHUNK for _ in range(FILE_BYTES // len(CHUNK)))
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(SMALL)))])
    return [SMALL]


# --- the candidates: each starts in this process and gives its port and what stops it


def start_chosen(application: WSGIApplication, tls: Any) -> tuple[int, Stop]:
    """Ours: a thread for each connection, h11 for the protocol."""
    from fake_pacs.serving import HttpServer

    server = HttpServer(application, host="127.0.0.1", tls=tls)
    server.start()
    return server.port, server.stop


def start_werkzeug(application: WSGIApplication, tls: Any, version: str = "HTTP/1.0") -> tuple[int, Stop]:
    """werkzeug's development server, threaded."""
    from werkzeug.serving import WSGIRequestHandler, make_server

    class Handler(WSGIRequestHandler):
        protocol_version = version

        def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002 - werkzeug's name
            """Nothing."""

    pair = (str(tls.certificate), str(tls.key)) if tls else None
    server = make_server("127.0.0.1", 0, application, threaded=True, ssl_context=pair, request_handler=Handler)
    return server.server_port, serving(server.serve_forever, server.shutdown, server.server_close)


def start_werkzeug_11(application: WSGIApplication, tls: Any) -> tuple[int, Stop]:
    """The same with protocol_version HTTP/1.1; it says `Connection: close` all the same."""
    return start_werkzeug(application, tls, "HTTP/1.1")


def start_cheroot(application: WSGIApplication, tls: Any, growing: bool = False) -> tuple[int, Stop]:
    """cheroot with 128 threads, or with a pool that grows by 16 when no thread is idle."""
    from cheroot.ssl.builtin import BuiltinSSLAdapter
    from cheroot.wsgi import Server

    class Growing(Server):  # type: ignore[misc]
        def process_conn(self, conn: Any) -> None:
            """Make room before the connection is queued."""
            if self.requests.idle == 0 or self.requests.qsize:
                self.requests.grow(16)
            super().process_conn(conn)

    server = (Growing if growing else Server)(
        ("127.0.0.1", 0), application, numthreads=16 if growing else 128, request_queue_size=512, shutdown_timeout=0.5
    )
    server.error_log = lambda *_args, **_keywords: None
    if tls:
        server.ssl_adapter = BuiltinSSLAdapter(str(tls.certificate), str(tls.key))
    server.prepare()
    return server.bind_addr[1], serving(server.serve, server.stop)


def start_cheroot_growing(application: WSGIApplication, tls: Any) -> tuple[int, Stop]:
    """cheroot with a growing pool."""
    return start_cheroot(application, tls, growing=True)


def start_stdlib(application: WSGIApplication, tls: Any) -> tuple[int, Stop]:
    """http.server with HTTP/1.1, the least that hosts WSGI: no bodies, no refusals, no clean stop."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            """Answer by the application."""

            def begin(status: str, headers: list[tuple[str, str]], _error: object = None) -> Callable[[bytes], int]:
                self.send_response(int(status[:3]))
                for header in headers:
                    self.send_header(*header)
                self.end_headers()
                return self.wfile.write

            for chunk in application({"PATH_INFO": self.path, "REQUEST_METHOD": "GET"}, begin):  # type: ignore[arg-type]
                self.wfile.write(chunk)

        def log_message(self, *args: Any) -> None:
            """Nothing."""

        def handle(self) -> None:
            """A client that leaves is no event."""
            try:
                super().handle()
            except OSError:
                self.close_connection = True

    ThreadingHTTPServer.block_on_close, ThreadingHTTPServer.request_queue_size = False, 512
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if tls:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(tls.certificate, tls.key)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    return server.server_port, serving(lambda: server.serve_forever(0.05), server.shutdown, server.server_close)


def serving(serve: Callable[[], object], *stops: Callable[[], object]) -> Stop:
    """Run `serve` in a thread; gives what calls all of `stops`."""
    threading.Thread(target=serve, daemon=True).start()
    return lambda: [stop() for stop in stops]


CANDIDATES: dict[str, Start] = {
    "fake_pacs.serving (threads, h11)": start_chosen,
    "werkzeug threaded": start_werkzeug,
    "werkzeug, HTTP/1.1": start_werkzeug_11,
    "cheroot, 128 threads": start_cheroot,
    "cheroot, growing pool": start_cheroot_growing,
    "http.server, HTTP/1.1": start_stdlib,
}


# --- the server process: commands on its standard input, one JSON value a line on its output


def serve(name: str, tls_folder: str | None) -> None:
    """Start a candidate, report how long until its first answer, then obey `rss` and `stop`."""
    from fake_pacs.certificates import TlsFiles

    tls = TlsFiles(Path(tls_folder) / "certificate.pem", Path(tls_folder) / "key.pem") if tls_folder else None
    CANDIDATES[name](app, None)[1]()  # imports and first-time work are not what is measured
    begun = time.perf_counter()
    port, stop = CANDIDATES[name](app, tls)
    if tls is None:
        get(port)
    say({"port": port, "ready": (time.perf_counter() - begun) * 1000})
    for command in sys.stdin:
        if command.strip() == "rss":
            say(rss())
        else:
            begun = time.perf_counter()
            stopper = threading.Thread(target=stop, daemon=True)
            stopper.start()
            stopper.join(PATIENCE)
            say((time.perf_counter() - begun) * 1000)
            os._exit(0)


def say(value: object) -> None:
    """One JSON line to the parent."""
    print(json.dumps(value), flush=True)


def rss() -> float | None:
    """Resident memory of this process in MB, where the system tells it as Linux does."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return None
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


# --- the client's measurements


def get(port: int, connection: http.client.HTTPConnection | None = None) -> float:
    """Milliseconds of one small GET, on a connection of its own unless one is given; OSError after `PATIENCE`."""
    begun = time.perf_counter()
    client = connection or http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    client.request("GET", "/small")
    client.getresponse().read()
    if connection is None:
        client.close()
    return (time.perf_counter() - begun) * 1000


def worst_delay(port: int, requests: int = 50) -> float:
    """The slowest of some small GETs, ms; infinite when one is not answered at all."""
    try:
        return max(get(port) for _ in range(requests))
    except (OSError, http.client.HTTPException):
        return float("inf")


def stall(port: int, count: int, stack: ExitStack) -> None:
    """Begin `count` downloads, read nothing of them, and wait until they stand still."""
    for _ in range(count):
        client = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=10))
        client.sendall(b"GET /file HTTP/1.1\r\nHost: localhost\r\n\r\n")
    time.sleep(SETTLE)


def stream(port: int) -> float:
    """MB/s of one whole download."""
    buffer = bytearray(1024 * 1024)
    begun, received = time.perf_counter(), 0
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as client:
        client.sendall(b"GET /file HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        while count := client.recv_into(buffer):
            received += count
    if received < FILE_BYTES:
        raise RuntimeError(f"the download broke off after {received} bytes")
    return received / 1e6 / (time.perf_counter() - begun)


class ServerProcess:
    """A candidate in a process of its own."""

    def __init__(self, name: str, tls_folder: str | None = None) -> None:
        arguments = [sys.executable, __file__, "--serve", name] + (["--tls-folder", tls_folder] if tls_folder else [])
        self.process = subprocess.Popen(
            arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        hello = self.heard()
        self.port: int = hello["port"]
        self.ready: float = hello["ready"]

    def heard(self) -> Any:
        """The next JSON line of the child."""
        assert self.process.stdout
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.process.args!r} died; run it by hand to see why")
        return json.loads(line)

    def ask(self, command: str) -> Any:
        """Send a command, return its answer."""
        assert self.process.stdin
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        return self.heard()

    def close(self) -> None:
        """End the process."""
        self.process.kill()
        self.process.communicate()


def measure(name: str, tls_folder: str) -> dict[str, float]:
    """All figures of one candidate, one round."""
    server = ServerProcess(name)
    try:
        figures = {"ready, ms": server.ready} | throughput(server)
        with ExitStack() as stack:
            idle = [http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE) for _ in range(20)]
            for connection in idle:
                stack.callback(connection.close)
                get(server.port, connection)
            stall(server.port, 64, stack)
            figures["delay, 64 stalled, ms"] = worst_delay(server.port)
            stall(server.port, 136, stack)
            figures["delay, 200 stalled, ms"] = worst_delay(server.port)
            figures["memory, 200 stalled, MB"] = server.ask("rss") or float("nan")
            stopped = server.ask("stop")
            figures["stop, ms"] = stopped if stopped < PATIENCE * 1000 else float("inf")
    finally:
        server.close()
    return figures | {"delay, 1 silent TLS client, ms": delay_behind_silent_tls(name, tls_folder)}


def throughput(server: ServerProcess) -> dict[str, float]:
    """Requests and bytes per second, and the memory after them."""
    kept = http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)
    kept_times = [get(server.port, kept) for _ in range(400)]
    kept.close()
    fresh_times = [get(server.port) for _ in range(200)]
    figures = {
        "keep-alive: median, ms": statistics.median(kept_times),
        "keep-alive: requests/s": 1000 / statistics.mean(kept_times),
        "new connections: requests/s": 1000 / statistics.mean(fresh_times),
        "download, MB/s": stream(server.port),
    }
    return figures | {"memory, MB": server.ask("rss") or float("nan")}


def delay_behind_silent_tls(name: str, folder: str) -> float:
    """Milliseconds of a GET over TLS while one other client has connected and says nothing; infinite if unanswered."""
    server = ServerProcess(name, folder)
    context = ssl.create_default_context(cafile=f"{folder}/certificate.pem")
    try:
        with socket.create_connection(("127.0.0.1", server.port)):
            time.sleep(0.05)
            client = http.client.HTTPSConnection("127.0.0.1", server.port, timeout=PATIENCE, context=context)
            try:
                return get(server.port, client)
            except OSError:
                return float("inf")
            finally:
                client.close()
    finally:
        server.close()


# --- the table


def table(results: dict[str, list[dict[str, float]]]) -> str:
    """Medians over the rounds as markdown, a row for each figure, in brackets the ratio to the first candidate."""
    names = list(results)
    lines = ["| | " + " | ".join(names) + " |", "|---" * (len(names) + 1) + "|"]
    for figure in results[names[0]][0]:
        medians = [statistics.median(round_[figure] for round_ in results[name]) for name in names]
        cells = [cell(median, medians[0], first=index == 0) for index, median in enumerate(medians)]
        lines.append(f"| {figure} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def cell(median: float, reference: float, first: bool) -> str:
    """One figure as text, with its ratio to the first candidate's."""
    if median == float("inf"):
        return f"> {PATIENCE * 1000:.0f}"
    text = f"{median:.3g}" if median < 100 else f"{median:.0f}"
    return text if first else f"{text} (× {median / reference:.2g})"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--serve", choices=CANDIDATES, help=argparse.SUPPRESS)
    parser.add_argument("--tls-folder", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve(options.serve, options.tls_folder)
        return
    from fake_pacs.certificates import self_signed

    folder = str(self_signed().certificate.parent)
    results: dict[str, list[dict[str, float]]] = {name: [] for name in CANDIDATES}
    for _ in range(options.rounds):
        for name, rounds in results.items():
            rounds.append(measure(name, folder))
    print(f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()},")
    print(f"median of {options.rounds} rounds\n\n{table(results)}")


if __name__ == "__main__":
    main()
