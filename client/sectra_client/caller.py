"""One call from end to end: the version gate, the version headers, the token and its renewal; then the answer is
read.
"""

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import TypeVar

from sectra_client.schemas.info import ApplicationInfo
from sectra_client.tokens import Credentials
from sectra_client.transport import Stream, Transport
from sectra_client.utils.errors import SectraVersionError
from sectra_client.versions import is_older, spoken_with
from sectra_client.wire.info import get_info
from sectra_client.wire.messages import Answer, Call, Request, refusal

T = TypeVar("T")
RENEW_ON = frozenset({401, 403})


class Caller:
    """Performs calls on one server with one source of tokens. Safe in threads."""

    def __init__(self, transport: Transport, credentials: Credentials) -> None:
        self._transport = transport
        self._credentials = credentials
        self._lock = threading.Lock()
        self._info: ApplicationInfo | None = None

    @property
    def info(self) -> ApplicationInfo:
        """The server's versions, asked for at first use (without version headers) and kept as long as this caller
        lives.
        """
        with self._lock:
            if self._info is None:
                call = get_info()
                self._info = call.read(self._accepted(call.request))
            return self._info

    def perform(self, call: Call[T]) -> T:
        """Sends the call's request and reads its answer. Raises any `SectraError`."""
        return call.read(self._accepted(self._versioned(call.request)))

    @contextmanager
    def stream(self, request: Request) -> Iterator[Stream]:
        """Sends a read and hands out its answer with the body unread. Raises any `SectraError`."""
        versioned = self._versioned(request)
        token = self._credentials.token()
        with ExitStack() as stack:
            answer = stack.enter_context(self._transport.open(versioned, token))
            if isinstance(answer, Answer) and (fresh := self._renewed(answer, token)):
                token = fresh
                answer = stack.enter_context(self._transport.open(versioned, token))
            if isinstance(answer, Answer):
                raise refusal(_redacted(answer, token))
            yield answer

    def close(self) -> None:
        """Closes the connections."""
        self._transport.close()

    def _versioned(self, request: Request) -> Request:
        """The request with the version headers: the server's own values, but no version newer than this client speaks.

        Raises `SectraVersionError` where the server is older than the operation.
        """
        info = self.info
        if request.since is not None and is_older(info.apiVersion, request.since):
            raise SectraVersionError(request.operation, request.since, info.apiVersion)
        values = {"X-Sectra-ApiVersion": spoken_with(info.apiVersion), "X-Sectra-SoftwareVersion": info.softwareVersion}
        versions = {name: value for name, value in values.items() if value and value.isascii() and value.isprintable()}
        return replace(request, headers={**request.headers, **versions})

    def _accepted(self, request: Request) -> Answer:
        """The answer to the request, sent once more with a new token where the server refuses the first. Raises its
        refusal.
        """
        token = self._credentials.token()
        answer = self._transport.send(request, token)
        if fresh := self._renewed(answer, token):
            token = fresh
            answer = self._transport.send(request, token)
        if not answer.is_success:
            raise refusal(_redacted(answer, token))
        return answer

    def _renewed(self, answer: Answer, token: str) -> str | None:
        return self._credentials.renewed(token) if answer.status in RENEW_ON else None


def _redacted(answer: Answer, token: str) -> Answer:
    """The answer without the token, in case the server repeats it in its text."""
    return replace(answer, body=answer.body.replace(token.encode("ascii"), b"[token]"))
