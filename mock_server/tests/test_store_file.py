"""The store in a file: what was acknowledged is there after `kill -9`, and what can't be opened says why."""

import io
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sqlalchemy import func, select

from fake_pacs.sql_store import SqlStore
from fake_pacs.sql_tables import chunks, uploads
from fake_pacs.store import Credential, StoreError

WRITER = """
import io, sys
from pathlib import Path
from fake_pacs.sql_store import SqlStore
store = SqlStore(Path(sys.argv[1]))
store.create_tenant("north")
while True:
    number = store.create_result("north", "app", "s1", {"filler": "x" * 2000}, ["a"], "v1").id
    store.put_attachment("north", "app", number, "a", io.BytesIO(b"%d" % number))
    version = store.update_result("north", "app", number, {"n": number}, ["a"],
                                  expected_version="v1", slide_id="s1", version_id=f"w{number}").version_id
    print(number, version, flush=True)
"""


def acknowledged_before_kill(state: Path, wanted: int) -> list[list[str]]:
    """What a writing process acknowledged before it was killed, at an arbitrary point of its work."""
    with subprocess.Popen([sys.executable, "-c", WRITER, str(state)], stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout
        lines = [writer.stdout.readline() for _ in range(wanted)]
        time.sleep(0.0123)
        writer.kill()
        lines += writer.stdout.read().splitlines(keepends=True)
    return [line.split() for line in lines if line.endswith("\n")]


def test_every_acknowledged_write_survives_kill_9(tmp_path: Path):
    state = tmp_path / "state.sqlite"
    acknowledged = acknowledged_before_kill(state, wanted=20)
    assert len(acknowledged) >= 20
    with SqlStore(state) as store:
        for number, version in acknowledged:
            result = store.result("north", "app", int(number))
            assert (result.version_id, result.document) == (version, {"n": int(number)})
            entry = result.attachments[0]
            assert b"".join(store.read_attachment(entry, 0, entry.size or 0)) == number.encode()
        found = len(store.results("north", "app"))
        assert len(acknowledged) <= found <= len(acknowledged) + 1
        assert store.create_result("north", "app", "s1", {}, [], "v1").id == found + 1


def test_every_connection_waits_for_the_disk(tmp_path: Path):
    with (
        SqlStore(tmp_path / "state.sqlite") as store,
        store._database.reading() as one,
        store._database.writing() as other,
    ):
        for connection in (one, other):
            asked = [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("journal_mode", "synchronous")]
            assert asked == ["wal", 2]


def test_everything_is_there_after_opening_it_again(tmp_path: Path):
    state = tmp_path / "with space & ümlaut ?%.sqlite"
    with SqlStore(state) as store:
        store.create_tenant("north")
        store.add_credential("secret", Credential("north", "development"))
        store.set_users("north", {"dev": "password"})
        first = store.create_result("north", "app", "s1", {"b": 1, "a": 2}, ["x"], "v1")
        store.put_attachment("north", "app", first.id, "x", io.BytesIO(b"bytes"))
        untouched = store.quality_control("north", "s1")
        store.set_quality_control("north", "s2", "Rejected", expected_version=None, version_id="q")
        before = store.results("north", "app")
    assert state.exists()
    with SqlStore(state) as store:
        assert store.tenants() == ["north"]
        assert store.credential("secret") == Credential("north", "development")
        assert store.check_user("dev", "password") == "north"
        assert store.results("north", "app") == before
        assert b"".join(store.read_attachment(before[0].attachments[0], 0, 5)) == b"bytes"
        assert store.quality_control("north", "s1") == untouched
        assert store.quality_control("north", "s2").version_id == "q"


def test_neither_secrets_nor_passwords_are_in_the_file(tmp_path: Path):
    with SqlStore(tmp_path / "state.sqlite") as store:
        store.create_tenant("north")
        store.add_credential("very-secret-token", Credential("north", "development"))
        store.set_users("north", {"dev": "very-secret-password"})
        written = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"north" in written
    assert b"very-secret" not in written


def test_an_upload_that_the_process_did_not_live_to_finish_is_forgotten(tmp_path: Path):
    state = tmp_path / "state.sqlite"

    class Opens(io.BytesIO):
        """The file as another process finds it when this one ends in the midst of the upload."""

        states: tuple[str, ...] = ()

        def read(self, size: int | None = -1, /) -> bytes:
            data = super().read(size)
            if not data:
                with SqlStore(state) as after:
                    self.states = tuple(entry.state for entry in after.results("north", "app")[0].attachments)
                    with after._database.reading() as connection:
                        counts = [connection.scalar(select(func.count()).select_from(t)) for t in (chunks, uploads)]
                        assert counts == [1, 0]
                raise ConnectionAbortedError("ended")
            return data

    with SqlStore(state) as store:
        store.create_tenant("north")
        number = store.create_result("north", "app", "s1", {}, ["new", "old"], "v1").id
        store.put_attachment("north", "app", number, "old", io.BytesIO(b"old"))
        stream = Opens(b"unfinished")
        with pytest.raises(ConnectionAbortedError):
            store.put_attachment("north", "app", number, "new", stream)
        assert stream.states == ("new", "stored")


def test_another_schema_is_refused_by_name_with_what_to_do(tmp_path: Path):
    state = tmp_path / "state.sqlite"
    SqlStore(state).close()
    with sqlite3.connect(state) as raw:
        raw.execute("UPDATE fake_pacs_meta SET value = '99'")
    raw.close()
    with pytest.raises(StoreError, match=r"state\.sqlite has schema 99, .* reads schema 2 only; move the file away"):
        SqlStore(state)


def test_another_programs_database_is_refused_and_left_alone(tmp_path: Path):
    state = tmp_path / "other.sqlite"
    with sqlite3.connect(state) as raw:
        raw.execute("CREATE TABLE results (id INTEGER)")
    with pytest.raises(StoreError, match=r"other\.sqlite is another program's database; name another file"):
        SqlStore(state)
    assert raw.execute("SELECT name FROM sqlite_master").fetchall() == [("results",)]
    raw.close()


def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path: Path):
    state = tmp_path / "notes.txt"
    state.write_bytes(b"These are my notes, not a database. " * 100)
    before = state.read_bytes()
    with pytest.raises(StoreError, match=r"notes\.txt can't be used: file is not a database; .* move it away"):
        SqlStore(state)
    assert state.read_bytes() == before


def test_a_damaged_file_is_a_store_error(tmp_path: Path):
    state = tmp_path / "state.sqlite"
    with SqlStore(state) as store:
        store.create_tenant("north")
    state.write_bytes(state.read_bytes()[:4096] + b"\xff" * (state.stat().st_size - 4096))
    with pytest.raises(StoreError, match=r"state\.sqlite can't be used: .*malformed"):
        SqlStore(state)


@pytest.mark.parametrize("name", ["missing/state.sqlite", "."])
def test_a_file_that_can_not_be_made_is_a_store_error(tmp_path: Path, name: str):
    with pytest.raises(StoreError, match=r"can't be used: unable to open database file; the folder must exist"):
        SqlStore(tmp_path / name)


def test_a_file_that_another_process_locks_is_a_store_error(tmp_path: Path):
    state = tmp_path / "state.sqlite"
    with SqlStore(state) as store:
        store.create_tenant("north")
    raw = sqlite3.connect(state, isolation_level=None)
    raw.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match=r"state\.sqlite can't be used: database is locked; another process"):
        SqlStore(state, busy_seconds=0.05)
    raw.execute("ROLLBACK")
    raw.close()
    with SqlStore(state, busy_seconds=0.05) as store:
        assert store.tenants() == ["north"]
