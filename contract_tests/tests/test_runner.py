from collections.abc import Callable
from dataclasses import replace

import pytest

from ia_api_contract import suite
from ia_api_contract.check import Check, by_id
from ia_api_contract.outcomes import Failed, Outcome, Skipped
from ia_api_contract.runner import run, run_one
from ia_api_contract.target import Options, Target
from ia_api_spec import ApiVersion


def test_each_way_to_end_has_its_outcome(target: Target, make_check: Callable[..., Check]):
    errors = {
        Outcome.PASS: None,
        Outcome.FAIL: Failed("no"),
        Outcome.SKIP: Skipped("not here"),
        Outcome.ERROR: KeyError(),
    }
    for outcome, error in errors.items():
        assert run_one(make_check("a.b", error), target).outcome is outcome


def test_a_broken_suite_says_where(target: Target, make_check: Callable[..., Check]):
    result = run_one(make_check("a.b", ZeroDivisionError("ours")), target)
    assert "ZeroDivisionError: ours" in result.text
    assert "conftest.py" in result.text


def test_a_check_that_needs_a_failed_one_is_omitted_and_so_are_those_that_need_it(
    target: Target, make_check: Callable[..., Check]
):
    checks = [make_check("a.a", Failed("no")), make_check("a.b", needs=("a.a",)), make_check("a.c", needs=("a.b",))]
    results = run(checks, target)
    assert [result.outcome.value for result in results] == ["fail", "omit", "omit"]
    assert results[1].text == "a.a failed, so this says nothing more"
    assert results[2].text == "a.b was omitted, so this says nothing more"


def test_what_is_not_applicable_is_skipped(target: Target, make_check: Callable[..., Check]):
    newer, full = make_check("a.newer", since="1.11"), make_check("a.full", effort="full")
    assert [result.outcome.value for result in run([newer, full], target)] == ["skip", "skip"]


def test_a_read_only_run_makes_no_writing_check(target: Target, make_check: Callable[..., Check]):
    target.options = replace(target.options, read_only=True)
    assert run_one(make_check("a.write", Failed("it was made"), writes=True), target).outcome is Outcome.SKIP


def test_a_failure_keeps_its_exchanges_and_a_pass_keeps_none(target: Target, make_check: Callable[..., Check]):
    assert run_one(make_check("a.a"), target).exchanges == ()
    (exchange,) = run_one(make_check("a.a", Failed("no")), target).exchanges
    assert (exchange.method, exchange.answer.status) == ("GET", 200)


def test_secrets_in_a_failure_are_taken_out(target: Target, make_check: Callable[..., Check]):
    result = run_one(make_check("a.a", Failed(f"came {target.options.token}")), target)
    assert result.text == "came <redacted>"


def test_an_id_is_given_once_and_what_is_needed_exists(make_check: Callable[..., Check]):
    with pytest.raises(ValueError, match="two checks"):
        by_id([make_check("a.a"), make_check("a.a")])
    with pytest.raises(ValueError, match="no check"):
        by_id([make_check("a.a", needs=("a.b",))])


def test_what_is_needed_stands_before_the_check_that_needs_it():
    places = {check.id: place for place, check in enumerate(suite.CHECKS)}
    assert [check.id for check in suite.CHECKS for need in check.needs if places[need] > places[check.id]] == []


def test_mandatory_are_those_that_the_run_could_make():
    everything = Options("", "", ApiVersion("1.10"))
    old = set(suite.mandatory(replace(everything, api_version=ApiVersion("1.8"))))
    assert old < set(suite.mandatory(everything))
    assert not any(suite.BY_ID[name].writes for name in suite.mandatory(replace(everything, read_only=True)))


def test_checks_are_selected_by_pattern():
    chosen = suite.selected(["quality-control.*", "versions.*"])
    assert {check.resource for check in chosen} == {"quality-control", "versions"}
    assert suite.selected([]) == suite.CHECKS
    with pytest.raises(LookupError, match=r"was 'quality-control\.empty-200' meant"):
        suite.selected(["quality-control.empty-20"])
