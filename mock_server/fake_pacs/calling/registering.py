"""Registering an app by its URL: its registration and its info are fetched, judged, and kept if they can be used."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

from fake_pacs.calling.addresses import UrlError, check_app_url, endpoint, place_of
from fake_pacs.calling.judging import version_header_findings
from fake_pacs.calling.telling import told
from fake_pacs.calling.values import AppAnswer, Delivery, Finding, Kind, Level, RegisteredApp
from fake_pacs.refusals import Refusal, Refusals
from fake_pacs.strict_json import all_wrong, harmless, parse
from fake_pacs.world import World, contract
from ia_api_spec import Schema, Violation, shown

CODES: Mapping[str, str] = {
    "registration.no-answer": "The URL brought nothing usable: unreachable, too slow, too much, redirected, no HTTP.",
    "registration.status": "The status isn't 200.",
    "registration.not-json": "The body is no JSON: HTML, text, or malformed.",
    "registration.media-type": "The body is JSON and says it is something else.",
    "registration.too-large": "The registration is larger than any that is kept.",
    "registration.body": "The registration breaks the contract; one finding for each place.",
    "registration.application-id-unfit": "The applicationId can't stand in a URL as it is, as clients put it there.",
    "registration.application-id-taken": "The hospital has another application of that id.",
    "registration.url-differs": "The registration names another URL than that at which it was found.",
    "info.missing": "There is no /info.",
    "info.no-answer": "/info brought nothing usable.",
    "info.status": "The status of /info is neither 200 nor 404.",
    "info.not-json": "The body of /info is no JSON.",
    "info.media-type": "The body of /info is JSON and says it is something else.",
    "info.body": "The body of /info breaks the contract; one finding for each place.",
}
"""Every code of registering, beside those of the version headers (`judging.CODES`). Stable, like those."""

MAX_REGISTRATION = 64 * 2**10
"""Largest registration that is kept, in bytes: its context comes with every invocation."""

MAX_ID = 200
FIT_ID = f"at most {MAX_ID} printable ASCII characters without / ? # % and blanks"
DEFAULT_DEADLINE = 10.0

_UNFIT = re.compile(r"[^!-~]|[/?#%]")


def fits_urls(application_id: str) -> bool:
    """Whether clients can put an application's id into URLs as it is: it is as `FIT_ID` says."""
    return len(application_id) <= MAX_ID and not _UNFIT.search(application_id)


@dataclass(frozen=True)
class Fault:
    """A finding with its parts: where, what came, what was expected, what to do."""

    code: str
    level: Level
    place: str
    came: str
    expected: str
    hint: str

    def finding(self) -> Finding:
        """The fault in words."""
        return Finding(self.code, self.level, f"came {self.came}, expected {self.expected}: {self.hint}", self.place)

    def violation(self) -> Violation:
        """The fault as a refusal lists it."""
        return Violation("body", self.place, self.came, self.expected, self.hint)


@dataclass(frozen=True)
class Registration:
    """What came of registering: the app (None: refused), the calls made, and all that was found wrong with them."""

    app: RegisteredApp | None
    deliveries: tuple[Delivery, ...]
    findings: tuple[Finding, ...]
    faults: tuple[Fault, ...] = ()

    def accepted(self) -> RegisteredApp:
        """The app. Refused: REGISTRATION_REFUSED with every fault."""
        if self.app is not None:
            return self.app
        wrong = next(fault for fault in self.faults if fault.level == "must")
        first = f"{wrong.place}: {wrong.finding().text}" if wrong.place else wrong.finding().text
        raise Refusal(
            Refusals.REGISTRATION_REFUSED,
            _sentence(f"The app at {self.deliveries[0].url} can't be registered: {first}"),
            "Mend what GET of the app's URL answers; nothing was changed. docs/apps.md shows a registration.",
            violations=[fault.violation() for fault in self.faults],
        )


def _sentence(text: str) -> str:
    return text if text.endswith((".", "?")) else f"{text}."


def register(world: World, tenant: str, url: str, *, deadline: float = DEFAULT_DEADLINE) -> Registration:
    """Registers the app at that URL with the tenant, or replaces it, if its registration can be used.

    Each of the two calls may take `deadline` seconds. An app registered before keeps whether it is enabled and gets
    notifications; its context is the registration's again. Refused is a registration that breaks the contract, whose
    `applicationId` the hospital's own applications have, or that is larger than `MAX_REGISTRATION`; what is merely
    unwise is a finding. The calls stand in the delivery log. Raises `UrlError`.
    """
    check_app_url(url)
    answer = world.outbound.get(url, deadline)
    faults, document = _registration(world, url, answer)
    refused = any(fault.level == "must" for fault in faults)
    app = None if refused else _app(url, document)
    name = app.application_id if app else ""
    findings = _findings(faults, answer)
    deliveries = [_delivery(world, tenant, "registration", url, answer, name, findings)]
    if app is not None:
        about_info = _check_info(world, tenant, app, deadline)
        app = _as_decided(world, tenant, app)
        faults += about_info.faults
        findings += about_info.findings
        deliveries += about_info.deliveries
        world.store.put_app(tenant, app)
    return Registration(app, tuple(deliveries), tuple(findings), tuple(faults))


def _check_info(world: World, tenant: str, app: RegisteredApp, deadline: float) -> Registration:
    """What the app's version check came to. A URL that is refused only now leads elsewhere than a moment ago."""
    url = endpoint(app.url, "info")
    answer = world.outbound.get(url, deadline)
    schema = contract("ia-app", world.settings.version).schema("ApplicationInfo")
    faults = list(_info(url, answer, schema))
    findings = _findings(faults, answer)
    made = _delivery(world, tenant, "info", url, answer, app.application_id, findings)
    return Registration(app, (made,), tuple(findings), tuple(faults))


