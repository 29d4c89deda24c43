"""PEP 3333 between an HTTP request and the application: environ, input stream, answer."""

import io
import sys
import time
from collections.abc import Callable, Iterable
from email.utils import formatdate
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes, urlsplit

import h11

from fake_pacs.serving.spans import Span, chunks_of
from fake_pacs.serving.wire import Disconnected, Refused, Wire

if TYPE_CHECKING:
    from types import TracebackType
    from wsgiref.types import WSGIEnvironment

    ExcInfo = tuple[type[BaseException], BaseException, TracebackType] | tuple[None, None, None]

CONNECTION_KEY = "fake_pacs.connection"
"""The key of environ under which the application finds its `Connection`."""
SERVER_HEADER = "fake-pacs"
JOINED_SEND_BYTES = 16 * 1024
"""Up to this size, head and first chunk leave in one send."""


class RequestBody(io.RawIOBase):
    """The request's body as it arrives, chunked coding undone; what is wrong with it is raised as `Refused`."""

    def __init__(self, wire: Wire) -> None:
        super().__init__()
        self._wire = wire
        self._received = 0
        self._chunk = memoryview(b"")
        self.failure: Refused | None = None
        # Learns without waiting that there is no body: then nothing is left over for the next request.
        self._take(wire.event_at_hand())

    def readable(self) -> bool:
        """True: this is an input stream."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill `buffer` with what has arrived, waiting for at least one byte; 0 at the end. Raises `Refused`."""
        while not self._chunk and self._wire.http.their_state is h11.SEND_BODY:
            self._wait()
        if self.failure:
            raise self.failure
        count = min(len(buffer), len(self._chunk))
        buffer[:count] = self._chunk[:count]
        self._chunk = self._chunk[count:]
        return count

    def _wait(self) -> None:
        try:
            self._take(self._wire.event(time.monotonic() + self._wire.limits.body_seconds))
        except TimeoutError:
            silence = f"{self._wire.limits.body_seconds:g} s"
            self.failure = Refused(
                408, f"The body of the request stopped arriving for {silence}. Send it without pauses."
            )
        except Disconnected:
            # Refused, too, although nobody will read it: an application need not know two kinds of broken bodies.
            self.failure = Refused(400, "The connection was closed in the middle of the request's body.")
        except Refused as refusal:
            self.failure = refusal
        if self.failure:
            raise self.failure

    def _take(self, event: object) -> None:
        if not isinstance(event, h11.Data):
            return
        self._received += len(event.data)
        self._chunk = memoryview(bytes(event.data))
        if self._received > self._wire.limits.body_bytes:
            self.failure = too_large(self._wire.limits.body_bytes)


def too_large(limit: int) -> Refused:
    """The refusal of a body above `limit` bytes."""
    return Refused(413, f"The body of the request is larger than the {limit} bytes that this server takes. Send less.")


def make_environ(request: h11.Request, body: RequestBody, base: "WSGIEnvironment") -> "WSGIEnvironment":
    """The environ of one request: `base` (what the connection knows) and what the request says.

    RAW_URI and REQUEST_URI hold the request target as it was sent, undecoded. A header with an underscore in its name
    is left out: it would pass for the one with hyphens.
    """
    target = request.target.decode("ascii")
    path, query, authority = _split(target)
    environ = dict(base)
    environ.update(
        REQUEST_METHOD=request.method.decode("ascii"),
        PATH_INFO=unquote_to_bytes(path).decode("latin-1"),
        QUERY_STRING=query,
        RAW_URI=target,
        REQUEST_URI=target,
        SERVER_PROTOCOL="HTTP/" + request.http_version.decode("ascii"),
    )
    environ["wsgi.input"] = io.BufferedReader(body)
    for name, value in request.headers:
        if b"_" not in name:
            _add_header(environ, name.decode("ascii"), value.decode("latin-1"))
    if authority:
        environ["HTTP_HOST"] = authority
    return environ


def _split(target: str) -> tuple[str, str, str]:
    """Path, query and authority (of the absolute form, else "") of a request target; raises `Refused`."""
    if target.startswith("/"):
        path, _, query = target.partition("?")
        return path, query, ""
    try:
        parts = urlsplit(target)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in ("http", "https") or not parts.netloc:
        wanted = "a path that starts with / (or a whole http URL)"
        raise Refused(400, f"The request line asks for {target[:200]!r}, which is no address here; expected {wanted}.")
    return parts.path or "/", parts.query, parts.netloc


def _add_header(environ: "WSGIEnvironment", name: str, value: str) -> None:
    key = name.upper().replace("-", "_")
    if key not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
        key = "HTTP_" + key
    if key in environ:
        value = environ[key] + ("; " if key == "HTTP_COOKIE" else ",") + value
    environ[key] = value


