"""Everything that handlers work on: the hospital, the store, the clock; one for each server."""

import json
import re
import threading
from collections.abc import Callable, Iterable
from copy import copy
from datetime import timedelta
from functools import cache

from fake_pacs.calling.deliveries import DeliveryLog
from fake_pacs.calling.meanwhile import Meanwhile
from fake_pacs.calling.outbound import Outbound
from fake_pacs.calling.values import RegisteredApp
from fake_pacs.clock import Clock, Ids, ManualClock, MovableClock, RandomIds, SeededIds, SystemClock
from fake_pacs.faults.slides import bad_slide
from fake_pacs.faults.table import FaultTable
from fake_pacs.hospital import Application, Case, Hospital, Slide, thawed
from fake_pacs.incidents.begun import IncidentTable
from fake_pacs.invented import invented_case, invented_slide
from fake_pacs.journal import Journal
from fake_pacs.metrics import Metrics
from fake_pacs.refusals import Refusal, Refusals
from fake_pacs.settings import DEFAULT_TENANT, Settings
from fake_pacs.store import Credential, Store
from ia_api_spec import ApiVersion, Contract

SEEDED_STEP = 0.001
"""With a seed, each look at the clock moves it on by so many seconds: times depend on what was asked, not on when."""


_FIT_FOR_URLS = re.compile(r"[^/?#%\s]+")
"""Slide ids that are made up for anybody who asks: clients put ids into URLs unencoded (V)."""


