"""The PACS of the app mode: the emulator with canaries in its slides, which sees and can spoil what the app asks."""

import io
import secrets
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from fake_pacs.embedding import (
    CONNECTION_KEY,
    SOFTWARE_VERSIONS,
    Hospital,
    MockSectraServer,
    OpenSlidePicture,
    callback_url,
    create_app,
)
from ia_api_contract import app_canaries
from ia_api_contract.app_corner import write_corner_slide
from ia_api_contract.exchanges import Answer, Exchange
from ia_api_contract.watching import NotingJournal, WatchedBody, request_digest
from ia_api_spec import ApiVersion

SLIDE, OTHER_SLIDE, CORNER_SLIDE = "contract-slide-1", "contract-slide-2", "contract-slide-3"
"""The slides that the PACS has; none tells of a patient. The last is for coordinates, and missing with `--slide`."""

KEPT = 64 * 1024
"""So many bytes of a body are kept."""

WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})


@dataclass(frozen=True)
class Response:
    """An answer on its way to the app."""

    status: int
    headers: dict[str, str]
    body: bytes = b""


class Cut(Exception):  # noqa: N818 - what is wanted is no error
    """Breaks the connection instead of answering."""


Meddler = Callable[["Asked", Callable[[], Response]], Response]
"""Stands between app and PACS: given what is asked and how to get the right answer, it answers, or raises `Cut`."""


@dataclass
class Asked:
    """One request of the app to the PACS, and what became of it: `operation_id` and what follows come last."""

    method: str
    path: str
    host: str
    token: str
    at: float
    digest: str = ""
    operation_id: str | None = None
    status: int | None = None
    violations: tuple[str, ...] = ()
    oddities: tuple[str, ...] = ()
    meddled: bool = False

    @property
    def is_write(self) -> bool:
        """Whether it would change something."""
        return self.method in WRITES

    @property
    def writes_result(self) -> bool:
        """Whether it stores or replaces a result."""
        return self.is_write and ("/results" in self.path) and "/attachments" not in self.path

    def __str__(self) -> str:
        return f"{self.method} {self.path} → {self.status or 'no answer'}"


@dataclass
class Ear:
    """What hears the app's requests with certain tokens, and may meddle."""

    calls: list[Asked] = field(default_factory=list)
    keep: Callable[[Exchange], None] = lambda exchange: None
    meddler: Meddler | None = None
    heard: threading.Condition = field(default_factory=threading.Condition)


