"""What a transaction of the store costs beside its one statement: `python -m benchmarks.store_calls`.

Microseconds of CPU, medians of five rounds: a credential looked up through the store, such a statement alone in a
transaction that is open already, and a result stored; in memory, and in a file.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from sqlalchemy import select

from fake_pacs.sql_store import SqlStore
from fake_pacs.sql_tables import credentials
from fake_pacs.store import Credential

TIMES, ROUNDS = 1000, 5


def figures(state: Path | None) -> Iterator[tuple[str, float]]:
    """Each work and its microseconds."""
    with SqlStore(state) as store:
        store.create_tenant("bench")
        store.add_credential("secret", Credential("bench", "development"))
        with store._database.reading() as connection:
            statement = select(credentials).where(credentials.c.tenant == "bench")
            alone = _microseconds(lambda: connection.execute(statement).one())
        works: dict[str, Callable[[], object]] = {
            "credential looked up": lambda: store.credential("secret"),
            "result stored": lambda: store.create_result("bench", "app", "slide", {"a": 1}, [], "version"),
        }
        yield "the statement alone", alone
        for name, work in works.items():
            yield name, _microseconds(work)


def _microseconds(work: Callable[[], object]) -> float:
    taken = []
    for _ in range(ROUNDS):
        began = time.process_time()
        for _ in range(TIMES):
            work()
        taken.append((time.process_time() - began) / TIMES * 1e6)
    return statistics.median(taken)


def main() -> None:
    """Prints the table."""
    with tempfile.TemporaryDirectory() as folder:
        for where, state in (("in memory", None), ("in a file", Path(folder) / "state.sqlite")):
            for name, microseconds in figures(state):
                print(f"{where:10} {name:24} {microseconds:7.1f} µs")


if __name__ == "__main__":
    main()
