"""What the fake PACS remembers: one protocol, and the frozen values that go in and out of it.

Everything belongs to a tenant. Text is Unicode without lone surrogates, else `ValueError`; what the state of things
forbids is a `Refusal`, and then nothing was changed; a state that can't be opened, read or written is a `StoreError`.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, BinaryIO, Literal, Protocol

from fake_pacs.calling.values import RegisteredApp

CredentialKind = Literal["development", "issued", "callback", "session"]
AttachmentState = Literal["new", "upload-in-progress", "stored"]
QualityStatus = Literal["NotSet", "QualityOk", "Rejected"]


class StoreError(Exception):
    """The state can't be opened, read or written; the text names the file and says what to do."""


class ContentReplacedError(Exception):
    """An attachment's bytes were replaced or dropped while they were being read: cut the connection, read again."""


@dataclass(frozen=True)
class Credential:
    """What a secret allows: the tenant it opens, and the application and case that it is bound to, if any.

    A `development` credential is the tenant's own and permanent. `expires_at` is aware; None is never.
    """

    tenant: str
    kind: CredentialKind
    application: str | None = None
    accession: str | None = None
    issuer: str | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True)
class AttachmentEntry:
    """One declared attachment; `size` in bytes is None until bytes were stored (also while others replace them).

    `content` names these very bytes for `Store.read_attachment`: an upload stores under another name.
    """

    name: str
    state: AttachmentState
    size: int | None = None
    content: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class StoredResult:
    """A result as it is stored.

    `document` holds the caller's members in the caller's order, without `id` and `versionId`; `text` says the same as
    JSON, where it is at hand.
    """

    id: int
    version_id: str
    application: str
    slide_id: str
    document: dict[str, Any]
    attachments: tuple[AttachmentEntry, ...] = ()
    text: str | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True)
class QualityControl:
    """A slide's quality control, with the `versionId` that the next change has to name."""

    status: QualityStatus
    version_id: str


@dataclass(frozen=True)
class TenantContents:
    """All that a tenant's callers and administrators changed, without bytes and credentials: what a snapshot holds.

    `last_ids` says by application up to where result ids are used up, `quality_controls` has those that were set.
    """

    last_ids: Mapping[str, int]
    results: Sequence[StoredResult]
    quality_controls: Mapping[str, QualityControl]
    apps: Sequence[RegisteredApp]


BytesOf = Callable[[StoredResult, AttachmentEntry], BinaryIO]
"""Where the bytes of a stored attachment come from."""


