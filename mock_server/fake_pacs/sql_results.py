"""Results: versions decided by one statement, ids that are never used again."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, insert, select, update

from fake_pacs.refusals import Refusal, Refusals
from fake_pacs.sql_accounts import tenant_epoch
from fake_pacs.sql_database import Database, lone_surrogate
from fake_pacs.sql_declarations import (
    OF_APPLICATION,
    OF_RESULT,
    OF_SLIDE,
    REMOVE_OF_RESULT,
    Key,
    check_id,
    declare,
    entries,
    named,
    of,
    unknown_result,
)
from fake_pacs.sql_tables import counters
from fake_pacs.sql_tables import results as table
from fake_pacs.store import AttachmentEntry, StoredResult

RESULTS_OF_APPLICATION = (
    select(table.c.id, table.c.slide_id, table.c.version_id, table.c.document)
    .where(table.c.tenant == bindparam("tenant"), table.c.application == bindparam("application"))
    .order_by(table.c.id)
)
_OF_SLIDE = RESULTS_OF_APPLICATION.where(table.c.slide_id == bindparam("slide_id"))
_ONE = RESULTS_OF_APPLICATION.where(table.c.id == bindparam("result_id"))
_INSERT = insert(table)
_COUNT_UP = (
    update(counters)
    .where(counters.c.tenant == bindparam("of_tenant"), counters.c.application == bindparam("of_application"))
    .values(last_id=counters.c.last_id + 1)
    .returning(counters.c.last_id)
)
_UPDATE_ANY = (
    update(table)
    .where(
        table.c.tenant == bindparam("of_tenant"),
        table.c.application == bindparam("of_application"),
        table.c.id == bindparam("of_id"),
        table.c.slide_id == bindparam("of_slide"),
    )
    .values(document=bindparam("new_document"), version_id=bindparam("new_version"))
)
_UPDATE_EXPECTED = _UPDATE_ANY.where(table.c.version_id == bindparam("expected"))
_DELETE = delete(table).where(
    table.c.tenant == bindparam("tenant"),
    table.c.application == bindparam("application"),
    table.c.id == bindparam("result_id"),
)


class Results:
    """The results of every application."""

    _database: Database

    def create_result(
        self,
        tenant: str,
        application: str,
        slide_id: str,
        document: Mapping[str, Any],
        attachment_names: Sequence[str],
        version_id: str,
        *,
        text: str | None = None,
    ) -> StoredResult:
        """Store a new result; ids count from 1 per tenant and application and are never used again."""
        text, names = as_text(document) if text is None else text, _each_once(attachment_names)
        key: Key = {"tenant": tenant, "application": application}
        with self._database.writing() as connection:
            number = _next_id(connection, key)
            row = {"id": number, "slide_id": slide_id, "version_id": version_id, "document": text}
            connection.execute(_INSERT, {**key, **row})
            attached = declare(connection, {**key, "result_id": number}, names) if names else ()
        return StoredResult(number, version_id, application, slide_id, dict(document), attached, text)

    def result(self, tenant: str, application: str, result_id: int) -> StoredResult:
        """One result."""
        check_id(application, result_id)
        key = {"tenant": tenant, "application": application, "result_id": result_id}
        with self._database.reading() as connection:
            row = connection.execute(_ONE, key).one_or_none()
            attached = entries(connection, OF_RESULT, key)
        if row is None:
            raise unknown_result(application, result_id)
        return as_result(application, row, attached)

    def results(self, tenant: str, application: str, slide_id: str | None = None) -> list[StoredResult]:
        """All results of the application, or those of one slide, ordered by id."""
        key: Key = {"tenant": tenant, "application": application}
        wanted, beside = RESULTS_OF_APPLICATION, OF_APPLICATION
        if slide_id is not None:
            key, wanted, beside = {**key, "slide_id": slide_id}, _OF_SLIDE, OF_SLIDE
        with self._database.reading() as connection:
            rows = connection.execute(wanted, key).all()
            attached = entries(connection, beside, key)
        return [as_result(application, row, attached) for row in rows]

    def update_result(
        self,
        tenant: str,
        application: str,
        result_id: int,
        document: Mapping[str, Any],
        attachment_names: Sequence[str],
        *,
        expected_version: str | None,
        slide_id: str,
        version_id: str,
    ) -> StoredResult:
        """Replace a result if it still has the expected version (None: any), and give it the new `version_id`."""
        check_id(application, result_id)
        text, names = as_text(document), _each_once(attachment_names)
        key = {"tenant": tenant, "application": application, "result_id": result_id}
        change = {"of_tenant": tenant, "of_application": application, "of_id": result_id, "of_slide": slide_id}
        change |= {"new_document": text, "new_version": version_id}
        if expected_version is not None:
            change["expected"] = expected_version
        with self._database.writing() as connection:
            statement = _UPDATE_ANY if expected_version is None else _UPDATE_EXPECTED
            if connection.execute(statement, change).rowcount == 0:
                raise _why_not(connection, key, slide_id, expected_version)
            attached = declare(connection, key, names)
        return StoredResult(result_id, version_id, application, slide_id, dict(document), attached, text)

    def delete_result(self, tenant: str, application: str, result_id: int) -> None:
        """Delete a result with its attachments."""
        check_id(application, result_id)
        key = {"tenant": tenant, "application": application, "result_id": result_id}
        with self._database.writing() as connection:
            if connection.execute(_DELETE, key).rowcount == 0:
                raise unknown_result(application, result_id)
            for statement in REMOVE_OF_RESULT:
                connection.execute(statement, key)


def _next_id(connection: Connection, key: Key) -> int:
    """The application's next id. Refused: UNKNOWN_TENANT; only a first id has to ask: counters go with their tenant."""
    counted: int | None = connection.scalar(_COUNT_UP, of(key))
    if counted is None:
        tenant_epoch(connection, key["tenant"])
        connection.execute(insert(counters), {**key, "last_id": 1})
    return counted or 1


