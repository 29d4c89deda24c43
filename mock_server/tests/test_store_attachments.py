"""Attachments over every variant of the store: declared, uploaded, read by ranges, replaced, dropped."""

import io
from collections.abc import Callable

import pytest
from sqlalchemy import func, select

from fake_pacs.refusals import Refusal, Refusals
from fake_pacs.sql_attachments import CHUNK
from fake_pacs.sql_store import SqlStore
from fake_pacs.sql_tables import chunks, uploads
from fake_pacs.store import AttachmentEntry, ContentReplacedError

APP = ("north", "app")


class Meanwhile(io.BytesIO):
    """A stream in the midst of which something else happens."""

    def __init__(self, data: bytes, happens: Callable[[], object]) -> None:
        super().__init__(data)
        self._happens = happens

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(size)
        if not data:
            self._happens()
        return data


def create(store: SqlStore, *names: str) -> int:
    return store.create_result(*APP, "s1", {}, names, "v1").id


def redeclare(store: SqlStore, number: int, *names: str) -> list[tuple[str, str]]:
    result = store.update_result(*APP, number, {}, names, expected_version=None, slide_id="s1", version_id="v2")
    return [(entry.name, entry.state) for entry in result.attachments]


def put(store: SqlStore, number: int, name: str, data: bytes) -> AttachmentEntry:
    return store.put_attachment(*APP, number, name, io.BytesIO(data))


def content(store: SqlStore, number: int, name: str) -> bytes:
    entry = store.attachment(*APP, number, name)
    return b"".join(store.read_attachment(entry, 0, entry.size or 0))


def leftovers(store: SqlStore) -> int:
    """Rows of bytes and of running uploads, which nobody may leave behind."""
    with store._database.reading() as connection:
        return sum(connection.scalar(select(func.count()).select_from(table)) or 0 for table in (chunks, uploads))


def test_an_upload_is_stored_and_leaves_the_version(store: SqlStore):
    number = create(store, "a", "b")
    assert store.attachment(*APP, number, "a") == AttachmentEntry("a", "new")
    stored = put(store, number, "a", b"bytes")
    assert (stored.state, stored.size) == ("stored", 5)
    result = store.result(*APP, number)
    assert result.attachments == (stored, AttachmentEntry("b", "new"))
    assert result.version_id == "v1"
    assert content(store, number, "a") == b"bytes"


def test_an_empty_upload_is_stored_too(store: SqlStore):
    number = create(store, "a")
    assert (put(store, number, "a", b"").state, content(store, number, "a")) == ("stored", b"")