class Store(Protocol):
    """All state of the fake PACS; every method is one step that others see whole or not at all, from any thread.

    Raises `Refusal`: UNKNOWN_RESULT, UNKNOWN_ATTACHMENT, UNKNOWN_TENANT and, where an app is changed or removed,
    UNKNOWN_APPLICATION wherever one is named that isn't there.
    """

    def create_tenant(self, name: str, secret: str | None = None, members: Mapping[str, str] | None = None) -> None:
        """Make an empty tenant, all or nothing: with its development token, and its users (name to password).

        Refused: NAME_TAKEN, when there is such a tenant, or another tenant has the token or one of the users.
        """

    def tenants(self) -> list[str]:
        """The names of all tenants, sorted."""

    def reset_tenant(self, name: str) -> None:
        """Forget the tenant's results, quality control, issued tokens, sessions; its own token, users and apps stay."""

    def remove_tenant(self, name: str) -> None:
        """Forget the tenant with all that it holds, its token, users and apps; the name is free again."""

    def add_credential(self, secret: str, credential: Credential) -> None:
        """Let the secret open what the credential says; a `development` one replaces the tenant's former one.

        A secret of the same tenant gets its new meaning. Refused: NAME_TAKEN, when another tenant has this secret.
        """

    def credential(self, secret: str) -> Credential | None:
        """What the secret opens, whether expired or not: the caller has the clock."""

    def purge_expired(self, now: datetime) -> int:
        """Forget the credentials that expired at `now` or before; answers how many."""

    def set_users(self, tenant: str, members: Mapping[str, str]) -> None:
        """Make these the tenant's users, name to password, and no others.

        Refused: NAME_TAKEN, when another tenant has one of these names.
        """

    def check_user(self, name: str, password: str) -> str | None:
        """The user's tenant, or None; takes as long for an unknown user as for a wrong password."""

    def tenant_of_user(self, name: str) -> str | None:
        """Whose user that is, or None: it opens nothing."""

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
        """Store a new result; ids count from 1 per tenant and application and are never used again.

        `text` is the document as JSON, where the caller has it. Refused: INVALID_REQUEST, when an attachment is
        declared twice.
        """

    def result(self, tenant: str, application: str, result_id: int) -> StoredResult:
        """One result."""

    def results(self, tenant: str, application: str, slide_id: str | None = None) -> list[StoredResult]:
        """All results of the application, or those of one slide, ordered by id."""

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
        """Replace a result if it still has the expected version (None: any), and give it the new `version_id`.

        Attachments whose names stay keep bytes and state, new ones are `new`, dropped ones lose their bytes.
        Refused: IDENTITY_CHANGED (another slide), STALE_VERSION, INVALID_REQUEST (an attachment declared twice).
        """

    def delete_result(self, tenant: str, application: str, result_id: int) -> None:
        """Delete a result with its attachments."""

    def attachment(self, tenant: str, application: str, result_id: int, name: str) -> AttachmentEntry:
        """One declared attachment."""

    def put_attachment(
        self, tenant: str, application: str, result_id: int, name: str, stream: BinaryIO
    ) -> AttachmentEntry:
        """Read the stream to its end and make it the bytes of a declared attachment; `versionId` stays.

        Meanwhile the state is `upload-in-progress` and the former bytes can be read; whatever the stream raises is
        passed on, and all is as before. Of several uploads the last to finish wins. Refused before the stream is
        read: an undeclared name; at the end: a name that was dropped meanwhile.
        """

    def read_attachment(self, entry: AttachmentEntry, start: int, stop: int) -> Iterator[bytes]:
        """The bytes from `start` up to `stop` of exactly the content that `attachment()` answered, in pieces.

        Raises `ContentReplacedError` from the iterator when that content has gone, `ValueError` for a range outside.
        """

    def quality_control(self, tenant: str, slide_id: str) -> QualityControl:
        """A slide's quality control: `NotSet` with a `versionId` from the start."""

    def set_quality_control(
        self, tenant: str, slide_id: str, status: QualityStatus, *, expected_version: str | None, version_id: str
    ) -> QualityControl:
        """Change it if it still has the expected version (None: any). Refused: STALE_VERSION."""

    def put_app(self, tenant: str, app: RegisteredApp) -> None:
        """Register an app with the tenant, in the place of one of the same `application_id`."""

    def app(self, tenant: str, application_id: str) -> RegisteredApp | None:
        """The tenant's app of that id, None where none is registered."""

    def apps(self, tenant: str) -> list[RegisteredApp]:
        """The tenant's registered apps, ordered by id."""

    def change_app(
        self,
        tenant: str,
        application_id: str,
        *,
        enabled: bool | None = None,
        notifications: bool | None = None,
        context: Mapping[str, Any] | None = None,
    ) -> RegisteredApp:
        """Change what isn't None and nothing else, whoever changes the rest meanwhile."""

    def remove_app(self, tenant: str, application_id: str) -> None:
        """Forget the app; its results stay, for when it is registered again."""

    def contents(self, tenant: str) -> TenantContents:
        """All that the tenant holds, at one moment; the bytes of attachments are read by `read_attachment`."""

    def replace_contents(self, tenant: str, contents: TenantContents, bytes_of: BytesOf) -> None:
        """Put this in the place of all that the tenant holds; credentials and users stay. All or nothing.

        Ids that the tenant has used up before stay used up. `bytes_of` is asked for each attachment that is `stored`;
        whatever its streams raise is passed on. Refused: CONTENT_CHANGING, when the tenant is reset
        or loaded anew meanwhile.
        """

    def close(self) -> None:
        """Let go of file or memory; closing again does nothing, any other call raises `StoreError`."""
