"""The apps that each tenant has registered."""

import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Row, bindparam, delete, insert, select, update

from fake_pacs.calling.values import RegisteredApp
from fake_pacs.refusals import Refusal, Refusals
from fake_pacs.sql_accounts import tenant_epoch
from fake_pacs.sql_database import Database
from fake_pacs.sql_tables import apps as table

_OF_TENANT = select(table).where(table.c.tenant == bindparam("tenant")).order_by(table.c.application_id)
_ONE = select(table).where(table.c.tenant == bindparam("tenant"), table.c.application_id == bindparam("application_id"))
_NAMED = (table.c.tenant == bindparam("of_tenant"), table.c.application_id == bindparam("of_application"))
_CHANGE = update(table).where(*_NAMED)
_REMOVE = delete(table).where(*_NAMED)


class Apps:
    """The registered apps: administration, which a reset leaves alone."""

    _database: Database

    def put_app(self, tenant: str, app: RegisteredApp) -> None:
        """Register an app with the tenant, in the place of one of the same `application_id`."""
        row = app_row(tenant, app)
        with self._database.writing() as connection:
            tenant_epoch(connection, tenant)
            connection.execute(_REMOVE, _named(tenant, app.application_id))
            connection.execute(insert(table), row)

    def app(self, tenant: str, application_id: str) -> RegisteredApp | None:
        """The tenant's app of that id, None where none is registered."""
        with self._database.reading() as connection:
            row = connection.execute(_ONE, {"tenant": tenant, "application_id": application_id}).one_or_none()
        return as_app(row) if row else None

    def apps(self, tenant: str) -> list[RegisteredApp]:
        """The tenant's registered apps, ordered by id."""
        with self._database.reading() as connection:
            return [as_app(row) for row in connection.execute(_OF_TENANT, {"tenant": tenant})]

    def change_app(
        self,
        tenant: str,
        application_id: str,
        *,
        enabled: bool | None = None,
        notifications: bool | None = None,
        context: Mapping[str, Any] | None = None,
    ) -> RegisteredApp:
        """Change what isn't None and nothing else. Refused: UNKNOWN_APPLICATION."""
        given = {"enabled": enabled, "notifications": notifications, **_as_text(context=context)}
        changed = {name: value for name, value in given.items() if value is not None}
        named = _named(tenant, application_id)
        with self._database.writing() as connection:
            if changed:
                connection.execute(_CHANGE.values(**changed), named)
            row = connection.execute(_ONE, {"tenant": tenant, "application_id": application_id}).one_or_none()
        if row is None:
            raise _unknown(application_id)
        return as_app(row)

    def remove_app(self, tenant: str, application_id: str) -> None:
        """Forget the app; its results stay. Refused: UNKNOWN_APPLICATION."""
        with self._database.writing() as connection:
            if connection.execute(_REMOVE, _named(tenant, application_id)).rowcount == 0:
                raise _unknown(application_id)


def _named(tenant: str, application_id: str) -> dict[str, str]:
    return {"of_tenant": tenant, "of_application": application_id}


def _as_text(**members: Mapping[str, Any] | None) -> dict[str, str | None]:
    """JSON text with raw characters, so that the database refuses the ones that nobody could read again."""
    return {
        name: None if value is None else json.dumps(value, ensure_ascii=False, allow_nan=False)
        for name, value in members.items()
    }


def app_row(tenant: str, app: RegisteredApp) -> dict[str, Any]:
    """The row of an app."""
    return {"tenant": tenant, **vars(app), **_as_text(input_template=app.input_template, context=app.context)}


def as_app(row: Row[*tuple[Any, ...]]) -> RegisteredApp:
    """The app of a row."""
    members = {**row._mapping}
    del members["tenant"]
    texts = {name: json.loads(members[name]) for name in ("input_template", "context")}
    return RegisteredApp(**{**members, **texts})


def _unknown(application_id: str) -> Refusal:
    return Refusal(
        Refusals.UNKNOWN_APPLICATION,
        f"No app {application_id!r} is registered by its URL.",
        "GET /_fake_pacs/apps lists them; POST /_fake_pacs/apps registers one.",
    )
