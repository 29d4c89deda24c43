"""Everything that the fake PACS refuses, in one closed catalogue.

A `Refusal` is raised anywhere, caught nowhere on the way, and rendered in one place (`app.py`) as
`application/problem+json` (RFC 9457; the form of error bodies is assumed: no public evidence).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from ia_api_spec.violations import Violation

TYPE_PREFIX = "urn:ia-api-kit:problem:"


@dataclass(frozen=True)
class Kind:
    """What one sort of refusal is called: its name in the problem's `type`, its HTTP status, its title."""

    name: str
    status: int
    title: str


class Refusals(Enum):
    """The closed catalogue: no answer outside 2xx comes from anywhere else, unless a fault asked for it."""

    INVALID_REQUEST = Kind("invalid-request", 400, "The request breaks the contract")
    MALFORMED_VERSION = Kind("malformed-version", 400, "X-Sectra-ApiVersion is not a version")
    MALFORMED_MESSAGE = Kind("malformed-message", 400, "The HTTP message is malformed")
    UNAUTHENTICATED = Kind("unauthenticated", 401, "No valid credentials")
    FORBIDDEN = Kind("forbidden", 403, "These credentials are for something else")
    UNKNOWN_PATH = Kind("unknown-path", 404, "No such operation")
    UNKNOWN_SLIDE = Kind("unknown-slide", 404, "No such slide")
    UNKNOWN_CASE = Kind("unknown-case", 404, "No such case")
    UNKNOWN_APPLICATION = Kind("unknown-application", 404, "No such application")
    UNKNOWN_RESULT = Kind("unknown-result", 404, "No such result")
    UNKNOWN_ATTACHMENT = Kind("unknown-attachment", 404, "No such attachment")
    UNKNOWN_FAULT = Kind("unknown-fault", 404, "No such fault")
    UNKNOWN_INCIDENT = Kind("unknown-incident", 404, "No such incident")
    UNKNOWN_TENANT = Kind("unknown-tenant", 404, "No such tenant")
    UNKNOWN_DELIVERY = Kind("unknown-delivery", 404, "No such delivery")
    NO_SUCH_TILE = Kind("no-such-tile", 404, "No such tile")
    NOT_STREAMABLE = Kind("not-streamable", 404, "The slide has no tiles")
    METHOD_NOT_ALLOWED = Kind("method-not-allowed", 405, "The path is known, the method is not")
    STALE_VERSION = Kind("stale-version", 409, "Somebody else was faster")
    MISSING_VERSION = Kind("missing-version", 409, "The update names no versionId")
    IDENTITY_CHANGED = Kind("identity-changed", 409, "An update can't change what the result belongs to")
    NAME_TAKEN = Kind("name-taken", 409, "The name is taken")
    DEFAULT_TENANT = Kind("default-tenant", 409, "The default tenant stays")
    APPLICATION_DISABLED = Kind("application-disabled", 409, "The application is switched off")
    NOT_OFFERED = Kind("not-offered", 409, "The workstation doesn't offer that")
    TOO_MANY_WAITING = Kind("too-many-waiting", 409, "Too many deliveries wait for their answers")
    BODY_TOO_LARGE = Kind("body-too-large", 413, "The body is too large")
    UNSUPPORTED_MEDIA_TYPE = Kind("unsupported-media-type", 415, "The media type is not accepted here")
    REGISTRATION_REFUSED = Kind("registration-refused", 422, "The app's registration can't be used")
    RANGE_NOT_SATISFIABLE = Kind("range-not-satisfiable", 416, "The range lies outside the attachment")
    TOO_SLOW = Kind("too-slow", 408, "The request didn't arrive in time")
    HEADERS_TOO_LARGE = Kind("headers-too-large", 431, "The request head is too large")
    CONTRACT_BROKEN = Kind("contract-broken", 500, "The fake PACS broke its own contract")
    INTERNAL_ERROR = Kind("internal-error", 500, "The fake PACS has a defect")
    UNSUPPORTED_TRANSFER = Kind("unsupported-transfer", 501, "The transfer coding or method is not implemented")
    UNSUPPORTED_HTTP_VERSION = Kind("unsupported-http-version", 505, "The HTTP version is not supported")
    SLIDE_UNREADABLE = Kind("slide-unreadable", 503, "The slide's file can't be read now")
    CONTENT_CHANGING = Kind("content-changing", 503, "The tenant is being changed right now")
    NOT_READY = Kind("not-ready", 503, "The server is still being seeded")


ON_THE_WIRE = {
    400: Refusals.MALFORMED_MESSAGE,
    408: Refusals.TOO_SLOW,
    413: Refusals.BODY_TOO_LARGE,
    431: Refusals.HEADERS_TOO_LARGE,
    500: Refusals.INTERNAL_ERROR,
    501: Refusals.UNSUPPORTED_TRANSFER,
    505: Refusals.UNSUPPORTED_HTTP_VERSION,
}
"""What the HTTP server refuses by itself, before or beside the application, by status."""


@dataclass
class Refusal(Exception):  # noqa: N818 - an answer, not an error
    """One refusal, with all that its caller needs to mend the request.

    `detail` says what is wrong here and now, `hint` what to do about it; `violations` lists every place that breaks
    the contract; `headers` go out with the answer (`Allow`, `WWW-Authenticate`, `Content-Range` …).
    """

    refused: Refusals
    detail: str
    hint: str | None = None
    violations: Sequence[Violation] = ()
    headers: Mapping[str, str] | None = None

    def __str__(self) -> str:
        return f"{self.refused.value.name}: {self.detail}"

    @property
    def status(self) -> int:
        """The HTTP status that this refusal is answered with."""
        return self.refused.value.status

    def problem(self) -> dict[str, Any]:
        """The body of the answer: an RFC 9457 problem details object."""
        return problem(self.refused, self.detail, self.hint, self.violations)


def problem(
    refused: Refusals, detail: str, hint: str | None = None, violations: Sequence[Violation] = ()
) -> dict[str, Any]:
    """A problem details object as RFC 9457 describes it, with `hint` and `violations` as extension members."""
    kind = refused.value
    body: dict[str, Any] = {
        "type": TYPE_PREFIX + kind.name,
        "title": kind.title,
        "status": kind.status,
        "detail": detail,
    }
    if hint:
        body["hint"] = hint
    if violations:
        body["violations"] = [violation.as_json() for violation in violations]
    return body
