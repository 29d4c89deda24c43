"""Tenants, their credentials and their users."""

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from fake_pacs.refusals import Refusal, Refusals
from fake_pacs.sql_database import Database
from fake_pacs.sql_declarations import REMOVE_OF_TENANT
from fake_pacs.sql_tables import apps, counters, credentials, quality_controls, results, tenants, users
from fake_pacs.store import Credential

_EPOCH_START = datetime(1970, 1, 1, tzinfo=UTC)
_SCRYPT_COST = 2**10  # 2.5 ms: passwords of a fake PACS, checked once per token

_TENANT = select(tenants.c.epoch).where(tenants.c.name == bindparam("tenant"))
_TENANTS = select(tenants.c.name).order_by(tenants.c.name)
_NEXT_EPOCH = update(tenants).where(tenants.c.name == bindparam("of_name")).values(epoch=tenants.c.epoch + 1)
_RESET = (
    *REMOVE_OF_TENANT,
    delete(results).where(results.c.tenant == bindparam("tenant")),
    delete(counters).where(counters.c.tenant == bindparam("tenant")),
    delete(quality_controls).where(quality_controls.c.tenant == bindparam("tenant")),
    delete(credentials).where(credentials.c.tenant == bindparam("tenant"), credentials.c.kind != "development"),
)
_REMOVE = (
    delete(credentials).where(credentials.c.tenant == bindparam("tenant")),
    delete(users).where(users.c.tenant == bindparam("tenant")),
    delete(apps).where(apps.c.tenant == bindparam("tenant")),
    delete(tenants).where(tenants.c.name == bindparam("tenant")),
)
_CREDENTIAL = select(credentials).where(credentials.c.digest == bindparam("digest"))
_FORGET_CREDENTIAL = delete(credentials).where(credentials.c.digest == bindparam("digest"))
_REPLACE_DEVELOPMENT = delete(credentials).where(
    credentials.c.tenant == bindparam("tenant"),
    or_(credentials.c.kind == "development", credentials.c.digest == bindparam("digest")),
)
_PURGE = delete(credentials).where(credentials.c.expires_at <= bindparam("now"))
_USER = select(users).where(users.c.name == bindparam("name"))
_FORGET_USERS = delete(users).where(users.c.tenant == bindparam("tenant"))


class Accounts:
    """Who may open what: tenants, credentials, users."""

    _database: Database

    def create_tenant(self, name: str, secret: str | None = None, members: Mapping[str, str] | None = None) -> None:
        """Make an empty tenant, all or nothing, with its development token and users. Refused: NAME_TAKEN."""
        rows = _user_rows(name, members or {})
        try:
            with self._database.writing() as connection:
                connection.execute(insert(tenants), {"name": name, "epoch": 0})
                if secret is not None:
                    _put_credential(connection, secret, Credential(name, "development"))
                _put_users(connection, name, rows)
        except IntegrityError as error:
            raise _name_taken(f"A tenant is called {name!r} already.") from error

    def tenants(self) -> list[str]:
        """The names of all tenants, sorted."""
        with self._database.reading() as connection:
            return list(connection.scalars(_TENANTS))

    def reset_tenant(self, name: str) -> None:
        """Forget the tenant's results, quality control, issued tokens, sessions; its own token, users and apps stay."""
        with self._database.writing() as connection:
            tenant_epoch(connection, name)
            for statement in _RESET:
                connection.execute(statement, {"tenant": name})
            connection.execute(_NEXT_EPOCH, {"of_name": name})

    def remove_tenant(self, name: str) -> None:
        """Forget the tenant with all that it holds, its token, users and apps; the name is free again."""
        with self._database.writing() as connection:
            tenant_epoch(connection, name)
            for statement in (*_RESET, *_REMOVE):
                connection.execute(statement, {"tenant": name})

    def add_credential(self, secret: str, credential: Credential) -> None:
        """Let the secret open what the credential says; a `development` one replaces the tenant's former one."""
        with self._database.writing() as connection:
            tenant_epoch(connection, credential.tenant)
            _put_credential(connection, secret, credential)

    def credential(self, secret: str) -> Credential | None:
        """What the secret opens, whether expired or not: the caller has the clock."""
        digest = _digest(secret)

        def read(connection: Connection) -> Credential | None:
            row = connection.execute(_CREDENTIAL, {"digest": digest}).one_or_none()
            return _as_credential(row) if row is not None and hmac.compare_digest(row.digest, digest) else None

        return self._database.remembered(("credential", digest), read)

    def purge_expired(self, now: datetime) -> int:
        """Forget the credentials that expired at `now` or before; answers how many."""
        with self._database.writing() as connection:
            return connection.execute(_PURGE, {"now": _microseconds(now)}).rowcount

    def set_users(self, tenant: str, members: Mapping[str, str]) -> None:
        """Make these the tenant's users, name to password, and no others. Refused: NAME_TAKEN."""
        rows = _user_rows(tenant, members)
        with self._database.writing() as connection:
            tenant_epoch(connection, tenant)
            _put_users(connection, tenant, rows)

    def check_user(self, name: str, password: str) -> str | None:
        """The user's tenant, or None; takes as long for an unknown user as for a wrong password."""
        with self._database.reading() as connection:
            row = connection.execute(_USER, {"name": name}).one_or_none()
        salt, expected = (row.salt, row.digest) if row else (bytes(16), bytes(64))
        right = hmac.compare_digest(_stretched(password, salt), expected)
        return row.tenant if row and right else None

    def tenant_of_user(self, name: str) -> str | None:
        """Whose user that is, or None: it opens nothing."""
        with self._database.reading() as connection:
            row = connection.execute(_USER, {"name": name}).one_or_none()
        return row.tenant if row else None


