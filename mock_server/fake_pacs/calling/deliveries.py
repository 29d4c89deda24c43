"""The delivery log: every call of an app and its answer, per tenant, bounded; and how deliveries are made."""

import json
import re
import threading
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from fake_pacs.calling.values import AppAnswer, Delivery, Finding
from fake_pacs.hospital import thawed
from fake_pacs.redaction import Redactor
from fake_pacs.secret_text import Span, is_secret_name

DEFAULT_DEADLINE = 30.0
"""Seconds in which an app has to answer unless told otherwise (A): apps answer when they are done, some work long."""

MOST_DUPLICATES = 100
LONGEST_SECONDS = 600.0
LONGEST_SENDING = 600.0
"""So many seconds after the first call of an action or a resend, no further one is begun: not the next repetition, no
duplicate, no retry."""
MOST_IN_BACKGROUND, MOST_IN_BACKGROUND_OF_ALL = 64, 512
"""So many deliveries that nobody waits for are under way at a time: of each tenant, and of all together."""

HIDDEN = "<redacted>"


@dataclass(frozen=True)
class DeliveryPolicy:
    """How a tenant's deliveries are made; times in seconds.

    `retries`: calls that failed to connect or were answered with 5xx are made again, up to `attempts` in all, after
    `backoff`, twice that, and so on; off, as no evidence says that a PACS does it (A). `delay` waits before each
    delivery, `duplicates` sends each so many times more, `reorder` holds each back until the next to the same app.
    Raises `ValueError` for what is out of bounds.
    """

    deadline: float = DEFAULT_DEADLINE
    retries: bool = False
    attempts: int = 3
    backoff: float = 0.5
    delay: float = 0.0
    duplicates: int = 0
    reorder: bool = False

    def __post_init__(self) -> None:
        check_seconds("deadline", self.deadline, above_zero=True)
        check_seconds("backoff", self.backoff)
        check_seconds("delay", self.delay)
        if not 1 <= self.attempts <= 10:
            raise ValueError(f"attempts came as {self.attempts}: expected 1 to 10")
        if not 0 <= self.duplicates <= MOST_DUPLICATES:
            raise ValueError(f"duplicates came as {self.duplicates}: expected 0 to {MOST_DUPLICATES}")

    def as_json(self) -> dict[str, Any]:
        """The policy with the control plane's member names."""
        return {
            "deadlineSeconds": self.deadline,
            "retries": self.retries,
            "attempts": self.attempts,
            "backoffSeconds": self.backoff,
            "delaySeconds": self.delay,
            "duplicates": self.duplicates,
            "reorder": self.reorder,
        }


def check_seconds(name: str, seconds: float, *, above_zero: bool = False) -> None:
    """Raises `ValueError` for seconds that nobody waits."""
    if not 0 <= seconds <= LONGEST_SECONDS or (above_zero and seconds == 0):
        least = "more than 0" if above_zero else "0"
        raise ValueError(f"{name} came as {seconds}: expected seconds from {least} to {LONGEST_SECONDS:g}")


class _Book:
    """What is kept for one tenant."""

    def __init__(self) -> None:
        self.entries: dict[int, tuple[Delivery, int]] = {}
        self.bytes = 0
        self.policy = DeliveryPolicy()
        self.held: dict[str, Callable[[], object]] = {}

    def put(self, delivery: Delivery) -> None:
        weight = _weight(delivery)
        self.bytes += weight - self.entries.get(delivery.number, (None, 0))[1]
        self.entries[delivery.number] = delivery, weight

    def shrink(self, count: int, size: int) -> None:
        """Forgets the oldest beyond the bounds, whether answered or not; the last one stays."""
        while len(self.entries) > count or (self.bytes > size and len(self.entries) > 1):
            self.bytes -= self.entries.pop(next(iter(self.entries)))[1]


class Places:
    """So many for each tenant and for all together: one whose apps hang leaves the others theirs."""

    def __init__(self, each: int, together: int) -> None:
        self._lock = threading.Lock()
        self._taken: Counter[str] = Counter()
        self._each, self._together = each, together

    def take(self, tenant: str, count: int = 1) -> bool:
        """Takes so many places, if there are as many."""
        with self._lock:
            free = self._taken[tenant] + count <= self._each and self._taken.total() + count <= self._together
            self._taken[tenant] += count if free else 0
        return free

    def leave(self, tenant: str, count: int = 1) -> None:
        """Gives so many places back."""
        with self._lock:
            self._taken[tenant] -= count


