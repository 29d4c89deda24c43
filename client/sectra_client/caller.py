"""One call from end to end: the version gate, the version headers, the token and its renewal; then the answer is
read.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import TypeVar

from sectra_client.redaction import redact, redacted
from sectra_client.retries import Tries
from sectra_client.schemas.info import ApplicationInfo
from sectra_client.single_flight import SingleFlight
from sectra_client.tokens import Credentials
from sectra_client.transport import Stream, Transport
from sectra_client.utils.errors import (
    SectraError,
    SectraTruncatedDownloadError,
    SectraUnreadableAnswerError,
    SectraVersionError,
)
from sectra_client.versions import is_older, spoken_with
from sectra_client.wire.info import get_info
from sectra_client.wire.messages import Answer, Call, Request, refusal

T = TypeVar("T")
RENEW_ON = frozenset({401, 403})
STORED = "The write was probably stored: read what is stored before you send it again."


class Caller:
    """Performs calls on one server with one source of tokens. Safe in threads."""

    def __init__(self, transport: Transport, credentials: Credentials) -> None:
        self._transport = transport
        self._credentials = credentials
        self._flight = SingleFlight[ApplicationInfo]()
        self._info: ApplicationInfo | None = None

    @property
    def info(self) -> ApplicationInfo:
        """The server's versions, asked for at first use (without version headers) and kept as long as this caller
        lives. Threads that ask at the same time share one answer, or one error.
        """
        return self._flight.get(lambda: self._info, self._asked)

    def perform(self, call: Call[T]) -> T:
        """Sends the call's request and reads its answer. Raises any `SectraError`."""
        return self._performed(call, self._versioned(call.request))

    def saved(self, request: Request, save: Callable[[Stream], T]) -> T:
        """What `save` makes of a read's answer; the request is sent again where the answer breaks off, as often as the
        policy says, tries before the answer began included. Raises any `SectraError`.
        """
        tries = self._transport.tries(request)
        while True:
            try:
                with self._stream(request, tries) as stream:
                    return save(stream)
            except SectraTruncatedDownloadError as error:
                if not tries.again(error):
                    raise

    @contextmanager
    def _stream(self, request: Request, tries: Tries) -> Iterator[Stream]:
        """Sends a read and hands out its answer with the body unread. Raises any `SectraError`; what is raised while
        the body is read shows no token either.
        """
        versioned = self._versioned(request)
        token = self._credentials.token()
        tokens = [token]
        with ExitStack() as stack:
            answer = stack.enter_context(self._transport.open(versioned, token, tries))
            if isinstance(answer, Answer) and (fresh := self._renewed(answer, token)):
                tokens.append(fresh)
                answer = stack.enter_context(self._transport.open(versioned, fresh, tries))
            if isinstance(answer, Answer):
                raise refusal(redacted(answer, tokens))
            try:
                yield answer
            except SectraError as error:
                redact(error, tokens)
                raise

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

    def _asked(self) -> ApplicationInfo:
        call = get_info()
        self._info = self._performed(call, call.request)
        return self._info

    def _performed(self, call: Call[T], request: Request) -> T:
        """What the answer says; the request is sent once more with a new token where the server refuses the first.
        Raises its refusal.
        """
        token = self._credentials.token()
        tokens = [token]
        answer = self._transport.send(request, token)
        if fresh := self._renewed(answer, token):
            tokens.append(fresh)
            answer = self._transport.send(request, fresh)
        return outcome(call, answer, tokens)

    def _renewed(self, answer: Answer, token: str) -> str | None:
        return self._credentials.renewed(token) if answer.status in RENEW_ON else None


def outcome(call: Call[T], answer: Answer, secrets: Iterable[str]) -> T:
    """What the answer says. Raises its refusal, or `SectraUnreadableAnswerError`; neither shows the secrets."""
    if not answer.is_success:
        raise refusal(redacted(answer, secrets))
    try:
        return call.read(answer)
    except SectraUnreadableAnswerError as error:
        why = error
    told = _shown(call, redacted(answer, secrets)) or type(why)(f"the answer to {answer.path} can't be read")
    if call.request.may_repeat:
        raise told
    raise SectraUnreadableAnswerError(f"{told}. {STORED}")


def _shown(call: Call[T], answer: Answer) -> SectraUnreadableAnswerError | None:
    """Why the answer can't be read, after what mustn't be shown was taken out of it."""
    try:
        call.read(answer)
    except SectraUnreadableAnswerError as error:
        return error
    return None
