"""The PACS that a client program is run against: the emulator, refusing once on purpose and seeing everything."""

import io
import threading
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from fake_pacs.embedding import (
    DEFAULT_TENANT,
    HANDLERS,
    Call,
    Exchange,
    Handler,
    MockSectraServer,
    Refusal,
    Refusals,
    Reply,
    World,
    create_app,
    on_wire,
)
from ia_api_contract.watching import NotingJournal, WatchedBody, request_digest

WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})

REFUSALS: Mapping[int, Refusals] = {
    400: Refusals.INVALID_REQUEST,
    401: Refusals.UNAUTHENTICATED,
    403: Refusals.FORBIDDEN,
    404: Refusals.UNKNOWN_SLIDE,
    413: Refusals.BODY_TOO_LARGE,
    415: Refusals.UNSUPPORTED_MEDIA_TYPE,
    416: Refusals.RANGE_NOT_SATISFIABLE,
    503: Refusals.SLIDE_UNREADABLE,
}
HEADERS = {401: {"WWW-Authenticate": 'Bearer realm="ia-api-contract"'}, 416: {"Content-Range": "bytes */0"}}


@dataclass(frozen=True)
class Injection:
    """The refusal that the first call of an operation meets."""

    operation_id: str
    status: int


@dataclass(frozen=True)
class Seen:
    """One request of the client: what it was, what came of it, and what was wrong with it.

    `digest` is equal for requests that are the same to the last byte, credentials included.
    """

    method: str
    path: str
    operation_id: str | None
    status: int
    digest: str
    ranged: bool
    violations: tuple[str, ...]
    oddities: tuple[str, ...]

    @property
    def is_write(self) -> bool:
        """Whether it would change something."""
        return self.method in WRITES

    def __str__(self) -> str:
        return f"{self.method} {self.path} → {self.status}"


class WatchedServer(MockSectraServer):
    """The emulator for one run of a client."""

    def __init__(self, injection: Injection | None, **options: Any) -> None:
        super().__init__(**options)
        self._injection = injection
        self.seen: list[Seen] = []
        self._journal = NotingJournal()
        self.world.journal = self._journal

    def create_app(self) -> Any:
        """The emulator's application, with one refusal in it, wrapped in what sees its requests."""
        handlers: dict[str, Handler] = dict(HANDLERS)
        if self._injection:
            handlers[self._injection.operation_id] = refusing_once(self._injection)
        return self._watching(create_app(self.world, handlers))

    def _watching(self, app: WSGIApplication) -> WSGIApplication:
        def watched(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
            digest = request_digest(environ)
            environ["wsgi.input"] = io.BufferedReader(WatchedBody(environ["wsgi.input"], digest))
            answer = app(environ, start_response)
            if noted := self._journal.mine():
                self.seen.append(_seen(noted, digest.hexdigest(), "HTTP_RANGE" in environ))
            return answer

        return watched

    def stored(self) -> "Counter[str]":
        """What is stored now, in words: results and attachments counted, quality control states by slide."""
        store, found = self.world.store, Counter[str]()
        for application in self.world.hospital.applications:
            for result in store.results(DEFAULT_TENANT, application.applicationId):
                place = f"{application.applicationId} on {result.slide_id}"
                found[f"a result of {place}"] += 1
                for attachment in result.attachments:
                    found[f"an attachment {attachment.name!r} ({attachment.state}) of {place}"] += 1
        for slide in (slide.id for slide in self.world.hospital.slides):
            status = store.quality_control(DEFAULT_TENANT, slide).status
            if status != "NotSet":
                found[f"the state {status} of {slide}"] += 1
        return found


def _seen(noted: Exchange, digest: str, ranged: bool) -> Seen:
    return Seen(
        noted.method,
        noted.path,
        noted.operation_id,
        noted.status,
        digest,
        ranged,
        tuple(str(violation) for violation in noted.violations),
        tuple(f"{oddity.place}: {oddity.text}" for oddity in noted.oddities),
    )


def refusing_once(injection: Injection) -> Handler:
    """The operation's handler, which refuses its first call: with 409 because somebody else really was faster."""
    right = HANDLERS[injection.operation_id]
    first = threading.Semaphore(1)

    def handler(call: Call, world: World) -> Reply:
        if first.acquire(blocking=False):
            if injection.status == HTTPStatus.CONFLICT:
                _rival(call, world, right)
                return right(call, world)
            raise _refusal(injection.status)
        return right(call, world)

    return handler


def _refusal(status: int) -> Refusal:
    title = HTTPStatus(status).phrase
    return Refusal(REFUSALS[status], f"Refused once, on purpose: {title}.", headers=HEADERS.get(status))


def _rival(call: Call, world: World, right: Handler) -> None:
    """Somebody else writes, so that the versionId which the client has read is stale."""
    tenant = call.caller.tenant
    if call.operation_id == "setQualityControl":
        state = world.store.quality_control(tenant, call.parameters["slideId"])
        wanted = {"status": "Rejected", "versionId": state.version_id}
        right(replace(call, body={**call.body, "qualityControl": wanted}), world)
    else:
        stored = world.store.result(tenant, call.parameters["applicationId"], call.parameters["resultId"])
        right(replace(call, body=on_wire(stored)), world)
