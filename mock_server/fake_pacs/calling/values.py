"""What goes in and out of calling an app: frozen values, no I/O."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Level = Literal["must", "should"]
Kind = Literal["registration", "info", "create", "modify", "delete", "cancel", "newImageFiles"]
State = Literal["waiting", "delivered", "failed"]
TroubleKind = Literal["unreachable", "address-refused", "too-slow", "too-large", "truncated", "redirect", "encoded"]
"""What sort of trouble a call had; a finding's code is `answer.` and this."""


OPERATIONS: Mapping[Kind, str] = {
    "registration": "getRegistration",
    "info": "getAppInfo",
    "create": "invoke",
    "modify": "invoke",
    "delete": "invoke",
    "cancel": "invoke",
    "newImageFiles": "notifyImage",
}
"""The operation of the app's side (`ia-app.yaml`) that each kind of call asks for."""


@dataclass(frozen=True)
class RegisteredApp:
    """An app that the administrator registered by its URL.

    `context` is the registration's, sent with every invocation. Image notifications are not part of a registration:
    the administrator switches them on (V).
    """

    application_id: str
    url: str
    display_name: str
    manufacturer: str
    input_template: Mapping[str, Any] = field(hash=False)
    context: Mapping[str, Any] = field(default_factory=dict, hash=False)
    enabled: bool = True
    notifications: bool = False


@dataclass(frozen=True)
class Finding:
    """One thing that an app did wrong: a stable code such as `answer.version-header-missing`, and what came.

    `must` breaks the contract, `should` is unwise. `place` says where: a header, a JSON Pointer, a URL.
    """

    code: str
    level: Level
    text: str
    place: str = ""

    def __str__(self) -> str:
        where = f"{self.place}: " if self.place else ""
        return f"{self.code} ({self.level}): {where}{self.text}"

    def as_json(self) -> dict[str, str]:
        """The finding as the control plane and reports tell it."""
        return {"code": self.code, "level": self.level, "text": self.text, "place": self.place}


@dataclass(frozen=True)
class AppAnswer:
    """What came back from an app, or `trouble`: why nothing usable did (refused, too slow, too much, no HTTP …).

    `body` is what was read, at most the bound; `headers` by lower-case name. `seconds` from the first byte sent.
    `trouble_kind` tells troubles apart, `trouble` tells people of them.
    """

    status: int | None
    headers: Mapping[str, str] = field(default_factory=dict, hash=False)
    body: bytes = field(default=b"", repr=False)
    seconds: float = 0.0
    trouble: str | None = None
    trouble_kind: TroubleKind | None = None


@dataclass(frozen=True)
class Delivery:
    """One call of an app, as the delivery log keeps it; `number` counts from 1 in each tenant.

    `invocation` is the body that was sent, None for a GET. `attempt` counts retries of one delivery from 1,
    `resend_of` names the delivery that this one repeats.
    """

    number: int
    at: str
    tenant: str
    application_id: str
    kind: Kind
    method: str
    url: str
    slide_id: str | None
    result_id: int | None
    invocation: Mapping[str, Any] | None = field(hash=False, repr=False)
    state: State = "waiting"
    attempt: int = 0
    resend_of: int | None = None
    answer: AppAnswer | None = None
    findings: tuple[Finding, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether the app was reached and broke no `must`."""
        return self.state == "delivered" and not any(finding.level == "must" for finding in self.findings)
