"""Quality control of slides: there from the start, with a `versionId` that needs no row."""

import hashlib
import json

from sqlalchemy import Connection, and_, bindparam, insert, select, update

from fake_pacs.refusals import Refusal, Refusals
from fake_pacs.sql_accounts import unknown_tenant
from fake_pacs.sql_database import Database
from fake_pacs.sql_tables import quality_controls as table
from fake_pacs.sql_tables import tenants
from fake_pacs.store import QualityControl, QualityStatus

_OF_SLIDE = and_(table.c.tenant == tenants.c.name, table.c.slide_id == bindparam("slide_id"))
_KNOWN = (
    select(tenants.c.epoch, table.c.status, table.c.version_id)
    .select_from(tenants.outerjoin(table, _OF_SLIDE))
    .where(tenants.c.name == bindparam("tenant"))
)
_SET_ANY = (
    update(table)
    .where(table.c.tenant == bindparam("of_tenant"), table.c.slide_id == bindparam("of_slide"))
    .values(status=bindparam("new_status"), version_id=bindparam("new_version"))
)
_SET_EXPECTED = _SET_ANY.where(table.c.version_id == bindparam("expected"))


class QualityControls:
    """The quality control of every slide that anybody may ask for."""

    _database: Database

    def quality_control(self, tenant: str, slide_id: str) -> QualityControl:
        """A slide's quality control: `NotSet` with a `versionId` from the start."""
        key = ("quality control", tenant, slide_id)
        return self._database.remembered(key, lambda connection: _known(connection, tenant, slide_id)[0])

    def set_quality_control(
        self, tenant: str, slide_id: str, status: QualityStatus, *, expected_version: str | None, version_id: str
    ) -> QualityControl:
        """Change it if it still has the expected version (None: any). Refused: STALE_VERSION."""
        change = {"of_tenant": tenant, "of_slide": slide_id, "new_status": status, "new_version": version_id}
        if expected_version is not None:
            change["expected"] = expected_version
        with self._database.writing() as connection:
            now, is_stored = _known(connection, tenant, slide_id)
            if not is_stored:
                row = {"tenant": tenant, "slide_id": slide_id, "status": now.status, "version_id": now.version_id}
                connection.execute(insert(table), row)
            statement = _SET_ANY if expected_version is None else _SET_EXPECTED
            if connection.execute(statement, change).rowcount == 0:
                raise _stale(slide_id, expected_version, _known(connection, tenant, slide_id)[0])
        return QualityControl(status, version_id)


def _known(connection: Connection, tenant: str, slide_id: str) -> tuple[QualityControl, bool]:
    """What holds now, and whether it has a row: before the first change it has none. Refused: UNKNOWN_TENANT."""
    row = connection.execute(_KNOWN, {"tenant": tenant, "slide_id": slide_id}).one_or_none()
    if row is None:
        raise unknown_tenant(tenant)
    if row.status is None:
        return _initial(tenant, row.epoch, slide_id), False
    return QualityControl(row.status, row.version_id), True


def _initial(tenant: str, epoch: int, slide_id: str) -> QualityControl:
    """What holds before the first change; another one after each reset, so that what was read before is stale."""
    seed = json.dumps([tenant, epoch, slide_id])
    return QualityControl("NotSet", hashlib.sha256(seed.encode("ascii")).hexdigest()[:16])


def _stale(slide_id: str, sent: str | None, now: QualityControl) -> Refusal:
    stored = f"{now.version_id!r} ({now.status})"
    return Refusal(
        Refusals.STALE_VERSION,
        f"The quality control of slide {slide_id!r} has changed: versionId {sent!r} was sent, stored is {stored}.",
        "Read the slide's info again, decide again, and send the versionId read with it.",
    )
