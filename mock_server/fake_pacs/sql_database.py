"""Engine, locks and transactions of the SQL store; all that is SQLite's own stands here.

In memory, SQLite's `memdb` keeps readers out while somebody writes and lets whoever waits sleep and try again: with
4 writers and 4 readers a read took 4 s. So there one transaction runs at a time, handed on by a lock. In a
file (write-ahead log) readers see the last committed state and never wait; writers of this process queue at a lock,
those of another process at SQLite's. No lock decides who wins an update: a statement with its condition does.
"""

import sqlite3
import threading
import uuid
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

import sqlalchemy.dialects.sqlite  # noqa: F401 - else the first engine loads it: a fifth of a server's start
from sqlalchemy import URL, Connection, Engine, create_engine, event, inspect
from sqlalchemy.exc import DatabaseError, IntegrityError
from sqlalchemy.pool import PoolProxiedConnection

from fake_pacs.sql_tables import SCHEMA, meta, metadata
from fake_pacs.store import StoreError

BUSY_SECONDS = 5.0
"""So long a writer waits for another process that is writing."""


class Database:
    """One SQLite database, in memory or in a file, with its transactions."""

    def __init__(self, state: Path | None, busy_seconds: float = BUSY_SECONDS) -> None:
        self._called = f"the state file {state.absolute()}" if state else "the store in memory"
        self._engine = _file_engine(state, busy_seconds) if state else _memory_engine()
        self._readers = self._engine if state else self._engine.execution_options(begin="")  # there the lock is enough
        self._writers = self._engine.execution_options(begin="BEGIN IMMEDIATE")  # a lock taken late can't be waited for
        self._write_lock = threading.Lock()
        self._read_lock: AbstractContextManager[Any] = nullcontext() if state else self._write_lock
        self._held_open: PoolProxiedConnection | None = None
        self._closed = False
        try:
            self._open(in_memory=state is None)
        except BaseException:
            self.close()
            raise

    def reading(self) -> AbstractContextManager[Connection]:
        """A transaction that sees one state and changes nothing."""
        return self._transaction(self._readers, self._read_lock)

    def writing(self) -> AbstractContextManager[Connection]:
        """A transaction that changes everything it says, or nothing when an exception leaves it."""
        return self._transaction(self._writers, self._write_lock)

    def close(self) -> None:
        """Close all connections; what is in memory is gone then."""
        with self._write_lock:
            self._closed = True
            if self._held_open is not None:
                self._held_open.close()
                self._held_open = None
            self._engine.dispose()

    @contextmanager
    def _transaction(self, engine: Engine, lock: AbstractContextManager[Any]) -> Iterator[Connection]:
        try:
            with lock, self._begin(engine) as connection:
                yield connection
        except UnicodeEncodeError as error:
            raise lone_surrogate(error) from error
        except IntegrityError:
            raise
        except (DatabaseError, sqlite3.Error) as error:
            raise StoreError(f"{self._called} can't be used: {_reason(error)}") from error

    def _begin(self, engine: Engine) -> AbstractContextManager[Connection]:
        if self._closed:
            raise StoreError(f"{self._called} is closed; open it again to use it")
        return engine.begin()

    def _open(self, in_memory: bool) -> None:
        if in_memory:
            self._held_open = self._engine.raw_connection()
        with self.writing() as connection:
            if inspect(connection).get_table_names():
                self._check_schema(connection)
            else:
                metadata.create_all(connection, checkfirst=False)
                connection.execute(meta.insert(), {"name": "schema", "value": str(SCHEMA)})

    def _check_schema(self, connection: Connection) -> None:
        if not inspect(connection).has_table(meta.name):
            raise StoreError(f"{self._called} is another program's database; name another file")
        found = connection.execute(meta.select().where(meta.c.name == "schema")).one_or_none()
        if found is None or found.value != str(SCHEMA):
            version = f"schema {found.value}" if found else "no schema number"
            raise StoreError(
                f"{self._called} has {version}, this version of fake-pacs reads schema {SCHEMA} only; "
                "move the file away to begin with a new one, or use the version that wrote it"
            )


def lone_surrogate(error: UnicodeEncodeError) -> ValueError:
    """The error for a text that no database can keep."""
    shown = ascii(error.object[max(0, error.start - 20) : error.start + 20])
    return ValueError(
        f"a text to be stored holds a lone surrogate at position {error.start}, near {shown}; "
        "expected Unicode text: refuse or replace it before it is stored"
    )


def _memory_engine() -> Engine:
    url = f"sqlite:///file:/{uuid.uuid4().hex}?vfs=memdb&uri=true"
    return _with_begin(create_engine(url, connect_args={"check_same_thread": False}, max_overflow=-1))


def _file_engine(state: Path, busy_seconds: float) -> Engine:
    url = URL.create("sqlite", database=str(state.absolute()))
    arguments = {"check_same_thread": False, "timeout": busy_seconds}
    engine = create_engine(url, connect_args=arguments, pool_size=8, max_overflow=-1)
    event.listen(engine, "connect", _make_durable)
    return _with_begin(engine)


def _make_durable(connection: sqlite3.Connection, record: object) -> None:
    """Have every commit on the disk before it is acknowledged."""
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA fullfsync = ON")  # macOS: through the drive's own cache, too


def _with_begin(engine: Engine) -> Engine:
    """Let SQLAlchemy begin transactions, not the sqlite3 module, which begins late and only for writes."""
    event.listen(engine, "connect", _leave_transactions)
    event.listen(engine, "begin", _begin)
    return engine


def _leave_transactions(connection: sqlite3.Connection, record: object) -> None:
    connection.isolation_level = None


def _begin(connection: Connection) -> None:
    statement = connection.get_execution_options().get("begin", "BEGIN")
    if statement:
        connection.exec_driver_sql(statement)


def _reason(error: DatabaseError | sqlite3.Error) -> str:
    said = str(error.orig if isinstance(error, DatabaseError) else error)
    return f"{said}; {_advice(said)}"


def _advice(said: str) -> str:
    if "locked" in said:
        return "another process is writing to it: stop that one, or name another file"
    if "not a database" in said or "malformed" in said:
        return "it is no SQLite database or a damaged one: move it away, or name another file"
    if "unable to open" in said or "readonly" in said or "read-only" in said:
        return "the folder must exist, and file and folder must be writable"
    return "see whether the disk is full or failing"
