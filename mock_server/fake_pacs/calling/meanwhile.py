"""What happened to results while an app was at work: what it then says of one may be true, and yet be over."""

import threading
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

MOST = 2000
"""So many changes are remembered; an app accused in spite of an older one works for long among many."""


@dataclass(frozen=True)
class _Change:
    number: int
    of: tuple[str, str, int]
    version_id: str
    by_user: bool


@dataclass(frozen=True)
class Shift:
    """One call of an app: how many changes there were before, and how many calls of the app, and of those under way."""

    app: tuple[str, str]
    changes: int
    calls: int
    others: int


class Meanwhile:
    """The latest `MOST` versions of results that users replaced or removed, and that apps stored; thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._changes: deque[_Change] = deque(maxlen=MOST)
        self._count = 0
        self._calls: Counter[tuple[str, str]] = Counter()
        self._under_way: Counter[tuple[str, str]] = Counter()

    def user_replaces(self, tenant: str, application_id: str, result_id: int, version_id: str) -> None:
        """The user is about to replace or remove the result that has this version."""
        self._note((tenant, application_id, result_id), version_id, by_user=True)

    def app_stored(self, tenant: str, application_id: str, result_id: int, version_id: str) -> None:
        """The app has stored the result, which has this version since."""
        self._note((tenant, application_id, result_id), version_id, by_user=False)

    @contextmanager
    def shift(self, tenant: str, application_id: str) -> Iterator[Shift]:
        """The app is at work in the block."""
        app = (tenant, application_id)
        with self._lock:
            self._calls[app] += 1
            shift = Shift(app, self._count, self._calls[app], self._under_way[app])
            self._under_way[app] += 1
        try:
            yield shift
        finally:
            with self._lock:
                self._under_way[app] -= 1

    def over(self, shift: Shift, result_id: int) -> frozenset[str]:
        """The versions of that result which the app may tell of though they are over.

        Those that the user replaced or removed since the shift began; and, where other calls of the app overlapped with
        it, those that the app stored since: nobody knows in which of its calls it did.
        """
        of = (*shift.app, result_id)
        with self._lock:
            alone = not shift.others and self._calls[shift.app] == shift.calls
            since = [change for change in self._changes if change.number > shift.changes and change.of == of]
        return frozenset(change.version_id for change in since if change.by_user or not alone)

    def _note(self, of: tuple[str, str, int], version_id: str, *, by_user: bool) -> None:
        with self._lock:
            self._count += 1
            self._changes.append(_Change(self._count, of, version_id, by_user))
