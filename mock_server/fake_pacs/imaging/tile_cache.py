"""A bounded memory of what was rendered last."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Kept = TypeVar("Kept")


class TileCache(Generic[Kept]):
    """Keeps the values used last, up to a budget in bytes; a budget of 0 switches it off.

    Two threads that miss the same key at the same time both make the value: simpler than waiting, and harmless.
    """

    def __init__(self, budget: int, weight: Callable[[Kept], int]) -> None:
        self._budget = budget
        self._weight = weight
        self._used = 0
        self._kept: OrderedDict[Hashable, Kept] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def used(self) -> int:
        """Bytes held at the moment, by the given weight; never more than the budget."""
        return self._used

    def get_or_make(self, key: Hashable, make: Callable[[], Kept]) -> Kept:
        """The value kept for the key, else a newly made one, which is then kept; what `make` raises is raised."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        made = make()
        self._keep(key, made)
        return made

    def _keep(self, key: Hashable, value: Kept) -> None:
        weight = self._weight(value)
        if weight > self._budget:
            return
        with self._lock:
            if key in self._kept:
                return
            self._kept[key] = value
            self._used += weight
            while self._used > self._budget:
                _, dropped = self._kept.popitem(last=False)
                self._used -= self._weight(dropped)
