"""Walks: shortened where they fail, the same for the same seed; machines agree with the emulator as it should be."""

from collections.abc import Callable
from dataclasses import replace
from random import Random

import pytest

from fake_pacs.embedding import MockSectraServer
from ia_api_contract.check import Check
from ia_api_contract.learning import target_for
from ia_api_contract.machines.checks import CHECKS
from ia_api_contract.machines.walking import STEPS, Step, drawn, explore, shortened, taken, told
from ia_api_contract.outcomes import Failed, Outcome, Skipped
from ia_api_contract.runner import run_one
from ia_api_contract.suite import CHECKS as SUITE
from ia_api_contract.target import Options, Target
from ia_api_spec import ApiVersion


class Fussy:
    """A machine that fails when it was told `a`, later `b`, later `c`; `-` can't be done."""

    def __init__(self) -> None:
        self.wanted = "abc"

    def take(self, step: Step) -> str:
        if step.verb == "-":
            return ""
        if step.verb == self.wanted[0]:
            self.wanted = self.wanted[1:]
        if not self.wanted:
            raise Failed(f"{step.verb}: too much")
        return step.verb


class Moody:
    """A machine that fails only the first time that it is made."""

    made = 0

    def __init__(self) -> None:
        type(self).made += 1

    def take(self, step: Step) -> str:
        if self.made == 1:
            raise Failed("not today")
        return step.verb


def walk(verbs: str) -> tuple[Step, ...]:
    return tuple(Step(verb, 0, 0, 0) for verb in verbs)


def test_a_failing_walk_is_shortened_to_the_steps_that_it_needs():
    fall = taken(Fussy, walk("xa-xbxx-axcxxx"))
    assert fall is not None
    assert fall.lines[-1] == "c: too much"
    assert shortened(Fussy, fall).lines == ("a", "b", "c: too much")


@pytest.mark.parametrize("seed", range(20))
def test_whatever_the_walk_the_shortest_one_is_found(seed: int):
    fall = taken(Fussy, drawn("abcx-", Random(seed), length=60))
    assert fall is not None
    assert shortened(Fussy, fall).lines == ("a", "b", "c: too much")


def test_a_walk_that_fails_nowhere_has_no_fall():
    assert taken(Fussy, walk("xcba")) is None


def test_what_is_told_is_the_shortest_sequence_line_by_line():
    fall = taken(Fussy, walk("xabxc"))
    assert fall is not None
    assert told(Fussy, fall).splitlines()[1:] == ["  1. a", "  2. b", "  3. c: too much"]


def test_a_walk_that_does_not_fail_again_is_told_as_it_was():
    fall = taken(Moody, walk("ab"))
    assert fall is not None
    assert "not when the same steps were taken again" in told(Moody, fall)
    assert "not today" in told(Moody, fall)


def test_the_same_seed_draws_the_same_walk():
    first, second, other = (drawn("abc", Random(seed)) for seed in ("1", "1", "2"))
    assert first == second != other
    assert len(first) == STEPS


def test_exploring_raises_what_is_told(target: Target):
    with pytest.raises(Failed, match="too much"):
        explore(target, "a name", "abc", Fussy)


@pytest.fixture
def open_target(pacs: MockSectraServer) -> Callable[..., Target]:
    """The emulator as a target with its control plane, and few walks."""
    options = Options(pacs.url, pacs.token, ApiVersion("1.10"), control_token=pacs.control_token, max_examples=2)
    return lambda **changed: target_for(replace(options, **changed))


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.id)
def test_the_emulator_agrees_with_every_machine(check: Check, open_target: Callable[..., Target]):
    result = run_one(check, open_target())
    assert result.outcome is Outcome.PASS, result.text


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.id)
def test_no_machine_touches_a_target_that_is_read_only(check: Check, open_target: Callable[..., Target]):
    assert run_one(check, open_target(read_only=True)).outcome is Outcome.SKIP


def test_tenants_are_skipped_where_there_is_no_control_plane(open_target: Callable[..., Target]):
    tenants = next(check for check in CHECKS if check.id == "machines.tenants")
    for control_token in (None, "wrong"):
        with pytest.raises(Skipped):
            tenants.probe(open_target(control_token=control_token))


def test_what_a_check_needs_runs_before_it():
    order = {check.id: at for at, check in enumerate(SUITE)}
    late = [(check.id, need) for check in SUITE for need in check.needs if order[need] >= order[check.id]]
    assert late == []
