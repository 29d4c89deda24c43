"""Runs checks against a target, in the suite's order: what became of each, and why."""

import time
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from ia_api_contract.check import Check
from ia_api_contract.exchanges import Exchange, Redactor
from ia_api_contract.outcomes import CheckResult, Failed, Outcome, Skipped
from ia_api_spec import ApiVersion

Told = Callable[[CheckResult], None]


class Subject(Protocol):
    """What checks are made of: a server, or an app."""

    redactor: Redactor

    @property
    def version(self) -> ApiVersion:
        """The version that it is checked as."""

    def recording(self) -> AbstractContextManager[Sequence[Exchange]]:
        """The exchanges that are had with it inside the block."""

    def need_writes(self) -> None:
        """Raises `Skipped` where nothing may be stored."""

    def why_not(self, check: Check) -> str | None:
        """Why the user's choice of options leaves the check out; None where it doesn't."""

    def told(self, outcome: Outcome, exchanges: Sequence[Exchange]) -> Sequence[Exchange]:
        """Those of a check's exchanges that its report shows."""


MOOT = {Outcome.FAIL: "failed", Outcome.OMIT: "was omitted", Outcome.ERROR: "broke"}
"""What became of a check after which those that need it say nothing, in words."""


def run(checks: Iterable[Check], target: Subject, told: Told = lambda result: None) -> list[CheckResult]:
    """Every check's result, in order; `told` hears of each as it comes."""
    results: list[CheckResult] = []
    became: dict[str, Outcome] = {}
    for check in checks:
        result = run_after(check, target, became)
        became[check.id] = result.outcome
        results.append(result)
        told(result)
    return results


def run_after(check: Check, target: Subject, became: Mapping[str, Outcome]) -> CheckResult:
    """One check's result, given what became of those before: a reason not to make it, or what it found."""
    return _why_not(check, target, became) or run_one(check, target)


def run_one(check: Check, target: Subject) -> CheckResult:
    """One check's result: a `Failed` is the target's, anything unforeseen is the suite's own error."""
    began = time.monotonic()
    with target.recording() as exchanges:
        outcome, text, picture = _probe(check, target)
    seconds = time.monotonic() - began
    kept = tuple(target.told(outcome, exchanges))
    return CheckResult(check.id, outcome, target.redactor.text(text), seconds, kept, picture)


def _probe(check: Check, target: Subject) -> tuple[Outcome, str, str]:
    try:
        if check.writes:
            target.need_writes()
        check.probe(target)
    except Failed as failed:
        return Outcome.FAIL, str(failed), failed.picture
    except Skipped as skipped:
        return Outcome.SKIP, str(skipped), ""
    except Exception as error:
        return Outcome.ERROR, "".join(traceback.format_exception(error)), ""
    return Outcome.PASS, "", ""


def _why_not(check: Check, target: Subject, became: Mapping[str, Outcome]) -> CheckResult | None:
    if not check.in_version(target.version):
        return CheckResult(
            check.id, Outcome.SKIP, f"came with {check.since}; the target is checked as {target.version}"
        )
    if reason := target.why_not(check):
        return CheckResult(check.id, Outcome.SKIP, reason)
    broken: Sequence[str] = [need for need in check.needs if became.get(need) in MOOT]
    if broken:
        return CheckResult(check.id, Outcome.OMIT, f"{broken[0]} {MOOT[became[broken[0]]]}, so this says nothing more")
    return None
