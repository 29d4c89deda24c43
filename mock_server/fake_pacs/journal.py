"""The last exchanges of each tenant, bounded in count and in bytes: what a caller did, and how it was taken."""

import json
import sys
import threading
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from fake_pacs.calls import Oddity
from fake_pacs.settings import DEFAULT_TENANT
from ia_api_spec import Violation


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
    faults: Sequence[str] = ()
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
            "faults": list(self.faults),
            "requestBody": self.request_body,
            "answerBody": self.answer_body,
        }


Later = Callable[[Exchange], Exchange]
"""Makes of an exchange what may be shown of it; called by the first who reads it, perhaps by two at once."""


class _Entry:
    """An exchange in its place, and about how many bytes it holds on to."""

    __slots__ = ("exchange", "kept", "later", "weight")

    def __init__(self, exchange: Exchange, weight: int, later: Later | None = None) -> None:
        self.exchange, self.weight, self.later = exchange, weight, later
        self.kept = True


class _Shelf:
    """The exchanges of one owner: a tenant, or all unknown callers."""

    def __init__(self) -> None:
        self.exchanges: deque[_Entry] = deque()
        self.bytes = 0
        self.forgotten = 0

    def add(self, entry: _Entry) -> None:
        self.exchanges.append(entry)
        self.bytes += entry.weight

    def replace(self, exchange: Exchange) -> int:
        """How many bytes more that is; nothing where the exchange isn't there any more."""
        for index, known in enumerate(self.exchanges):
            if known.exchange.number == exchange.number:
                known.kept = False
                self.exchanges[index] = entry = _Entry(exchange, known.weight)
                return self.weigh(entry)
        return 0

    def weigh(self, entry: _Entry) -> int:
        """How many bytes more the entry holds on to than it did when that was asked last."""
        weight = _weight(entry.exchange)
        more, entry.weight = weight - entry.weight, weight
        self.bytes += more
        return more

    def drop_oldest(self) -> int:
        entry = self.exchanges.popleft()
        entry.kept = False
        self.bytes -= entry.weight
        self.forgotten += 1
        return entry.weight

    def drop_all(self) -> int:
        for entry in self.exchanges:
            entry.kept = False
        return self.bytes


