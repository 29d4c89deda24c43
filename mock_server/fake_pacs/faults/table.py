"""The one table of faults: by operationId, for each tenant, in order; consumed, and queryable afterwards."""

import threading
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, ClassVar, Protocol

from fake_pacs.calls import Call
from fake_pacs.faults.asking import Asking
from fake_pacs.faults.effects import Effect, ExpireToken, MalformedMultipart
from fake_pacs.faults.fault import ANY, Fault, Record, Taken
from fake_pacs.faults.slides import BadSlide, misbehaviour
from fake_pacs.faults.tokens import TokenLives, digest_of
from fake_pacs.hospital import Slide

MOST_FAULTS = 1000
"""So many faults a tenant's table holds."""


@dataclass(frozen=True)
class Outcome:
    """What became of an exchange: its number in the journal, its status, its body where it is JSON, its bytes."""

    exchange: int
    status: int
    body: bytes | None
    length: int


class Watcher(Protocol):
    """Somebody who sees a tenant's exchanges before and after they are served: an incident.

    `before` may answer what goes wrong with this one; `token` is the digest of the bearer token.
    """

    name: ClassVar[str]

    def before(self, call: Call, token: str | None) -> Effect | None:
        """Told of an exchange that is about to be served."""
        ...

    def after(self, call: Call, token: str | None, outcome: Outcome) -> None:
        """Told of an exchange whose answer is ready; also of those refused because of a dead token."""
        ...


@dataclass
class Touch:
    """What faults do to one exchange: wait `seconds`, then the effect; `dead`: its token is expired."""

    call: Call
    token: str | None
    faults: "TenantFaults"
    effect: Effect | None = None
    seconds: float = 0.0
    dead: bool = False
    marks: list[str] = field(default_factory=list)
    taken: list[Taken] = field(default_factory=list)

    def done(self, outcome: Outcome) -> None:
        """The answer is ready and journalled."""
        self.faults.done(self, outcome)


