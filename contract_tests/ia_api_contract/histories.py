"""Histories: what concurrent clients asked of one register that has versions, when, and what they were told."""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Literal, TypeVar

Came = TypeVar("Came")


@dataclass(frozen=True)
class Register:
    """A value with its version; None where it isn't known."""

    value: str | None
    version: str | None


@dataclass(frozen=True)
class Operation:
    """One operation of one client, from the moment before it was sent to the moment after it was answered (seconds).

    A `read` came back with `value` and `version`. A `write` sent `value` with the version that it `expected`; it was
    `accepted`, and then made `version` (None where the answer doesn't say), or refused because of the version expected.
    """

    client: int
    action: Literal["read", "write"]
    called: float
    returned: float
    value: str | None
    version: str | None = None
    expected: str | None = None
    accepted: bool = True

    @property
    def refused(self) -> bool:
        """Whether it is a write that was refused."""
        return not self.accepted

    def __str__(self) -> str:
        if self.action == "read":
            return f"reads {self.value!r}, version {self.version!r}"
        sent = f"writes {self.value!r} over version {self.expected!r}"
        if self.refused:
            return f"{sent}: refused as stale"
        return f"{sent}: accepted" + (f" as version {self.version!r}" if self.version is not None else "")


def in_words(history: Iterable[Operation], first: Register) -> str:
    """The history as a table: when each operation began and ended, in ms from the first one on, and what it did."""
    ordered = sorted(history, key=lambda operation: operation.called)
    began = ordered[0].called if ordered else 0.0
    holds = "a value that wasn't read" if first.value is None else repr(first.value)
    lines = [f"  at first the register holds {holds}, version {first.version!r}"]
    for operation in ordered:
        start, stop = ((moment - began) * 1000 for moment in (operation.called, operation.returned))
        lines.append(f"  {start:8.1f} to {stop:8.1f} ms  client {operation.client} {operation}")
    return "\n".join(lines)


@dataclass
class Recorder:
    """Gathers the operations of concurrent clients; every client records through it."""

    _operations: list[Operation] = field(default_factory=list)
    _lock: Lock = field(default_factory=Lock)

    def record(self, ask: Callable[[], Came], understood: Callable[[Came, float, float], Operation]) -> Came:
        """What `ask` comes back with; `understood` makes the operation of it and of the moments around it."""
        called = time.monotonic()
        came = ask()
        returned = time.monotonic()
        operation = understood(came, called, returned)
        with self._lock:
            self._operations.append(operation)
        return came

    @property
    def history(self) -> Sequence[Operation]:
        """All operations so far, in the order in which they began."""
        with self._lock:
            return sorted(self._operations, key=lambda operation: operation.called)