class DeliveryLog:
    """A bounded memory of deliveries, the oldest forgotten first; safe to use from any thread, and never calls out.

    Each tenant has at most `count` deliveries, and about `size` bytes of them; all together have about `total` bytes,
    and beyond them, who has most forgets. Numbers count from 1 in each tenant and are never used again.
    """

    def __init__(self, count: int = 1000, size: int = 16 * 2**20, total: int = 64 * 2**20) -> None:
        self._lock = threading.Lock()
        self._books: dict[str, _Book] = {}
        self._numbers: Counter[str] = Counter()
        self._forgotten: Counter[str] = Counter()
        self._count, self._size, self._total = count, size, total
        self.background = Places(MOST_IN_BACKGROUND, MOST_IN_BACKGROUND_OF_ALL)

    def add(self, delivery: Delivery) -> Delivery:
        """Keeps a delivery, and gives it back with its number."""
        with self._lock:
            self._numbers[delivery.tenant] += 1
            numbered = replace(delivery, number=self._numbers[delivery.tenant])
            book = self._book(delivery.tenant)
            book.put(numbered)
            self._shrink(book)
        return numbered

    def update(self, delivery: Delivery) -> Delivery:
        """Replaces what is kept under the delivery's number; one that was forgotten meanwhile stays so."""
        with self._lock:
            book = self._books.get(delivery.tenant)
            if book is not None and delivery.number in book.entries:
                book.put(delivery)
                self._shrink(book)
        return delivery

    def get(self, tenant: str, number: int) -> Delivery | None:
        """The delivery of that number, None where there is none (any more)."""
        with self._lock:
            book = self._books.get(tenant)
            found = book.entries.get(number) if book else None
        return found[0] if found else None

    def read(
        self, tenant: str, *, application_id: str | None = None, after: int | None = None, limit: int | None = None
    ) -> list[Delivery]:
        """The tenant's deliveries, oldest first; with `limit` the latest so many."""
        with self._lock:
            book = self._books.get(tenant)
            everything = [delivery for delivery, _ in book.entries.values()] if book else []
        found = [
            one for one in everything if one.number > (after or 0) and application_id in (None, one.application_id)
        ]
        return found[-limit:] if limit else found

    def forget(self, tenant: str) -> None:
        """Drops the tenant's deliveries, those held back, and its policy; numbers go on."""
        with self._lock:
            self._books.pop(tenant, None)
            self._forgotten[tenant] += 1

    def forgotten(self, tenant: str) -> int:
        """How often the tenant's deliveries were forgotten: it was reset so many times."""
        with self._lock:
            return self._forgotten[tenant]

    def tokens(self, tenant: str) -> frozenset[str]:
        """The callback tokens that the kept deliveries carried: an app may repeat one in the answer to another."""
        with self._lock:
            book = self._books.get(tenant)
            entries = [delivery for delivery, _ in book.entries.values()] if book else []
        return frozenset(token for token in map(_token_of, entries) if token and len(token) == _TOKEN)

    def policy(self, tenant: str) -> DeliveryPolicy:
        """How the tenant's deliveries are made."""
        with self._lock:
            book = self._books.get(tenant)
            return book.policy if book else DeliveryPolicy()

    def set_policy(self, tenant: str, policy: DeliveryPolicy) -> list[Callable[[], object]]:
        """Changes how deliveries are made; what to send now: held back before, where nothing is reordered any more."""
        with self._lock:
            book = self._book(tenant)
            book.policy = policy
            if policy.reorder:
                return []
            held = list(book.held.values())
            book.held.clear()
        return held

    def hold(self, tenant: str, application_id: str, send: Callable[[], object]) -> bool:
        """Holds a delivery back if none to that app is; False where it has to be sent now."""
        with self._lock:
            held = self._book(tenant).held
            if application_id in held:
                return False
            held[application_id] = send
            return True

    def release(self, tenant: str, application_id: str) -> Callable[[], object] | None:
        """What was held back for that app, to be sent now."""
        with self._lock:
            book = self._books.get(tenant)
            return book.held.pop(application_id, None) if book else None

    def _shrink(self, book: _Book) -> None:
        book.shrink(self._count, self._size)
        while sum(each.bytes for each in self._books.values()) > self._total:
            fullest = max(self._books.values(), key=lambda each: each.bytes)
            if len(fullest.entries) == 1:
                break
            fullest.shrink(len(fullest.entries) - 1, self._size)

    def _book(self, tenant: str) -> _Book:
        return self._books.setdefault(tenant, _Book())


