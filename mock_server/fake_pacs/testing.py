"""What the pytest plugin hands to tests: a tenant of a fake PACS, and what it says of the calls that came."""

import threading
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, fields
from itertools import count
from pathlib import Path
from typing import Any, Literal

from fake_pacs.calling.registering import Registration, register
from fake_pacs.calling.workstation import Workstation
from fake_pacs.catalog import load_slides
from fake_pacs.clock import MovableClock, RandomIds
from fake_pacs.demo import named_application, with_applications
from fake_pacs.embedding import MockSectraServer
from fake_pacs.faults.table import TenantFaults
from fake_pacs.hospital import Slide
from fake_pacs.imaging.slide_reader import SlideReader
from fake_pacs.incidents.incident import Incident
from fake_pacs.journal import Exchange, Journal, Later
from fake_pacs.result_documents import on_wire
from fake_pacs.settings import DEFAULT_TENANT, SOFTWARE_VERSIONS
from fake_pacs.testing_words import Expected, missed, story, unknown_operation
from fake_pacs.world import contract
from ia_api_spec import NEWEST

MOST_CALLS, MOST_BYTES, MOST_BYTES_OF_ALL = 100_000, 64 * 2**20, 256 * 2**20
"""Calls are counted as long as one test makes fewer than these."""


@dataclass(frozen=True)
class Wanted:
    """What the fake PACS of a test is, as `MockSectraServer` takes it; `slides` are files or folders of them."""

    api_version: str = str(NEWEST)
    slides: tuple[Path, ...] = ()
    applications: tuple[str, ...] = ()
    invent: bool = False
    missing_version: Literal["refuse", "accept"] = "refuse"
    files: Literal["auto", "multipart"] = "auto"


def wanted(given: Mapping[str, Any], marks: Iterable[Mapping[str, Any]] = ()) -> Wanted:
    """What the settings say, then the markers, the nearest last; `forced_version` is the last word on the version.

    Applications of settings and markers add up. Raises ValueError for names that no marker has.
    """
    known = {name: value for name, value in given.items() if value and name != "forced_version"}
    names = {member.name for member in fields(Wanted)}
    applications = [*known.get("applications", ())]
    for mark in marks:
        if unknown := sorted(set(mark) - names):
            raise ValueError(f"the marker fake_pacs has no {unknown[0]!r}; it has {', '.join(sorted(names))}")
        known |= mark
        applications += _texts(mark.get("applications", ()))
    if forced := given.get("forced_version"):
        known["api_version"] = forced
    slides = known.get("slides", ())
    known["slides"] = tuple(map(Path, [slides] if isinstance(slides, str | Path) else slides))
    return Wanted(**{**known, "applications": tuple(dict.fromkeys(applications))})


