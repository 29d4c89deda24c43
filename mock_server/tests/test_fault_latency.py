"""Waiting times: bounded, and the same for the same seed."""

import random
import statistics

import pytest

from fake_pacs.faults.fault import Fault, Record
from fake_pacs.faults.latency import Latency

ALL = [
    Latency(0.5),
    Latency(distribution="uniform", minimum=0.1, maximum=0.3),
    Latency(0.2, "normal", deviation=0.05),
    Latency(0.2, "lognormal", deviation=0.5),
    Latency(0.2, "exponential"),
]


def drawn(latency: Latency, count: int = 4000, seed: int = 7) -> list[float]:
    dice = random.Random(seed)
    return [latency.draw(dice) for _ in range(count)]


@pytest.mark.parametrize("latency", ALL, ids=lambda latency: latency.distribution)
def test_the_same_seed_draws_the_same(latency: Latency) -> None:
    assert drawn(latency) == drawn(latency)
    assert latency.distribution == "fixed" or drawn(latency) != drawn(latency, seed=8)


@pytest.mark.parametrize(
    ("latency", "middle", "value"),
    [
        (ALL[0], statistics.mean, 0.5),
        (ALL[1], statistics.mean, 0.2),
        (ALL[2], statistics.mean, 0.2),
        (ALL[3], statistics.median, 0.2),
        (ALL[4], statistics.mean, 0.2),
    ],
    ids=lambda value: getattr(value, "distribution", None),
)
def test_the_middle_is_where_it_was_asked(latency: Latency, middle: object, value: float) -> None:
    assert middle(drawn(latency)) == pytest.approx(value, rel=0.1)  # type: ignore[operator]


@pytest.mark.parametrize("latency", ALL[1:], ids=lambda latency: latency.distribution)
def test_times_stay_within_their_bounds(latency: Latency) -> None:
    bounded = Latency(latency.seconds, latency.distribution, latency.deviation, minimum=0.15, maximum=0.25)
    found = drawn(bounded)
    assert min(found) >= 0.15
    assert max(found) <= 0.25
    assert len(set(found)) > 100


def test_without_a_seed_it_is_the_number_of_the_fault() -> None:
    fault = Fault("getInfo", None, Latency(0.2, "exponential"), times=None)
    times = [[Record(number, fault).take().seconds for _ in range(3)] for number in (1, 1, 2)]
    assert times[0] == times[1] != times[2]
    seeded = Fault("getInfo", None, Latency(0.2, "exponential", seed=5), times=None)
    assert Record(1, seeded).take().seconds == Record(2, seeded).take().seconds


def test_extremes_are_borne() -> None:
    assert drawn(Latency(0, "exponential"), 3) == [0, 0, 0]
    assert max(drawn(Latency(600, "lognormal", deviation=600), 100)) == 600


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({}, "latency.seconds: came nothing"),
        ({"seconds": -1}, "latency.seconds: came -1"),
        ({"seconds": 601}, "expected 0 to 600"),
        ({"seconds": float("nan")}, "latency.seconds: came nan"),
        ({"seconds": 1, "deviation": 1}, "latency.deviation: came 1"),
        ({"seconds": 1, "distribution": "normal"}, "latency.deviation: came nothing"),
        ({"seconds": 0, "distribution": "lognormal", "deviation": 1}, "a median above 0"),
        ({"seconds": 1, "distribution": "cauchy"}, "latency.distribution: came 'cauchy'"),
        ({"seconds": 1, "maximum": 700}, "latency.minimum: came 0 to 700"),
    ],
)
def test_impossible_times_are_errors(members: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Latency(**members)  # type: ignore[arg-type]
