"""Repeating and comparing: the subjects take turns, so that what else the machine does meets all of them alike."""

from __future__ import annotations

import os
import platform
import statistics
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

Measure = Callable[[], float]


def alternating(subjects: Mapping[str, Measure | None], rounds: int) -> dict[str, float | None]:
    """The median of each subject's figures over so many rounds, in which each has its turn; None where it can't.

    The order turns round in every other round. Before the first, each has a turn that doesn't count.
    """
    able = {name: measure for name, measure in subjects.items() if measure is not None}
    taken: dict[str, list[float]] = {name: [] for name in able}
    for number in range(rounds + 1):
        for name in able if number % 2 else reversed(able):
            figure = able[name]()
            if number:
                taken[name].append(figure)
    return {name: median(taken.get(name, ())) for name in subjects}


def median(values: Iterable[float]) -> float | None:
    """The median, None of nothing."""
    known = list(values)
    return statistics.median(known) if known else None


@contextmanager
def stopped() -> Iterator[Callable[[], float]]:
    """Seconds that the block took: the value of what it gives, once it has ended."""
    taken: list[float] = []
    began = time.perf_counter()
    yield lambda: taken[0]
    taken.append(time.perf_counter() - began)


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count(),
        "Python": platform.python_version(),
        "date": time.strftime("%Y-%m-%d"),
    }
