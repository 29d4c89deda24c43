"""The virtual clock: moved, set, frozen; never backwards where durations are measured."""

from datetime import UTC, datetime, timedelta

import pytest

from fake_pacs.clock import ManualClock, MovableClock, SystemClock

START = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def beneath() -> ManualClock:
    return ManualClock(START)


@pytest.fixture
def clock(beneath: ManualClock) -> MovableClock:
    return MovableClock(beneath)


def test_untouched_it_goes_like_the_clock_beneath(clock: MovableClock, beneath: ManualClock) -> None:
    beneath.advance(5)
    assert (clock.now(), clock.offset, clock.frozen) == (START + timedelta(seconds=5), 0, False)


def test_it_is_advanced_and_goes_on_from_there(clock: MovableClock, beneath: ManualClock) -> None:
    clock.advance(86400)
    clock.advance(0.5)
    beneath.advance(1)
    assert clock.now() == START + timedelta(days=1, seconds=1.5)
    assert clock.offset == 86400.5


@pytest.mark.parametrize("moment", [START - timedelta(days=400), START + timedelta(days=400)])
def test_it_is_set_to_earlier_and_later_times(clock: MovableClock, beneath: ManualClock, moment: datetime) -> None:
    clock.set(moment)
    assert clock.now() == moment
    beneath.advance(2)
    assert clock.now() == moment + timedelta(seconds=2)


def test_frozen_it_stands_until_it_is_moved_or_let_go(clock: MovableClock, beneath: ManualClock) -> None:
    clock.freeze()
    clock.freeze()
    beneath.advance(100)
    assert (clock.now(), clock.offset) == (START, -100)
    clock.advance(10)
    assert clock.now() == START + timedelta(seconds=10)
    clock.set(START + timedelta(days=1))
    assert clock.now() == START + timedelta(days=1)
    clock.freeze(frozen=False)
    beneath.advance(3)
    assert clock.now() == START + timedelta(days=1, seconds=3)
    clock.reset()
    assert (clock.now(), clock.frozen) == (START + timedelta(seconds=103), False)


def test_durations_stay_true_whatever_is_done_to_it(clock: MovableClock, beneath: ManualClock) -> None:
    before = clock.monotonic()
    for move in (lambda: clock.advance(1e6), lambda: clock.set(START - timedelta(days=9)), clock.freeze, clock.reset):
        move()
        assert clock.monotonic() == before
    beneath.advance(1)
    assert clock.monotonic() == before + 1


def test_impossible_moves_are_errors_and_move_nothing(clock: MovableClock) -> None:
    with pytest.raises(ValueError, match="expected 0 or more"):
        clock.advance(-1)
    with pytest.raises(ValueError, match="no offset to UTC"):
        clock.set(datetime(2027, 1, 1))
    with pytest.raises(ValueError, match="beyond the year 9000"):
        clock.advance(1e12)
    for text in ("1969-12-31T23:59:59Z", "0001-01-01T00:00:00+05:00", "9999-12-31T23:59:59-05:00"):
        with pytest.raises(ValueError, match="a time from 1970 to 9000"):
            clock.set(datetime.fromisoformat(text))
    clock.freeze()
    with pytest.raises(ValueError, match="beyond the year 9000"):
        clock.advance(1e12)
    assert clock.now() == START


def reset_and_advance(clock: MovableClock, seconds: float) -> None:
    with clock.all_or_nothing() as tried:
        tried.reset()
        tried.advance(seconds)


def test_moves_that_belong_together_are_all_made_or_none(clock: MovableClock, beneath: ManualClock) -> None:
    with clock.all_or_nothing() as tried:
        tried.set(START + timedelta(days=1))
        tried.freeze()
        assert (clock.now(), clock.frozen) == (START, False)
    assert (clock.now(), clock.frozen) == (START + timedelta(days=1), True)
    with pytest.raises(ValueError, match="beyond the year 9000"):
        reset_and_advance(clock, 1e12)
    assert (clock.now(), clock.frozen) == (START + timedelta(days=1), True)
    beneath.advance(5)
    assert clock.now() == START + timedelta(days=1), "it still stands"


def test_on_the_machine_s_clock_it_is_about_now() -> None:
    assert abs((MovableClock(SystemClock()).now() - datetime.now(UTC)).total_seconds()) < 5
