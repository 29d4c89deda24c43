"""The checks as tests, one for each id, for pytest's `--pyargs`; `ia_api_contract.pytest_options` has the options."""

from datetime import date
from pathlib import Path

import pytest

from ia_api_contract.check import Check
from ia_api_contract.given import UsageError
from ia_api_contract.learning import target_for
from ia_api_contract.outcomes import CheckResult, Outcome
from ia_api_contract.pytest_options import RESULTS, TARGET, destination, given
from ia_api_contract.reports import entry_of
from ia_api_contract.reports.text import failure
from ia_api_contract.runner import run_after
from ia_api_contract.server_mode import pytest_line
from ia_api_contract.suite import BY_ID, CHECKS
from ia_api_contract.target import Target
from ia_api_contract.waivers import Waiver, WaiverError, read_waivers, waive
from ia_api_spec import NEWEST, Contract


@pytest.fixture(scope="session")
def contract_target(pytestconfig: pytest.Config) -> Target:
    """The server under test, as the options describe it."""
    if not pytestconfig.pluginmanager.has_plugin("ia_api_contract.pytest_options"):
        raise pytest.UsageError("the contract checks need their options: add -p ia_api_contract.pytest_options")
    if hasattr(pytestconfig, "workerinput"):
        raise pytest.UsageError("the contract checks share one server and would disturb each other: run without -n")
    try:
        target = target_for(given(pytestconfig).options())
    except UsageError as error:
        raise pytest.UsageError(str(error)) from error
    pytestconfig.stash[TARGET] = target
    pytestconfig.stash[RESULTS] = []
    return target


@pytest.fixture(scope="session")
def contract_waivers(pytestconfig: pytest.Config) -> tuple[Waiver, ...]:
    """The failures that are known."""
    path = pytestconfig.getoption(destination("waivers"))
    try:
        return read_waivers(Path(path), BY_ID) if path else ()
    except WaiverError as error:
        raise pytest.UsageError(str(error)) from error


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.id)
def test_check(
    check: Check, contract_target: Target, contract_waivers: tuple[Waiver, ...], pytestconfig: pytest.Config
) -> None:
    """The target does what the check's sentence says."""
    results = pytestconfig.stash[RESULTS]
    results.append(run_after(check, contract_target, {done.check_id: done.outcome for done in results}))
    needs = {name: known.needs for name, known in BY_ID.items()}
    _tell(check, waive(results, contract_waivers, needs, date.today())[-1], contract_target)


def _tell(check: Check, result: CheckResult, target: Target) -> None:
    """The outcome in pytest's words."""
    if result.outcome is Outcome.WAIVED:
        pytest.xfail(result.text)
    if result.outcome in (Outcome.SKIP, Outcome.OMIT):
        pytest.skip(f"{result.outcome.value}: {result.text}")
    if result.outcome is Outcome.ERROR:
        pytest.fail(f"the suite itself broke, which says nothing about the target:\n{result.text}", pytrace=False)
    if result.outcome is Outcome.FAIL:
        newest = Contract.of("ia-api", NEWEST)
        entry = entry_of(check, result, newest, target.redactor, pytest_line(target.options, check))
        pytest.fail(failure(1, entry), pytrace=False)
