"""The app mode: plays the PACS around an app, once for each version, and makes the report."""

import shlex
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from functools import cache

from ia_api_contract.app_expected import differences
from ia_api_contract.app_suite import BY_ID, NUMBERS, REQUIREMENTS
from ia_api_contract.app_target import AppOptions, AppTarget
from ia_api_contract.check import Check
from ia_api_contract.exchanges import Redactor
from ia_api_contract.outcomes import EXIT_FAILED, EXIT_PASSED, CheckResult, Outcome, exit_status
from ia_api_contract.reports import Report, entry_of
from ia_api_contract.runner import Told, run
from ia_api_contract.waivers import Waiver, unused, waive
from ia_api_spec import NEWEST, VERSIONS, ApiVersion, Contract

RANK = (Outcome.FAIL, Outcome.ERROR, Outcome.OMIT, Outcome.PASS, Outcome.SKIP, Outcome.WAIVED)
"""Of what became of a requirement in several versions, the first of these tells what became of it."""


COORDINATES = "app.result-coordinates"
NO_CORNER = (
    f"{COORDINATES}: with --slide the app isn't shown the corner slide. Points that are wrong and yet lie on your "
    "slide pass, those of a gallery most of all: check them once without --slide, too."
)
"""What a reader should know who sees no failure of the coordinates on a slide of the user's."""

ENDED = (
    "the app answered at first, and then nothing listened at its address any more: did it end? See its log. What "
    "failed for that reason says nothing else about it."
)


class PacsError(Exception):
    """The PACS can't be played: the text says why."""


TargetOf = Callable[[AppOptions, ApiVersion, Redactor], AppTarget]


def facts(options: AppOptions, checks: Sequence[Check], strict: bool = False) -> dict[str, str]:
    """The report's header: the app, the versions that the PACS is, how long it waits, what decides."""
    where = options.public_url or f"{options.host}:{options.port or 'any free port'}"
    return {
        "app": options.url,
        "PACS plays": ", ".join(map(str, options.versions)),
        "PACS is at": where,
        "slide": str(options.slide) if options.slide else "one of the demo hospital",
        "waits": f"{options.timeout:g} s for each answer",
        "decides": "must and should, --strict" if strict else "must; a should that fails is told, and decides nothing",
        "requirements": f"{len(checks)} of {len(REQUIREMENTS)}",
    }


def examine(
    options: AppOptions,
    checks: Sequence[Check],
    redactor: Redactor,
    told: Told = lambda result: None,
    target_of: TargetOf = AppTarget,
) -> list[CheckResult]:
    """What became of each requirement, in all versions together. `told` hears of each result in each version.

    Raises `PacsError` where the PACS can't be played: a port that is taken, a slide that is none.
    """
    by_version: dict[ApiVersion, list[CheckResult]] = {}
    for version in options.versions:
        target = target_of(options, version, redactor)
        _start(target)
        try:
            by_version[version] = run(checks, target, told)
        finally:
            target.close()
    return [together(check.id, by_version) for check in checks]


def _start(target: AppTarget) -> None:
    try:
        target.start()
    except OSError as error:
        where = f"{target.options.host}:{target.options.port}"
        raise PacsError(f"the PACS can't be played at {where}: {error.strerror or error}") from error
    except ValueError as error:
        raise PacsError(f"the PACS can't be played: {error}") from error


def together(check_id: str, by_version: Mapping[ApiVersion, Sequence[CheckResult]]) -> CheckResult:
    """The result of a requirement in all versions: the worst outcome, and why, version by version."""
    found = {
        version: result for version, results in by_version.items() for result in results if result.check_id == check_id
    }
    outcome = next(known for known in RANK if any(result.outcome is known for result in found.values()))
    texts: dict[str, list[ApiVersion]] = defaultdict(list)
    for version, result in found.items():
        if result.outcome is outcome and result.text:
            texts[result.text].append(version)
    said = [f"as {', '.join(map(str, versions))}: {text}" for text, versions in texts.items()]
    same = len(said) == 1 and len(found) == len(next(iter(texts.values())))
    return CheckResult(
        check_id,
        outcome,
        next(iter(texts)) if same else "\n".join(said),
        sum(result.seconds for result in found.values()),
        [exchange for result in found.values() for exchange in result.exchanges],
        next((result.picture for result in found.values() if result.picture), ""),
    )


def report(
    options: AppOptions,
    header: Mapping[str, str],
    results: Sequence[CheckResult],
    redactor: Redactor,
    waivers: Sequence[Waiver] = (),
    *,
    strict: bool = False,
    expected: Mapping[str, Outcome] | None = None,
    today: date | None = None,
) -> Report:
    """The report of a run, failures waived where a waiver holds.

    With `expected` outcomes by id, a failure that was expected decides nothing, and whatever differs fails the run.
    """
    made = [BY_ID[result.check_id] for result in results]
    needs = {check.id: check.needs for check in made}
    waived = waive(results, waivers, needs, today or date.today())
    differing = {} if expected is None else differences(expected, waived, needs)
    foreseen = {check_id for check_id in expected or () if check_id not in differing}
    advice = {*advisory(made, strict), *foreseen} - differing.keys()
    entries = tuple(
        replace(
            entry_of(
                BY_ID[result.check_id],
                result,
                _newest(BY_ID[result.check_id].document),
                redactor,
                command_line(options, result.check_id),
                result.check_id not in advice,
            ),
            number=NUMBERS[result.check_id],
        )
        for result in waived
    )
    chosen = [waiver for waiver in waivers if waiver.id in needs]
    mandatory = [check.id for check in made if check.mandatory]
    status = exit_status(waived, mandatory, advice) or (EXIT_FAILED if differing else EXIT_PASSED)
    notes = (*(f"not as expected: {text}" for text in differing.values()), *_notes(options, waived))
    return Report("app", header, entries, (*unused(waived, chosen), *notes), status)


def _notes(options: AppOptions, results: Sequence[CheckResult]) -> Iterator[str]:
    """What can't be told on the slide that was given, and whether the app went away in the middle of the run."""
    undecided = (Outcome.PASS, Outcome.SKIP)
    if options.slide and any(result.check_id == COORDINATES and result.outcome in undecided for result in results):
        yield NO_CORNER
    calls = [exchange for result in results for exchange in result.exchanges if exchange.by == "pacs"]
    gone = any("nothing listens at" in result.text for result in results if result.outcome is Outcome.FAIL)
    if gone and any(exchange.answer for exchange in calls):
        yield ENDED


def advisory(checks: Sequence[Check], strict: bool) -> Collection[str]:
    """The requirements whose failure decides nothing."""
    return frozenset() if strict else frozenset(check.id for check in checks if check.level == "should")


def command_line(options: AppOptions, check_id: str) -> str:
    """The command that checks one requirement alone."""
    words = ["ia-api-contract", "app", options.url, "--only", check_id]
    chosen = () if options.versions == VERSIONS else options.versions
    words += [word for version in chosen for word in ("--api-version", str(version))]
    words += ["--public-url", options.public_url] if options.public_url else []
    words += ["--listen", f"{options.host}:{options.port}"] if options.port or options.host != "localhost" else []
    words += ["--slide", str(options.slide)] if options.slide else []
    words += ["--timeout", f"{options.timeout:g}"]
    return shlex.join(words)


@cache
def _newest(document: str) -> Contract:
    return Contract.of(document, NEWEST)
