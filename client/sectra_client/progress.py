"""How far a transfer is: the callback's form, and a progress bar ready-made."""

import threading
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import Any

Progress = Callable[[int, int | None], None]
"""Called with the bytes transferred so far and the bytes in all (None where unknown), after every block."""

OnFile = Callable[[Path], None]
"""Called with a file that is complete and has its name."""


class ProgressBar:
    """A progress bar on stderr, to pass as `progress=`; a context manager. Needs tqdm, which is loaded on first use.

    One bar may serve several transfers at once, each through a callback of its own (`transfer()`). Safe in threads.
    """

    def __init__(self, description: str = "", **options: Any) -> None:
        tqdm = import_module("tqdm").tqdm  # no annotations of its own, and loaded only here
        self._bar = tqdm(desc=description, unit="B", unit_scale=True, unit_divisor=1024, **options)
        self._bar.total = None
        self._lock = threading.Lock()
        self._only = self.transfer()

    def __call__(self, received: int, total: int | None) -> None:
        """Shows how far a single transfer is."""
        self._only(received, total)

    def transfer(self) -> Progress:
        """A callback for one transfer; its size is added to the bar's total, its bytes to what is done."""
        seen = {"received": 0, "total": 0}

        def progress(received: int, total: int | None) -> None:
            with self._lock:
                self._bar.total = (self._bar.total or 0) + (total or 0) - seen["total"] or None
                self._bar.update(received - seen["received"])
                seen.update(received=received, total=total or 0)

        return progress

    def close(self) -> None:
        """Leaves the bar as it is."""
        self._bar.close()

    def __enter__(self) -> "ProgressBar":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
