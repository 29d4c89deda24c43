"""The history checker: right histories are accepted, wrong ones refused, and what is shown of them is short."""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ia_api_contract.histories import Operation, Recorder, Register, in_words
from ia_api_contract.linearizability import Offence, State, is_linearizable, linearization, offence, parts

FIRST = Register("start", "v0")


def read(client: int, called: float, returned: float, value: str, version: str) -> Operation:
    return Operation(client, "read", called, returned, value, version)


def wrote(client: int, called: float, returned: float, value: str, expected: str, version: str | None) -> Operation:
    return Operation(client, "write", called, returned, value, version, expected)


def refused(client: int, called: float, returned: float, value: str, expected: str) -> Operation:
    return Operation(client, "write", called, returned, value, None, expected, accepted=False)


@dataclass(frozen=True)
class Plan:
    """One operation of a client before it happens: how long it waits, travels there and back, and what it sends."""

    action: str
    waits: int
    there: int
    back: int
    choice: int


PLANS = st.builds(Plan, st.sampled_from(["read", "write", "write"]), *[st.integers(0, 6)] * 3, choice=st.integers(0, 3))
CLIENTS = st.lists(st.lists(PLANS, max_size=5), min_size=1, max_size=4)


def happened(clients: Sequence[Sequence[Plan]], says_versions: bool = True) -> list[Operation]:
    """What a real register answers to clients whose operations overlap, each with one moment in which it happens."""
    events = []
    for client, plans in enumerate(clients):
        now = 0.0
        for number, plan in enumerate(plans):
            called = now + plan.waits + client / 10
            happens, now = called + plan.there + 0.01, called + plan.there + plan.back + 0.02
            for kind, moment in enumerate((called, happens, now)):
                events.append((moment, kind, client, number, plan, called, now))
    register, told, sent, made = FIRST, ["v0"], {}, {}
    versions = (f"v{number}" for number in itertools.count(1))
    for _, kind, client, number, plan, called, returned in sorted(events, key=lambda event: event[:4]):
        if kind == 0:
            sent[client, number] = told[-1 - plan.choice] if plan.choice < len(told) else "v0"
        elif kind == 1 and plan.action == "read":
            made[client, number] = read(client, called, returned, register.value or "", register.version or "")
        elif kind == 1 and sent[client, number] == register.version:
            value, version = f"{client}.{number}", next(versions)
            made[client, number] = wrote(client, called, returned, value, sent[client, number], version)
            register = Register(value, version)
        elif kind == 1:
            made[client, number] = refused(client, called, returned, f"{client}.{number}", sent[client, number])
        elif (version_told := made[client, number].version) is not None and version_told not in told:
            told.append(version_told)
    silent = [replace(one, version=None) if one.action == "write" else one for one in made.values()]
    return list(made.values()) if says_versions else silent


@settings(max_examples=200, deadline=None, derandomize=True)
@given(CLIENTS, st.booleans())
def test_what_a_register_tells_is_accepted(clients: list[list[Plan]], says_versions: bool):
    history = happened(clients, says_versions)
    found = linearization(history, FIRST)
    assert found is not None
    assert sorted(map(id, found)) == sorted(map(id, history))
    assert offence(history, FIRST) is None


@settings(max_examples=200, deadline=None, derandomize=True)
@given(CLIENTS)
def test_leaving_out_what_is_left_out_never_makes_a_right_history_wrong(clients: list[list[Plan]]):
    history = happened(clients)
    for part in parts(Offence(FIRST, tuple(history))):
        assert is_linearizable(part.history, part.first), str(part)


def lies() -> list[Callable[[Operation], Operation]]:
    return [
        lambda one: replace(one, value="nobody wrote this"),
        lambda one: replace(one, version="v0", value="start"),
        lambda one: replace(one, accepted=not one.accepted, version="v99" if one.refused else None),
    ]


@settings(max_examples=300, deadline=None, derandomize=True)
@given(CLIENTS, st.integers(0, 99), st.sampled_from(lies()))
def test_a_history_with_a_lie_in_it_is_judged_as_trying_all_orders_judges_it(
    clients: list[list[Plan]], which: int, lie: Callable[[Operation], Operation]
):
    history = happened([plans[:2] for plans in clients[:3]])
    assume(history)
    liar = which % len(history)
    history[liar] = lie(history[liar])
    assert is_linearizable(history, FIRST) == tried_all_orders(history)
    found = offence(history, FIRST)
    assert (found is None) == tried_all_orders(history)
    if found is not None:
        assert set(found.history) <= set(history)
        assert not is_linearizable(found.history, found.first)
        for one in (one for one in found.history if one.action == "read" or one.refused):
            rest = tuple(other for other in found.history if other is not one)
            assert is_linearizable(rest, found.first), f"{one} isn't needed in\n{found}"


def tried_all_orders(history: Sequence[Operation]) -> bool:
    return any(explains(order) for order in itertools.permutations(history))


