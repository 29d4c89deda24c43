"""Engine, locks and transactions of the SQL store; all that is SQLite's own stands here.

In memory there is one connection, which stays open and is handed on by a lock: one transaction runs at a time. SQLite's
`memdb`, with a connection for each thread, lets whoever waits sleep and try again (with 4 writers and 4 readers a read
took 4 s), and a connection taken from a pool costs as much as the statement itself. In a file (write-ahead log) readers
see the last committed state and never wait; writers of this process queue at a lock, those of another process at
SQLite's. No lock decides who wins an update: a statement with its condition does.
"""

import sqlite3
import threading
from collections.abc import Callable, Hashable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Protocol, TypeVar

import sqlalchemy.dialects.sqlite  # noqa: F401 - else the first engine loads it: a fifth of a server's start
from sqlalchemy import URL, Connection, Engine, ExceptionContext, create_engine, event, inspect
from sqlalchemy.exc import DatabaseError, IntegrityError
from sqlalchemy.pool import StaticPool

from fake_pacs.sql_tables import SCHEMA, meta, metadata
from fake_pacs.store import StoreError

Value = TypeVar("Value")

MOST_KNOWN = 1000
"""So many values are remembered at most."""

_LOCKED = "BEGIN IMMEDIATE"
"""How writers begin: a lock that is taken later, with the first change, can't be waited for."""

BUSY_SECONDS = 5.0
"""So long a writer waits for another process that is writing."""


class _ClosedError(Exception):
    """The database was closed, perhaps while this transaction waited for its turn."""


class _Sessions(Protocol):
    """How transactions come by a connection; after `close` they raise `_ClosedError`.

    `known` is what was read since the last change, None where another process may change it.
    """

    known: dict[Hashable, Any] | None

    def reading(self) -> AbstractContextManager[Connection]: ...

    def writing(self) -> AbstractContextManager[Connection]: ...

    def close(self) -> None: ...


class _InMemory:
    """One connection, and one transaction at a time: the lock is all that a reader needs."""

    def __init__(self) -> None:
        self._engine = create_engine("sqlite://", connect_args={"check_same_thread": False}, poolclass=StaticPool)
        event.listen(self._engine, "connect", _leave_transactions)
        event.listen(self._engine, "handle_error", _keep_connection)
        self._lock = threading.Lock()
        self._connection = self._engine.connect()
        self._driver = _driver_of(self._connection)
        self.known: dict[Hashable, Any] | None = {}
        self._closed = False

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        with self._lock:
            self._take()
            yield self._connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        with self._lock:
            self._take()
            self.known = {}  # a new one: who looks into the old one came before this change
            try:
                self._driver.execute(_LOCKED)
                yield self._connection
                self._driver.commit()
            except BaseException:
                self._driver.rollback()
                raise

    def _take(self) -> None:
        if self._closed:
            raise _ClosedError
        if self._driver.in_transaction:  # somebody was interrupted in the middle of giving up
            self._driver.rollback()

    def close(self) -> None:
        self._closed = True
        with self._lock:
            self.known = {}
            self._connection.close()
            self._engine.dispose()


class _InFile:
    """A connection for each transaction; writers queue here: at SQLite's lock, waiting means trying again."""

    def __init__(self, state: Path, busy_seconds: float) -> None:
        self._engine = _file_engine(state, busy_seconds)
        self.known: dict[Hashable, Any] | None = None
        self._lock = threading.Lock()
        self._closed = False

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        with self._transaction("BEGIN") as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        with self._lock, self._transaction(_LOCKED) as connection:
            yield connection

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[Connection]:
        if self._closed:  # asked by who has the lock: a closed engine would open the file again
            raise _ClosedError
        with self._engine.begin() as connection:
            _driver_of(connection).execute(begin)
            yield connection

    def close(self) -> None:
        self._closed = True
        with self._lock:
            self._engine.dispose()


class Database:
    """One SQLite database, in memory or in a file, with its transactions."""

    def __init__(self, state: Path | None, busy_seconds: float = BUSY_SECONDS) -> None:
        self._called = f"the state file {state.absolute()}" if state else "the store in memory"
        self._sessions: _Sessions = _InFile(state, busy_seconds) if state else _InMemory()
        try:
            self._open(is_new=state is None)
        except BaseException:
            self.close()
            raise

    def reading(self) -> AbstractContextManager[Connection]:
        """A transaction that sees one state and changes nothing."""
        return self._transaction(self._sessions.reading)

    def remembered(self, key: Hashable, read: Callable[[Connection], Value]) -> Value:
        """What `read` answers, a value that nobody changes; read once between two changes, where we see them all.

        None is not remembered: whoever guesses tokens would fill the memory.
        """
        value: Value | None = self._sessions.known.get(key) if self._sessions.known else None
        if value is not None:
            return value
        with self.reading() as connection:
            value = read(connection)
            known = self._sessions.known  # nobody changes anything as long as we read
            if known is not None and value is not None:
                if len(known) >= MOST_KNOWN:
                    known.clear()
                known[key] = value
        return value

    def writing(self) -> AbstractContextManager[Connection]:
        """A transaction that changes everything it says, or nothing when an exception leaves it."""
        return self._transaction(self._sessions.writing)

    def close(self) -> None:
        """Close all connections; what is in memory is gone then."""
        self._sessions.close()

    @contextmanager
    def _transaction(self, session: Callable[[], AbstractContextManager[Connection]]) -> Iterator[Connection]:
        try:
            with session() as connection:
                yield connection
        except _ClosedError:
            raise StoreError(f"{self._called} is closed; open it again to use it") from None
        except UnicodeEncodeError as error:
            raise lone_surrogate(error) from error
        except IntegrityError:
            raise
        except (DatabaseError, sqlite3.Error) as error:
            raise StoreError(f"{self._called} can't be used: {_reason(error)}") from error

    def _open(self, is_new: bool) -> None:
        with self.writing() as connection:
            if not is_new and inspect(connection).get_table_names():
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


def _file_engine(state: Path, busy_seconds: float) -> Engine:
    url = URL.create("sqlite", database=str(state.absolute()))
    arguments = {"check_same_thread": False, "timeout": busy_seconds}
    engine = create_engine(url, connect_args=arguments, pool_size=8, max_overflow=-1)
    event.listen(engine, "connect", _make_durable)
    event.listen(engine, "connect", _leave_transactions)
    event.listen(engine, "handle_error", _keep_connection)
    return engine


def _make_durable(connection: sqlite3.Connection, record: object) -> None:
    """Have every commit on the disk before it is acknowledged."""
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA fullfsync = ON")  # macOS: through the drive's own cache, too


def _leave_transactions(connection: sqlite3.Connection, record: object) -> None:
    """Transactions begin where we say so, not where the sqlite3 module does: late, and only for writes."""
    connection.isolation_level = None


def _keep_connection(context: ExceptionContext) -> None:
    """Take an interrupt in the middle of a statement like any error: SQLAlchemy would close the connection.

    In memory all would be lost with it; in a file it would keep its locks as long as anybody holds on to the statement.
    """
    context.is_disconnect = False


def _driver_of(connection: Connection) -> sqlite3.Connection:
    """The sqlite3 connection; to begin by `exec_driver_sql`, or by an event of SQLAlchemy, takes ten times as long."""
    driver: sqlite3.Connection = connection.connection.driver_connection  # type: ignore[assignment]  # our URLs name this driver
    return driver


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
