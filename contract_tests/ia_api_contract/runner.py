"""Runs checks against a target, in the suite's order: what became of each, and why."""

import time
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence

from ia_api_contract.check import Check
from ia_api_contract.outcomes import CheckResult, Failed, Outcome, Skipped
from ia_api_contract.target import Target

Told = Callable[[CheckResult], None]

TOLD_EXCHANGES = 10
"""So many last exchanges are kept of a check that didn't pass: slides are large, and a report is read by people."""

MOOT = (Outcome.FAIL, Outcome.OMIT, Outcome.ERROR)


def run(checks: Iterable[Check], target: Target, told: Told = lambda result: None) -> list[CheckResult]:
    """Every check's result, in order; `told` hears of each as it comes."""
    results: list[CheckResult] = []
    became: dict[str, Outcome] = {}
    for check in checks:
        result = run_after(check, target, became)
        became[check.id] = result.outcome
        results.append(result)
        told(result)
    return results


def run_after(check: Check, target: Target, became: Mapping[str, Outcome]) -> CheckResult:
    """One check's result, given what became of those before: a reason not to make it, or what it found."""
    return _why_not(check, target, became) or run_one(check, target)


def run_one(check: Check, target: Target) -> CheckResult:
    """One check's result: a `Failed` is the target's, anything unforeseen is the suite's own error."""
    began = time.monotonic()
    with target.recording() as exchanges:
        outcome, text = _probe(check, target)
    seconds = time.monotonic() - began
    kept = () if outcome is Outcome.PASS else tuple(exchanges[-TOLD_EXCHANGES:])
    return CheckResult(check.id, outcome, target.redactor.text(text), seconds, kept)


def _probe(check: Check, target: Target) -> tuple[Outcome, str]:
    try:
        if check.writes:
            target.need_writes()
        check.probe(target)
    except Failed as failed:
        return Outcome.FAIL, str(failed)
    except Skipped as skipped:
        return Outcome.SKIP, str(skipped)
    except Exception as error:
        return Outcome.ERROR, "".join(traceback.format_exception(error))
    return Outcome.PASS, ""


def _why_not(check: Check, target: Target, became: Mapping[str, Outcome]) -> CheckResult | None:
    if not check.in_version(target.version):
        return CheckResult(
            check.id, Outcome.SKIP, f"came with {check.since}; the target is checked as {target.version}"
        )
    if check.effort == "full" and target.options.quick:
        return CheckResult(check.id, Outcome.SKIP, "left out by --quick")
    broken: Sequence[str] = [need for need in check.needs if became.get(need) in MOOT]
    if broken:
        return CheckResult(check.id, Outcome.OMIT, f"{broken[0]} failed, so this says nothing more")
    return None
