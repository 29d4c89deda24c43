"""One socket that speaks HTTP/1.1: h11 decides what the bytes mean, this module moves them and keeps the deadlines."""

import contextlib
import os
import socket
import ssl
import struct
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

import h11

RECEIVE_BYTES = 64 * 1024
READ_BYTES = 512 * 1024
"""Of a file, where the system can't send it by itself."""
LINGER_SECONDS = 2.0


@dataclass(frozen=True)
class Limits:
    """What the server puts up with before it refuses or closes; a stalled *download* may stall for ever."""

    head_bytes: int = 64 * 1024
    """Request line and headers together; more is refused with 431."""
    body_bytes: int = 256 * 1024 * 1024
    """Request body, declared or chunked; more is refused with 413."""
    head_seconds: float = 30.0
    """From the first byte of a request to the end of its headers; slower is refused with 408."""
    body_seconds: float = 30.0
    """Silence in the middle of a request body; longer is refused with 408."""
    idle_seconds: float = 75.0
    """Silence between two requests of a connection; then it is closed."""
    drain_bytes: int = 1024 * 1024
    """Request body that the application left unread: up to this much is read away so that the connection can go on."""


class Disconnected(Exception):  # noqa: N818 - an everyday event, not an error of ours
    """The client is gone, or the connection was cut: nothing more can be sent."""


class Refused(OSError):  # noqa: N818 - named like the refusals of the application
    """The request breaks HTTP and is answered with `status` and `detail`; an application meets it in the input stream.

    An OSError, because that is what PEP 3333 servers and frameworks expect of a broken input stream.
    """

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail


