"""Start, stop and embed the HTTP server."""

import json
import logging
import selectors
import signal
import socket
import ssl
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from http import HTTPStatus
from types import FrameType, TracebackType
from typing import Any, Self
from wsgiref.types import WSGIApplication

from fake_pacs.certificates import TlsFiles, server_context
from fake_pacs.serving.connection import Connection, RenderProblem
from fake_pacs.serving.heads import WireRefusal
from fake_pacs.serving.listeners import open_listeners
from fake_pacs.serving.wire import Limits
from fake_pacs.serving.wsgi import connection_environ

GRACE_SECONDS = 0.5
"""On stop, requests under way have this long to finish."""
AGAIN_SECONDS = 0.1
"""So long it waits before it tries again to listen on a port that somebody else took meanwhile."""
CUT_SECONDS = 0.3
"""After that their sockets are closed, and their threads have this long to notice."""

log = logging.getLogger("fake_pacs.serving")


def plain_problem(refusal: WireRefusal) -> tuple[bytes, Mapping[str, str]]:
    """An RFC 9457 problem without a type of its own: what the server layer answers when no other renderer is given."""
    status = refusal.status
    problem = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": refusal.detail}
    return json.dumps(problem).encode(), {}


class HttpServer:
    """Serves a WSGI application over HTTP/1.1 from a thread of its own, one more thread for each connection.

    As a context manager it starts on entry and stops on exit. `port` 0 means any free port; `port` then tells which.
    What a client does against HTTP itself is answered with what `render_problem` gives: the body of a problem+json, and
    headers beside those of the server.
    `went_wrong` is told of defects of its own, in words, beside the log.
    The application finds its `Connection` in environ under "fake_pacs.connection".
    """

    def __init__(
        self,
        app: WSGIApplication,
        *,
        host: str = "localhost",
        port: int = 0,
        tls: TlsFiles | None = None,
        render_problem: RenderProblem = plain_problem,
        limits: Limits | None = None,
        went_wrong: Callable[[str], None] = lambda text: None,
    ) -> None:
        self.host = host
        self._app = app
        self._asked_port = port
        self._tls = tls
        self._render_problem = render_problem
        self._limits = limits or Limits()
        self._went_wrong = went_wrong
        self._lock = threading.Lock()
        self._running: _Running | None = None

    @property
    def scheme(self) -> str:
        """`https` with TLS, else `http`."""
        return "https" if self._tls else "http"

    @property
    def port(self) -> int:
        """The port it listens on; before `start` and after `stop` the one that was asked for."""
        running = self._running
        return running.port if running else self._asked_port

    def start(self) -> None:
        """Listen and return: from here on connections are accepted.

        Raises `ListenError` (an OSError) when the port is taken, `CertificateError` for unusable TLS files and
        RuntimeError when it is running.
        """
        with self._lock:
            if self._running:
                raise RuntimeError(f"the server already runs on port {self.port}; stop it before starting it again")
            context = server_context(self._tls) if self._tls else None
            listeners = open_listeners(self.host, self._asked_port)
            self._running = _Running(self, listeners, context)
            self._running.start()

    def stop(self) -> None:
        """Stop within a second; does nothing when it is not running.

        Idle connections are closed at once, requests under way get `GRACE_SECONDS` to finish, then they are cut.
        """
        with self._lock:
            running, self._running = self._running, None
        if running:
            running.stop()

    def refuse_connections(self, seconds: float) -> None:
        """Stop listening for so long, as in a restart: new connections are refused, idle ones closed; returns at once.

        What is under way goes on. Does nothing when it is not running.
        """
        running = self._running
        if running:
            running.be_away(seconds)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def serve_forever(self, begun: Callable[[], None] = lambda: None) -> None:
        """Serve until SIGINT or SIGTERM, then stop cleanly; starts the server if need be. For the main thread only.

        `begun` is called when a signal would stop it cleanly.
        """
        stopping = threading.Event()

        def ask_to_stop(signum: int, frame: FrameType | None) -> None:
            stopping.set()

        previous = {number: signal.signal(number, ask_to_stop) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            if self._running is None:
                self.start()
            begun()
            while not stopping.wait(0.5):  # with a timeout, because on Windows a bare wait holds signals back
                pass
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)
            self.stop()

    def _connection(self, sock: socket.socket, peer: Any, port: int, running: "_Running") -> Connection:
        return Connection(
            sock,
            self._app,
            connection_environ(scheme=self.scheme, host=self.host, port=port, peer=peer),
            limits=self._limits,
            render_problem=self._render_problem,
            stopping=running.stopping.is_set,
        )