class World:
    """The emulated PACS behind one server: settings and hospital in memory, all that callers change in the store."""

    def __init__(
        self,
        settings: Settings,
        hospital: Hospital,
        store: Store,
        clock: Clock | None = None,
        ids: Ids | None = None,
    ) -> None:
        seeded = settings.seed is not None
        self.settings = settings
        self.store = store
        self.clock = MovableClock(clock or (ManualClock(step=SEEDED_STEP) if seeded else SystemClock()))
        self.ids: Ids = ids or (SeededIds(settings.seed) if settings.seed is not None else RandomIds())
        self.journal = Journal(settings.journal_count, settings.journal_bytes, settings.journal_total_bytes)
        self.deliveries = DeliveryLog()
        self.meanwhile = Meanwhile()
        self.address: str | None = None
        self.faults = FaultTable(lambda: contract("ia-api", settings.version).operations)
        self.metrics = Metrics(self.journal)
        self.incidents = IncidentTable()
        self.refuse_connections: Callable[[float], None] | None = None
        """Lets the server that serves this world refuse connections for so many seconds; None where none can."""
        self.outbound = Outbound(
            allow_link_local=settings.allow_link_local,
            ca_file=settings.app_ca,
            headers=settings.version_headers,
            timed=not seeded,
        )
        self.ready = threading.Event()
        self._hospital = hospital
        self._changing = threading.Lock()

    @property
    def hospital(self) -> Hospital:
        """The hospital as it is now; a value, so a handler that takes it once sees one state."""
        return self._hospital

    def replace_hospital(self, hospital: Hospital) -> None:
        """Puts another hospital in the place of this one."""
        with self._changing:
            self._hospital = hospital

    def change_hospital(self, change: Callable[[Hospital], Hospital]) -> None:
        """Puts what `change` makes of this hospital in its place; no other change gets lost meanwhile."""
        with self._changing:
            self._hospital = change(self._hospital)

    def add_slide(self, slide: Slide) -> None:
        """Adds a slide to the hospital, or replaces the one of its id."""
        with self._changing:
            self._hospital = self._hospital.with_slide(slide)

    def seen_as(self, settings: Settings, slides: Iterable[Slide]) -> "World":
        """This world as one exchange sees it: other settings, these slides in the place of the hospital's."""
        seen = copy(self)
        seen.settings = settings
        for slide in slides:
            seen._hospital = seen._hospital.with_slide(slide)
        return seen

    def seed(self) -> None:
        """Makes the default tenant with the token and users of the settings; afterwards the server is ready.

        On a state file from before, token and users are replaced: what this server wasn't told opens nothing.
        """
        if DEFAULT_TENANT not in self.store.tenants():
            self.store.create_tenant(DEFAULT_TENANT)
        self.store.add_credential(self.settings.token, Credential(DEFAULT_TENANT, "development"))
        self.store.set_users(DEFAULT_TENANT, dict(self.settings.users))
        self.store.purge_expired(self.clock.now())
        self.ready.set()

    def slide(self, slide_id: str) -> Slide:
        """The slide of that id, made up where slides are invented. Refused: UNKNOWN_SLIDE."""
        hospital = self.hospital
        found = hospital.slide(slide_id) or bad_slide(slide_id, hospital)
        if found is not None:
            return found
        if self.settings.invent_slides and _FIT_FOR_URLS.fullmatch(slide_id):
            return invented_slide(slide_id)
        raise Refusal(
            Refusals.UNKNOWN_SLIDE,
            f"There is no slide {slide_id!r}.",
            hint="GET /_fake_pacs/hospital lists them; --slides PATH serves your own, "
            "--invent slides makes up any that is free of / ? # % and blanks.",
        )

    def cases_named(self, number: str, issuer: str | None = None) -> list[Case]:
        """The cases of that number, of any issuer or of the one named; made up where slides are invented."""
        found = self.hospital.cases_named(number, issuer)
        if found or not self.settings.invent_slides or self.hospital.cases_named(number):
            return found
        cases = {slide.case.key: slide.case for slide in invented_case(number)}
        return [case for case in cases.values() if issuer in (None, case.issuer)]

    def slides_of(self, case: Case) -> list[Slide]:
        """The slides of a case of the hospital, or of a made-up one."""
        return self.hospital.slides_of(case) or invented_case(case.accession_number)

    def applications(self, tenant: str) -> list[Application]:
        """The applications of the hospital, and those that the tenant registered by their URL."""
        hospital = self.hospital
        registered = [app for app in self.store.apps(tenant) if hospital.application(app.application_id) is None]
        return [*hospital.applications, *map(_as_application, registered)]

    def application(self, application_id: str, tenant: str) -> Application:
        """The application of that id: the hospital's, the tenant's own, or made up where applications are invented.

        Refused: UNKNOWN_APPLICATION.
        """
        found = self.hospital.application(application_id)
        if found is not None:
            return found
        if app := self.store.app(tenant, application_id):
            return _as_application(app)
        if self.settings.invent_applications:
            return Application(application_id, application_id, "Invented", "{}")
        known = ", ".join(application.applicationId for application in self.applications(tenant))
        raise Refusal(
            Refusals.UNKNOWN_APPLICATION,
            f"No application {application_id!r} is registered; there are: {known or 'none'}.",
            hint=f"Register it by its URL: fake-pacs apps add URL; or start the server with --app {application_id}, "
            "or with --invent applications.",
        )

    def issue(self, credential: Credential, lifetime: int) -> str:
        """A new secret for the credential, which expires after so many seconds."""
        secret = self.ids.token()
        expires = self.clock.now() + timedelta(seconds=lifetime)
        bound = Credential(
            credential.tenant, credential.kind, credential.application, credential.accession, credential.issuer, expires
        )
        self.store.add_credential(secret, bound)
        self.metrics.token_issued(credential.kind)
        return secret


def _as_application(app: RegisteredApp) -> Application:
    """The app as GET /applications shows it: its context as a text that holds a JSON object (V)."""
    context = json.dumps(thawed(app.context), ensure_ascii=False)
    return Application(app.application_id, app.display_name, app.manufacturer, context)


@cache
def contract(name: str, version: ApiVersion) -> Contract:
    """The compiled contract of that name and version; made once for each process, as it never changes."""
    return Contract.of(name, version)
