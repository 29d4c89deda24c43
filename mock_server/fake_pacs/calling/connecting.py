"""Connections to apps: resolved in bounded time, checked by address, tried one after the other."""

import queue
import socket
import ssl
import threading
import time
from ipaddress import ip_address
from typing import Any

from fake_pacs.calling.addresses import Place, UrlError, check_address, check_host
from fake_pacs.calling.troubles import Trouble
from ia_api_spec import shown

Address = tuple[socket.AddressFamily, Any]


def connect(place: Place, until: float, tls: ssl.SSLContext | None, allow_link_local: bool) -> socket.socket:
    """A connection to the place, with TLS where given, before `until` (of `time.monotonic`).

    Raises `UrlError` for a host that isn't called, `OSError` or `Trouble` for one that can't be reached.
    """
    if not allow_link_local:
        check_host(place.host)
    addresses = _resolved(place, until)
    for _, address in () if allow_link_local else addresses:
        check_address(address[0])
    connection = _first_open(addresses, until)
    try:
        if not allow_link_local:
            check_address(connection.getpeername()[0])
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls is None:
            return connection
        connection.settimeout(left(until))
        return tls.wrap_socket(connection, server_hostname=place.host)
    except BaseException:
        connection.close()
        raise


def left(until: float) -> float:
    """The seconds that are left. Raises `TimeoutError` where none are."""
    seconds = until - time.monotonic()
    if seconds <= 0:
        raise TimeoutError
    return seconds


def _first_open(addresses: list[Address], until: float) -> socket.socket:
    """Tries each address; none may take all the time from those after it."""
    last: OSError = OSError("it has no address")
    for number, (family, address) in enumerate(addresses):
        connection = socket.socket(family, socket.SOCK_STREAM)
        try:
            connection.settimeout(left(until) / (len(addresses) - number))
            connection.connect(address)
            return connection
        except OSError as error:
            connection.close()
            last = error
    raise last


def _resolved(place: Place, until: float) -> list[Address]:
    """The addresses of the host. A name is looked up in a thread, as nothing else bounds how long that takes."""
    if _is_address(place.host):
        return _look_up(place)
    found: queue.Queue[list[Address] | Exception] = queue.Queue()

    def look_up() -> None:
        try:
            found.put(_look_up(place))
        except Exception as error:  # handed on to the caller's thread
            found.put(error)

    threading.Thread(target=look_up, daemon=True, name="fake-pacs-resolver").start()
    try:
        result = found.get(timeout=left(until))
    except queue.Empty:
        raise TimeoutError from None
    if isinstance(result, Exception):
        raise result
    return result


def _look_up(place: Place) -> list[Address]:
    try:
        found = socket.getaddrinfo(place.host, place.port, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        raise Trouble(
            f"the host {shown(place.host)} isn't known: {error.strerror or error}; is its name right?"
        ) from None
    except UnicodeError:
        raise UrlError(f"the URL's host came as {shown(place.host)}; expected a name that DNS can hold") from None
    return [(family, address) for family, _, _, _, address in found]


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
