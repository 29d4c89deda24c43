"""What a fault does to an exchange: a closed set of kinds, as frozen values."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal, get_args

MOST_BYTES = 2**50
SLOWEST, FASTEST = 0.01, 1e9
"""Bytes per second of a dribble."""

LONGEST_BODY, MOST_HEADERS, LONGEST_HEADER = 65536, 50, 4096
"""Bounds of an answer that a fault gives, so that a full table stays small."""

Damage = Literal["missing-final-crlf", "epilogue", "preamble", "wrong-boundary", "no-closing-delimiter", "torn"]
DAMAGES: tuple[Damage, ...] = get_args(Damage)

_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_TEXT = re.compile(r"[\t -~]*")
_FRAMING = {"content-length", "transfer-encoding", "connection"}


@dataclass(frozen=True)
class Status:
    """Answers with that status, declared by the contract or not; the body is a problem unless another one is given.

    `carried_out`: the operation is carried out first, and with a status in 2xx its own answer goes out under it.
    """

    kind: ClassVar[str] = "status"
    status: int
    headers: Mapping[str, str] = field(default_factory=dict, hash=False)
    body: str | None = None
    media_type: str | None = None
    carried_out: bool = False

    def __post_init__(self) -> None:
        if not 200 <= self.status <= 599:
            raise ValueError(f"status: came {self.status}, expected 200 to 599")
        for name, text in self.headers.items():
            if not _HEADER_NAME.fullmatch(name) or not _HEADER_TEXT.fullmatch(text) or name.lower() in _FRAMING:
                raise ValueError(f"headers: came {name!r}, expected a header in printable ASCII that frames nothing")
        if self.media_type is not None and not _HEADER_TEXT.fullmatch(self.media_type):
            raise ValueError(f"mediaType: came {self.media_type!r}, expected printable ASCII")
        if len(self.headers) > MOST_HEADERS or any(len(text) > LONGEST_HEADER for text in self.headers.values()):
            raise ValueError(f"headers: expected at most {MOST_HEADERS} headers of {LONGEST_HEADER} characters each")
        if len(self.body or "") > LONGEST_BODY:
            raise ValueError(f"body: came {len(self.body or '')} characters, expected at most {LONGEST_BODY}")
        if self.body and self.status in (204, 304):
            raise ValueError(f"body: an answer with status {self.status} has none; leave it out")


@dataclass(frozen=True)
class TooManyRequests:
    """Answers 429 with `Retry-After`: seconds, or the HTTP-date of that moment."""

    kind: ClassVar[str] = "too-many-requests"
    retry_after: int = 1
    http_date: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.retry_after <= 10**7:
            raise ValueError(f"retryAfter: came {self.retry_after}, expected 0 to 10000000 seconds")


@dataclass(frozen=True)
class Reset:
    """Resets the connection: before the answer, or after so many bytes of its body.

    Not `carried_out`, the request is lost; carried out, only its answer is.
    """

    kind: ClassVar[str] = "reset"
    after_bytes: int | None = None
    carried_out: bool = True

    def __post_init__(self) -> None:
        _check_bytes(self.after_bytes)
        if self.after_bytes is not None and not self.carried_out:
            raise ValueError("afterBytes: a request that isn't carried out has no answer to break off; leave it out")


@dataclass(frozen=True)
class Truncate:
    """Closes the connection properly after so many bytes of the body, half of it where none are named."""

    kind: ClassVar[str] = "truncate"
    after_bytes: int | None = None

    def __post_init__(self) -> None:
        _check_bytes(self.after_bytes)


@dataclass(frozen=True)
class Dribble:
    """Sends the body at so many bytes per second."""

    kind: ClassVar[str] = "dribble"
    bytes_per_second: float

    def __post_init__(self) -> None:
        if not SLOWEST <= self.bytes_per_second <= FASTEST:
            raise ValueError(f"bytesPerSecond: came {self.bytes_per_second:g}, expected {SLOWEST:g} to {FASTEST:g}")


@dataclass(frozen=True)
class MalformedMultipart:
    """Answers the files as multipart/related that breaks its own framing; HTTP is kept."""

    kind: ClassVar[str] = "malformed-multipart"
    damage: Damage

    def __post_init__(self) -> None:
        if self.damage not in DAMAGES:
            raise ValueError(f"damage: came {self.damage!r}, expected {', '.join(DAMAGES)}")


@dataclass(frozen=True)
class WrongLength:
    """Declares a `Content-Length` that is larger (`by` above 0) or smaller than the body, which is sent whole."""

    kind: ClassVar[str] = "wrong-length"
    by: int

    def __post_init__(self) -> None:
        if self.by == 0 or abs(self.by) > MOST_BYTES:
            raise ValueError(f"by: came {self.by}, expected a number other than 0: bytes too many or too few")


@dataclass(frozen=True)
class ExpireToken:
    """Lets a token expire after so many calls that it was used for, or bytes that it was answered; later calls get 401.

    Each token is counted by itself, whoever sends it; the control plane still takes it.
    """

    kind: ClassVar[str] = "expire-token"
    after_calls: int | None = None
    after_bytes: int | None = None

    def __post_init__(self) -> None:
        if (self.after_calls is None) == (self.after_bytes is None):
            raise ValueError("afterCalls: expected either afterCalls or afterBytes")
        _check_bytes(self.after_bytes)
        if self.after_calls is not None and self.after_calls < 0:
            raise ValueError(f"afterCalls: came {self.after_calls}, expected 0 or more")


Effect = Status | TooManyRequests | Reset | Truncate | Dribble | MalformedMultipart | WrongLength | ExpireToken

EFFECTS: Mapping[str, type[Effect]] = {effect.kind: effect for effect in get_args(Effect)}
"""Every kind by its name; `latency` alone is the one kind without an effect."""

ONLY_LATENCY = "latency"
"""The kind of a fault that does nothing but wait."""


def _check_bytes(count: int | None) -> None:
    if count is not None and not 0 <= count <= MOST_BYTES:
        raise ValueError(f"afterBytes: came {count}, expected 0 or more bytes")