def _texts(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


class KeepingJournal(Journal):
    """A journal that tells when something is written, and keeps each tenant's errors of ours by themselves."""

    def __init__(self) -> None:
        super().__init__(MOST_CALLS, MOST_BYTES, MOST_BYTES_OF_ALL)
        self.news = threading.Condition()
        self._went_wrong: dict[str | None, list[str]] = defaultdict(list)

    def write(self, exchange: Exchange, later: Later | None = None, held: int = 0) -> int:
        """Adds an exchange."""
        number = super().write(exchange, later, held)
        with self.news:
            self.news.notify_all()
        return number

    def went_wrong(self, tenant: str | None, text: str) -> None:
        """Counts what the server itself did wrong, and keeps it for that tenant."""
        super().went_wrong(tenant, text)
        with self.news:
            self._went_wrong[tenant].append(text)

    def take_errors(self, tenant: str) -> list[str]:
        """What went wrong with the tenant's calls, or with unknown callers', since this was asked last."""
        with self.news:
            return [*self._went_wrong.pop(tenant, ()), *self._went_wrong.pop(None, ())]


class FakePacs:
    """A fake PACS for one test: `url` and `token` are what the program under test is given.

    `user` and `password` open `/token`. What was stored, called and journalled for other tests is not there.
    """

    def __init__(self, server: MockSectraServer, journal: KeepingJournal, tenant: str) -> None:
        self.server = server
        self.tenant = tenant
        self.token, self.password = server.world.ids.token(), server.world.ids.token()
        self.user = tenant
        self._journal = journal
        journal.forget(DEFAULT_TENANT, with_strangers=True)
        journal.take_errors(tenant)
        server.world.store.create_tenant(tenant, self.token, {self.user: self.password})

    @property
    def url(self) -> str:
        """The base URL of the IA-API, without a trailing slash."""
        return self.server.url

    @property
    def api_version(self) -> str:
        """The IA-API version that it is."""
        return self.server.api_version

    @property
    def workstation(self) -> Workstation:
        """The user at the workstation: starts registered apps, edits and deletes results."""
        return Workstation(self.server.world, self.url, self.tenant)

    @property
    def faults(self) -> TenantFaults:
        """What goes wrong on purpose, for this test alone."""
        return self.server.world.faults.of(self.tenant)

    @property
    def clock(self) -> MovableClock:
        """The clock of its server; after the test it goes right again."""
        return self.server.clock

    def incident(self, name: str, **about: Any) -> Incident:
        """Begins a named incident, for this test alone; `about` as `MockSectraServer.incident` takes it."""
        return self.server.incident(name, **about, tenant=self.tenant)

    def register_app(self, url: str) -> Registration:
        """Registers the app at that URL, for this test alone: `.app` (None if it is refused) and `.findings`."""
        return register(self.server.world, self.tenant, url)

    def results(self, application_id: str, slide_id: str | None = None) -> list[dict[str, Any]]:
        """The results that an application stored, as they are on the wire, ordered by id."""
        return [on_wire(result) for result in self.server.world.store.results(self.tenant, application_id, slide_id)]

    def calls(self, operation_id: str | None = None, *, status: int | None = None) -> list[Exchange]:
        """The calls that came, oldest first: of an operation, with a status; without both all of the IA-API.

        Those of callers that nobody knows and of paths that are no operation are among all, as is all that was refused.
        Raises ValueError for an operation that there isn't.
        """
        __tracebackhide__ = True
        known = self._known(operation_id)
        everything = self._journal.read(
            self.tenant, with_strangers=True, operation_id=operation_id, after=None, limit=None
        )
        found = [call for call in everything if call.operation_id is None or call.operation_id in known]
        return sorted((call for call in found if status in (None, call.status)), key=lambda call: call.at)

    def assert_called(
        self, operation_id: str, *, times: int | None = None, status: int | None = None, within: float = 0.0
    ) -> list[Exchange]:
        """Fails unless the operation was called so often, at least once by default; returns these calls.

        Calls that were refused don't count, unless `status` asks for theirs. `within` so many seconds the calls may
        still come. The failure names what came instead: refusals and why, other operations, unknown paths.
        """
        __tracebackhide__ = True
        expected = Expected(operation_id, times, status)
        self._known(operation_id)
        calls = self._awaited(lambda: self._counted(expected), times or 1, within)
        if not expected.fits(len(calls)):
            raise AssertionError(missed(expected, calls, self.calls(), self._lost()))
        return calls

    def assert_not_called(self, operation_id: str) -> None:
        """Fails if the operation was called at all, refused calls included."""
        __tracebackhide__ = True
        if calls := self.calls(operation_id):
            raise AssertionError(f"{operation_id} was called, expected no call:\n{story(calls)}")

    def _known(self, operation_id: str | None) -> Collection[str]:
        """The operations of this version. Raises ValueError where the asked one is none of them."""
        __tracebackhide__ = True
        known = contract("ia-api", self.server.world.settings.version).operations
        if operation_id is not None and operation_id not in known:
            raise ValueError(unknown_operation(operation_id, known, self.api_version))
        return known

    def _counted(self, expected: Expected) -> list[Exchange]:
        calls = self.calls(expected.operation_id, status=expected.status)
        return calls if expected.status else [call for call in calls if call.status < 400]

    def _awaited(self, ask: Callable[[], list[Exchange]], enough: int, within: float) -> list[Exchange]:
        with self._journal.news:
            self._journal.news.wait_for(lambda: len(ask()) >= enough, within)
        return ask()

    def _lost(self) -> int:
        return self._journal.forgotten(self.tenant, with_strangers=True)

    def story(self) -> str:
        """The last calls, a line each, with the reasons of refusals."""
        return story(self.calls())

    def new_errors(self) -> list[str]:
        """What the fake PACS itself did wrong since this was asked last; empty is as it should be."""
        return self._journal.take_errors(self.tenant)

    def close(self) -> None:
        """Forgets what the test stored and called."""
        # the tenant stays: calls that come late from what the test left behind are its own, and not the next test's
        self.faults.clear()
        self.clock.reset()
        self.server.world.deliveries.forget(self.tenant)
        self.server.world.store.reset_tenant(self.tenant)
        self._journal.forget(self.tenant, with_strangers=True)


class Servers:
    """The servers of a test run: one for each thing that tests want, each on a free port of loopback."""

    def __init__(self) -> None:
        self._running: dict[Wanted, tuple[MockSectraServer, KeepingJournal]] = {}
        self._numbers = count(1)

    def tenant(self, wanted: Wanted) -> FakePacs:
        """A fresh tenant of the server that is as wanted. Raises ValueError for what no server can be."""
        if wanted not in self._running:
            self._running[wanted] = self._started(wanted)
        return FakePacs(*self._running[wanted], f"test-{next(self._numbers)}")

    def _started(self, wanted: Wanted) -> tuple[MockSectraServer, KeepingJournal]:
        ids = RandomIds()
        server = MockSectraServer(
            api_version=wanted.api_version,
            software_version=SOFTWARE_VERSIONS.get(wanted.api_version, "0.0.0.0"),
            token=ids.token(),
            control_token=ids.token(),
            users=(),
            applications=wanted.applications,
            invent=wanted.invent,
            missing_version=wanted.missing_version,
            files=wanted.files,
        )
        if wanted.slides:
            found = _slides(wanted.slides)
            server.world.replace_hospital(with_applications(found, map(named_application, wanted.applications)))
        server.world.journal = journal = KeepingJournal()
        return server.run(port=0), journal

    def close(self) -> None:
        """Stops all servers."""
        for server, _ in self._running.values():
            server.stop()
        self._running.clear()


def _slides(paths: Iterable[Path]) -> tuple[Slide, ...]:
    """The slides of these files and folders. Raises ValueError where one isn't served, and where none is left."""
    loaded = load_slides(paths, SlideReader())
    if loaded.problems:
        path, reason = loaded.problems[0]
        raise ValueError(f"{len(loaded.problems)} of the slides can't be served, first {path}: {reason}")
    if not loaded.slides:
        raise ValueError("no slide was found: give slide files that OpenSlide reads, or folders of them")
    return loaded.slides
