"""A small client of the control plane, for the commands that speak to a running server."""

import json
import ssl
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import urlsplit

from ia_api_spec import shown

LIMIT = 256 * 2**20
"""Largest answer that is read, in bytes."""

_PIECE = 2**20
_PORTS = {"http": 80, "https": 443}
_HEADER = "X-Fake-Pacs-Control"
_COMMANDS = {
    "GET /_fake_pacs/apps": "fake-pacs apps list",
    "POST /_fake_pacs/apps": "fake-pacs apps add URL",
    "GET /_fake_pacs/deliveries": "fake-pacs deliveries",
    "GET /_fake_pacs/faults": "fake-pacs faults list",
    "POST /_fake_pacs/launches": "fake-pacs act launch",
    "POST /_fake_pacs/incidents/": "fake-pacs incident ",
}
"""The commands that make these requests."""

_SEND_CONTROL_TOKEN = f"Send {_HEADER}: <control token>"
_UNKNOWN_ISSUER = (18, 19, 20, 21)  # OpenSSL: signed by itself, or by somebody who is not trusted


class ControlError(Exception):
    """The control plane couldn't be asked, or refused; the text says why and what to do.

    `status` and `problem` are those of the refusal, None where no answer came.
    """

    def __init__(self, text: str, status: int | None = None, problem: dict[str, Any] | None = None) -> None:
        super().__init__(text)
        self.status = status
        self.problem = problem


class ControlClient:
    """Asks the control plane of the server at that URL: `ControlClient(url, token).call("GET", "hospital")`.

    `server` is the server's root, or the base URL that clients are given. `tenant_token` names the tenant, None is the
    default one; `ca_file` (PEM) is trusted for https. Raises `ControlError` for what is no URL and no file.
    """

    def __init__(
        self,
        server: str,
        control_token: str,
        tenant_token: str | None = None,
        *,
        ca_file: Path | None = None,
        timeout: float = 60.0,
    ) -> None:
        self.server = server
        self._scheme, self._host, self._port = _taken_apart(server)
        self._headers = {_HEADER: _sendable(control_token, "control token")}
        if tenant_token is not None:
            self._headers["Authorization"] = f"Bearer {_sendable(tenant_token, 'tenant token')}"
        self._tls = _tls(ca_file) if self._scheme == "https" else None
        self._timeout = timeout

    def call(self, method: str, path: str, document: Any = None, *, timeout: float | None = None) -> Any:
        """What the operation at `/_fake_pacs/{path}` answers, as a JSON value; None where its answer has no body.

        `timeout` in seconds holds for each wait of this call. Raises `ControlError`.
        """
        body = None if document is None else json.dumps(document).encode()
        return self._call(method, path, body, {} if body is None else {"Content-Type": "application/json"}, timeout)

    def upload(self, method: str, path: str, file: BinaryIO, media_type: str) -> Any:
        """What the operation answers to a file, which is read from where it is to its end. Raises `ControlError`."""
        start = file.tell()
        length = file.seek(0, 2) - start
        file.seek(start)
        return self._call(method, path, file, {"Content-Type": media_type, "Content-Length": str(length)}, None)

    def download(self, path: str) -> Iterator[bytes]:
        """What `GET /_fake_pacs/{path}` answers, in pieces as it arrives. Raises `ControlError`, also midway."""
        connection = self._connection(self._timeout)
        try:
            connection.request("GET", f"/_fake_pacs/{path}", headers=self._headers)
            response = connection.getresponse()
            if response.status >= 400:
                media_type = response.headers.get_content_type()
                raise _refused(response.status, media_type, response.read(LIMIT), self.server)
            left = response.length or 0
            while piece := response.read(_PIECE):
                left -= len(piece)
                yield piece
            if left:
                raise ControlError(f"{self.server} broke off {left} bytes before the end of its answer: ask again")
        except (OSError, HTTPException, ValueError) as error:
            raise self._trouble(error, self._timeout) from None
        finally:
            connection.close()

    def _call(
        self, method: str, path: str, body: bytes | BinaryIO | None, headers: dict[str, str], timeout: float | None
    ) -> Any:
        path = path.removeprefix("/_fake_pacs/").lstrip("/")
        status, media_type, answered = self._exchange(method, path, body, headers, timeout or self._timeout)
        if status >= 400:
            raise _refused(status, media_type, answered, self.server)
        if not answered:
            return None
        try:
            return json.loads(answered)
        except ValueError:
            raise ControlError(f"{self.server} answered no JSON: {_beginning(answered)}; is it a fake PACS?") from None

    def _exchange(
        self, method: str, path: str, body: bytes | BinaryIO | None, headers: dict[str, str], timeout: float
    ) -> tuple[int, str, bytes]:
        connection = self._connection(timeout)
        try:
            response = _answer(connection, method, f"/_fake_pacs/{path}", body, {**self._headers, **headers})
            read = response.read(LIMIT + 1)
        except (OSError, HTTPException, ValueError) as error:
            raise self._trouble(error, timeout) from None
        finally:
            connection.close()
        if len(read) > LIMIT:
            raise ControlError(f"{self.server} answered more than {LIMIT:,} bytes: is it a fake PACS?")
        return response.status, response.headers.get_content_type(), read

    def _trouble(self, error: Exception, timeout: float) -> ControlError:
        """Why no usable answer came."""
        if isinstance(error, TimeoutError):
            return ControlError(f"{self.server} didn't answer within {timeout:.3g} s")
        if isinstance(error, ssl.SSLError):
            return ControlError(f"no TLS with {self.server} {_why_no_tls(error)}")
        said = f"{self.server} can't be asked ({error or type(error).__name__})"
        return ControlError(f"{said}: does it run? fake-pacs serve starts one")

    def _connection(self, timeout: float) -> HTTPConnection:
        if self._tls is not None:
            return HTTPSConnection(self._host, self._port, timeout=timeout, context=self._tls)
        return HTTPConnection(self._host, self._port, timeout=timeout)


