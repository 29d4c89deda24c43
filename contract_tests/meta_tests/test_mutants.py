"""The suite bites: each mutant breaks the checks that it names, and no check of another resource."""

import pytest

from ia_api_contract.check import Check
from ia_api_contract.outcomes import EXIT_PASSED, Outcome, exit_status
from ia_api_contract.suite import BY_ID, CHECKS, mandatory
from ia_api_contract.target import Options
from ia_api_spec import VERSIONS, ApiVersion
from meta_tests.catalogue import MUTANTS
from meta_tests.examining import HEALTHY, one_by_one, whole_run
from meta_tests.mutant import Mutant

LONE_REASON = 3
"""A mutant that breaks more checks than this says why."""


def _bystanders(mutant: Mutant) -> list[Check]:
    """The first check of every resource that the mutant doesn't touch."""
    touched = {check_id.partition(".")[0] for check_id in mutant.breaks}
    first: dict[str, Check] = {}
    for check in CHECKS:
        if check.resource not in touched and check.effort == "quick":
            first.setdefault(check.resource, check)
    return list(first.values())


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.id)
def test_a_mutant_breaks_what_it_names_and_nothing_beside(mutant: Mutant) -> None:
    named = [BY_ID[check_id] for check_id in mutant.breaks]
    results = one_by_one(mutant, named, quick=False)
    survived = {name: (result.outcome.value, result.text) for name, result in results.items()}
    assert all(result.outcome is Outcome.FAIL for result in results.values()), survived
    beside = one_by_one(mutant, _bystanders(mutant))
    hurt = {name: result.text for name, result in beside.items() if result.outcome not in (Outcome.PASS, Outcome.SKIP)}
    assert not hurt, hurt


def test_every_named_check_exists() -> None:
    assert [name for mutant in MUTANTS for name in mutant.breaks if name not in BY_ID] == []


def test_every_check_is_broken_by_a_mutant() -> None:
    broken = {name for mutant in MUTANTS for name in mutant.breaks}
    assert [check.id for check in CHECKS if check.id not in broken] == []


def test_a_mutant_that_breaks_many_checks_says_why() -> None:
    assert [mutant.id for mutant in MUTANTS if len(mutant.breaks) > LONE_REASON and not mutant.why] == []


def test_there_are_enough_mutants_and_each_breaks_something() -> None:
    ids = [mutant.id for mutant in MUTANTS]
    assert len(ids) == len(set(ids))
    assert len(ids) >= 30
    assert [mutant.id for mutant in MUTANTS if not mutant.breaks] == []


@pytest.mark.slow
@pytest.mark.parametrize("version", VERSIONS, ids=str)
def test_the_emulator_passes_every_check(version: ApiVersion) -> None:
    results = whole_run(HEALTHY, api_version=str(version))
    wrong = {
        result.check_id: result.text
        for result in results
        if result.outcome in (Outcome.FAIL, Outcome.ERROR, Outcome.OMIT)
    }
    assert not wrong, wrong
    options = Options(url="", token="", api_version=version, quick=True)
    assert exit_status(results, mandatory(options)) == EXIT_PASSED