def tenant_epoch(connection: Connection, tenant: str) -> int:
    """How often the tenant was reset. Refused: UNKNOWN_TENANT."""
    epoch: int | None = connection.scalar(_TENANT, {"tenant": tenant})
    if epoch is None:
        raise unknown_tenant(tenant)
    return epoch


def unknown_tenant(tenant: str) -> Refusal:
    """The refusal of what belongs to a tenant that isn't there."""
    return Refusal(Refusals.UNKNOWN_TENANT, f"There is no tenant {tenant!r}.", "Create the tenant first.")


def _put_credential(connection: Connection, secret: str, credential: Credential) -> None:
    row = {"digest": _digest(secret), **vars(credential), "expires_at": _microseconds(credential.expires_at)}
    known = connection.execute(_CREDENTIAL, row).one_or_none()
    if known is not None and known.tenant != credential.tenant:
        raise _name_taken("This secret opens another tenant already.")
    connection.execute(_REPLACE_DEVELOPMENT if credential.kind == "development" else _FORGET_CREDENTIAL, row)
    connection.execute(insert(credentials), row)


def _user_rows(tenant: str, given: Mapping[str, str]) -> list[dict[str, Any]]:
    """The rows of these users; made before the transaction, because stretching passwords takes its time."""
    salts = {name: secrets.token_bytes(16) for name in given}
    return [
        {"name": name, "tenant": tenant, "salt": salts[name], "digest": _stretched(password, salts[name])}
        for name, password in given.items()
    ]


def _put_users(connection: Connection, tenant: str, rows: list[dict[str, Any]]) -> None:
    connection.execute(_FORGET_USERS, {"tenant": tenant})
    for row in rows:
        if connection.execute(_USER, row).one_or_none() is not None:
            raise _name_taken(f"Another tenant has a user {row['name']!r}.")
        connection.execute(insert(users), row)


def _name_taken(detail: str) -> Refusal:
    return Refusal(Refusals.NAME_TAKEN, detail, "Choose another, or reset what is there.")


def _as_credential(row: Row[*tuple[Any, ...]]) -> Credential:
    expires = None if row.expires_at is None else _EPOCH_START + timedelta(microseconds=row.expires_at)
    return Credential(row.tenant, row.kind, row.application, row.accession, row.issuer, expires)


def _digest(secret: str) -> str:
    # A lone surrogate that a caller sent is a secret that nobody has, no error.
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def _stretched(password: str, salt: bytes) -> bytes:
    return hashlib.scrypt(password.encode("utf-8", "surrogatepass"), salt=salt, n=_SCRYPT_COST, r=8, p=1)


def _microseconds(moment: datetime | None) -> int | None:
    if moment is None:
        return None
    if moment.tzinfo is None:
        raise ValueError(f"came the naive time {moment.isoformat()}, expected an aware one: give it a time zone")
    return (moment - _EPOCH_START) // timedelta(microseconds=1)