@pytest.mark.parametrize("size", [CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK + 7])
def test_any_range_can_be_read(store: SqlStore, size: int):
    data = bytes(range(251)) * (size // 251 + 1)
    data = data[:size]
    number = create(store, "a")
    entry = put(store, number, "a", data)
    near = [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, size - 1, size]
    for start, stop in [(a, b) for a in near for b in near if a <= b <= size]:
        assert b"".join(store.read_attachment(entry, start, stop)) == data[start:stop]
    for start, stop in [(-1, 1), (0, size + 1), (2, 1)]:
        with pytest.raises(ValueError, match=f"expected one within 0 to {size}"):
            store.read_attachment(entry, start, stop)


def test_a_stream_that_brings_little_at_a_time_is_stored_in_whole_chunks(store: SqlStore):
    class Dribble(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            return super().read(min(size or 0, 100_003))

    data = bytes(range(256)) * 10_000
    number = create(store, "a")
    entry = store.put_attachment(*APP, number, "a", Dribble(data))
    assert b"".join(store.read_attachment(entry, CHUNK - 5, CHUNK + 5)) == data[CHUNK - 5 : CHUNK + 5]
    assert content(store, number, "a") == data


def test_nothing_can_be_read_before_it_is_uploaded(store: SqlStore):
    number = create(store, "a")
    with pytest.raises(Refusal, match="The attachment 'a' has no bytes yet"):
        store.read_attachment(store.attachment(*APP, number, "a"), 0, 0)


def test_an_undeclared_name_is_refused_before_the_stream_is_read(store: SqlStore):
    number = create(store, "a", "b")
    unread = io.BytesIO(b"bytes")
    with pytest.raises(
        Refusal, match="The result 1 of application 'app' has no attachment 'c': it declares 'a', 'b'"
    ) as refused:
        store.put_attachment(*APP, number, "c", unread)
    assert refused.value.refused is Refusals.UNKNOWN_ATTACHMENT
    assert unread.tell() == 0
    with pytest.raises(Refusal, match="it declares none"):
        put(store, create(store), "c", b"")
    with pytest.raises(Refusal, match="There is no result 9"):
        put(store, 9, "a", b"")


def test_a_name_declared_twice_is_refused(store: SqlStore):
    with pytest.raises(Refusal, match="declared more than once: 'a'") as refused:
        create(store, "a", "b", "a")
    assert refused.value.refused is Refusals.INVALID_REQUEST
    number = create(store, "a")
    with pytest.raises(Refusal, match="declared more than once: 'b'"):
        redeclare(store, number, "b", "b")
    assert [entry.name for entry in store.result(*APP, number).attachments] == ["a"]


def test_names_that_stay_keep_their_bytes_and_dropped_ones_lose_them(store: SqlStore):
    number = create(store, "a", "b", "c")
    put(store, number, "a", b"A")
    put(store, number, "b", b"B")
    assert redeclare(store, number, "d", "b", "c") == [("d", "new"), ("b", "stored"), ("c", "new")]
    assert content(store, number, "b") == b"B"
    assert leftovers(store) == 1
    assert redeclare(store, number, "a", "b") == [("a", "new"), ("b", "stored")]
    assert redeclare(store, number, "b", "a") == [("b", "stored"), ("a", "new")]
    assert [entry.name for entry in store.results(*APP, "s1")[0].attachments] == ["b", "a"]


def test_while_it_is_uploaded_the_state_says_so_and_the_former_bytes_can_be_read(store: SqlStore):
    number = create(store, "a")
    seen: list[tuple[str, int | None, bytes]] = []

    def look() -> None:
        entry = store.attachment(*APP, number, "a")
        former = b"".join(store.read_attachment(entry, 0, entry.size)) if entry.size else b""
        seen.append((entry.state, entry.size, former))

    store.put_attachment(*APP, number, "a", Meanwhile(b"first", look))
    store.put_attachment(*APP, number, "a", Meanwhile(b"2nd", look))
    assert seen == [("upload-in-progress", None, b""), ("upload-in-progress", 5, b"first")]
    assert content(store, number, "a") == b"2nd"
    assert leftovers(store) == 1


@pytest.mark.parametrize("before", [None, b"former"])
def test_an_upload_that_breaks_off_changes_nothing(store: SqlStore, before: bytes | None):
    number = create(store, "a")
    if before is not None:
        put(store, number, "a", before)
    entry = store.attachment(*APP, number, "a")

    def break_off() -> None:
        raise ConnectionResetError("the caller has gone")

    with pytest.raises(ConnectionResetError):
        store.put_attachment(*APP, number, "a", Meanwhile(bytes(2 * CHUNK), break_off))
    assert store.attachment(*APP, number, "a") == entry
    assert leftovers(store) == (0 if before is None else 1)


def test_of_two_uploads_the_last_to_finish_wins(store: SqlStore):
    number = create(store, "a")
    states: list[str] = []

    def overtake() -> None:
        states.append(put(store, number, "a", b"fast").state)

    assert store.put_attachment(*APP, number, "a", Meanwhile(b"slow", overtake)).state == "stored"
    assert states == ["upload-in-progress"]
    assert content(store, number, "a") == b"slow"
    assert leftovers(store) == 1


@pytest.mark.parametrize(
    ("happens", "refused", "detail"),
    [
        (lambda store, n: redeclare(store, n, "b"), Refusals.UNKNOWN_ATTACHMENT, "no attachment 'a': it declares 'b'"),
        (
            lambda store, n: [redeclare(store, n), redeclare(store, n, "a")],
            Refusals.UNKNOWN_ATTACHMENT,
            "declared anew",
        ),
        (lambda store, n: store.delete_result(*APP, n), Refusals.UNKNOWN_RESULT, "There is no result 1"),
        (lambda store, n: store.reset_tenant("north"), Refusals.UNKNOWN_RESULT, "There is no result 1"),
    ],
)
@pytest.mark.parametrize("size", [0, CHUNK])
def test_what_is_dropped_while_it_is_uploaded_is_refused_and_leaves_nothing(
    store: SqlStore, happens: Callable[[SqlStore, int], object], refused: Refusals, detail: str, size: int
):
    number = create(store, "a")
    with pytest.raises(Refusal, match=detail) as caught:
        store.put_attachment(*APP, number, "a", Meanwhile(bytes(size), lambda: happens(store, number)))
    assert caught.value.refused is refused
    assert leftovers(store) == 0


def test_an_upload_whose_name_was_dropped_is_read_no_further(store: SqlStore):
    class DroppedAtOnce(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            redeclare(store, number)
            return super().read(size)

    number = create(store, "a")
    stream = DroppedAtOnce(bytes(3 * CHUNK))
    with pytest.raises(Refusal, match="it declares none"):
        store.put_attachment(*APP, number, "a", stream)
    assert stream.tell() == CHUNK


def test_an_update_that_keeps_the_name_leaves_the_upload_running(store: SqlStore):
    number = create(store, "a")
    seen: list[list[tuple[str, str]]] = []
    stream = Meanwhile(b"bytes", lambda: seen.append(redeclare(store, number, "z", "a")))
    store.put_attachment(*APP, number, "a", stream)
    assert seen == [[("z", "new"), ("a", "upload-in-progress")]]
    assert content(store, number, "a") == b"bytes"


def test_a_reader_gets_the_content_it_asked_for_or_an_error_never_a_mixture(store: SqlStore):
    number = create(store, "a")
    reading = store.read_attachment(put(store, number, "a", bytes(CHUNK) + b"end"), 0, CHUNK + 3)
    assert next(reading) == bytes(CHUNK)
    put(store, number, "a", b"x" * (CHUNK + 3))
    with pytest.raises(ContentReplacedError, match="attachment 'a' was replaced or dropped while byte 1048576 was due"):
        next(reading)
    assert content(store, number, "a") == b"x" * (CHUNK + 3)


def test_deleting_and_resetting_leave_no_bytes(store: SqlStore):
    first, second = create(store, "a"), create(store, "a")
    for number in (first, second):
        put(store, number, "a", bytes(CHUNK + 1))
    store.delete_result(*APP, first)
    assert leftovers(store) == 2
    store.reset_tenant("north")
    assert leftovers(store) == 0
