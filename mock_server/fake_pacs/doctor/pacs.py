"""From this machine to the PACS: is it one, and do version, tokens and clocks agree?"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

from fake_pacs.calling.addresses import Place, place_of
from fake_pacs.calling.outbound import Outbound
from fake_pacs.calling.values import AppAnswer
from fake_pacs.control_client import ControlClient, ControlError
from fake_pacs.doctor.findings import Finding, ok, problem, warning
from fake_pacs.world import contract
from ia_api_spec import NEWEST, VERSIONS, ApiVersion, shown

DEADLINE = 10.0
SKEW_WARNING, SKEW_PROBLEM = 5.0, 120.0
"""Seconds between the clocks: from the first on, logs can't be compared; from the second on, tokens fail early."""


@dataclass(frozen=True)
class Pacs:
    """A PACS by its URL (the root, or the base URL of the IA-API), and what opens it."""

    url: str
    token: str
    control_token: str
    ca_file: Path | None = None

    @property
    def place(self) -> Place:
        """Where it is. Raises `UrlError`."""
        return place_of(self.url)

    @property
    def root(self) -> str:
        """The URL without a path."""
        return f"{self.place.scheme}://{self.place.authority}"

    @property
    def base(self) -> str:
        """The base URL of the IA-API."""
        path = self.url.partition("://")[2].partition("/")[2].strip("/")
        return f"{self.root}/{path}" if path else self.root + contract("ia-api", NEWEST).base_path

    def outbound(self, *, allow_link_local: bool = True) -> Outbound:
        """Asks it, and apps, from this machine."""
        return Outbound(allow_link_local=allow_link_local, ca_file=str(self.ca_file) if self.ca_file else None)

    def control(self, tenant_token: str | None = None) -> ControlClient:
        """Asks its control plane."""
        return ControlClient(self.url, self.control_token, tenant_token, ca_file=self.ca_file, timeout=30.0)


def pacs_findings(pacs: Pacs) -> Iterator[Finding]:
    """Whether clients on this machine can use the PACS. What only a fake PACS has is left out at others."""
    outbound = pacs.outbound()
    live = outbound.get(f"{pacs.root}/_fake_pacs/live", DEADLINE)
    answered = _answered(pacs, live)
    yield answered
    if answered.level == "problem":
        return
    yield _clock(live, movable=answered.level == "ok")
    if answered.level == "ok":
        yield _ready(outbound.get(f"{pacs.root}/_fake_pacs/ready", DEADLINE))
        yield _base_url(pacs)
        yield _control(pacs)
    yield from _info(pacs, outbound)


def _answered(pacs: Pacs, live: AppAnswer) -> Finding:
    if live.trouble or live.status is None:
        advice = "If it speaks TLS, write https:// in its URL; else look at its log."
        return problem("pacs.answer", f"{pacs.root} gives no HTTP answer ({live.trouble})", advice)
    if live.status == 200 and _document(live).get("status") == "live":
        return ok("pacs.answer", f"{pacs.root} is a fake PACS")
    if live.status == 400 and pacs.place.scheme == "http":
        text = f"{pacs.root} refuses a plain GET (400): {_detail(live)}"
        return problem("pacs.answer", text, "If the port speaks TLS, write https:// in its URL.")
    text = f"{pacs.root} is no fake PACS (it answers {live.status} to /_fake_pacs/live): its control plane is left out"
    return warning("pacs.answer", text, "Nothing to do, if it is a real PACS; else look whose server this is.")


def _ready(answer: AppAnswer) -> Finding:
    if answer.status == 200:
        return ok("pacs.ready", "it is ready")
    return problem("pacs.ready", f"it isn't ready ({answer.status})", "Wait for it: fake-pacs wait URL.")


def _base_url(pacs: Pacs) -> Finding:
    base_path = contract("ia-api", NEWEST).base_path
    if pacs.base == pacs.root + base_path:
        return ok("pacs.base-url", f"clients are given {pacs.base}")
    text = f"{shown(pacs.base)} is not where the IA-API is served"
    return problem("pacs.base-url", text, f"Give clients {pacs.root}{base_path}, without a slash at the end.")


