"""Reading an app's answer: every read against the one deadline, never more than the bound."""

import io
import re
import socket
from http.client import HTTPException, HTTPResponse
from typing import cast

from fake_pacs.calling.connecting import left
from fake_pacs.calling.values import TroubleKind
from ia_api_spec import shown

Told = tuple[TroubleKind, str]
"""A trouble: what sort it is, and what to say of it."""

_PIECE = 2**16
MAX_HEADERS = 2**16
"""Largest sum of an answer's header values, in characters."""

_LENGTH = re.compile(r"[0-9]{1,18}")
_SWITCHING = 101


class _Incoming(io.RawIOBase):
    """What a connection brings, until the deadline: an app that sends a byte now and then gains no time by it."""

    def __init__(self, connection: socket.socket, until: float) -> None:
        self._connection = connection
        self._until = until
        self.ended = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]  # never None
        self._connection.settimeout(left(self._until))
        count = self._connection.recv_into(buffer)
        self.ended = self.ended or count == 0
        return count


class _HttpSocket:
    """All that `HTTPResponse` wants of a socket; one answer after the other is read from it."""

    def __init__(self, incoming: _Incoming) -> None:
        self._reader: io.BufferedReader = io.BufferedReader(incoming, _PIECE)

    def makefile(self, mode: str) -> io.BufferedReader:
        return self._reader


def read_head(connection: socket.socket, method: str, until: float) -> HTTPResponse:
    """The answer with its headers read, after whatever interim answers (1xx) there are.

    Raises `HTTPException` for what is no whole head of HTTP, or names no length that a body can have.
    """
    incoming = _Incoming(connection, until)
    source = cast("socket.socket", _HttpSocket(incoming))
    while True:
        response = HTTPResponse(source, method=method)
        response.begin()
        if incoming.ended:  # a whole head is known by its empty line, without a look at what follows
            raise HTTPException("its headers broke off")
        if response.status // 100 != 1 or response.status == _SWITCHING:
            break
        response.fp = None  # type: ignore[assignment]  # else it closes what the next one is read from
    lengths = set(response.headers.get_all("Content-Length") or ())
    if not response.chunked and (len(lengths) > 1 or not all(map(_LENGTH.fullmatch, lengths))):
        raise HTTPException(f"Content-Length came as {shown(', '.join(sorted(lengths)))}, expected one count of bytes")
    return response


def read_answer(response: HTTPResponse, limit: int) -> tuple[bytes, Told | None]:
    """The body, at most `limit` bytes of it, and why it is not to be used, if so."""
    trouble = _of_the_head(response)
    if trouble is None and response.length is not None and response.length > limit:
        return b"", ("too-large", f"it announced {response.length:,} bytes; at most {limit:,} are read")
    body, of_the_body = _read(response, limit if trouble is None else min(limit, _PIECE))
    return body, trouble or of_the_body


def _of_the_head(response: HTTPResponse) -> Told | None:
    if sum(len(name) + len(value) for name, value in response.getheaders()) > MAX_HEADERS:
        return "too-large", f"its headers hold more than {MAX_HEADERS:,} characters"
    location, encoding = response.getheader("Location"), response.getheader("Content-Encoding", "identity")
    if 300 <= response.status < 400:
        where = f" to {shown(location)}" if location else ""
        text = f"it answered {response.status}, a redirect{where}, which is not followed: give the URL where the app is"
        return "redirect", text
    if encoding.strip().lower() not in ("", "identity"):
        text = f"its body is encoded ({shown(encoding)}), though Accept-Encoding said identity: it isn't unpacked"
        return "encoded", text
    return None


def _read(response: HTTPResponse, limit: int) -> tuple[bytes, Told | None]:
    expected = response.length  # counted here: HTTPResponse.read1 doesn't, in some versions of Python
    body = bytearray()
    try:
        while expected is None or len(body) < expected:
            piece = response.read1(min(_PIECE, limit + 1 - len(body)))
            body += piece
            if len(body) > limit:
                return bytes(body[:limit]), ("too-large", f"it sent more than {limit:,} bytes, and no more are read")
            if not piece:
                break
    except TimeoutError:
        return bytes(body), ("too-slow", f"the deadline passed after {len(body):,} bytes of its answer")
    except (OSError, HTTPException, ValueError) as error:
        said = shown(str(error) or type(error).__name__)
        return bytes(body), ("truncated", f"its answer broke off after {len(body):,} bytes: {said}")
    if expected is not None and len(body) < expected:
        return bytes(body), ("truncated", f"its answer broke off after {len(body):,} of {expected:,} bytes")
    return bytes(body), None
