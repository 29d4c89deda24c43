"""Which attachments a result declares, and what becomes of their bytes when it declares them no more."""

from typing import Any

from sqlalchemy import (
    Connection,
    Delete,
    Row,
    Select,
    Table,
    and_,
    bindparam,
    case,
    delete,
    exists,
    insert,
    select,
    update,
)

from fake_pacs.refusals import Refusal, Refusals
from fake_pacs.sql_tables import attachments, chunks, results, uploads
from fake_pacs.store import AttachmentEntry

Key = dict[str, Any]
"""Column values that name a result or an attachment: tenant, application, result_id, perhaps name."""

RESULT_KEY = ("tenant", "application", "result_id")
ATTACHMENT_KEY = (*RESULT_KEY, "name")


def matches(table: Table, *columns: str) -> Any:
    """The condition that the columns equal the parameters of their names."""
    return and_(*(table.c[column] == bindparam(column) for column in columns))


def of(key: Key) -> Key:
    """The key as parameters of an UPDATE, where a column's own name would be a new value."""
    return {f"of_{column}": value for column, value in key.items()}


def _removal(*columns: str) -> tuple[Delete, ...]:
    """The statements that drop the attachments whose columns match, their bytes and their running uploads."""
    held = select(attachments.c.content).where(matches(attachments, *columns), attachments.c.content.is_not(None))
    coming = select(uploads.c.content).where(matches(uploads, *columns))
    return (
        delete(chunks).where(chunks.c.content.in_(held)),
        delete(chunks).where(chunks.c.content.in_(coming)),
        delete(uploads).where(matches(uploads, *columns)),
        delete(attachments).where(matches(attachments, *columns)),
    )


REMOVE_OF_TENANT = _removal("tenant")
REMOVE_OF_RESULT = _removal(*RESULT_KEY)
_REMOVE_ONE = _removal(*ATTACHMENT_KEY)

_uploading = exists().where(*(uploads.c[column] == attachments.c[column] for column in ATTACHMENT_KEY))
_state = case((_uploading, "upload-in-progress"), (attachments.c.content.is_not(None), "stored"), else_="new")
_ENTRIES = select(
    attachments.c.result_id, attachments.c.name, _state.label("state"), attachments.c.size, attachments.c.content
).order_by(attachments.c.result_id, attachments.c.position)
OF_RESULT = _ENTRIES.where(matches(attachments, *RESULT_KEY))
OF_APPLICATION = _ENTRIES.where(matches(attachments, "tenant", "application"))
OF_SLIDE = _ENTRIES.join(
    results,
    and_(
        results.c.tenant == attachments.c.tenant,
        results.c.application == attachments.c.application,
        results.c.id == attachments.c.result_id,
    ),
).where(matches(results, "tenant", "application", "slide_id"))
_ONE = _ENTRIES.where(matches(attachments, *ATTACHMENT_KEY))
_RESULT_EXISTS = select(results.c.id).where(
    matches(results, "tenant", "application"), results.c.id == bindparam("result_id")
)
_MOVE = (
    update(attachments)
    .where(*(attachments.c[column] == bindparam(f"of_{column}") for column in ATTACHMENT_KEY))
    .values(position=bindparam("new_position"))
)


def entries(connection: Connection, statement: Select[*tuple[Any, ...]], key: Key) -> dict[int, list[AttachmentEntry]]:
    """The attachments that the statement selects, by result id, each list in the order of declaration."""
    found: dict[int, list[AttachmentEntry]] = {}
    for row in connection.execute(statement, key):
        found.setdefault(row.result_id, []).append(_as_entry(row))
    return found


def find_entry(connection: Connection, key: Key) -> AttachmentEntry | None:
    """One declared attachment, or None."""
    row = connection.execute(_ONE, key).one_or_none()
    return _as_entry(row) if row else None


def require_entry(connection: Connection, key: Key) -> AttachmentEntry:
    """One declared attachment. Refused: UNKNOWN_RESULT, UNKNOWN_ATTACHMENT."""
    found = find_entry(connection, key)
    if found is None:
        raise undeclared(connection, key)
    return found


def declare(connection: Connection, key: Key, names: list[str]) -> tuple[AttachmentEntry, ...]:
    """Make these the attachments of a result: names that stay keep their bytes, others are `new` or dropped."""
    declared = entries(connection, OF_RESULT, key).get(key["result_id"], [])
    before = {known.name: at for at, known in enumerate(declared)}
    after = {name: at for at, name in enumerate(names)}
    for name in before.keys() - after.keys():
        for statement in _REMOVE_ONE:
            connection.execute(statement, {**key, "name": name})
    moved = [name for name, at in after.items() if before.get(name, at) != at]
    if moved:
        connection.execute(_MOVE, [{**of(key), "of_name": name, "new_position": after[name]} for name in moved])
    added = [{**key, "name": name, "position": at} for name, at in after.items() if name not in before]
    if added:
        connection.execute(insert(attachments), added)
    return tuple(entries(connection, OF_RESULT, key).get(key["result_id"], ()))


def check_id(application: str, result_id: int) -> None:
    """Refuse an id that no result can have, before it overflows the database."""
    if not 0 < result_id < 2**63:
        raise unknown_result(application, result_id)


def named(key: Key) -> str:
    """What the key's result is called in a refusal."""
    return f"result {key['result_id']} of application {key['application']!r}"


def unknown_result(application: str, result_id: int) -> Refusal:
    """There is no such result."""
    detail = f"There is no result {result_id} of application {application!r}."
    return Refusal(Refusals.UNKNOWN_RESULT, detail, "List the results of the slide; ids belong to their application.")


def undeclared(connection: Connection, key: Key) -> Refusal:
    """There is no such attachment, or not even such a result."""
    if connection.scalar(_RESULT_EXISTS, key) is None:
        return unknown_result(key["application"], key["result_id"])
    names = [row.name for row in connection.execute(OF_RESULT, key)]
    declared = f"it declares {', '.join(map(repr, names))}" if names else "it declares none"
    detail = f"The {named(key)} has no attachment {key['name']!r}: {declared}."
    return Refusal(Refusals.UNKNOWN_ATTACHMENT, detail, "Declare the name in the result's attachments first.")


def _as_entry(row: Row[*tuple[Any, ...]]) -> AttachmentEntry:
    return AttachmentEntry(row.name, row.state, row.size, row.content)