def _control(pacs: Pacs) -> Finding:
    try:
        held = pacs.control().call("GET", "hospital")
    except ControlError as error:
        advice = "Give the server's own: --control-token, or FAKE_PACS_CONTROL_TOKEN."
        return problem("pacs.control-token", f"the control plane refuses: {_line(error)}", advice)
    slides = sum(len(case["slides"]) for case in held["cases"])
    return ok("pacs.control-token", f"the control plane opens: {len(held['cases'])} cases, {slides} slides")


def _info(pacs: Pacs, outbound: Outbound) -> Iterator[Finding]:
    answer = outbound.get(f"{pacs.base}/info", DEADLINE, {"Authorization": f"Bearer {pacs.token}"})
    if answer.status in (401, 403):
        text = f"the IA-API refuses the token ({answer.status}): {_detail(answer)}"
        yield problem("pacs.token", text, "Give the server's own: --token, FAKE_PACS_TOKEN or IA_API_TOKEN.")
    elif answer.status != 200:
        text = f"{pacs.base}/info answers {answer.status or answer.trouble}: {_detail(answer)}"
        yield problem("pacs.version", text, "Mend the URL: it ends in …/imageanalysis/v1.")
    elif "apiVersion" not in _document(answer):
        text = f"{pacs.base}/info answers 200, but no JSON with an apiVersion: {_detail(answer)}"
        advice = "Look whether a proxy or its login page answers; else mend the URL: it ends in …/imageanalysis/v1."
        yield problem("pacs.version", text, advice)
    else:
        yield ok("pacs.token", "the token opens the IA-API")
        yield _version(answer)


def _version(answer: AppAnswer) -> Finding:
    document = _document(answer)
    own, software = str(document.get("apiVersion")), str(document.get("softwareVersion"))
    text = f"it is IA-API {own[:40]}, software {software[:40]}"
    header = answer.headers.get("x-sectra-apiversion")
    if header != own:
        told = f"{text}, but its header X-Sectra-ApiVersion says {shown(header)}"
        return warning("pacs.version", told, "Look whether a proxy in between drops or changes headers.")
    try:
        known = ApiVersion(own) in VERSIONS
    except ValueError:
        known = False
    if known:
        return ok("pacs.version", text)
    return warning("pacs.version", f"{text}: unknown here", f"Known are {', '.join(map(str, VERSIONS))}.")


def _clock(answer: AppAnswer, *, movable: bool = False) -> Finding:
    """Compares with the Date header, which counts whole seconds and was written while the answer was on its way.

    A `movable` clock is a fake PACS's: it may be off because somebody wants it so.
    """
    try:
        theirs = parsedate_to_datetime(answer.headers["date"])
    except (KeyError, ValueError):
        return warning("pacs.clock", "its answers have no Date header to compare clocks with", "Compare them by hand.")
    ahead = (theirs - datetime.now(UTC)).total_seconds() if theirs.tzinfo else 0.0
    off = max(0.0, abs(ahead) - 1.0 - answer.seconds)
    text = f"its clock is {off:.0f} s {'ahead of' if ahead > 0 else 'behind'} this machine's"
    if off >= SKEW_WARNING and movable:
        advice = (
            "Nothing to do, if it was started with --seed or moved (fake-pacs clock reset puts it right); else set "
            "both by NTP."
        )
        return warning("pacs.clock", text, advice)
    if off >= SKEW_PROBLEM:
        return problem("pacs.clock", text, "Set both by NTP: tokens expire by its clock.")
    if off >= SKEW_WARNING:
        return warning("pacs.clock", text, "Set both by NTP: logs can't be compared.")
    return ok("pacs.clock", "its clock and this machine's agree")


def _document(answer: AppAnswer) -> dict[str, Any]:
    try:
        document = json.loads(answer.body)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _detail(answer: AppAnswer) -> str:
    return shown(_document(answer).get("detail") or answer.body[:200].decode("utf-8", "replace"))


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:400]
