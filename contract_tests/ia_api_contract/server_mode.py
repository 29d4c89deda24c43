"""The server mode: runs the checks against a target and makes the report."""

import shlex
from collections.abc import Mapping, Sequence
from datetime import date

from ia_api_contract import suite
from ia_api_contract.check import Check
from ia_api_contract.learning import reported_versions
from ia_api_contract.outcomes import CheckResult, Outcome, exit_status, expect
from ia_api_contract.reports import Report, entry_of
from ia_api_contract.runner import Told, run, run_one
from ia_api_contract.target import Options, Target
from ia_api_contract.waivers import Waiver, unused, waive
from ia_api_spec import NEWEST, Contract


def _reached(target: Target) -> None:
    """Something answers at the URL, and the token opens it."""
    answer = target.ask("getInfo")
    expect(
        answer.status not in (401, 403),
        f"GET /info was answered with {answer}: is the token right? Nothing else was tried.",
    )
    base_path = target.contract.base_path
    missing = answer.status == 404 and not target.options.url.endswith(base_path)
    expect(not missing, f"GET /info was answered with {answer}: is the base path missing, such as {base_path}?")


REACHED = Check(
    "target.reached",
    "Something answers at the URL, and the token opens it.",
    "getInfo",
    "Where this fails, every other check would fail for the same reason.",
    _reached,
    mandatory=True,
)
"""Made before the suite; part of the report only where it fails."""


def facts(target: Target, checks: Sequence[Check]) -> dict[str, str]:
    """The report's header: the target, the versions asked and reported, the effort, the seed, what it holds."""
    options, holdings = target.options, target.holdings
    reported = reported_versions(target)
    told = [str(reported.get(name, "nothing"))[:80] for name in ("apiVersion", "softwareVersion")]
    version = target.redactor.text(f"{told[0]} (software {told[1]})")
    held = [(holdings.slides, "slide"), (holdings.applications, "application"), (holdings.cases, "case")]
    counted = ", ".join(f"{len(things)} {name}{'' if len(things) == 1 else 's'}" for things, name in held)
    return {
        "target": options.url,
        "asked as": str(options.api_version),
        "reports": version,
        "effort": f"{'quick' if options.quick else 'default'}, {options.max_examples} examples for each operation",
        "seed": str(options.seed),
        "writes": "no, --read-only" if options.read_only else "yes",
        "holds": f"{counted}, known from {holdings.source}",
        "checks": f"{len(checks)} of {len(suite.CHECKS)}",
    }


def examine(target: Target, checks: Sequence[Check], told: Told = lambda result: None) -> list[CheckResult]:
    """What became of each check; all of them are moot where the target can't be reached at all."""
    first = run_one(REACHED, target)
    if first.outcome is Outcome.PASS:
        return run(checks, target, told)
    told(first)
    omitted = [CheckResult(check.id, Outcome.OMIT, "the target could not be reached") for check in checks]
    return [first, *omitted]


def report(
    target: Target,
    header: Mapping[str, str],
    checks: Sequence[Check],
    results: Sequence[CheckResult],
    waivers: Sequence[Waiver] = (),
    today: date | None = None,
) -> Report:
    """The report of a run, failures waived where a waiver holds."""
    known = {check.id: check for check in (REACHED, *checks)}
    needs = {check.id: check.needs for check in checks}
    waived = waive(results, waivers, needs, today or date.today())
    newest = Contract.of("ia-api", NEWEST)
    entries = tuple(
        entry_of(
            known[result.check_id], result, newest, target.redactor, pytest_line(target.options, known[result.check_id])
        )
        for result in waived
    )
    chosen = [waiver for waiver in waivers if waiver.id in needs]
    status = exit_status(waived, suite.mandatory(target.options, checks))
    return Report("server", header, entries, tuple(unused(waived, chosen)), status)


def pytest_line(options: Options, check: Check) -> str:
    """The command line that runs one check alone; secrets stand as shell variables. Empty outside the suite."""
    if check.id not in suite.BY_ID:
        return ""
    given = [
        ("--ia-app-id", options.app_id),
        ("--ia-slide-id", options.slide_id),
        ("--ia-accession", options.accession),
        ("--ia-max-examples", str(options.max_examples)),
        ("--ia-seed", str(options.seed)),
        ("--ia-ca", options.verify if isinstance(options.verify, str) else None),
    ]
    words = ["pytest", "-p", "ia_api_contract.pytest_options", "--pyargs"]
    words += [shlex.quote(f"ia_api_contract.pytest_checks::test_check[{check.id}]")]
    words += ["--ia-url", shlex.quote(options.url), "--ia-api-version", str(options.api_version)]
    words += ["--ia-token", '"$TOKEN"']
    words += [word for name, value in given if value is not None for word in (name, shlex.quote(value))]
    words += ["--ia-user", f'{shlex.quote(options.user)}:"$PASSWORD"'] if options.user else []
    words += ["--ia-control-token", '"$CONTROL_TOKEN"'] if options.control_token else []
    words += ["--ia-read-only"] if options.read_only else []
    words += ["--ia-insecure"] if options.verify is False else []
    return " ".join(words)
