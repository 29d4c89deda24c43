"""One connection from its first byte to its last: TLS, requests one after the other, the application, refusals."""

import logging
import socket
import ssl
from collections.abc import Callable, Mapping
from http import HTTPStatus
from wsgiref.types import WSGIApplication, WSGIEnvironment

import h11

from fake_pacs.serving.heads import WireRefusal, refusal_of
from fake_pacs.serving.spoiling import WireFault, send_spoiled
from fake_pacs.serving.wire import Disconnected, Limits, Refused, Wire
from fake_pacs.serving.wsgi import CONNECTION_KEY, SERVER_HEADER, Answer, RequestBody, make_environ, too_large

TLS_HANDSHAKE = 0x16
"""The first byte of every TLS connection (RFC 8446, record type handshake)."""

RenderProblem = Callable[[WireRefusal], tuple[bytes, Mapping[str, str]]]
"""Told of each refusal that goes out; gives the body of an application/problem+json answer and headers of its own."""

Told = Callable[[Exception, bool], bool]
"""Told of an error, and whether the answer's head is out; says whether it is a defect, else the connection is cut."""

log = logging.getLogger("fake_pacs.serving")


class Connection:
    """One client's connection; the application finds it in environ under `CONNECTION_KEY`.

    `socket` is the real socket (the TLS one where TLS is spoken). An application that writes to it itself must call
    `abort` afterwards: the server then sends nothing more on this connection.
    """

    def __init__(
        self,
        sock: socket.socket,
        app: WSGIApplication,
        environ: WSGIEnvironment,
        *,
        limits: Limits,
        render_problem: RenderProblem,
        stopping: Callable[[], bool],
    ) -> None:
        self._wire = Wire(sock, limits)
        self._app = app
        self._environ = environ
        self._render_problem = render_problem
        self._stopping = stopping
        self._aborted = False
        self._answer_under_way: Answer | None = None
        self._fault: WireFault | None = None
        self._told: Told | None = None

    @property
    def socket(self) -> socket.socket:
        """The connection's socket."""
        return self._wire.socket

    def stopping(self) -> bool:
        """Whether the server is about to stop: who waits should hurry."""
        return self._stopping()

    def spoil(self, fault: WireFault) -> None:
        """Let the answer under way go out with that fault; the next one is right again."""
        self._fault = fault

    def when_it_fails(self, told: Told) -> None:
        """Let the application be told, instead of the log, if the answer that it has given can't be sent as it is."""
        self._told = told

    def abort(self) -> None:
        """End the connection with a TCP reset; nothing more is read or sent."""
        self._aborted = True
        self._wire.abort()

    def cut(self) -> None:
        """Break the connection off from another thread."""
        self._wire.cut()

    def cut_if_idle(self) -> None:
        """Break the connection off from another thread if it is between two requests."""
        self._wire.cut_if_idle()

    def run(self, tls: ssl.SSLContext | None) -> None:
        """Serve until one side closes; the socket is closed when this returns."""
        try:
            if tls is None or self._handshake(tls):
                while self._exchange():
                    self._wire.http.start_next_cycle()
                self._wire.finish()
        except Disconnected as gone:
            log.debug("client %s is gone: %r", self._environ["REMOTE_ADDR"], gone.__cause__)
        finally:
            self._wire.socket.close()

    def _handshake(self, tls: ssl.SSLContext) -> bool:
        """Begin TLS; False (and a plain refusal) when the client speaks plain HTTP to a TLS port."""
        wire = self._wire
        try:
            wire.socket.settimeout(wire.limits.head_seconds)
            if wire.socket.recv(1, socket.MSG_PEEK) not in (b"", bytes([TLS_HANDSHAKE])):
                self._refuse(Refused(400, "This port speaks TLS: begin the URL with https:// instead of http://."))
                wire.finish()
                return False
            # The handshake comes second, so that `cut` already reaches the socket that it waits on.
            wire.socket = secured = tls.wrap_socket(wire.socket, server_side=True, do_handshake_on_connect=False)
            secured.do_handshake()
        except OSError as error:
            raise Disconnected from error
        return True

    def _exchange(self) -> bool:
        """One request and its answer; True when the connection can take another."""
        wire = self._wire
        # First idle, then the question: `HttpServer.stop` has the other order, so one of the two sees the other.
        wire.idle = not wire.http.trailing_data[0]
        self._answer_under_way = self._fault = self._told = None
        if self._stopping():
            return False
        try:
            request = wire.request()
            if request is None:
                return False
            self._check(request)
            self._answer(request)
            return not self._aborted and wire.http.our_state is h11.DONE and wire.drained()
        except TimeoutError:
            return False
        except Refused as refusal:
            self._refuse(refusal)
            return False

    def _check(self, request: h11.Request) -> None:
        """Refuse what h11 lets through: other versions, two lengths that may disagree (request smuggling), too much."""
        version, limits = request.http_version, self._wire.limits
        if not version.startswith(b"1."):
            raise Refused(505, f"HTTP/{version.decode()} is not spoken here. Speak HTTP/1.1.")
        # h11 bounds a head that is incomplete; one that arrived in a piece may be larger.
        if len(request.target) + sum(len(name) + len(value) for name, value in request.headers) > limits.head_bytes:
            raise Refused(431, f"Request line and headers are larger than {limits.head_bytes} bytes. Send less.")
        framing = {name: value for name, value in request.headers if name in (b"content-length", b"transfer-encoding")}
        if len(framing) == 2:
            raise Refused(400, "The request has both Content-Length and Transfer-Encoding. Send one of them.")
        if b"transfer-encoding" in framing and version < b"1.1":
            raise Refused(400, "HTTP/1.0 has no Transfer-Encoding. Send Content-Length, or speak HTTP/1.1.")
        if int(framing.get(b"content-length", 0)) > limits.body_bytes:
            raise too_large(limits.body_bytes)

    def _answer(self, request: h11.Request) -> None:
        body = RequestBody(self._wire)
        environ = make_environ(request, body, self._environ)
        environ[CONNECTION_KEY] = self
        self._answer_under_way = answer = Answer(self._wire, request.method, self._stopping)
        try:
            self._run_app(environ, body, answer)
        except Disconnected:
            raise
        except Exception as error:
            self._report(error, body, answer, request)

    def _run_app(self, environ: WSGIEnvironment, body: RequestBody, answer: Answer) -> None:
        chunks = self._app(environ, answer.start_response)
        try:
            if body.failure:
                # Whatever the application made of a body that broke off: the answer is that it broke.
                raise body.failure
            if self._fault is None:
                answer.send(chunks)
            elif send_spoiled(answer, chunks, self._fault, self._stopping):
                self.abort()
        finally:
            close = getattr(chunks, "close", None)
            if close is not None:
                close()

    def _report(self, error: Exception, body: RequestBody, answer: Answer, request: h11.Request) -> None:
        """The application failed: its fault (500, logged), the client's body (refused), or an abort it asked for."""
        if self._aborted:
            return
        if body.failure is None and self._told:
            if not self._told(error, answer.sent):
                self.abort()
                return
            if not answer.sent:
                answer.give_up(500)
        elif body.failure is None:
            log.error(
                "the application failed on %s %s",
                request.method.decode(),
                request.target.decode(),
                exc_info=error,
                extra={"plain": "the application failed"},
            )
        if answer.sent:
            self.abort()
            return
        raise body.failure or Refused(
            500, "The server failed on this request; its log says why. This is a bug of ours."
        )

    def _refuse(self, refusal: Refused) -> None:
        """Answer with a problem and close, if no answer was begun."""
        http = self._wire.http
        if self._aborted or http.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            return
        answered = self._answer_under_way.status if self._answer_under_way else None
        body, own = self._render_problem(refusal_of(self._wire.head, refusal.status, refusal.detail, answered))
        headers = [
            *own.items(),
            ("Content-Type", "application/problem+json"),
            ("Content-Length", str(len(body))),
            ("Server", SERVER_HEADER),
            ("Connection", "close"),
        ]
        head = http.send(h11.Response(status_code=refusal.status, headers=headers, reason=_reason(refusal.status)))
        self._wire.send(head or b"", body)
        self._wire.overrun = True


def _reason(status: int) -> bytes:
    """The reason phrase of a status code."""
    return HTTPStatus(status).phrase.encode("ascii")