def explains(order: Sequence[Operation]) -> bool:
    if any(later.returned < earlier.called for earlier, later in itertools.combinations(order, 2)):
        return False
    state: State | None = State(FIRST.value, FIRST.version, frozenset())
    for operation in order:
        state = state.after(operation) if state else None
    return state is not None


def test_two_accepted_writes_over_one_version_are_the_whole_offence():
    noise = [read(9, at, at + 0.5, "start", "v0") for at in range(5)]
    lost = [wrote(1, 5, 7, "a", "v0", "v1"), wrote(2, 6, 8, "b", "v0", "v2")]
    found = offence([*noise, *lost, read(3, 9, 10, "b", "v2")], FIRST)
    assert found is not None
    assert list(found.history) == lost
    assert "accepted as version 'v2'" in str(found)


@pytest.mark.parametrize("length", [0, 1, 40])
def test_a_stale_read_after_a_long_history_is_shown_with_the_one_write_that_it_missed(length: int):
    chain = [wrote(at % 3, at, at + 0.5, f"{at}", f"v{at}", f"v{at + 1}") for at in range(length + 1)]
    reads = [read(7, at + 0.6, at + 0.7, f"{at}", f"v{at + 1}") for at in range(length + 1)]
    before = FIRST if length == 0 else Register(f"{length - 1}", f"v{length}")
    stale = read(8, length + 0.8, length + 0.9, before.value or "", before.version or "")
    found = offence([*chain, *reads, stale], FIRST)
    assert found is not None
    assert set(found.history) in ({chain[-1], stale}, {reads[-1], stale}, {chain[-1], reads[-1], stale})
    assert len(found.history) == 2
    assert found.first == before


def test_a_read_of_what_was_refused_stands_alone():
    history = [wrote(1, 0, 1, "a", "v0", "v1"), refused(2, 2, 3, "b", "v0"), read(3, 4, 5, "b", "v1")]
    found = offence(history, FIRST)
    assert found is not None
    assert list(found.history) == [history[2]]
    assert found.first == Register("a", "v1")


def test_the_last_version_must_not_be_refused():
    history = [read(1, 0, 1, "start", "v0"), refused(1, 2, 3, "a", "v0")]
    found = offence(history, FIRST)
    assert found is not None
    assert list(found.history) == [history[1]]


def test_overlapping_operations_may_have_happened_in_either_order():
    write = wrote(1, 0, 10, "a", "v0", "v1")
    assert is_linearizable([write, read(2, 1, 2, "a", "v1"), read(3, 5, 6, "a", "v1")], FIRST)
    assert is_linearizable([write, read(2, 1, 2, "start", "v0"), read(3, 5, 6, "a", "v1")], FIRST)
    assert not is_linearizable([write, read(2, 1, 2, "a", "v1"), read(3, 5, 6, "start", "v0")], FIRST)


def test_a_version_that_comes_back_is_an_offence():
    history = [wrote(1, 0, 1, "a", "v0", "v1"), wrote(1, 2, 3, "b", "v1", "v0")]
    assert offence(history, FIRST) is not None


def test_where_writes_do_not_tell_their_version_the_next_read_does():
    right = [wrote(1, 0, 1, "a", "v0", None), read(1, 2, 3, "a", "v1"), wrote(1, 4, 5, "b", "v1", None)]
    assert is_linearizable(right, FIRST)
    assert not is_linearizable([*right, read(2, 6, 7, "b", "v1")], FIRST)


def test_many_clients_at_once_are_judged_in_good_time():
    history: list[Operation] = []
    for at in range(60):
        now, version = float(at), f"v{at}"
        history += [read(client, now, now + 0.4, "start" if at == 0 else f"{at}", version) for client in range(7)]
        history.append(wrote(7, now + 0.1, now + 0.9, f"{at + 1}", version, f"v{at + 1}"))
        history += [refused(client, now + 0.5, now + 1.2, "x", version) for client in range(7)]
    assert is_linearizable(history, FIRST)


def test_a_history_in_words_tells_who_did_what_and_when():
    text = in_words([refused(2, 10.01, 10.02, "b", "v0"), wrote(1, 10, 10.01, "a", "v0", None)], FIRST)
    assert text.splitlines() == [
        "  at first the register holds 'start', version 'v0'",
        "       0.0 to     10.0 ms  client 1 writes 'a' over version 'v0': accepted",
        "      10.0 to     20.0 ms  client 2 writes 'b' over version 'v0': refused as stale",
    ]


def test_a_recorder_keeps_what_was_asked_with_the_moments_around_it():
    recorder = Recorder()
    came = recorder.record(lambda: "seen", lambda value, called, returned: read(1, called, returned, value, "v0"))
    assert came == "seen"
    (kept,) = recorder.history
    assert kept.value == "seen"
    assert kept.called <= kept.returned
