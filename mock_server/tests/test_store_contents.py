"""Whole tenants, read and replaced as one, over every variant of the store."""

import io
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest

from fake_pacs.calling.values import RegisteredApp
from fake_pacs.refusals import Refusal, Refusals
from fake_pacs.sql_results import as_result
from fake_pacs.sql_store import SqlStore
from fake_pacs.sql_tables import chunks, uploads
from fake_pacs.store import AttachmentEntry, QualityControl, StoredResult, TenantContents

APP = RegisteredApp("app", "http://localhost:9/", "App", "Maker", {"type": "wholeSlide"}, {"k": [1]}, False, True)
BIG = bytes(range(256)) * 5000  # more than one chunk


def filled(store: SqlStore, tenant: str = "north") -> TenantContents:
    """A tenant with two results, one deleted, an attachment with bytes, one without, quality control and an app."""
    store.create_result(tenant, "app", "s1", {"b": 1, "a": {"z": None, "y": 1.5}}, ["x", "new"], "v1")
    store.create_result(tenant, "other", "s2", {}, [], "v2")
    store.create_result(tenant, "app", "s1", {}, [], "v3")
    store.delete_result(tenant, "app", 2)
    store.put_attachment(tenant, "app", 1, "x", io.BytesIO(BIG))
    store.set_quality_control(tenant, "s1", "Rejected", expected_version=None, version_id="q1")
    store.put_app(tenant, APP)
    return store.contents(tenant)


def bytes_of(result: StoredResult, entry: AttachmentEntry) -> io.BytesIO:
    return io.BytesIO(BIG)


def bytes_in(store: SqlStore, tenant: str, name: str) -> bytes:
    entry = store.attachment(tenant, "app", 1, name)
    return b"".join(store.read_attachment(entry, 0, entry.size or 0))


def left_over(store: SqlStore) -> tuple[int, int]:
    """How many uploads are running, and how many contents have chunks."""
    with store._database.reading() as connection:
        contents = {row.content for row in connection.execute(chunks.select())}
        return len(connection.execute(uploads.select()).all()), len(contents)


def plain(contents: TenantContents) -> Any:
    """The contents without the names of the bytes, which differ, and without texts."""
    results = [
        (*list(vars(result).values())[:-2], [(e.name, e.state, e.size) for e in result.attachments])
        for result in contents.results
    ]
    return dict(contents.last_ids), results, dict(contents.quality_controls), list(contents.apps)


