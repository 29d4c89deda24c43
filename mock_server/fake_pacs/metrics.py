"""What a server has done since it started, by operation and status, never by path or tenant.

Counting is a few additions; Prometheus' own library, which writes the text (`metrics_text`), is loaded by the first
who asks for it.
"""

import threading
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from fake_pacs.journal import Exchange, Journal

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
"""The text format that every Prometheus reads."""

NO_OPERATION = "none"
"""The `operation` of what was no request to an operation: unknown paths, and what the HTTP server refused by itself."""

BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper bounds of the buckets of durations, in seconds."""


@dataclass(frozen=True)
class Family:
    """A counter: its name, what it counts, and the names of its labels."""

    name: str
    help: str
    labels: tuple[str, ...]


REQUESTS = Family("fake_pacs_requests", "Requests answered.", ("operation", "status"))
RECEIVED = Family("fake_pacs_request_body_bytes", "Bytes of bodies read.", ("operation",))
ANSWERED = Family("fake_pacs_answer_body_bytes", "Bytes of bodies answered.", ("operation",))
REFUSALS = Family("fake_pacs_refusals", "Requests refused.", ("problem",))
BREAKS = Family(
    "fake_pacs_contract_breaks", "Exchanges that broke the contract, by whose message did: caller or server.", ("side",)
)
TOKENS = Family("fake_pacs_tokens_issued", "Tokens issued.", ("kind",))
CALLS = Family("fake_pacs_app_calls", "Calls of apps; status none: no answer came.", ("operation", "status"))
FINDINGS = Family("fake_pacs_app_findings", "What is wrong with apps' answers, by the finding's code.", ("code",))
FAMILIES = (REQUESTS, RECEIVED, ANSWERED, REFUSALS, BREAKS, TOKENS, CALLS, FINDINGS)


@dataclass
class Durations:
    """Durations by bucket, those above the last bound in one more, and their sum in seconds."""

    buckets: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS) + 1))
    total: float = 0.0

    def add(self, seconds: float) -> None:
        """Counts one."""
        self.buckets[bisect_left(BOUNDS, seconds)] += 1
        self.total += seconds


@dataclass(frozen=True)
class Tally:
    """All that was counted, at one moment."""

    counts: Mapping[Family, Mapping[tuple[str, ...], int]]
    durations: Mapping[str, Durations]
    in_flight: int
    forgotten: int
    call_durations: Mapping[str, Durations] = field(default_factory=dict)


class Metrics:
    """The metrics of one server: two servers in a process don't mix."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._lock = threading.Lock()
        self._counts: dict[Family, Counter[tuple[str, ...]]] = {family: Counter() for family in FAMILIES}
        self._durations: dict[str, Durations] = {}
        self._call_durations: dict[str, Durations] = {}
        self._in_flight = 0

    def begun(self) -> Callable[[], None]:
        """Counts a request that is under way; call what is answered when its answer is out, as often as you like."""
        left = [1]
        with self._lock:
            self._in_flight += 1

        def done() -> None:
            with self._lock:
                self._in_flight -= left[0]
                left[0] = 0

        return done

    def observe(self, exchange: Exchange, problem: str | None, received: int, answered: int) -> None:
        """Counts an exchange; `problem` names the refusal, None where it was none."""
        operation = exchange.operation_id or NO_OPERATION
        with self._lock:
            self._counts[REQUESTS][operation, str(exchange.status)] += 1
            self._counts[RECEIVED][operation,] += received
            self._counts[ANSWERED][operation,] += answered
            self._durations.setdefault(operation, Durations()).add(exchange.duration_ms / 1000)
            if problem:
                self._counts[REFUSALS][problem,] += 1
            if exchange.our_error or exchange.violations:
                self._counts[BREAKS]["server" if exchange.our_error else "caller",] += 1

    def observe_call(self, operation: str, status: int | None, seconds: float, codes: Sequence[str]) -> None:
        """Counts a call of an app by its operation of the app's side, and what was found wrong with the answer."""
        with self._lock:
            self._counts[CALLS][operation, NO_OPERATION if status is None else str(status)] += 1
            self._call_durations.setdefault(operation, Durations()).add(seconds)
            for code in codes:
                self._counts[FINDINGS][code,] += 1

    def broke_off(self) -> None:
        """Counts an answer that the server broke off after it was observed."""
        with self._lock:
            self._counts[BREAKS]["server",] += 1

    def token_issued(self, kind: str) -> None:
        """Counts a token, callback token or session token that was issued."""
        with self._lock:
            self._counts[TOKENS][kind,] += 1

    def tally(self) -> Tally:
        """All that was counted until now, as a copy."""
        with self._lock:
            counts = {family: dict(counted) for family, counted in self._counts.items()}
            durations, calls = _copied(self._durations), _copied(self._call_durations)
            in_flight = self._in_flight
        return Tally(counts, durations, in_flight, self._journal.forgotten_in_all, calls)

    def text(self) -> bytes:
        """All metrics in Prometheus' text format."""
        from fake_pacs.metrics_text import text  # 3 MB of memory that most servers never need

        return text(self.tally())


def _copied(durations: Mapping[str, Durations]) -> dict[str, Durations]:
    return {name: Durations(list(known.buckets), known.total) for name, known in durations.items()}
