"""The only module that does network I/O: one request out, one answer in, retried as `retries` decides.

`urllib3`'s own Retry isn't used: it doesn't know bodies that break off, sends a generator's body again empty, and can't
tell a write that may have arrived from one that can't have.
"""

import os
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from typing import TypeVar

import requests
import urllib3
from requests.auth import AuthBase

from sectra_client.connections import session
from sectra_client.failures import connection_error
from sectra_client.retries import RetryPolicy, Tries
from sectra_client.utils.errors import SectraConnectionError, SectraTruncatedDownloadError
from sectra_client.wire.messages import Answer, Request
from sectra_client.wire.uploads import UploadError

T = TypeVar("T")
Timeout = float | tuple[float, float]
ERROR_TEXT = 1 << 20
"""So many bytes of a refusal are read."""

NO_CONTENT = 204


@dataclass(frozen=True)
class Stream:
    """An answer of success whose body is still to be read."""

    status: int
    headers: dict[str, str]
    path: str
    _response: requests.Response

    @property
    def length(self) -> int | None:
        """Size of the body in bytes, where the server says it."""
        value = self.headers.get("content-length", "")
        return int(value) if value.isdecimal() else None

    @property
    def is_framed(self) -> bool:
        """Whether its end can be told from a connection that broke: it says its length, or comes in chunks."""
        return _is_framed(self.headers)

    def blocks(self, size: int) -> Iterator[bytes]:
        """The body in blocks of that many bytes. Raises `SectraTruncatedDownloadError` where it breaks off."""
        try:
            while block := self._response.raw.read1(size, decode_content=True):
                yield block
        except (urllib3.exceptions.HTTPError, OSError) as error:
            received = self._response.raw.tell()
            total = "an unknown number of" if self.length is None else self.length
            raise SectraTruncatedDownloadError(
                f"the answer to {self.path} broke off after {received} of {total} bytes: {type(error).__name__}."
            ) from None


class _Bearer(AuthBase):
    """Sets the bearer token, and keeps requests from taking credentials out of a `.netrc` instead."""

    def __init__(self, token: str | None) -> None:
        self._token = token

    def __call__(self, prepared: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._token is not None:
            prepared.headers["Authorization"] = f"Bearer {self._token}"
        return prepared


class Transport:
    """Sends requests to one server. Safe in threads."""

    def __init__(
        self, base: str, *, timeout: Timeout, verify: bool | str | os.PathLike[str], retry: RetryPolicy
    ) -> None:
        self.base = base
        self._timeout = _checked(timeout)
        self._verify = _ca_file(verify)
        self.retry = retry
        self._session = session()
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self._session.headers["User-Agent"] = "ia-api-kit sectra_client"

    def close(self) -> None:
        """Closes the connections."""
        self._session.close()

    def tries(self, request: Request) -> Tries:
        """The tries that a request has."""
        return Tries(self.retry, request)

    def send(self, request: Request, token: str | None) -> Answer:
        """Sends a request and reads the whole answer. Raises `SectraConnectionError` or one of its subclasses."""
        return self._retried(self.tries(request), lambda: self._whole(request, token))

    @contextmanager
    def open(self, request: Request, token: str | None, tries: Tries) -> Iterator[Stream | Answer]:
        """Sends a read and hands out the answer with its body unread; a refusal comes as a whole `Answer`."""
        opened = self._retried(tries, lambda: self._opened(request, token))
        if isinstance(opened, Answer):
            yield opened
            return
        try:
            yield opened
        finally:
            opened._response.close()

    def _retried(self, tries: Tries, send: Callable[[], T]) -> T:
        while True:
            try:
                answer = send()
            except SectraConnectionError as error:
                if not tries.again(error):
                    raise
            else:
                if not isinstance(answer, Answer) or not tries.as_asked(answer):
                    return answer

    def _whole(self, request: Request, token: str | None) -> Answer:
        with self._failures(request), self._request(request, token) as response:
            return _answer(request, response, None if _is_success(response) else ERROR_TEXT)

    def _opened(self, request: Request, token: str | None) -> Stream | Answer:
        with self._failures(request):
            response = self._request(request, token)
            if _is_success(response):
                return Stream(response.status_code, _headers(response), request.path, response)
            with response:
                return _answer(request, response, ERROR_TEXT)

    @contextmanager
    def _failures(self, request: Request) -> Iterator[None]:
        """Turns what requests and urllib3 raise into this client's errors; theirs show URLs with their queries.

        What went wrong on this side while uploading comes out as it is.
        """
        try:
            yield
            return
        except UploadError as failed:
            own = failed.error
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            raise connection_error(error, request, self.base) from None
        raise own

    def _request(self, request: Request, token: str | None) -> requests.Response:
        return self._session.request(
            request.method,
            f"{self.base}{request.path}",
            params=dict(request.query),
            headers=dict(request.headers),
            data=request.body,
            auth=_Bearer(token if request.authorised else None),
            timeout=self._timeout,
            verify=self._verify,
            allow_redirects=False,
            stream=True,
        )


def _is_success(response: requests.Response) -> bool:
    return 200 <= response.status_code < 300


def _answer(request: Request, response: requests.Response, most: int | None) -> Answer:
    """The answer with its body, or with the first so many bytes of it."""
    body = response.raw.read(most, decode_content=True)
    answer = Answer(response.status_code, _headers(response), body, request.path)
    if answer.is_success and answer.status != NO_CONTENT and request.may_repeat and not _is_framed(answer.headers):
        _check_body(body)
    return answer


def _is_framed(headers: Mapping[str, str]) -> bool:
    return headers.get("content-length", "").isdecimal() or "chunked" in headers.get("transfer-encoding", "").lower()


def _check_body(body: bytes) -> None:
    """Raises `urllib3.exceptions.ProtocolError` for nothing where something must come: the headers were cut."""
    if not body:
        raise urllib3.exceptions.ProtocolError("the answer broke off amid its headers")


def _headers(response: requests.Response) -> dict[str, str]:
    return {name.lower(): value for name, value in response.headers.items()}


def _ca_file(verify: bool | str | os.PathLike[str]) -> bool | str:
    """Whether, or with which CA file, certificates are checked. Raises `ValueError` where there is no such file, or no
    certificate in it.
    """
    if isinstance(verify, bool):
        return verify
    given = os.fspath(verify)
    if not given or not Path(given).exists():  # to requests "" means no check at all
        raise ValueError(f"verify is {given!r}: there is no such CA file")
    if Path(given).is_file():
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(given)
        except OSError as error:
            raise ValueError(
                f"verify is {given!r}, which can't be used ({error}): expected certificates in PEM"
            ) from error
    return given


def _checked(timeout: Timeout) -> tuple[float, float]:
    """Seconds to connect and seconds between two reads. Raises `ValueError` unless both are positive numbers."""
    pair = timeout if isinstance(timeout, tuple) else (timeout, timeout)
    if len(pair) != 2 or not all(_is_positive(value) for value in pair):
        raise ValueError(f"timeout is {timeout!r}: expected positive seconds, or a pair (connect, read)")
    return float(pair[0]), float(pair[1])


def _is_positive(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < float("inf")
