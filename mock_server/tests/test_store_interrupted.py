"""Transactions that are cut short - by an interrupt, a commit that fails, a close - leave the store as it was."""

import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fake_pacs.sql_store import SqlStore
from fake_pacs.store import StoreError

WAIT = 10


@pytest.fixture(params=["memory", "file"])
def north(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqlStore]:
    """A store with one tenant and one result of it."""
    with SqlStore(tmp_path / "state.sqlite" if request.param == "file" else None) as store:
        store.create_tenant("north")
        store.create_result("north", "app", "s1", {"n": 1}, [], "v1")
        yield store


def results(store: SqlStore) -> list[tuple[int, Any]]:
    return [(result.id, result.document["n"]) for result in store.results("north", "app")]


def interrupt_once(store: SqlStore, monkeypatch: pytest.MonkeyPatch, after: str) -> None:
    """Have the next statement that holds these words done, and followed at once by an interrupt."""
    dialect: Any = store._database._sessions._engine.dialect  # type: ignore[attr-defined]
    usual = dialect.do_execute

    def do_execute(cursor: Any, statement: str, *others: Any) -> None:
        usual(cursor, statement, *others)
        if after in statement:
            monkeypatch.undo()
            raise KeyboardInterrupt

    monkeypatch.setattr(dialect, "do_execute", do_execute)


@pytest.mark.parametrize("after", ["UPDATE counters", "INSERT INTO results"])
def test_an_interrupted_write_changes_nothing_and_loses_nothing(
    north: SqlStore, monkeypatch: pytest.MonkeyPatch, after: str
) -> None:
    interrupt_once(north, monkeypatch, after)
    with pytest.raises(KeyboardInterrupt):
        north.create_result("north", "app", "s1", {"n": 2}, [], "v2")
    assert results(north) == [(1, 1)]
    assert north.create_result("north", "app", "s1", {"n": 3}, [], "v3").id == 2
    assert results(north) == [(1, 1), (2, 3)]


def test_an_interrupted_read_loses_nothing(north: SqlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    interrupt_once(north, monkeypatch, "SELECT results")
    with pytest.raises(KeyboardInterrupt):
        north.results("north", "app")
    assert results(north) == [(1, 1)]
    north.create_result("north", "app", "s1", {"n": 2}, [], "v2")
    assert results(north) == [(1, 1), (2, 2)]


def test_rows_that_nobody_read_to_the_end_are_in_nobodys_way(north: SqlStore) -> None:
    for number in range(2, 400):
        north.create_result("north", "app", "s1", {"n": number}, [], "v")
    rows: list[Any] = []

    def read_one_and_fail() -> None:
        with north._database.reading() as connection:
            rows.append(connection.exec_driver_sql("SELECT id FROM results ORDER BY id"))
            assert rows[0].fetchone() == (1,)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        read_one_and_fail()
    north.delete_result("north", "app", 399)
    north.reset_tenant("north")
    assert results(north) == []


def test_what_was_written_before_an_error_is_taken_back(north: SqlStore) -> None:
    def write_and_fail(error: type[BaseException]) -> None:
        with north._database.writing() as connection:
            connection.exec_driver_sql("DELETE FROM results")
            raise error

    for error in (KeyError, KeyboardInterrupt, GeneratorExit):
        with pytest.raises(error):
            write_and_fail(error)
        assert results(north) == [(1, 1)]


def test_a_commit_that_fails_is_told_and_taken_back(north: SqlStore) -> None:
    def no_commit(action: int, first: str | None, *_: str | None) -> int:
        return sqlite3.SQLITE_DENY if (action, first) == (sqlite3.SQLITE_TRANSACTION, "COMMIT") else sqlite3.SQLITE_OK

    drivers: list[Any] = []

    def write() -> None:
        with north._database.writing() as connection:
            connection.exec_driver_sql("DELETE FROM results")
            drivers.append(connection.connection.driver_connection)
            drivers[0].set_authorizer(no_commit)

    with pytest.raises(StoreError, match="not authorized"):
        write()
    drivers[0].set_authorizer(None)
    assert results(north) == [(1, 1)]
    assert north.create_result("north", "app", "s1", {"n": 2}, [], "v2").id == 2


class Turn:
    """A lock that tells when somebody is about to wait for it."""

    def __init__(self, lock: threading.Lock) -> None:
        self._lock = lock
        self.asked = threading.Event()

    def __enter__(self) -> bool:
        self.asked.set()
        return self._lock.acquire(timeout=WAIT)

    def __exit__(self, *_: object) -> None:
        self._lock.release()


def test_who_waited_for_a_turn_while_the_store_was_closed_is_told_so(north: SqlStore) -> None:
    sessions: Any = north._database._sessions
    told: list[BaseException] = []

    def wait_and_write() -> None:
        try:
            north.create_result("north", "app", "s1", {"n": 2}, [], "v2")
        except BaseException as error:  # whatever it is, it is looked at below
            told.append(error)

    with north._database.writing():
        sessions._lock = turn = Turn(sessions._lock)
        waiting = threading.Thread(target=wait_and_write)
        waiting.start()
        assert turn.asked.wait(WAIT)
        turn.asked.clear()
        closing = threading.Thread(target=north.close)
        closing.start()
        assert turn.asked.wait(WAIT)
    waiting.join(WAIT)
    closing.join(WAIT)
    assert [type(error) for error in told] == [StoreError]
    assert str(told[0]).endswith("is closed; open it again to use it")


def test_a_closed_store_says_so_and_opens_nothing_again(north: SqlStore) -> None:
    north.close()
    north.close()
    for use in (north.tenants, lambda: north.create_tenant("south")):
        with pytest.raises(StoreError, match="is closed; open it again to use it"):
            use()
    pool: Any = north._database._sessions._engine.pool  # type: ignore[attr-defined]
    assert getattr(pool, "checkedin", int)() == 0
