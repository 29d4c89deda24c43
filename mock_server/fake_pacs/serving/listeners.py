"""Listening sockets: one per address of a host, all on the same port."""

import errno
import socket
import sys
from collections.abc import Sequence

BACKLOG = 512
FREE_PORT_ATTEMPTS = 20

_ADVICE = {
    errno.EADDRINUSE: "the port is taken: stop the program that listens there, or choose another one (0: any free one)",
    errno.EACCES: "this user may not open the port: choose one above 1023, or 0 for any free one",
    errno.EADDRNOTAVAIL: "this machine has no such address: use localhost, or 0.0.0.0 for all its addresses",
}
# Windows answers a port held exclusively by another program with EACCES (WSAEACCES).
_TAKEN_ON_WINDOWS = "the port is taken or reserved: choose another one (0: any free one)"


class ListenError(OSError):
    """The server can't listen where it was told to; the text names host and port and says what to do."""


def open_listeners(host: str, port: int) -> list[socket.socket]:
    """Listen on every address of `host`, on one port (0: any free one).

    `localhost` is both ::1 and 127.0.0.1 where the machine has both: a client that tries the other family first
    would lose seconds on Windows. An address that the machine lacks is left out while another one remains.
    Raises `ListenError`.
    """
    addresses = _addresses(host, port)
    for attempt in range(FREE_PORT_ATTEMPTS):
        try:
            return _open_all(addresses, port)
        except OSError as error:
            # A port that is free in one family may be taken in the other: then the next free one is asked for.
            if port == 0 and error.errno == errno.EADDRINUSE and attempt + 1 < FREE_PORT_ATTEMPTS:
                continue
            raise _listen_error(host, port, error) from error
    raise AssertionError("unreachable: the last attempt returns or raises")


def _addresses(host: str, port: int) -> list[tuple[int, str]]:
    """(family, address) of `host`, without repetitions, in the resolver's order."""
    if not 0 <= port <= 65535:
        raise ListenError(errno.EINVAL, f"cannot listen on {host}:{port}: a port is a number from 0 to 65535")
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:
        advice = "the name is unknown here: use localhost or an address of this machine"
        raise ListenError(errno.EADDRNOTAVAIL, f"cannot listen on {host}:{port}: {advice} ({error})") from error
    return list(dict.fromkeys((int(family), str(address[0])) for family, _, _, _, address in found))


def _open_all(addresses: Sequence[tuple[int, str]], port: int) -> list[socket.socket]:
    listeners: list[socket.socket] = []
    missing: OSError | None = None
    try:
        for family, address in addresses:
            try:
                listeners.append(_open(family, address, port))
            except OSError as error:
                if error.errno not in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
                    raise
                missing = error
            else:
                port = listeners[0].getsockname()[1]
        if missing and not listeners:
            raise missing
    except OSError:
        for listener in listeners:
            listener.close()
        raise
    return listeners


def _open(family: int, address: str, port: int) -> socket.socket:
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        if sys.platform == "win32":
            # There SO_REUSEADDR would let two servers share a port.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            # "::" means every address of both families; any other address is IPv6 alone.
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(address != "::"))
        listener.bind((address, port))
        listener.listen(BACKLOG)
        listener.setblocking(False)
    except OSError:
        listener.close()
        raise
    return listener


def _listen_error(host: str, port: int, error: OSError) -> ListenError:
    advice = _ADVICE.get(error.errno or 0, error.strerror or str(error))
    if sys.platform == "win32" and error.errno == errno.EACCES:
        advice = _TAKEN_ON_WINDOWS
    return ListenError(error.errno, f"cannot listen on {host}:{port}: {advice}")