def test_documents_are_parsed_when_others_may_read_and_write(store: SqlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    filled(store)
    written = []

    def while_others_write(*given: Any) -> StoredResult:
        pool = ThreadPoolExecutor(1)
        created = pool.submit(store.create_result, "south", "app", "s1", {}, [], f"w{len(written)}")
        pool.shutdown(wait=False)  # waiting here for somebody who waits for us would never end
        written.append(created.result(timeout=10).id)
        return as_result(*given)

    monkeypatch.setattr("fake_pacs.sql_contents.as_result", while_others_write)
    assert len(store.contents("north").results) == len(written) == 2


def test_contents_are_all_that_callers_and_administrators_changed(store: SqlStore) -> None:
    contents = filled(store)
    assert contents.last_ids == {"app": 2, "other": 1}
    assert [(result.application, result.id, result.version_id) for result in contents.results] == [
        ("app", 1, "v1"),
        ("other", 1, "v2"),
    ]
    assert list(contents.results[0].document) == ["b", "a"]
    assert contents.results[0] == store.result("north", "app", 1)
    assert contents.quality_controls == {"s1": QualityControl("Rejected", "q1")}
    assert contents.apps == [APP]
    assert plain(store.contents("south")) == ({}, [], {}, [])


def test_replaced_contents_are_the_tenant_s_and_nobody_else_s(store: SqlStore) -> None:
    contents = filled(store)
    store.create_result("south", "old", "s9", {}, ["gone"], "v9")
    store.put_attachment("south", "old", 1, "gone", io.BytesIO(b"gone"))
    before = plain(store.contents("north"))
    store.replace_contents("south", contents, bytes_of)
    loaded = plain(store.contents("south"))
    assert loaded[1:] == before[1:]
    assert loaded[0] == {"app": 2, "other": 1, "old": 1}, "ids of the time before stay used up"
    assert plain(store.contents("north")) == before
    assert bytes_in(store, "south", "x") == bytes_in(store, "north", "x") == BIG
    assert store.attachment("south", "app", 1, "new").state == "new"
    assert left_over(store) == (0, 2), "no bytes of what was there before are left, and none in the making"


def test_ids_are_never_used_again_after_a_load(store: SqlStore) -> None:
    contents = filled(store)
    store.replace_contents("south", contents, bytes_of)
    assert store.create_result("south", "app", "s1", {}, [], "v").id == 3
    for _ in range(5):
        store.create_result("north", "app", "s1", {}, [], "v")
    store.replace_contents("north", contents, bytes_of)
    assert store.create_result("north", "app", "s1", {}, [], "v").id == 8


def test_credentials_and_users_stay(store: SqlStore) -> None:
    store.set_users("north", {"ann": "secret"})
    store.replace_contents("north", TenantContents({}, [], {}, []), bytes_of)
    assert store.check_user("ann", "secret") == "north"


def test_a_stream_that_breaks_changes_nothing_and_leaves_nothing(store: SqlStore) -> None:
    contents = filled(store)
    before = plain(contents)

    class Broken(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            if self.tell() > 2**20:
                raise OSError("the disk is gone")
            return super().read(size)

    with pytest.raises(OSError, match="the disk is gone"):
        store.replace_contents("north", contents, lambda result, entry: Broken(BIG))
    assert plain(store.contents("north")) == before
    assert left_over(store) == (0, 1)


def test_contents_that_cannot_be_stored_change_nothing(store: SqlStore) -> None:
    before = plain(filled(store))
    twice = [StoredResult(1, "v", "app", "s1", {}), StoredResult(1, "w", "app", "s1", {})]
    bad = StoredResult(1, "v", "app", "s1", {"a": "\ud800"})
    for contents in (TenantContents({"app": 1}, twice, {}, []), TenantContents({"app": 1}, [bad], {}, [])):
        with pytest.raises(Exception, match=r"UNIQUE|surrogate"):
            store.replace_contents("north", contents, bytes_of)
        assert plain(store.contents("north")) == before


def test_a_reset_meanwhile_wins(store: SqlStore) -> None:
    contents = filled(store)

    def resetting(result: StoredResult, entry: AttachmentEntry) -> io.BytesIO:
        store.reset_tenant("north")
        return io.BytesIO(BIG)

    with pytest.raises(Refusal, match="was reset or loaded anew") as refused:
        store.replace_contents("north", contents, resetting)
    assert refused.value.refused is Refusals.CONTENT_CHANGING
    assert store.contents("north").results == []
    assert left_over(store) == (0, 0)


def test_an_upload_under_way_is_refused_and_what_was_loaded_stays(store: SqlStore) -> None:
    contents = filled(store)

    class Loading(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            store.replace_contents("north", contents, bytes_of)
            return super().read(size)

    with pytest.raises(Refusal, match="declared anew during its upload"):
        store.put_attachment("north", "app", 1, "new", Loading(b"late"))
    assert store.attachment("north", "app", 1, "new").state == "new"
    assert bytes_in(store, "north", "x") == BIG


def test_readers_see_the_former_contents_or_the_new_ones_and_nothing_between(store: SqlStore) -> None:
    states = []
    for count in (3, 7):
        results = [
            StoredResult(number, f"v{count}", "app", "s1", {"of": count}, (AttachmentEntry("x", "stored"),))
            for number in range(1, count + 1)
        ]
        states.append(TenantContents({"app": 9}, results, {f"s{count}": QualityControl("Rejected", "q")}, []))
    store.replace_contents("north", states[0], bytes_of)
    done = threading.Event()

    def load(turn: int) -> None:
        for at in range(6):
            with suppress(Refusal):  # another load was faster
                store.replace_contents("north", states[(at + turn) % 2], lambda result, entry: io.BytesIO(b"x" * 10))

    def read(_: int) -> set[tuple[int, int, str]]:
        seen = set()
        while not done.is_set():
            held = store.contents("north")
            assert len({result.version_id for result in held.results}) == 1
            seen.add((len(held.results), held.results[0].document["of"], *held.quality_controls))
        return seen

    with ThreadPoolExecutor(8) as pool:
        reading = [pool.submit(read, number) for number in range(4)]
        loading = [pool.submit(load, number) for number in range(4)]
        try:
            for future in loading:
                future.result(timeout=60)
        finally:
            done.set()
        seen = set().union(*(future.result(timeout=60) for future in reading))
    assert seen <= {(3, 3, "s3"), (7, 7, "s7")}
    assert left_over(store)[0] == 0


@pytest.mark.parametrize("action", ["contents", "replace"])
def test_an_unknown_tenant_is_refused(store: SqlStore, action: str) -> None:
    empty = TenantContents({}, [], {}, [])
    with pytest.raises(Refusal, match="no tenant 'nobody'"):
        store.contents("nobody") if action == "contents" else store.replace_contents("nobody", empty, bytes_of)