class Wire:
    """The bytes of one connection. One thread reads and writes; `cut` and `cut_if_idle` may be called from any."""

    def __init__(self, sock: socket.socket, limits: Limits) -> None:
        self.socket = sock
        self.limits = limits
        self.http = h11.Connection(h11.SERVER, max_incomplete_event_size=limits.head_bytes)
        self.idle = True
        """No request is under way: closing now loses nothing."""
        self.head = b""
        """The request under way as it arrived, as far as its head, or up to the limit of one; perhaps a bit more."""
        self._in_head = False
        self.overrun = False
        """The client was refused before all that it sends was read."""

    def request(self) -> h11.Request | None:
        """The next request's head, or None when the client closed or stayed silent; raises `Refused`."""
        self.head, self._in_head = self.http.trailing_data[0][: self.limits.head_bytes], True
        if not self.head and not self._await_first_byte():
            return None
        try:
            event = self.event(time.monotonic() + self.limits.head_seconds)
        except TimeoutError:
            limit = f"within {self.limits.head_seconds:g} s of its first byte"
            raise Refused(408, f"The head of the request did not arrive {limit}. Send it faster.") from None
        self._in_head = False
        return event if isinstance(event, h11.Request) else None

    def _await_first_byte(self) -> bool:
        try:
            self._receive(time.monotonic() + self.limits.idle_seconds)
        except TimeoutError:
            return False
        finally:
            self.idle = False
        return True

    def event(self, deadline: float) -> h11.Event | type[h11.PAUSED]:
        """The next event of the client; raises `Refused`, `Disconnected`, and TimeoutError at `deadline`."""
        while (event := self.event_at_hand()) is h11.NEED_DATA:
            if self.http.they_are_waiting_for_100_continue:
                self.send(
                    self.http.send(h11.InformationalResponse(status_code=100, headers=[], reason=b"Continue")) or b""
                )
            self._receive(deadline)
        return event  # type: ignore[return-value]  # NEED_DATA has left the loop above

    def event_at_hand(self) -> h11.Event | type[h11.NEED_DATA] | type[h11.PAUSED]:
        """What the bytes received so far say; never waits. Raises `Refused`."""
        try:
            return self.http.next_event()
        except h11.RemoteProtocolError as error:
            raise _refused(error) from None

    def _receive(self, deadline: float) -> None:
        try:
            self.socket.settimeout(max(deadline - time.monotonic(), 0.001))
            received = self.socket.recv(RECEIVE_BYTES)
        except TimeoutError:
            raise
        except OSError as error:
            raise Disconnected from error
        if self._in_head:
            self.head += received[: max(self.limits.head_bytes - len(self.head), 0)]
        self.http.receive_data(received)

    def send(self, *parts: bytes) -> None:
        """Hand over `parts` in one send; waits as long as the client takes to read. Raises `Disconnected`."""
        data = parts[0] if len(parts) == 1 else b"".join(parts)
        try:
            self.socket.settimeout(None)
            self.socket.sendall(data)
        except OSError as error:
            raise Disconnected from error

    def send_file(self, file: BinaryIO, count: int) -> None:
        """Hand over so many bytes of an open file, from where it stands, or up to its end. Raises `Disconnected`.

        Plain sockets have the system do it (`os.sendfile`), where it can; with TLS, and on Windows, they are read here.
        """
        if isinstance(self.socket, ssl.SSLSocket) or not hasattr(os, "sendfile"):
            while count > 0 and (block := file.read(min(READ_BYTES, count))):
                self.send(block)
                count -= len(block)
            return
        try:
            self.socket.settimeout(None)
            with self._corked():
                self.socket.sendfile(file, file.tell(), count)
        except OSError as error:
            raise Disconnected from error

    @contextlib.contextmanager
    def _corked(self) -> Iterator[None]:
        """Lets Linux fill its packets meanwhile: with TCP_NODELAY alone, each 64 KiB of a file leave as two."""
        cork = getattr(socket, "TCP_CORK", None)
        if cork is None:
            yield
            return
        self.socket.setsockopt(socket.IPPROTO_TCP, cork, 1)
        yield
        self.socket.setsockopt(socket.IPPROTO_TCP, cork, 0)

    def drained(self) -> bool:
        """Read away what is left of the request's body; False when it is too much. Raises like `event`."""
        budget = self.limits.drain_bytes
        deadline = time.monotonic() + self.limits.body_seconds
        while self.http.their_state is h11.SEND_BODY and budget >= 0:
            event = self.event(deadline)
            if isinstance(event, h11.Data):
                budget -= len(event.data)
        return budget >= 0

    def finish(self) -> None:
        """Say goodbye so that the client can still read all that was sent to it; the socket is left to be closed."""
        with contextlib.suppress(OSError):
            if self.overrun or self.http.their_state is h11.SEND_BODY:
                self.idle = True
                self._linger()
            elif isinstance(self.socket, ssl.SSLSocket):
                self.socket.settimeout(LINGER_SECONDS)
                self.socket.unwrap()

    def _linger(self) -> None:
        # Closing a socket with unread input resets it, and a reset can overtake the answer on the client's side.
        socket.socket.shutdown(self.socket, socket.SHUT_WR)
        deadline = time.monotonic() + LINGER_SECONDS
        while (left := deadline - time.monotonic()) > 0:
            self.socket.settimeout(left)
            if not socket.socket.recv(self.socket, RECEIVE_BYTES):
                return

    def abort(self) -> None:
        """Close at once with a TCP reset (RST), so that the client can't take what it got for the whole."""
        with contextlib.suppress(OSError):
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _no_linger())
        self.socket.close()

    def cut_if_idle(self) -> None:
        """Close a connection that waits for its next request."""
        if self.idle:
            self.cut()

    def cut(self) -> None:
        """Wake the connection's thread from whatever it waits for on the socket, with an error."""
        with contextlib.suppress(OSError):
            # Not SSLSocket.shutdown: that would drop the TLS layer under the thread that is using it.
            socket.socket.shutdown(self.socket, socket.SHUT_RDWR)
        if sys.platform == "win32":
            self.socket.close()  # there a shutdown need not wake a thread that is blocked in send


def _no_linger() -> bytes:
    """`struct linger {on, 0 s}` as the platform lays it out."""
    return struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)


def _refused(error: h11.RemoteProtocolError) -> Refused:
    """The refusal of what h11 could not read, in words that don't show how it is written."""
    found = str(error).replace("bytearray(b", "").removesuffix(")")[:300]
    detail = f"This is not a request in HTTP/1.1: {found}."
    if "request line" in found:
        detail += " Percent-encode blanks and non-ASCII characters of the URL."
    return Refused(error.error_status_hint, detail)
