"""Time and identifiers, injected: tests turn them, and a seeded run of one client in sequence is reproducible."""

import hashlib
import secrets
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Where the emulator reads the time: tokens expire and exchanges are stamped by it."""

    def now(self) -> datetime:
        """The time of day, aware, in UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds that never run backwards, for durations."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        """The time of day, aware, in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds that never run backwards."""
        return time.monotonic()


class ManualClock:
    """A clock that only moves when told: `advance(seconds)`; with `step` it also moves by that at each look."""

    def __init__(self, start: datetime = datetime(2026, 1, 1, tzinfo=UTC), step: float = 0.0) -> None:
        self._lock = threading.Lock()
        self._start = start
        self._elapsed = 0.0
        self._step = step

    def advance(self, seconds: float) -> None:
        """Move the clock on by so many seconds."""
        with self._lock:
            self._elapsed += seconds

    def now(self) -> datetime:
        """The start plus all that the clock was moved by."""
        return self._start + timedelta(seconds=self._look())

    def monotonic(self) -> float:
        """Seconds since the start."""
        return self._look()

    def _look(self) -> float:
        with self._lock:
            self._elapsed += self._step
            return self._elapsed


class Ids(Protocol):
    """Where the emulator gets its opaque identifiers from."""

    def version(self) -> str:
        """A new `versionId`: 16 hexadecimal digits, so that nobody mistakes it for a number to count up."""
        ...

    def token(self) -> str:
        """A new secret: 43 cookie-safe characters, 256 bit."""
        ...

    def boundary(self) -> str:
        """A new multipart boundary."""
        ...


class RandomIds:
    """Identifiers from the operating system's random source."""

    def version(self) -> str:
        """16 random hexadecimal digits."""
        return secrets.token_hex(8)

    def token(self) -> str:
        """43 random URL-safe characters."""
        return secrets.token_urlsafe(32)

    def boundary(self) -> str:
        """A random boundary of 40 characters."""
        return f"fakepacs{secrets.token_hex(16)}"


class SeededIds:
    """Identifiers that depend only on the seed and on how many were made before: for reproducible runs."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._made = 0
        self._lock = threading.Lock()

    def version(self) -> str:
        """The next 16 hexadecimal digits of the seeded sequence."""
        return self._next("version")[:16]

    def token(self) -> str:
        """The next 43 characters of the seeded sequence; predictable, so not for servers that others reach."""
        return self._next("token")[:43]

    def boundary(self) -> str:
        """The next boundary of the seeded sequence."""
        return f"fakepacs{self._next('boundary')[:32]}"

    def _next(self, purpose: str) -> str:
        with self._lock:
            self._made += 1
            number = self._made
        return hashlib.sha256(f"{self._seed}/{purpose}/{number}".encode()).hexdigest()
