"""All that a tenant holds, read and replaced as one: what snapshots are made of and loaded from."""

import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, insert, select

from fake_pacs.refusals import Refusal, Refusals
from fake_pacs.sql_accounts import tenant_epoch
from fake_pacs.sql_apps import app_row, as_app
from fake_pacs.sql_attachments import END_UPLOAD, drop_upload, gather
from fake_pacs.sql_database import Database
from fake_pacs.sql_declarations import OF_APPLICATION, REMOVE_OF_TENANT, Key, entries
from fake_pacs.sql_results import RESULTS_OF_APPLICATION, as_result, as_text
from fake_pacs.sql_tables import apps, attachments, counters, quality_controls, results, uploads
from fake_pacs.store import AttachmentEntry, BytesOf, QualityControl, StoredResult, TenantContents

_COUNTERS = select(counters).where(counters.c.tenant == bindparam("tenant")).order_by(counters.c.application)
_QUALITY = (
    select(quality_controls)
    .where(quality_controls.c.tenant == bindparam("tenant"))
    .order_by(quality_controls.c.slide_id)
)
_APPS = select(apps).where(apps.c.tenant == bindparam("tenant")).order_by(apps.c.application_id)
_REMOVE = tuple(
    delete(table).where(table.c.tenant == bindparam("tenant")) for table in (results, counters, quality_controls, apps)
)
_STAGED = {"application": "", "result_id": 0}
"""What the bytes of a snapshot are gathered for until they are put in place: no result has this key."""

Place = tuple[str, int, str]
"""An attachment: application, result id, name."""


class Contents:
    """Whole tenants."""

    _database: Database

    def contents(self, tenant: str) -> TenantContents:
        """All that the tenant holds, at one moment; the bytes of attachments are read by `read_attachment`."""
        of = {"tenant": tenant}
        with self._database.reading() as connection:
            tenant_epoch(connection, tenant)
            last_ids = {row.application: row.last_id for row in connection.execute(_COUNTERS, of)}
            rows = [(name, *_rows(connection, tenant, name)) for name in last_ids]
            states = {
                row.slide_id: QualityControl(row.status, row.version_id) for row in connection.execute(_QUALITY, of)
            }
            registered = [as_app(row) for row in connection.execute(_APPS, of)]
        # Documents are parsed when the next transaction may already run: in memory there is one at a time.
        stored = [as_result(name, row, attached) for name, found, attached in rows for row in found]
        return TenantContents(last_ids, stored, states, registered)

    def replace_contents(self, tenant: str, contents: TenantContents, bytes_of: BytesOf) -> None:
        """Put this in the place of all that the tenant holds; credentials and users stay. All or nothing."""
        staged: dict[Place, tuple[str, int]] = {}
        try:
            for result in contents.results:
                for entry in (entry for entry in result.attachments if entry.state == "stored"):
                    self._stage(tenant, result, entry, bytes_of, staged)
            with self._database.writing() as connection:
                _replace(connection, tenant, contents, staged)
        except BaseException:
            for content, _ in staged.values():
                drop_upload(self._database, content)
            raise

    def _stage(
        self,
        tenant: str,
        result: StoredResult,
        entry: AttachmentEntry,
        bytes_of: BytesOf,
        staged: dict[Place, tuple[str, int]],
    ) -> None:
        """Gather the bytes of one attachment beside what the tenant holds; a crash leaves nothing of them."""
        content, place = secrets.token_hex(16), (result.application, result.id, entry.name)
        with self._database.writing() as connection:
            tenant_epoch(connection, tenant)
            connection.execute(insert(uploads), {**_STAGED, "tenant": tenant, "name": content, "content": content})
        staged[place] = content, 0
        with bytes_of(result, entry) as stream:
            staged[place] = content, gather(self._database, content, stream, lambda _: _reset_meanwhile(tenant))


def _rows(
    connection: Connection, tenant: str, application: str
) -> tuple[Sequence[Row[*tuple[Any, ...]]], dict[int, list[AttachmentEntry]]]:
    key: Key = {"tenant": tenant, "application": application}
    return connection.execute(RESULTS_OF_APPLICATION, key).all(), entries(connection, OF_APPLICATION, key)


def _replace(
    connection: Connection, tenant: str, contents: TenantContents, staged: Mapping[Place, tuple[str, int]]
) -> None:
    tenant_epoch(connection, tenant)
    for content, _ in staged.values():
        if connection.execute(END_UPLOAD, {"content": content}).rowcount == 0:
            raise _reset_meanwhile(tenant)
    used_up = {row.application: row.last_id for row in connection.execute(_COUNTERS, {"tenant": tenant})}
    for statement in (*REMOVE_OF_TENANT, *_REMOVE):
        connection.execute(statement, {"tenant": tenant})
    for name in used_up.keys() | contents.last_ids.keys():
        last_id = max(used_up.get(name, 0), contents.last_ids.get(name, 0))
        connection.execute(insert(counters), {"tenant": tenant, "application": name, "last_id": last_id})
    for result in contents.results:
        connection.execute(insert(results), _result_row(tenant, result))
        if rows := [_attachment_row(tenant, result, at, entry, staged) for at, entry in enumerate(result.attachments)]:
            connection.execute(insert(attachments), rows)
    for slide_id, state in contents.quality_controls.items():
        row = {"tenant": tenant, "slide_id": slide_id, "status": state.status, "version_id": state.version_id}
        connection.execute(insert(quality_controls), row)
    for app in contents.apps:
        connection.execute(insert(apps), app_row(tenant, app))


def _result_row(tenant: str, result: StoredResult) -> dict[str, Any]:
    named = {"tenant": tenant, "application": result.application, "id": result.id, "slide_id": result.slide_id}
    return {**named, "version_id": result.version_id, "document": as_text(result.document)}


def _attachment_row(
    tenant: str, result: StoredResult, at: int, entry: AttachmentEntry, staged: Mapping[Place, tuple[str, int]]
) -> dict[str, Any]:
    named = {"tenant": tenant, "application": result.application, "result_id": result.id, "name": entry.name}
    content, size = staged.get((result.application, result.id, entry.name), (None, None))
    return {**named, "position": at, "content": content, "size": size}


def _reset_meanwhile(tenant: str) -> Refusal:
    detail = f"The tenant {tenant!r} was reset or loaded anew while a snapshot was being loaded into it."
    return Refusal(Refusals.CONTENT_CHANGING, detail, "Load the snapshot again, and let nobody else reset meanwhile.")
