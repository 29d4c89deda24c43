"""The last exchanges, bounded in count and in bytes, tokens redacted: what a caller did, and how it was taken."""

import json
import re
import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import unquote_plus

from fake_pacs.calls import Oddity
from ia_api_spec import Violation

BODY_SHOWN = 8192
"""So many characters of a body are kept."""

REDACTED = "<redacted>"

_SECRET_MEMBERS = "access_token|sessionToken|password|token"
_IN_JSON = re.compile(rf'("(?:{_SECRET_MEMBERS})"\s*:\s*")((?:[^"\\]|\\.)*+)')
_IN_TEXT = re.compile(rf"((?:{_SECRET_MEMBERS})=)[^&\s\"]*")
_SECRET_PARAMETERS = frozenset(name.lower() for name in _SECRET_MEMBERS.split("|"))


@dataclass(frozen=True)
class Exchange:
    """One request and its answer, as the control plane shows it."""

    at: str
    tenant: str | None
    method: str
    path: str
    operation_id: str | None
    spelling: str | None
    effective_version: str | None
    status: int
    duration_ms: float
    violations: Sequence[Violation] = ()
    oddities: Sequence[Oddity] = ()
    our_error: str | None = None
    request_body: str | None = None
    answer_body: str | None = None
    number: int = 0

    def as_json(self) -> dict[str, Any]:
        """The exchange with the control plane's member names."""
        return {
            "number": self.number,
            "at": self.at,
            "tenant": self.tenant,
            "method": self.method,
            "path": self.path,
            "operationId": self.operation_id,
            "spelling": self.spelling,
            "effectiveVersion": self.effective_version,
            "status": self.status,
            "durationMs": self.duration_ms,
            "violations": [violation.as_json() for violation in self.violations],
            "oddities": [oddity.as_json() for oddity in self.oddities],
            "ourError": self.our_error,
            "requestBody": self.request_body,
            "answerBody": self.answer_body,
        }


class Journal:
    """A bounded memory of exchanges: at most `count` of them and about `size` bytes; the oldest are forgotten first."""

    def __init__(self, count: int = 1000, size: int = 8 * 2**20) -> None:
        self._lock = threading.Lock()
        self._exchanges: deque[tuple[Exchange, int]] = deque()
        self._count, self._size = count, size
        self._bytes = 0
        self._written = 0
        self._forgotten = 0
        self._our_errors: deque[str] = deque(maxlen=100)

    def write(self, exchange: Exchange) -> None:
        """Adds an exchange, and forgets the oldest ones beyond the bounds."""
        weight = _weight(exchange)
        with self._lock:
            self._written += 1
            numbered = replace(exchange, number=self._written)
            self._exchanges.append((numbered, weight))
            self._bytes += weight
            if exchange.our_error:
                self._our_errors.append(f"{exchange.method} {exchange.path}: {exchange.our_error}")
            while len(self._exchanges) > self._count or (self._bytes > self._size and len(self._exchanges) > 1):
                self._bytes -= self._exchanges.popleft()[1]
                self._forgotten += 1

    def read(
        self, tenant: str, *, with_strangers: bool, operation_id: str | None, after: int | None, limit: int | None
    ) -> list[Exchange]:
        """The tenant's exchanges, oldest first; `with_strangers` adds those whose caller is unknown."""
        with self._lock:
            everything = [exchange for exchange, _ in self._exchanges]
        owners = (tenant, None) if with_strangers else (tenant,)
        found = [exchange for exchange in everything if exchange.tenant in owners and exchange.number > (after or 0)]
        found = [exchange for exchange in found if operation_id in (None, exchange.operation_id)]
        return found[-limit:] if limit else found

    def forget(self, tenant: str) -> None:
        """Drops the tenant's exchanges."""
        with self._lock:
            kept = [(exchange, weight) for exchange, weight in self._exchanges if exchange.tenant != tenant]
            self._exchanges = deque(kept)
            self._bytes = sum(weight for _, weight in kept)

    @property
    def forgotten(self) -> int:
        """How many exchanges fell out of the bounds."""
        return self._forgotten

    @property
    def our_errors(self) -> list[str]:
        """What the server itself did wrong, the latest hundred; never forgotten by a reset."""
        with self._lock:
            return list(self._our_errors)


def redacted_body(body: bytes | str | None) -> str | None:
    """A body as the journal keeps it: text, cut, with the values of secret members replaced."""
    if body is None:
        return None
    text = body.decode("utf-8", "replace") if isinstance(body, bytes) else body
    hidden = _IN_JSON.sub(rf"\g<1>{REDACTED}", text[: 4 * BODY_SHOWN])
    hidden = _IN_TEXT.sub(rf"\g<1>{REDACTED}", hidden)
    shown = hidden if hidden.lstrip()[:1] in ("{", "[") else _redacted_pairs(hidden)
    return shown if len(shown) <= BODY_SHOWN else f"{shown[:BODY_SHOWN]}… (cut)"


def redacted_query(path: str) -> str:
    """A path and query with the values of secret parameters replaced, however their names are encoded."""
    before, mark, query = path.partition("?")
    return before + mark + _redacted_pairs(query)


def _redacted_pairs(text: str) -> str:
    """A query or a form, pair by pair."""
    pairs = (pair.partition("=") for pair in text.split("&"))
    return "&".join(
        name + mark + (REDACTED if unquote_plus(name).lower() in _SECRET_PARAMETERS else value)
        for name, mark, value in pairs
    )


def _weight(exchange: Exchange) -> int:
    """About how many bytes the exchange holds on to."""
    texts = (exchange.path, exchange.request_body, exchange.answer_body, exchange.our_error)
    lists = [entry.as_json() for entry in exchange.violations] + [entry.as_json() for entry in exchange.oddities]
    return 500 + sum(len(text) for text in texts if text) + (len(json.dumps(lists)) if lists else 0)
