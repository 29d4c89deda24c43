"""What the doctor says: a closed list of codes, each finding with what to do."""

from dataclasses import asdict, dataclass
from typing import Literal

Level = Literal["ok", "warning", "problem"]

CODES = {
    "address.name": "The host's name leads to an address.",
    "address.connect": "Something listens there.",
    "address.proxy": "Clients here would ask a proxy instead.",
    "tls.trust": "The certificate is trusted here.",
    "tls.name": "The certificate is for that host.",
    "tls.expiry": "The certificate is valid now, and for a while.",
    "tls.handshake": "It speaks TLS.",
    "pacs.answer": "It answers HTTP as a fake PACS, or else as any PACS.",
    "pacs.ready": "It is seeded.",
    "pacs.base-url": "The URL is the one that clients are given.",
    "pacs.version": "It is a version of the IA-API that is known here.",
    "pacs.token": "The bearer token opens the IA-API.",
    "pacs.control-token": "The control token opens the control plane.",
    "pacs.clock": "Its clock and this machine's agree.",
    "app.from-here": "The app answers this machine.",
    "app.from-pacs": "The app answers the PACS, and its registration can be used.",
    "app.registration": "What is wrong with the app's registration and info.",
    "app.invocation": "The app answers an invocation as it should.",
    "app.callback": "The app reaches the PACS under the callback URL that it is given.",
}
"""Every code, with what holds where the finding is `ok`."""


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at: `ok`, a `warning` that may do no harm, or a `problem` that will; and what to do."""

    code: str
    level: Level
    text: str
    advice: str = ""

    def __post_init__(self) -> None:
        if self.code not in CODES:
            raise ValueError(f"{self.code!r} is no code of the doctor's")

    def as_json(self) -> dict[str, str]:
        """The finding with its members by name."""
        return asdict(self)


def ok(code: str, text: str) -> Finding:
    """Nothing to do."""
    return Finding(code, "ok", text)


def warning(code: str, text: str, advice: str) -> Finding:
    """May do no harm."""
    return Finding(code, "warning", text, advice)


def problem(code: str, text: str, advice: str) -> Finding:
    """Will do harm."""
    return Finding(code, "problem", text, advice)
