from ia_api_contract.outcomes import (
    EXIT_ERROR,
    EXIT_FAILED,
    EXIT_PASSED,
    EXIT_TOO_FEW,
    MEANINGS,
    CheckResult,
    Outcome,
    exit_status,
)


def _results(**outcomes: str) -> list[CheckResult]:
    return [CheckResult(name, Outcome(outcome)) for name, outcome in outcomes.items()]


def test_all_passed_or_waived_is_0():
    assert exit_status(_results(a="pass", b="waived", c="skip"), ["a", "b"]) == EXIT_PASSED


def test_a_failure_is_1_and_outranks_a_broken_suite():
    assert exit_status(_results(a="fail", b="error"), []) == EXIT_FAILED


def test_a_broken_suite_is_4_and_outranks_too_few_checks():
    assert exit_status(_results(a="error", b="skip"), ["b"]) == EXIT_ERROR


def test_a_mandatory_check_that_did_not_run_is_3():
    assert exit_status(_results(a="pass", b="skip"), ["a", "b"]) == EXIT_TOO_FEW
    assert exit_status(_results(a="pass", b="omit"), ["a", "b"]) == EXIT_TOO_FEW


def test_a_run_of_skips_is_never_green():
    assert exit_status(_results(a="skip", b="skip"), []) == EXIT_TOO_FEW
    assert exit_status([], []) == EXIT_TOO_FEW


def test_every_outcome_has_a_meaning():
    assert set(MEANINGS) == set(Outcome)
