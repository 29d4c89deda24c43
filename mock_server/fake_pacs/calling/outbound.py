"""HTTP to apps, bounded in time and memory: whatever an app does comes back as a value.

No proxy of the environment is used, no redirect is followed, nothing is unpacked, no connection is kept.
"""

import json
import socket
import ssl
import time
from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from http.client import HTTPException, HTTPResponse
from typing import Any

from fake_pacs.calling.addresses import Place, UrlError, place_of
from fake_pacs.calling.connecting import connect
from fake_pacs.calling.incoming import read_answer, read_head
from fake_pacs.calling.troubles import Trouble, kind_of, why
from fake_pacs.calling.values import AppAnswer
from fake_pacs.settings import SettingsError

__all__ = ["Outbound", "UrlError"]

MIB = 2**20


class Outbound:
    """Calls apps with the server's version headers: one for each `World` (`world.outbound`), shared by all threads.

    Never raises for what an app does, but `UrlError` for what is no URL of an app: link-local and cloud metadata
    addresses (unless `allow_link_local`) are told by the address connected to, whatever its name was. At most `limit`
    bytes of an answer's body are read. `ca_file` (PEM) is trusted beside the system's authorities, `SettingsError` says
    that it can't be read. `headers` go out with every call. With `timed=False` every answer took 0 seconds, so
    that two runs tell the same.
    """

    def __init__(
        self,
        *,
        allow_link_local: bool = False,
        limit: int = MIB,
        ca_file: str | None = None,
        headers: Mapping[str, str] | None = None,
        timed: bool = True,
    ) -> None:
        self._allow_link_local = allow_link_local
        self._limit = limit
        self._ca_file = ca_file
        self._headers = dict(headers or {})
        self._timed = timed
        if ca_file is not None:
            _ = self._tls  # a file that can't be read is known at once, not at the first call

    def get(self, url: str, deadline: float, headers: Mapping[str, str] | None = None) -> AppAnswer:
        """GET, with `deadline` seconds for all of it, the name's resolution included. Raises `UrlError`."""
        return self._call("GET", url, None, deadline, headers or {})

    def post(self, url: str, document: Any, deadline: float, headers: Mapping[str, str] | None = None) -> AppAnswer:
        """POST of a JSON document, with `deadline` seconds for all of it. Raises `UrlError`."""
        body = json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode("utf-8")
        return self._call("POST", url, body, deadline, headers or {})

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        context = ssl.create_default_context()
        if self._ca_file is not None:
            try:
                context.load_verify_locations(self._ca_file)
            except OSError as error:
                raise SettingsError(
                    f"--app-ca {self._ca_file} can't be used ({error}): give a readable file, PEM"
                ) from None
        return context

    def _call(
        self, method: str, url: str, body: bytes | None, deadline: float, headers: Mapping[str, str]
    ) -> AppAnswer:
        place = place_of(url)
        until = time.monotonic() + deadline
        head = _head(method, place, body, {**self._headers, **headers})
        began = None
        try:
            tls = self._tls if place.scheme == "https" else None
            with connect(place, until, tls, self._allow_link_local) as connection:
                began = time.monotonic()
                unsent = _send(connection, head + (body or b""), until)
                answer = self._answer(connection, method, until, began, unsent)
                slow = answer.trouble_kind == "too-slow"
                return replace(answer, trouble=f"{answer.trouble}; it had {deadline:g} s") if slow else answer
        except UrlError:
            raise
        except (OSError, HTTPException, Trouble) as error:
            text, kind = why(error, place, deadline), kind_of(error)
            return AppAnswer(None, seconds=self._since(began), trouble=text, trouble_kind=kind)

    def _answer(
        self, connection: socket.socket, method: str, until: float, began: float, unsent: ConnectionError | None
    ) -> AppAnswer:
        """The answer, which may have come before all was sent; else it is the sending that failed."""
        try:
            response = read_head(connection, method, until)
        except (OSError, HTTPException) as error:
            raise unsent or error from None
        body, trouble = read_answer(response, self._limit)
        kind, text = trouble or (None, None)
        return AppAnswer(response.status, _headers_of(response), body, self._since(began), text, kind)

    def _since(self, began: float | None) -> float:
        return time.monotonic() - began if self._timed and began is not None else 0.0


def _head(method: str, place: Place, body: bytes | None, more: Mapping[str, str]) -> bytes:
    headers = {
        "Host": place.authority,
        "Accept": "application/json",
        "Accept-Encoding": "identity",
        "Connection": "close",
        **more,
    }
    if body is not None:
        headers |= {"Content-Type": "application/json", "Content-Length": str(len(body))}
    lines = [f"{method} {place.target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    return "\r\n".join(lines).encode("latin-1")


_PIECE = 2**16


def _send(connection: socket.socket, data: bytes, until: float) -> ConnectionError | None:
    """Sends all; where the app hangs up meanwhile, what it said before is still worth reading."""
    try:
        for start in range(0, len(data), _PIECE):
            connection.settimeout(max(until - time.monotonic(), 0.001))
            connection.sendall(data[start : start + _PIECE])
    except ConnectionError as error:
        return error
    return None


def _headers_of(response: HTTPResponse) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in response.getheaders():
        key = name.lower()
        found[key] = f"{found[key]}, {value}" if key in found else value
    return found