def _weight(delivery: Delivery) -> int:
    """About how many bytes the delivery holds on to."""
    sent = len(json.dumps(thawed(delivery.invocation))) if delivery.invocation is not None else 0
    answer = delivery.answer
    came = len(answer.body) + sum(len(name) + len(text) for name, text in answer.headers.items()) if answer else 0
    return 1000 + sent + came + sum(len(finding.text) + len(finding.place) for finding in delivery.findings)


def shown(delivery: Delivery, tokens: Collection[str] = ()) -> dict[str, Any]:
    """The delivery as the control plane shows it: without the secrets that it carried, and without these tokens."""
    hide = _Hiding(delivery, tokens)
    return {
        "number": delivery.number,
        "at": delivery.at,
        "tenant": delivery.tenant,
        "applicationId": delivery.application_id,
        "kind": delivery.kind,
        "method": delivery.method,
        "url": hide.text(delivery.url),
        "slideId": delivery.slide_id,
        "resultId": delivery.result_id,
        "invocation": _without_secrets(delivery.invocation, hide),
        "state": delivery.state,
        "attempt": delivery.attempt,
        "resendOf": delivery.resend_of,
        "answer": _shown_answer(delivery.answer, hide),
        "findings": [_clean(finding, hide).as_json() for finding in delivery.findings],
        "ok": delivery.ok,
    }


def clean_findings(
    delivery: Delivery, findings: Iterable[Finding], tokens: Collection[str] = ()
) -> tuple[Finding, ...]:
    """The findings without the delivery's secrets and these tokens, which an app may have repeated.

    Findings are printed anywhere.
    """
    hide = _Hiding(delivery, tokens)
    return tuple(_clean(finding, hide) for finding in findings)


def _clean(finding: Finding, hide: Redactor) -> Finding:
    return replace(finding, text=hide.text(finding.text), place=hide.text(finding.place))


def _shown_answer(answer: AppAnswer | None, hide: Redactor) -> dict[str, Any] | None:
    if answer is None:
        return None
    return {
        "status": answer.status,
        "headers": {
            name: HIDDEN if is_secret_name(name) or name == "set-cookie" else hide.text(text)
            for name, text in answer.headers.items()
        },
        "body": hide.body(answer.body),
        "seconds": round(answer.seconds, 3),
        "trouble": hide.text(answer.trouble) if answer.trouble else None,
    }


_TOKEN = 43
"""So many characters has a token of ours."""

_TOKEN_WITHIN = re.compile(rf"[A-Za-z0-9_-]{{{_TOKEN},}}")


class _Hiding(Redactor):
    """Knows the delivery's callback token, what its answer names as secret, and the tokens of other deliveries."""

    def __init__(self, delivery: Delivery, tokens: Collection[str]) -> None:
        token = _token_of(delivery)
        sent = json.dumps({"token": token}).encode() if token is not None else None
        super().__init__((), delivery.url, sent, delivery.answer.body if delivery.answer else None)
        self._tokens = tokens

    def _spans(self, text: str) -> Iterator[Span]:
        yield from super()._spans(text)
        for run in _TOKEN_WITHIN.finditer(text) if self._tokens else ():
            for token in self._found(run.group()):
                for found in re.finditer(token, run.group()):
                    yield Span(run.start() + found.start(), run.start() + found.end())

    def _found(self, run: str) -> list[str]:
        """The tokens in a run of their characters: looked up at each place, in a long run searched for one by one."""
        places = len(run) - _TOKEN + 1
        if places > len(self._tokens):
            return [token for token in self._tokens if token in run]
        return [run[start : start + _TOKEN] for start in range(places) if run[start : start + _TOKEN] in self._tokens]


def _token_of(delivery: Delivery) -> str | None:
    callback = (delivery.invocation or {}).get("callbackInfo")
    token = callback.get("token") if isinstance(callback, Mapping) else None
    return token if isinstance(token, str) else None


def _without_secrets(value: Any, hide: Redactor) -> Any:
    """A JSON value without what is named as a secret, and without the known secrets in its texts."""
    if isinstance(value, Mapping):
        return {
            name: HIDDEN if is_secret_name(name) and member is not None else _without_secrets(member, hide)
            for name, member in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [_without_secrets(item, hide) for item in value]
    return hide.text(value) if isinstance(value, str) else value