def as_result(application: str, row: Row[*tuple[Any, ...]], attached: dict[int, list[AttachmentEntry]]) -> StoredResult:
    """The result of a row, with its attachments from those found by result id."""
    document = json.loads(row.document)
    attachments = tuple(attached.get(row.id, ()))
    return StoredResult(row.id, row.version_id, application, row.slide_id, document, attachments, row.document)


def as_text(document: Mapping[str, Any]) -> str:
    """JSON text in ASCII; raises `ValueError` for NaN, infinities and lone surrogates."""
    text = json.dumps(dict(document), allow_nan=False, separators=(",", ":"))
    if "\\ud" in text:
        try:
            json.dumps(dict(document), ensure_ascii=False).encode("utf-8")
        except UnicodeEncodeError as error:
            raise lone_surrogate(error) from error
    return text


def _each_once(names: Sequence[str]) -> list[str]:
    twice = sorted(name for name, times in Counter(names).items() if times > 1)
    if twice:
        detail = f"Attachments are declared more than once: {', '.join(map(repr, twice))}."
        raise Refusal(Refusals.INVALID_REQUEST, detail, "Give every attachment a name of its own.")
    return list(names)


def _why_not(connection: Connection, key: Key, slide_id: str, sent: str | None) -> Refusal:
    """Why an update found no row to change."""
    row = connection.execute(_ONE, key).one_or_none()
    if row is None:
        return unknown_result(key["application"], key["result_id"])
    if row.slide_id != slide_id:
        return Refusal(
            Refusals.IDENTITY_CHANGED,
            f"The {named(key)} belongs to slide {row.slide_id!r}, the update names slide {slide_id!r}.",
            "Send the slideId that the result has, or store a new result for the other slide.",
        )
    return Refusal(
        Refusals.STALE_VERSION,
        f"The {named(key)} has changed: versionId {sent!r} was sent, stored is {row.version_id!r}.",
        "Read the result again, apply your change to it, and send it with its versionId.",
    )
