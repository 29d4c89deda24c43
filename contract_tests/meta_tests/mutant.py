"""A mutant: an emulator that is wrong in one way, and the checks that must notice."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from fake_pacs.app import create_app
from fake_pacs.calls import Call, Reply
from fake_pacs.embedding import MockSectraServer
from fake_pacs.handlers import HANDLERS, Handler
from fake_pacs.world import World

BrokenHandler = Callable[[Call, World, Handler], Reply]
"""A handler that is wrong: it may call the right one, its third argument."""


@dataclass
class Response:
    """An answer on its way out, for a mutant to spoil: any status, headers and body, past all validation."""

    status: int
    headers: dict[str, str]
    body: bytes


Spoiler = Callable[[WSGIEnvironment, Response], Response]
"""Changes an answer after everything else; what it returns is what goes out."""


@dataclass(frozen=True)
class Mutant:
    """One wrong emulator: `breaks` names the checks that must fail, `why` explains more than three of them.

    `handlers` replaces what operations do, `spoil` changes answers on the wire, `prepare` changes the world (settings,
    store, hospital) before it serves, `wrap` puts something before the application, `options` go to the emulator's
    constructor.
    """

    id: str
    what: str
    breaks: tuple[str, ...]
    why: str = ""
    handlers: Mapping[str, BrokenHandler] = field(default_factory=dict)
    spoil: Spoiler | None = None
    prepare: Callable[[World], None] | None = None
    wrap: Callable[[World, WSGIApplication], WSGIApplication] | None = None
    options: Mapping[str, Any] = field(default_factory=dict)


class MutantServer(MockSectraServer):
    """The emulator with one mutant in it."""

    def __init__(self, mutant: Mutant, **options: Any) -> None:
        super().__init__(**{**options, **mutant.options})
        self._mutant = mutant
        if mutant.prepare:
            mutant.prepare(self.world)

    def create_app(self) -> Any:
        """The emulator's application with broken handlers, wrapped in what spoils its answers."""
        broken = {name: _bound(handler, HANDLERS[name]) for name, handler in self._mutant.handlers.items()}
        app: WSGIApplication = create_app(self.world, {**HANDLERS, **broken})
        app = self._mutant.wrap(self.world, app) if self._mutant.wrap else app
        return spoiling(app, self._mutant.spoil) if self._mutant.spoil else app

    def raise_for_errors(self) -> None:
        """A mutant may break its own contract: that is what it is for."""


@contextmanager
def running(mutant: Mutant, **options: Any) -> Iterator[MutantServer]:
    """The mutant, serving on a free port."""
    with MutantServer(mutant, **options).run(port=0) as server:
        yield server


def _bound(broken: BrokenHandler, right: Handler) -> Handler:
    return lambda call, world: broken(call, world, right)


def _with_length(before: Response, after: Response) -> Response:
    """The spoilt answer with the length of its body, unless it is the length that was spoilt."""
    spoilt = after.headers.get("Content-Length") != before.headers.get("Content-Length")
    if spoilt or after.body == before.body:
        return after
    return replace(after, headers={**after.headers, "Content-Length": str(len(after.body))})


def spoiling(app: WSGIApplication, spoil: Spoiler) -> WSGIApplication:
    def spoiled(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        began: list[Any] = []

        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            began[:] = [status, headers]
            return lambda data: None

        chunks = app(environ, start)
        try:
            body = b"".join(chunks)
        finally:
            if hasattr(chunks, "close"):
                chunks.close()
        before = Response(int(began[0].split()[0]), dict(began[1]), body)
        response = _with_length(before, spoil(environ, before))
        start_response(f"{response.status} Spoilt", list(response.headers.items()))
        return [response.body]

    return spoiled
