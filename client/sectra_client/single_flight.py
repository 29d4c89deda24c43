"""Work that many threads need at the same time, done by one of them."""

import threading
from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from typing import Generic, TypeVar

T = TypeVar("T")


class SingleFlight(Generic[T]):
    """One thread works, those that come meanwhile wait and share what it gets: the value, or the same error."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._flight: Future[T] | None = None

    def get(self, known: Callable[[], T | None], work: Callable[[], T]) -> T:
        """What is known already, else what the work brings: this thread's or that of one which began before.

        `work` must keep its value where `known` finds it. Raises what `work` raises; where the working thread was
        stopped (Ctrl-C), one of the others works instead.
        """
        while True:
            with self._lock:
                value = known()
                if value is not None:
                    return value
                waited_for = self._flight
                mine = self._flight = waited_for or Future()
            if waited_for is None:
                return self._fly(mine, work)
            try:
                return waited_for.result()
            except CancelledError:
                continue

    def _fly(self, flight: Future[T], work: Callable[[], T]) -> T:
        try:
            value = work()
            flight.set_result(value)
            return value
        except Exception as error:
            flight.set_exception(error)
            raise
        finally:
            with self._lock:
                self._flight = None
            flight.cancel()  # does nothing but where the thread was stopped
