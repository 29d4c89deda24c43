"""What the fake PACS is told at its start, as one value that never changes."""

import ipaddress
from dataclasses import dataclass, field
from typing import Literal

from ia_api_spec import NEWEST, VERSIONS, ApiVersion

SOFTWARE_VERSIONS = {"1.8": "3.4.0.0", "1.9": "4.1.0.0", "1.10": "4.2.0.0"}
"""The PACS release that came with each API version: DPAT 3.4, 4.1 and 4.2 (V; four components: A)."""

DEFAULT_TENANT = "default"

WELL_KNOWN_TOKEN, WELL_KNOWN_CONTROL_TOKEN, WELL_KNOWN_USER = "dev-token", "dev-control", ("dev", "dev")
"""What opens a server where nothing else was said: for loopback only, as everybody can read them here."""

MIB = 2**20


class SettingsError(ValueError):
    """The server was told something that can't be: the text says what, and what to say instead."""


@dataclass(frozen=True)
class Settings:
    """How this server behaves; the defaults are those of `fake-pacs serve` on loopback.

    `allow_link_local` lets apps live at link-local and cloud metadata addresses; `app_ca` is a file (PEM) of the
    certification authorities trusted beside the system's, None for those alone, where apps are called by https.
    `json_limit` and `upload_limit` are in bytes, lifetimes in seconds. `control_token` opens the control plane. The
    journal holds `journal_count` exchanges and `journal_bytes` of each tenant, `journal_total_bytes` of all together.
    """

    api_version: str = str(NEWEST)
    software_version: str | None = None
    token: str = WELL_KNOWN_TOKEN
    control_token: str = WELL_KNOWN_CONTROL_TOKEN
    users: tuple[tuple[str, str], ...] = (WELL_KNOWN_USER,)
    public_url: str | None = None
    invent_slides: bool = False
    invent_applications: bool = False
    missing_version: Literal["refuse", "accept"] = "refuse"
    files: Literal["auto", "multipart"] = "auto"
    token_lifetime: int = 3600
    callback_lifetime: int = 12 * 3600
    json_limit: int = 16 * MIB
    upload_limit: int = 512 * MIB
    journal_count: int = 1000
    journal_bytes: int = 8 * MIB
    journal_total_bytes: int = 64 * MIB
    seed: int | None = field(default=None)
    allow_link_local: bool = False
    app_ca: str | None = None

    def __post_init__(self) -> None:
        if self.version not in VERSIONS:
            known = ", ".join(str(version) for version in VERSIONS)
            raise SettingsError(
                f"API version {self.api_version!r} is none that this server can be: choose from {known}"
            )
        for name, known_ways in (("missing_version", ("refuse", "accept")), ("files", ("auto", "multipart"))):
            if (way := getattr(self, name)) not in known_ways:
                raise SettingsError(f"{name} came as {way!r}, expected {' or '.join(known_ways)}")
        for name, value in (("token", self.token), ("control token", self.control_token)):
            if not value or not value.isascii() or not value.isprintable() or " " in value:
                raise SettingsError(f"the {name} must be printable ASCII without blanks: it travels in a header")
        if self.token == self.control_token:
            raise SettingsError("the token and the control token are the same: every app would hold the control plane")
        names = [name for name, _ in self.users]
        if len(set(names)) < len(names):
            double = next(name for name in names if names.count(name) > 1)
            raise SettingsError(f"the user {double!r} is given twice: give each user one password")
        if not self.software.isascii() or not self.software.isprintable():
            raise SettingsError("the software version must be printable ASCII: it travels in a header")

    @property
    def version(self) -> ApiVersion:
        """The API version that the server is; 1.9.0 is 1.9."""
        try:
            asked = ApiVersion(self.api_version)
        except ValueError as error:
            raise SettingsError(str(error)) from None
        return next((known for known in VERSIONS if known == asked), asked)

    @property
    def software(self) -> str:
        """The software version that the server reports."""
        return self.software_version or SOFTWARE_VERSIONS[str(self.version)]

    @property
    def version_headers(self) -> dict[str, str]:
        """The headers with its versions that every answer of the IA-API carries."""
        return {"X-Sectra-ApiVersion": self.api_version, "X-Sectra-SoftwareVersion": self.software}


def refuse_strangers(host: str, settings: Settings) -> None:
    """Raises `SettingsError` for a server that other machines can reach and that well-known secrets open."""
    if is_loopback(host):
        return
    known = {"--token": settings.token == WELL_KNOWN_TOKEN}
    known["--control-token"] = settings.control_token == WELL_KNOWN_CONTROL_TOKEN
    known["--user"] = WELL_KNOWN_USER in settings.users
    if missing := [name for name, is_known in known.items() if is_known]:
        raise SettingsError(
            f"{host} can be reached from other machines: give your own {' and '.join(missing)} (long random texts), "
            "or listen on localhost; the well-known defaults are for loopback only"
        )


def is_loopback(host: str) -> bool:
    """Whether nobody else's machine can reach a server bound to that host."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