class TenantFaults(Asking):
    """The faults of one tenant, oldest first: of those that meet an exchange, the first that isn't used up has it.

    A fault that still lets exchanges through (`after`) has them, too: a later one waits its turn. Token expiry counts
    beside all others.
    """

    def __init__(self, operations: Callable[[], Collection[str]]) -> None:
        self._operations = operations
        self._lock = threading.Lock()
        self._records: list[Record] = []
        self._numbered = 0
        self._tokens = TokenLives()
        self._rounds: Counter[tuple[str, str]] = Counter()
        self._watchers: tuple[Watcher, ...] = ()
        self._slides: dict[str, Slide] = {}
        self.idle = True
        """Nothing is to be looked at: no fault, no incident, no dead token."""

    def put(self, fault: Fault) -> Record:
        """Adds a fault at the end of the table. Raises `ValueError` for an operation that there isn't."""
        self._check(fault)
        with self._lock:
            if len(self._records) >= MOST_FAULTS:
                raise ValueError(f"faults: the table holds {MOST_FAULTS}, and that is the most; clear it")
            self._numbered += 1
            record = Record(self._numbered, fault)
            self._records.append(record)
            self.idle = False
        return record

    def _check(self, fault: Fault) -> None:
        known = self._operations()
        if fault.operation_id != ANY and fault.operation_id not in known:
            near = get_close_matches(fault.operation_id, known, 1)
            meant = f"; did you mean {near[0]}?" if near else f", such as {min(known)}"
            raise ValueError(
                f"operationId: came {fault.operation_id!r}, expected * or an operation of this server{meant}"
            )
        if isinstance(fault.effect, MalformedMultipart) and fault.operation_id != "getSlideFiles":
            raise ValueError(f"operationId: came {fault.operation_id!r}, expected getSlideFiles: it alone is multipart")

    @property
    def records(self) -> tuple[Record, ...]:
        """All faults with what they met and took, in order, those that are used up included."""
        with self._lock:
            return tuple(self._records)

    def remove(self, number: int) -> bool:
        """Takes one fault out; False where there is none of that number."""
        with self._lock:
            left = [record for record in self._records if record.number != number]
            removed = len(left) < len(self._records)
            self._records = left
        return removed

    def clear(self) -> None:
        """Forgets all faults, expired tokens and incidents; numbers go on."""
        with self._lock:
            self._records, self._watchers, self._slides = [], (), {}
            self._tokens, self._rounds, self.idle = TokenLives(), Counter(), True

    def assert_consumed(self) -> None:
        """Raises `AssertionError`, naming each fault that still waits for exchanges and what came of them so far.

        Faults for all exchanges (`times` None) must have taken at least one.
        """
        waiting = [record for record in self.records if (record.left or 0) > 0 or not record.taken]
        if waiting:
            lines = [f"  {record}: took {record.taken} of {record.met} that met it" for record in waiting]
            raise AssertionError("these faults are not consumed:\n" + "\n".join(lines))

    def watch(self, watcher: Watcher) -> None:
        """Lets somebody see the tenant's exchanges."""
        with self._lock:
            self._watchers = (*self._watchers, watcher)
            self.idle = False

    def unwatch(self, watcher: Watcher) -> None:
        """Lets them see no more of them."""
        with self._lock:
            self._watchers = tuple(other for other in self._watchers if other is not watcher)

    @property
    def slides_seen(self) -> tuple[Slide, ...]:
        """The slides that this tenant sees in place of the hospital's."""
        return tuple(self._slides.values())

    def show_slide(self, slide: Slide) -> None:
        """Lets this tenant see another slide in the place of the one of its id."""
        with self._lock:
            self._slides = {**self._slides, slide.id: slide}
            self.idle = False

    def hide_slide(self, slide_id: str) -> None:
        """Lets this tenant see the hospital's slide of that id again."""
        with self._lock:
            self._slides = {known: slide for known, slide in self._slides.items() if known != slide_id}

    def expire(self, token: str) -> None:
        """Lets a token, named by its digest, expire now."""
        with self._lock:
            self._tokens.kill(token)
            self.idle = False

    def revive(self, token: str) -> None:
        """Lets a token, named by its digest, be taken again."""
        with self._lock:
            self._tokens.revive(token)

    def touch(self, call: Call, token: str | None, bad: BadSlide | None) -> Touch:
        """What happens to this exchange; counts it."""
        touch = Touch(call, token, self)
        with self._lock:
            self._check_token(touch)
        if touch.dead:
            return touch
        for watcher in self._watchers:
            effect = watcher.before(call, token)
            if effect is not None:
                touch.effect = effect
                touch.marks.append(f"incident {watcher.name}: {effect.kind}")
                return touch
        with self._lock:
            if not self._take(touch) and bad:
                self._misbehave(touch, bad)
        return touch

    def _check_token(self, touch: Touch) -> None:
        token = touch.token
        if token is None:
            return
        for record, effect in self._token_faults(touch.call):
            calls, answered = self._tokens.used(record.number, token)
            limit = effect.after_calls if effect.after_calls is not None else effect.after_bytes
            so_far = calls if effect.after_calls is not None else answered
            record.met += 1
            if limit is not None and so_far >= limit and not record.used_up and not self._tokens.is_dead(token):
                self._tokens.kill(token)
                touch.taken.append(record.take())
                touch.marks.append(str(record))
        if self._tokens.is_dead(token):
            touch.dead = True
            touch.marks.append("the token is expired")

    def _token_faults(self, call: Call) -> list[tuple[Record, ExpireToken]]:
        return [
            (record, record.fault.effect)
            for record in self._records
            if isinstance(record.fault.effect, ExpireToken) and not record.used_up and record.fault.meets(call)
        ]

    def _take(self, touch: Touch) -> bool:
        """Whether a fault of the table has this exchange."""
        for record in self._records:
            fault = record.fault
            if record.used_up or isinstance(fault.effect, ExpireToken) or not fault.meets(touch.call):
                continue
            taken = record.meet()
            if taken is not None:
                touch.effect, touch.seconds = fault.effect, taken.seconds
                touch.taken.append(taken)
                touch.marks.append(str(record))
            return True
        return False

    def _misbehave(self, touch: Touch, bad: BadSlide) -> None:
        place = bad.id, touch.call.operation_id
        self._rounds[place] += 1
        if bad.per_round and self._rounds[place] % bad.per_round == 0:
            return
        touch.effect, touch.seconds = bad.effect, bad.latency.seconds or 0.0 if bad.latency else 0.0
        touch.marks.append(f"slide {bad.id}: {bad.what}")

    def done(self, touch: Touch, outcome: Outcome) -> None:
        """Writes down what became of an exchange."""
        with self._lock:
            for taken in touch.taken:
                taken.exchange = outcome.exchange
            for record, _ in self._token_faults(touch.call) if touch.token else ():
                self._tokens.answered(record.number, touch.token or "", outcome.length)
        for watcher in self._watchers:
            watcher.after(touch.call, touch.token, outcome)


class FaultTable:
    """The faults of all tenants; they belong to this process, like the journal and the clock."""

    def __init__(self, operations: Callable[[], Collection[str]]) -> None:
        self._operations = operations
        self._lock = threading.Lock()
        self._tenants: dict[str, TenantFaults] = {}

    def of(self, tenant: str) -> TenantFaults:
        """The faults of a tenant; always the same object."""
        with self._lock:
            return self._tenants.setdefault(tenant, TenantFaults(self._operations))

    def clear(self, tenant: str) -> None:
        """Forgets all that goes wrong in a tenant; of one where nothing ever did, nothing is kept."""
        with self._lock:
            of_tenant = self._tenants.get(tenant)
        if of_tenant is not None:
            of_tenant.clear()

    def touch(self, call: Call, authorization: str | None, known: Callable[[str], Any]) -> Touch | None:
        """What faults do to an exchange; None, and next to no time spent, where there is none.

        `known` gives the hospital's own slide of an id: one that is called like a misbehaving slide behaves well.
        """
        bad = misbehaviour(call)
        bad = None if bad and known(bad.id) is not None else bad
        of_tenant = self._tenants.get(call.caller.tenant)
        if bad is None and (of_tenant is None or of_tenant.idle):
            return None
        return self.of(call.caller.tenant).touch(call, digest_of(authorization), bad)