class Answer:
    """One answer on its way out: `start_response` of PEP 3333, and the writing of head and chunks."""

    def __init__(self, wire: Wire, method: bytes, closing: Callable[[], bool]) -> None:
        self._wire = wire
        self._method = method
        self._closing = closing
        self._head: h11.Response | None = None
        self._unsent = b""
        self.sent = False
        """The head is on the wire: no other answer can be given."""

    @property
    def status(self) -> int | None:
        """The status that the application answers with, None before it said so."""
        return self._head.status_code if self._head else None

    @property
    def headers(self) -> list[tuple[str, str]]:
        """The headers that the answer will have."""
        raw = self._head.headers.raw_items() if self._head else []
        return [(name.decode("ascii"), value.decode("latin-1")) for name, value in raw]

    @property
    def length(self) -> int | None:
        """The Content-Length that the application declared; None without one, and for an answer without a body."""
        if self._head is None or self._bodiless(self._head.status_code):
            return None
        return next((int(value) for name, value in self._head.headers if name == b"content-length"), None)

    def give_up(self, status: int) -> None:
        """Another answer, of that status, goes out in place of this one, whose head wasn't sent."""
        self._head = h11.Response(status_code=status, headers=[])

    def replace_headers(self, headers: Iterable[tuple[str, str]]) -> None:
        """Takes other headers in place of the application's."""
        if self._head:
            head = self._head
            self._head = h11.Response(status_code=head.status_code, headers=[*headers], reason=head.reason)

    def start_response(
        self, status: str, headers: list[tuple[str, str]], exc_info: "ExcInfo | None" = None, /
    ) -> Callable[[bytes], object]:
        """Keep status and headers until the first chunk (PEP 3333)."""
        if exc_info and exc_info[1] and self.sent:
            raise exc_info[1]
        if self._head and not exc_info:
            raise RuntimeError("start_response was called twice without exc_info; call it once for each request")
        code, _, reason = status.partition(" ")
        names = {name.lower() for name, _ in headers}
        extra = [("Server", SERVER_HEADER)] if "server" not in names else []
        if "date" not in names:
            extra.append(("Date", formatdate(usegmt=True)))
        if self._closing() or self._wire.http.they_are_waiting_for_100_continue:
            # Without its "100 Continue" a client may or may not send the body: it can't be told from a next request.
            extra.append(("Connection", "close"))
        self._head = h11.Response(status_code=int(code), headers=[*headers, *extra], reason=reason.encode("latin-1"))
        return self.write

    def send(self, chunks: Iterable[bytes]) -> None:
        """Write all of `chunks`, one send each, and the end of the message; spans of files go out unread."""
        if isinstance(chunks, (list, tuple)):
            self._declare(sum(map(len, chunks)))
        for chunk in chunks_of(chunks):
            if self._head and self._bodiless(self._head.status_code):
                break
            if isinstance(chunk, Span):
                self._write_span(chunk)
            elif chunk:
                self.write(chunk)
        self._finish()

    def _declare(self, length: int) -> None:
        head = self._head
        if head and head.status_code not in (204, 304) and not any(n == b"content-length" for n, _ in head.headers):
            headers = [*head.headers.raw_items(), (b"Content-Length", b"%d" % length)]
            self._head = h11.Response(status_code=head.status_code, headers=headers, reason=head.reason)

    def _bodiless(self, status: int) -> bool:
        return self._method == b"HEAD" or status in (204, 304)

    def write(self, chunk: bytes) -> None:
        """Write one chunk in one send, a small first one together with the head."""
        self._start()
        data = b"".join(self._wire.http.send_with_data_passthrough(h11.Data(data=chunk)) or [])
        head, self._unsent = self._unsent, b""
        self.sent = True
        if head and len(head) + len(data) > JOINED_SEND_BYTES:
            self._wire.send(head)
            head = b""
        self._wire.send(head, data) if head else self._wire.send(data)

    def _write_span(self, span: Span) -> None:
        """Write a part of a file; h11 hands it on between whatever frames it."""
        self._start()
        head, self._unsent = self._unsent, b""
        self.sent = True
        if head:
            self._wire.send(head)
        framed: list[Any] = self._wire.http.send_with_data_passthrough(h11.Data(data=span)) or []  # type: ignore[arg-type]
        for piece in framed:
            if piece is span:
                self._wire.send_file(span.file, span.count)
            else:
                self._wire.send(piece)

    def send_past_http(self, chunks: Iterable[bytes]) -> None:
        """Write the head and then any bytes, whatever length was declared; the connection can't go on afterwards."""
        self._start()
        head, self._unsent = self._unsent, b""
        self.sent = True
        self._wire.send(head)
        for chunk in chunks:
            self._wire.send(chunk)

    def _start(self) -> None:
        if self._head is None:
            raise RuntimeError("the application gave a body without calling start_response; call it first")
        if self._wire.http.our_state is h11.SEND_RESPONSE:
            self._unsent = self._wire.http.send(self._head) or b""

    def _finish(self) -> None:
        self._start()
        tail = self._wire.http.send(h11.EndOfMessage()) or b""
        self.sent = True
        if self._unsent or tail:
            self._wire.send(self._unsent, tail)


def connection_environ(*, scheme: str, host: str, port: int, peer: Any) -> "WSGIEnvironment":
    """The part of environ that is the same for every request of a connection; `peer` is the client's socket address."""
    return {
        "SCRIPT_NAME": "",
        "SERVER_NAME": host,
        "SERVER_PORT": str(port),
        "SERVER_SOFTWARE": SERVER_HEADER,
        "REMOTE_ADDR": str(peer[0]),
        "REMOTE_PORT": str(peer[1]),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scheme,
        "wsgi.errors": sys.stderr,
        "wsgi.input_terminated": True,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