class _Running:
    """What exists between start and stop: listeners, the accepting thread, and the connections with their threads."""

    def __init__(self, server: HttpServer, listeners: list[socket.socket], tls: ssl.SSLContext | None) -> None:
        self.port: int = listeners[0].getsockname()[1]
        self.stopping = threading.Event()
        self._server = server
        self._listeners = listeners
        self._tls = tls
        self._waker, self._woken = socket.socketpair()
        self._lock = threading.Lock()
        self._connections: dict[threading.Thread, Connection] = {}
        self._away_seconds = 0.0
        self._acceptor = threading.Thread(target=self._accept_until_stopped, name="fake-pacs accept", daemon=True)

    def start(self) -> None:
        self._acceptor.start()

    def _accept_until_stopped(self) -> None:
        with selectors.DefaultSelector() as selector:
            for sock in (*self._listeners, self._woken):
                selector.register(sock, selectors.EVENT_READ)
            while not self.stopping.is_set():
                ready = [key.fileobj for key, _ in selector.select()]
                for source in ready:
                    if source is not self._woken:
                        self._accept(source)  # type: ignore[arg-type]  # listeners are sockets
                if self._woken in ready and not self.stopping.is_set():
                    self._woken.recv(1)
                    self._close_and_listen_again(selector)

    def be_away(self, seconds: float) -> None:
        self._away_seconds = seconds
        self._waker.send(b"a")

    def _close_and_listen_again(self, selector: selectors.BaseSelector) -> None:
        for listener in self._listeners:
            selector.unregister(listener)
            listener.close()
        self._listeners = []
        deadline = time.monotonic() + self._away_seconds
        self._cut_idle_connections()
        while (left := deadline - time.monotonic()) > 0 and not self.stopping.wait(min(left, AGAIN_SECONDS)):
            self._cut_idle_connections()  # those, too, that became idle meanwhile
        while not self.stopping.is_set() and not self._listeners:
            try:
                self._listeners = open_listeners(self._server.host, self.port)
            except OSError as error:
                log.error("cannot listen again, trying on: %s", error)
                self.stopping.wait(AGAIN_SECONDS)
        for listener in self._listeners:
            selector.register(listener, selectors.EVENT_READ)

    def _cut_idle_connections(self) -> None:
        with self._lock:
            connections = list(self._connections.values())
        for connection in connections:
            connection.cut_if_idle()

    def _accept(self, listener: socket.socket) -> None:
        try:
            sock, peer = listener.accept()
        except (BlockingIOError, ConnectionError):
            return  # the client has left in the meantime
        except OSError as error:
            log.error("cannot accept a connection, trying on: %s", error)
            time.sleep(0.1)  # out of file descriptors, most likely: don't spin until some are free
            return
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            self._begin(self._server._connection(sock, peer, self.port, self))
        except (OSError, RuntimeError) as error:
            log.error("cannot serve a connection from %s: %s", peer[0], error)
            sock.close()

    def _begin(self, connection: Connection) -> None:
        thread = threading.Thread(target=self._serve, args=(connection,), name="fake-pacs connection", daemon=True)
        with self._lock:
            self._connections[thread] = connection
        try:
            thread.start()
        except RuntimeError:
            self._forget(thread)
            raise

    def _serve(self, connection: Connection) -> None:
        try:
            connection.run(self._tls)
        except Exception:
            log.exception("a connection failed; this is a bug of ours")
            self._server._went_wrong(f"a connection failed: {traceback.format_exc().strip()}")
        finally:
            self._forget(threading.current_thread())

    def _forget(self, thread: threading.Thread) -> None:
        with self._lock:
            self._connections.pop(thread, None)

    def stop(self) -> None:
        self.stopping.set()
        self._waker.send(b"x")
        self._acceptor.join()
        for sock in (*self._listeners, self._waker, self._woken):
            sock.close()
        with self._lock:
            under_way = dict(self._connections)
        for connection in under_way.values():
            connection.cut_if_idle()
        remaining = _join(under_way, GRACE_SECONDS)
        for thread in remaining:
            under_way[thread].cut()
        stuck = _join(remaining, CUT_SECONDS)
        if stuck:
            log.warning(
                "%d requests did not end when the server stopped; their threads end with the process", len(stuck)
            )


def _join(
    threads: "dict[threading.Thread, Connection] | list[threading.Thread]", seconds: float
) -> list[threading.Thread]:
    """Wait `seconds` in all for `threads` to end; returns those that did not."""
    deadline = time.monotonic() + seconds
    others = [thread for thread in threads if thread is not threading.current_thread()]
    for thread in others:
        thread.join(max(deadline - time.monotonic(), 0))
    return [thread for thread in others if thread.is_alive()]