class AppPacs(MockSectraServer):
    """The emulator of one version; ears are put to it by tenant.

    Raises `ValueError` for a `slide` that is none.
    """

    def __init__(
        self, version: ApiVersion, *, slide: Path | None = None, public_url: str | None = None, host: str = "localhost"
    ) -> None:
        super().__init__(
            api_version=str(version),
            software_version=SOFTWARE_VERSIONS[str(version)],
            token=secrets.token_urlsafe(24),
            control_token=secrets.token_urlsafe(24),
            users=(),
            slide_files={SLIDE: slide} if slide else None,
            public_url=public_url,
        )
        self.version = version
        self.ears: dict[str, Ear] = {}
        self._journal = NotingJournal()
        self.world.journal = self._journal
        base = self.world.hospital.slides[0]
        if not isinstance(base.picture, OpenSlidePicture):  # the emulator shows made-up tissue where it can't read
            raise ValueError(f"{slide} is no slide that can be read")
        shown = {SLIDE: base, OTHER_SLIDE: base}
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        if slide is None:
            self._folder = tempfile.TemporaryDirectory(prefix="ia-api-contract-", ignore_cleanup_errors=True)
            file = Path(self._folder.name) / "corner.tiff"
            write_corner_slide(file, base)
            self.add_slide_files(CORNER_SLIDE, file)
            shown[CORNER_SLIDE] = replace(self.world.slide(CORNER_SLIDE), case=base.case, details=base.details)
        slides = tuple(app_canaries.marked(known, name) for name, known in shown.items())
        self.world.replace_hospital(Hospital(slides))

    @property
    def has_corner_slide(self) -> bool:
        """Whether the slide for coordinates is there."""
        return self._folder is not None

    def stop(self) -> None:
        """Stops serving and removes the slide that it wrote."""
        super().stop()
        if self._folder is not None:
            self._folder.cleanup()

    def callback_url(self, app_url: str) -> str:
        """Where that app reaches the PACS, without a trailing slash."""
        return callback_url(self.world, app_url)

    def raise_for_errors(self) -> None:
        """What the emulator itself did wrong is told by the scene that it happened in."""

    def create_app(self) -> Any:
        """The emulator's application, wrapped in what sees and spoils."""
        app: WSGIApplication = create_app(self.world)

        def watched(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
            token = environ.get("HTTP_AUTHORIZATION", "").removeprefix("Bearer ")
            credential = self.world.store.credential(token) if token.isascii() else None
            ear = self.ears.get(credential.tenant) if credential else None
            return _Watch(app, environ, start_response, ear or self._nobody(), self._journal, token).answer()

        return watched

    def _nobody(self) -> Ear:
        """Who hears requests without a token that is known: whoever came last."""
        return next(reversed(self.ears.values()), Ear())


class _Watch:
    """One request on its way."""

    def __init__(
        self,
        app: WSGIApplication,
        environ: WSGIEnvironment,
        start_response: StartResponse,
        ear: Ear,
        journal: NotingJournal,
        token: str,
    ) -> None:
        self._app, self._environ, self._start, self._ear, self._journal = app, environ, start_response, ear, journal
        self._digest = request_digest(environ)
        self._body = WatchedBody(environ["wsgi.input"], self._digest, KEPT)
        environ["wsgi.input"] = io.BufferedReader(self._body)
        query = environ.get("QUERY_STRING", "")
        path = environ.get("PATH_INFO", "") + (f"?{query}" if query else "")
        method, host = environ["REQUEST_METHOD"], environ.get("HTTP_HOST", "")
        self._asked = Asked(method, path, host, token, time.monotonic())
        ear.calls.append(self._asked)

    def answer(self) -> Iterable[bytes]:
        """The answer, meddled with where somebody wants to; both are kept."""
        if self._ear.meddler is None:
            return self._plain()
        try:
            response = self._ear.meddler(self._asked, self._right)
        except Cut:
            self._note(None, "the PACS broke the connection, on purpose")
            self._environ[CONNECTION_KEY].abort()
            raise
        self._note(Answer(response.status, _lower(response.headers), response.body[:KEPT]))
        sized = {**response.headers, "Content-Length": str(len(response.body))}
        self._start(f"{response.status} Answered", list(sized.items()))
        return [response.body]

    def _right(self) -> Response:
        """What the emulator answers, as a whole."""
        began: list[Any] = []

        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            began[:] = [status, headers]
            return lambda data: None

        body = b"".join(self._closing(self._app(self._environ, start)))
        self._learn()
        return Response(int(began[0].split()[0]), dict(began[1]), body)

    def _plain(self) -> Iterable[bytes]:
        """The emulator's answer as it comes, its beginning kept."""
        began: list[Any] = []

        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            began[:] = [int(status.split()[0]), dict(headers)]
            return self._start(status, headers) if exc_info is None else self._start(status, headers, exc_info)

        chunks = self._app(self._environ, start)
        self._learn()
        return self._passing(chunks, began)

    def _passing(self, chunks: Iterable[bytes], began: list[Any]) -> Iterator[bytes]:
        kept = b""
        try:
            for chunk in self._closing(chunks):
                kept += chunk[: KEPT - len(kept)]
                yield chunk
        finally:
            self._note(Answer(began[0], _lower(began[1]), kept))

    @staticmethod
    def _closing(chunks: Iterable[bytes]) -> Iterator[bytes]:
        try:
            yield from chunks
        finally:
            with suppress(AttributeError):
                chunks.close()  # type: ignore[attr-defined]  # WSGI: called where there is one

    def _learn(self) -> None:
        """What the emulator's own journal says of the request."""
        if noted := self._journal.mine():
            self._asked.operation_id = noted.operation_id
            self._asked.violations = tuple(map(str, noted.violations))
            self._asked.oddities = tuple(f"{oddity.place}: {oddity.text}" for oddity in noted.oddities)

    def _note(self, answer: Answer | None, trouble: str | None = None) -> None:
        asked, environ = self._asked, self._environ
        asked.digest, asked.status = self._digest.hexdigest(), answer.status if answer else None
        names = {name[5:].replace("_", "-").title(): value for name, value in environ.items() if name[:5] == "HTTP_"}
        if environ.get("CONTENT_TYPE"):
            names["Content-Type"] = environ["CONTENT_TYPE"]
        url = f"{environ['wsgi.url_scheme']}://{asked.host}{asked.path}"
        seconds = time.monotonic() - asked.at
        self._ear.keep(Exchange(asked.method, url, names, self._body.beginning, answer, seconds, trouble, "app"))
        with self._ear.heard:
            self._ear.heard.notify_all()


def _lower(headers: dict[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}
