"""What is wrong on purpose, one after another and one on each core: what both matrices have in common."""

import logging
import os
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context

from ia_api_contract.outcomes import Outcome

Row = Mapping[str, Outcome]


class BrokenSuiteError(RuntimeError):
    """The suite itself broke on what is wrong on purpose: a defect of the suite, never a red check."""


def rows_of(
    ids: Sequence[str], make: Callable[[str], Row], failed: Callable[[Row], list[str]]
) -> tuple[dict[str, Row], list[str]]:
    """A row for each id, told as they come; and where the suite broke.

    `make` is called in other processes, by id, as a mutant or an app can't travel; `failed` lists what is red in a row.
    """
    rows: dict[str, Row] = {}
    broke: list[str] = []
    workers = min(os.cpu_count() or 1, len(ids))
    with ProcessPoolExecutor(workers, get_context("spawn"), initializer=_quieten) as pool:
        for number, (name, made, seconds) in enumerate(pool.map(partial(_timed, make), ids), 1):
            if isinstance(made, str):
                broke.append(made)
                red = "THE SUITE BROKE"
            else:
                rows[name] = made
                red = ", ".join(failed(made)) or "nothing"
            print(f"{number}/{len(ids)} {name} ({seconds:.1f} s): {red}", flush=True)
    return rows, broke


def _quieten() -> None:
    """What a server that is wrong on purpose logs of itself, nobody needs to read."""
    logging.disable(logging.CRITICAL)


def _timed(make: Callable[[str], Row], name: str) -> tuple[str, Row | str, float]:
    """A row or how the suite broke, and the seconds that it took."""
    began = time.monotonic()
    try:
        made: Row | str = make(name)
    except BrokenSuiteError as error:
        made = str(error)
    return name, made, time.monotonic() - began