class Journal:
    """A bounded memory of exchanges; the oldest are forgotten first.

    Each tenant, and unknown callers together, have at most `count` exchanges and about `size` bytes of them, so that no
    tenant pushes out another's. All together have about `total` bytes; beyond them, who has most forgets.
    Exchanges are numbered per tenant; those of unknown callers are numbered with the default tenant's, which sees them.
    """

    def __init__(self, count: int = 1000, size: int = 8 * 2**20, total: int = 64 * 2**20) -> None:
        self._lock = threading.Lock()
        self._shelves: dict[str | None, _Shelf] = {}
        self._written: Counter[str] = Counter()
        self._count, self._size, self._total = count, size, total
        self._our_errors: deque[str] = deque(maxlen=100)
        self._forgotten_in_all = self._bytes = 0

    def write(self, exchange: Exchange, later: Later | None = None, held: int = 0) -> int:
        """Adds an exchange, and forgets the oldest ones beyond the bounds; answers its number.

        With `later`, which holds on to so many bytes, what is shown of it is made when somebody reads it.
        """
        weight = _weight(exchange) + held
        with self._lock:
            counted_as = exchange.tenant or DEFAULT_TENANT
            self._written[counted_as] += 1
            number = self._written[counted_as]
            shelf = self._shelves.setdefault(exchange.tenant, _Shelf())
            shelf.add(_Entry(replace(exchange, number=number), weight, later))
            self._bytes += weight
            self._keep_bounds(shelf)
        if exchange.our_error:
            self.went_wrong(exchange.tenant, _our_error(exchange))
        return number

    def amend(self, exchange: Exchange) -> None:
        """Replaces the exchange of that tenant and number, which went wrong after it was written.

        Where it is forgotten it stays so; its error of ours counts all the same.
        """
        with self._lock:
            if shelf := self._shelves.get(exchange.tenant):
                self._bytes += shelf.replace(exchange)
                self._keep_bounds(shelf)
        if exchange.our_error:
            self.went_wrong(exchange.tenant, _our_error(exchange))

    def went_wrong(self, tenant: str | None, text: str) -> None:
        """Counts what the server itself did wrong, for that tenant or for unknown callers."""
        with self._lock:
            self._our_errors.append(text)

    def _keep_bounds(self, shelf: _Shelf) -> None:
        while len(shelf.exchanges) > self._count or (shelf.bytes > self._size and len(shelf.exchanges) > 1):
            self._forget_oldest(shelf)
        while self._bytes > self._total:
            # whoever has only one left keeps it as long as others have more
            self._forget_oldest(max(self._shelves.values(), key=lambda it: (len(it.exchanges) > 1, it.bytes)))

    def _forget_oldest(self, shelf: _Shelf) -> None:
        self._bytes -= shelf.drop_oldest()
        self._forgotten_in_all += 1

    def read(
        self, tenant: str, *, with_strangers: bool, operation_id: str | None, after: int | None, limit: int | None
    ) -> list[Exchange]:
        """The tenant's exchanges, oldest first; `with_strangers` adds those whose caller is unknown."""
        with self._lock:
            everything = [entry for shelf in self._shelves_of(tenant, with_strangers) for entry in shelf.exchanges]
        found = [entry for entry in everything if entry.exchange.number > (after or 0)]
        found = [entry for entry in found if operation_id in (None, entry.exchange.operation_id)]
        found.sort(key=lambda entry: entry.exchange.number)
        return [self._shown(entry) for entry in (found[-limit:] if limit else found)]

    def _shown(self, entry: _Entry) -> Exchange:
        """What may be shown of the exchange; from now on it holds on to that, and to nothing else."""
        with self._lock:
            exchange, later = entry.exchange, entry.later
        if later is None:
            return exchange
        exchange = later(exchange)
        with self._lock:
            if exchange.our_error and entry.later:  # it showed just now, and is counted by one of its readers
                self._our_errors.append(_our_error(exchange))
            entry.exchange, entry.later = exchange, None
            if entry.kept and (shelf := self._shelves.get(exchange.tenant)):
                self._bytes += shelf.weigh(entry)
                self._keep_bounds(shelf)
        return exchange

    def forget(self, tenant: str, *, with_strangers: bool = False) -> None:
        """Drops the tenant's exchanges, and with them those of unknown callers; numbers go on."""
        with self._lock:
            for owner in (tenant, None) if with_strangers else (tenant,):
                self._bytes -= self._shelves.pop(owner, _Shelf()).drop_all()

    def forgotten(self, tenant: str, *, with_strangers: bool) -> int:
        """How many of the tenant's exchanges fell out of the bounds since they were last dropped."""
        with self._lock:
            return sum(shelf.forgotten for shelf in self._shelves_of(tenant, with_strangers))

    @property
    def written(self) -> int:
        """How many exchanges of anybody's there were since the server started."""
        with self._lock:
            return self._written.total()

    @property
    def forgotten_in_all(self) -> int:
        """How many exchanges of anybody's fell out of the bounds since the server started."""
        with self._lock:
            return self._forgotten_in_all

    def _shelves_of(self, tenant: str, with_strangers: bool) -> list[_Shelf]:
        owners = (tenant, None) if with_strangers else (tenant,)
        return [self._shelves[owner] for owner in owners if owner in self._shelves]

    @property
    def our_errors(self) -> list[str]:
        """What the server itself did wrong, the latest hundred; never forgotten by a reset."""
        with self._lock:
            return list(self._our_errors)


def _our_error(exchange: Exchange) -> str:
    return f"{exchange.method} {exchange.path}: {exchange.our_error}"


def _weight(exchange: Exchange) -> int:
    """About how many bytes the exchange holds on to."""
    texts = (exchange.path, exchange.request_body, exchange.answer_body, exchange.our_error)
    lists = [entry.as_json() for entry in exchange.violations] + [entry.as_json() for entry in exchange.oddities]
    return 500 + sum(sys.getsizeof(text) for text in texts if text) + (len(json.dumps(lists)) if lists else 0)