def _answer(
    connection: HTTPConnection, method: str, target: str, body: bytes | BinaryIO | None, headers: dict[str, str]
) -> HTTPResponse:
    """The answer; one that came before all was sent says why the server hung up."""
    try:
        connection.request(method, target, body, headers)
    except (BrokenPipeError, ConnectionResetError) as unsent:
        try:
            return connection.getresponse()
        except (OSError, HTTPException):
            raise unsent from None
    return connection.getresponse()


def _why_no_tls(error: ssl.SSLError) -> str:
    """What is wrong with a handshake, and what to do about it."""
    if not isinstance(error, ssl.SSLCertVerificationError):
        return f"({error.reason or error}): if it serves plain HTTP there, write http:// in its URL"
    if error.verify_code in _UNKNOWN_ISSUER:
        return f"({error.verify_message}): give its certificate with --ca-file FILE"
    return f"({error.verify_message}): fake-pacs doctor tells what is wrong with its certificate"


def _taken_apart(server: str) -> tuple[str, str, int]:
    try:
        parts = urlsplit(server)
        port = parts.port
    except ValueError:
        raise _no_url(server) from None
    if parts.scheme not in _PORTS or not parts.hostname or "@" in parts.netloc:
        raise _no_url(server)
    return parts.scheme, parts.hostname, port or _PORTS[parts.scheme]


def _no_url(server: str) -> ControlError:
    came = shown(server.rpartition("@")[2])  # what stands before the @ may be a password
    return ControlError(f"the server came as {came}; expected its URL, such as http://localhost:8001")


def _sendable(token: str, name: str) -> str:
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise ControlError(f"the {name} must be printable ASCII without blanks: it travels in a header")
    return token


def _tls(ca_file: Path | None) -> ssl.SSLContext:
    context = ssl.create_default_context()
    try:
        if ca_file is not None:
            context.load_verify_locations(ca_file)
    except OSError as error:
        raise ControlError(f"the CA file {ca_file} can't be used ({error}): give a readable file, PEM") from None
    return context


def _refused(status: int, media_type: str, body: bytes, server: str) -> ControlError:
    """The refusal in words: the detail, each place that is wrong, and what to do."""
    try:
        problem = json.loads(body) if media_type == "application/problem+json" else None
    except ValueError:
        problem = None
    if not isinstance(problem, dict):
        said = f"{server} answered {status} {_beginning(body)}"
        return ControlError(f"{said}: is it a fake PACS, and its root URL?", status)
    detail = str(problem.get("detail", problem.get("title")))
    places = [] if _is_told(problem, detail) else map(_place, problem.get("violations", ()))
    hint = problem.get("hint")
    lines = [detail, *places, *([_for_terminal(str(hint), server)] if hint else [])]
    return ControlError("\n".join(lines), status, problem)


def _for_terminal(hint: str, server: str) -> str:
    """A hint for those who ask by HTTP, in commands; what is read by no command becomes a URL to open."""
    hint = hint.replace(_SEND_CONTROL_TOKEN, "Give --control-token")
    parts = urlsplit(server)
    for request, command in _COMMANDS.items():
        hint = hint.replace(request, command)
    return hint.replace("GET /_fake_pacs/", f"{parts.scheme}://{parts.netloc}/_fake_pacs/")


def _place(place: dict[str, Any]) -> str:
    said = f"  {place.get('pointer') or place.get('in')}: came {place.get('came')}, expected {place.get('expected')}"
    return said + (f"; {place['hint']}" if place.get("hint") else "")


def _is_told(problem: dict[str, Any], detail: str) -> bool:
    """Whether the detail has all there is to say of the only place."""
    places = problem.get("violations", ())
    parts = [str(places[0].get(name)) for name in ("came", "expected", "hint") if places[0].get(name)] if places else []
    return len(places) == 1 and all(part.rstrip(".") in detail for part in parts)


def _beginning(body: bytes) -> str:
    return shown(" ".join(body[:400].decode("utf-8", "replace").split()))