def _registration(world: World, url: str, answer: AppAnswer) -> tuple[list[Fault], dict[str, Any]]:
    if early := _unusable("registration", "must", url, answer):
        return [early], {}
    if len(answer.body) > MAX_REGISTRATION:
        came, expected = f"{len(answer.body):,} bytes", f"at most {MAX_REGISTRATION:,}"
        hint = "keep large things in the app, and a key to them in the context"
        return [Fault("registration.too-large", "must", "", came, expected, hint)], {}
    schema = contract("ia-app", world.settings.version).schema("Registration")
    faults, document = _read("registration", answer, schema)
    if not any(fault.level == "must" for fault in faults):
        faults += _of_members(world, url, document)
    return faults, document


def _info(url: str, answer: AppAnswer, schema: Schema) -> Iterator[Fault]:
    if answer.status == 404 and not answer.trouble:
        hint = "answer GET there with apiVersion and softwareVersion: a PACS checks versions with it"
        yield Fault("info.missing", "should", url, "404", "200", hint)
        return
    early = _unusable("info", "should", url, answer)
    if early:
        yield early
    else:
        yield from _read("info", answer, schema)[0]


def _unusable(what: str, level: Level, url: str, answer: AppAnswer) -> Fault | None:
    """Why the answer isn't even worth reading."""
    if answer.trouble:
        return Fault(f"{what}.no-answer", level, url, "no answer of use", "200 with JSON", answer.trouble)
    if answer.status != 200:
        said = f" and {_beginning(answer.body)}" if answer.body.strip() else ""
        hint = "see the app's log, and whether the URL is the app's"
        return Fault(f"{what}.status", level, url, f"{answer.status}{said}", "200", hint)
    return None


def _read(what: str, answer: AppAnswer, schema: Schema) -> tuple[list[Fault], dict[str, Any]]:
    """The document, and how it breaks the contract: all of its places in one go."""
    value, doubts = parse(answer.body)
    unreadable = next((doubt for doubt in doubts if doubt.pointer == ""), None)
    kind = answer.headers.get("content-type", "")
    came = shown(kind) if kind else "nothing"
    if unreadable is not None:
        sent = f"as {came}" if kind else "without a Content-Type"
        hint = f"it was sent {sent} and begins with {_beginning(answer.body)}"
        return [Fault(f"{what}.not-json", "must", "", unreadable.came, unreadable.expected, hint)], {}
    faults = []
    if kind.partition(";")[0].strip().lower() != "application/json":
        hint = "say what it is"
        faults.append(Fault(f"{what}.media-type", "should", "Content-Type", came, "application/json", hint))
    for wrong in all_wrong(doubts, schema.violations(harmless(value) if doubts else value, "body")):
        hint = wrong.hint or "mend this member"
        faults.append(Fault(f"{what}.body", "must", wrong.pointer, wrong.came, wrong.expected, hint))
    return faults, value if isinstance(value, dict) else {}


def _of_members(world: World, url: str, document: Mapping[str, Any]) -> Iterator[Fault]:
    """What the schema can't say."""
    name = document["applicationId"]
    if not fits_urls(name):
        hint = "clients put the id into URLs as it is"
        yield Fault("registration.application-id-unfit", "must", "/applicationId", shown(name), FIT_ID, hint)
    elif known := world.hospital.application(name):
        came = f"{shown(name)}, which is {shown(known.displayName)} of the hospital"
        hint = "give the app an id of its own; one named by --app needs no --app once it is registered by its URL"
        yield Fault("registration.application-id-taken", "must", "/applicationId", came, "an id of its own", hint)
    if _canonical(document["url"]) != _canonical(url):
        hint = "the app is called where it was registered; build the member from the Host header of the request"
        yield Fault("registration.url-differs", "should", "/url", shown(document["url"]), shown(url), hint)


def _canonical(url: str) -> str:
    """Equal for URLs that lead to the same place; any other text is itself."""
    try:
        place = place_of(url)
    except UrlError:
        return url
    return f"{place.scheme}://{place.host.lower()}:{place.port}{urlsplit(url).path.rstrip('/')}?{urlsplit(url).query}"


def _app(url: str, document: Mapping[str, Any]) -> RegisteredApp:
    return RegisteredApp(
        document["applicationId"],
        url,
        document["displayName"],
        document["manufacturer"],
        document["inputTemplate"],
        document.get("context", {}),
    )


def _as_decided(world: World, tenant: str, app: RegisteredApp) -> RegisteredApp:
    """The app as the administrator left it; asked as late as can be, as its /info may take its time."""
    before = world.store.app(tenant, app.application_id)
    return replace(app, enabled=before.enabled, notifications=before.notifications) if before else app


def _findings(faults: list[Fault], answer: AppAnswer) -> list[Finding]:
    found = [fault.finding() for fault in faults]
    return found if answer.trouble or answer.status != 200 else [*found, *version_header_findings(answer)]


def _delivery(
    world: World, tenant: str, kind: Kind, url: str, answer: AppAnswer, name: str, findings: list[Finding]
) -> Delivery:
    """The call as the delivery log has it."""
    made = Delivery(
        number=0,
        at=world.clock.now().isoformat(timespec="milliseconds"),
        tenant=tenant,
        application_id=name,
        kind=kind,
        method="GET",
        url=url,
        slide_id=None,
        result_id=None,
        invocation=None,
        state="failed" if answer.trouble else "delivered",
        attempt=1,
        answer=answer,
        findings=tuple(findings),
    )
    return told(world, world.deliveries.add(made))


def _beginning(body: bytes) -> str:
    """The first characters of a body, on one line."""
    return shown(" ".join(body[:400].decode("utf-8", "replace").split())[:100])
