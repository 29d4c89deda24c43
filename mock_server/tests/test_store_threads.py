"""Eight threads on every variant of the store: nothing is lost, nothing is decided twice."""

import io
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from fake_pacs.refusals import Refusal, Refusals
from fake_pacs.sql_database import MOST_KNOWN
from fake_pacs.sql_store import SqlStore
from fake_pacs.store import Credential

THREADS = 8
APP = ("north", "app")


def in_threads(work: Callable[[int], object]) -> list[object]:
    """Let eight threads begin the work at the same time; answers what each of them answered."""
    start = threading.Barrier(THREADS)

    def begin(number: int) -> object:
        start.wait(10)
        return work(number)

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(begin, range(THREADS)))


def count_up(store: SqlStore, number: int, thread: int, times: int) -> None:
    """Add 1 to the result's count so many times, reading again whenever somebody else was faster."""
    done = tries = 0
    while done < times:
        read = store.result(*APP, number)
        changed = {"count": read.document["count"] + 1}
        sent = {"expected_version": read.version_id, "slide_id": "s1", "version_id": f"{thread}/{tries}"}
        tries += 1
        try:
            store.update_result(*APP, number, changed, ["a"], **sent)
            done += 1
        except Refusal as refusal:
            if refusal.refused is not Refusals.STALE_VERSION:
                raise


def test_of_read_modify_write_loops_on_one_result_no_update_is_lost(store: SqlStore):
    number = store.create_result(*APP, "s1", {"count": 0}, ["a"], "first").id
    in_threads(lambda thread: count_up(store, number, thread, times=50))
    assert store.result(*APP, number).document == {"count": THREADS * 50}


def test_no_update_is_lost_where_only_the_database_stands_between_the_writers(tmp_path: Path):
    with SqlStore(tmp_path / "state.sqlite") as one, SqlStore(tmp_path / "state.sqlite") as other:
        one.create_tenant("north")
        number = one.create_result(*APP, "s1", {"count": 0}, [], "first").id
        in_threads(lambda thread: count_up((one, other)[thread % 2], number, thread, times=10))
        assert other.result(*APP, number).document == {"count": THREADS * 10}


def test_of_updates_that_expect_the_same_version_one_wins(store: SqlStore):
    number = store.create_result(*APP, "s1", {}, [], "first").id

    def update(thread: int) -> str | None:
        try:
            return store.update_result(
                *APP, number, {}, [], expected_version="first", slide_id="s1", version_id=f"v{thread}"
            ).version_id
        except Refusal as refusal:
            if refusal.refused is not Refusals.STALE_VERSION:
                raise
            return None

    winners = [version for version in in_threads(update) if version]
    assert winners == [store.result(*APP, number).version_id]


def test_concurrent_creators_get_consecutive_ids(store: SqlStore):
    def create(thread: int) -> list[int]:
        return [store.create_result(*APP, f"s{thread}", {"by": thread}, ["a"], "v").id for _ in range(10)]

    made = in_threads(create)
    assert sorted(number for numbers in made for number in numbers) == list(range(1, THREADS * 10 + 1))  # type: ignore[attr-defined]
    for thread, numbers in enumerate(made):
        assert [result.id for result in store.results(*APP, f"s{thread}")] == numbers


def test_creators_through_two_stores_on_one_file_wait_for_each_other(tmp_path: Path):
    with SqlStore(tmp_path / "state.sqlite") as one, SqlStore(tmp_path / "state.sqlite") as other:
        one.create_tenant("north")

        def create(thread: int) -> None:
            for _ in range(10):
                (one, other)[thread % 2].create_result(*APP, "s1", {}, [], "v")

        in_threads(create)
        assert [result.id for result in one.results(*APP)] == list(range(1, THREADS * 10 + 1))


def test_a_quality_control_race_has_one_winner(store: SqlStore):
    def decide(thread: int) -> str | None:
        try:
            return store.set_quality_control(
                "north", "s1", "Rejected", expected_version=first, version_id=f"v{thread}"
            ).version_id
        except Refusal as refusal:
            if refusal.refused is not Refusals.STALE_VERSION:
                raise
            return None

    first = store.quality_control("north", "s1").version_id
    winners = [version for version in in_threads(decide) if version]
    assert winners == [store.quality_control("north", "s1").version_id]


def test_uploads_updates_and_readers_at_once_see_whole_things_only(store: SqlStore):
    number = store.create_result(*APP, "s1", {"twice": [0, 0]}, ["a"], "first").id
    store.put_attachment(*APP, number, "a", io.BytesIO(bytes(9)))

    def upload(thread: int) -> None:
        for _ in range(10):
            store.put_attachment(*APP, number, "a", io.BytesIO(bytes([thread]) * (thread + 1) * 1000))

    def update(thread: int) -> None:
        for turn in range(10):
            document = {"twice": [f"{thread}/{turn}"] * 2}
            store.update_result(
                *APP, number, document, ["a"], expected_version=None, slide_id="s1", version_id=f"{thread}/{turn}"
            )

    def read(thread: int) -> None:
        for _ in range(20):
            result = store.result(*APP, number)
            one, other = result.document["twice"]
            assert one == other
            assert result.version_id in (one, "first")
            assert result.attachments[0].state in ("stored", "upload-in-progress")
            assert store.attachment(*APP, number, "a").size

    in_threads(lambda thread: (upload, update, read, upload)[thread % 4](thread))
    last = store.attachment(*APP, number, "a")
    data = b"".join(store.read_attachment(last, 0, last.size or 0))
    assert last.state == "stored"
    assert data == bytes([data[0]]) * (data[0] + 1) * 1000


def test_a_sender_that_stalls_holds_up_nobody(store: SqlStore):
    number = store.create_result(*APP, "s1", {}, ["a"], "v1").id
    go_on, reached = threading.Event(), threading.Event()

    class Stalled(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            reached.set()
            assert go_on.wait(10)
            return super().read(size)

    with ThreadPoolExecutor(1) as pool:
        upload = pool.submit(store.put_attachment, *APP, number, "a", Stalled(b"late"))
        assert reached.wait(10)
        assert store.attachment(*APP, number, "a").state == "upload-in-progress"
        assert store.create_result(*APP, "s1", {}, [], "v1").id == number + 1
        go_on.set()
        assert upload.result(10).size == 4


def test_what_is_remembered_is_never_older_than_the_last_change(store: SqlStore):
    store.add_credential("secret", Credential("north", "issued", "app-0"))

    def change(thread: int) -> None:
        for count in range(100):
            if thread % 2:
                assert store.credential("secret") is not None
                store.quality_control("north", "s1")
            else:
                mine, changed = f"secret-{thread}", f"app-{count}"
                store.add_credential(mine, Credential("north", "issued", changed))
                assert store.credential(mine) == Credential("north", "issued", changed)
                judged = store.set_quality_control(
                    "north", f"s{thread}", "QualityOk", expected_version=None, version_id=f"v{count}"
                )
                assert store.quality_control("north", f"s{thread}") == judged

    in_threads(change)
    store.remove_tenant("north")
    assert store.credential("secret") is None


def test_guessed_tokens_and_many_slides_fill_no_memory(store: SqlStore):
    for number in range(MOST_KNOWN + 10):
        assert store.credential(f"guess-{number}") is None
        store.quality_control("north", f"s{number}")
    assert len(store._database._sessions.known or ()) <= MOST_KNOWN
