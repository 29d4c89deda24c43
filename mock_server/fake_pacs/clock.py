"""Time and identifiers, injected: tests turn them, and a seeded run of one client in sequence is reproducible."""

import hashlib
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Protocol

EARLIEST, LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)
"""What a clock can be moved to: times whose tokens expire, and whose `Retry-After` ends, on a day that there is."""


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


class MovableClock:
    """A clock that goes like another one until it is moved, set or frozen: for a month of renewals in a second.

    Only the time of day moves. `monotonic` is always that of the clock beneath: durations stay true, and it never runs
    backwards.
    """

    def __init__(self, beneath: Clock) -> None:
        self._beneath = beneath
        self._lock = threading.Lock()
        self._offset = timedelta()
        self._frozen_at: datetime | None = None

    def now(self) -> datetime:
        """The time of day of the clock beneath, moved; or that at which it was frozen."""
        frozen = self._frozen_at
        return frozen if frozen is not None else self._beneath.now() + self._offset

    def monotonic(self) -> float:
        """Seconds that never run backwards, whatever is done to this clock."""
        return self._beneath.monotonic()

    @property
    def offset(self) -> float:
        """How many seconds it is ahead of the clock beneath; negative where it is behind."""
        frozen = self._frozen_at
        return (frozen - self._beneath.now() if frozen is not None else self._offset).total_seconds()

    @property
    def frozen(self) -> bool:
        """Whether it stands still."""
        return self._frozen_at is not None

    def advance(self, seconds: float) -> None:
        """Moves it on by so many seconds, frozen or not. Raises `ValueError` for less than 0, and past `LATEST`."""
        if seconds < 0:
            raise ValueError(f"can't advance by {seconds} s: expected 0 or more; set() takes an earlier time")
        with self._lock:
            if self._frozen_at is not None:
                self._frozen_at = _later(self._frozen_at, seconds)
            else:
                _later(self._beneath.now() + self._offset, seconds)
                self._offset += timedelta(seconds=seconds)

    def set(self, time_of_day: datetime) -> None:
        """Sets it to that time, from which it goes on, or stands where it is frozen.

        Raises `ValueError` for a time without an offset to UTC, and for one before `EARLIEST` or after `LATEST`.
        """
        if time_of_day.tzinfo is None:
            raise ValueError(f"the time {time_of_day.isoformat()} has no offset to UTC: append Z or +00:00")
        if not EARLIEST <= time_of_day <= LATEST:
            raise ValueError(f"a time from {EARLIEST.year} to {LATEST.year}")
        with self._lock:
            if self._frozen_at is not None:
                self._frozen_at = time_of_day.astimezone(UTC)
            else:
                self._offset = time_of_day.astimezone(UTC) - self._beneath.now()

    def freeze(self, *, frozen: bool = True) -> None:
        """Stops it where it is, or lets it go on from there."""
        with self._lock:
            if frozen and self._frozen_at is None:
                self._frozen_at = self._beneath.now() + self._offset
            elif not frozen and self._frozen_at is not None:
                self._offset = self._frozen_at - self._beneath.now()
                self._frozen_at = None

    @contextmanager
    def all_or_nothing(self) -> Iterator["MovableClock"]:
        """A clock like this one, to be moved in the block: this one follows at its end, unless something is raised."""
        with self._lock:
            tried = MovableClock(self._beneath)
            tried._offset, tried._frozen_at = self._offset, self._frozen_at
            yield tried
            self._offset, self._frozen_at = tried._offset, tried._frozen_at

    def reset(self) -> None:
        """Lets it go like the clock beneath again."""
        with self._lock:
            self._offset, self._frozen_at = timedelta(), None


def _later(moment: datetime, seconds: float) -> datetime:
    """Raises `ValueError` for a time after `LATEST`."""
    if not seconds <= (LATEST - moment).total_seconds():
        raise ValueError(f"{seconds:g} s later is beyond the year {LATEST.year}: advance by less")
    return moment + timedelta(seconds=seconds)


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
        self._seed = str(seed)
        self._branch = ""
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

    def branch(self, name: str) -> None:
        """Go on with another sequence, which depends on the name, too.

        What is loaded from elsewhere may hold identifiers of this seed: named by its digest, they never come again.
        """
        with self._lock:
            self._branch = f"+{name}"

    def _next(self, purpose: str) -> str:
        with self._lock:
            self._made += 1
            text = f"{self._seed}{self._branch}/{purpose}/{self._made}"
        return hashlib.sha256(text.encode()).hexdigest()
