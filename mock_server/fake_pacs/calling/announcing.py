"""Telling subscribed apps of slides that joined meanwhile: in a thread of its own, behind a bounded queue."""

import queue
import threading
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Self

from fake_pacs.calling.values import Delivery
from fake_pacs.calling.workstation import Workstation
from fake_pacs.world import World

MOST_WAITING = 10_000
"""So many slides wait to be announced; of more than these no app is told."""

_GRACE_SECONDS = 0.5
"""On stop, the announcement under way has this long; then its thread is left to end with the process."""


class Announcer:
    """Sends an image notification for each announced slide to the subscribed apps of every tenant.

    As a context manager it works while the block runs. `tell` gets, as one text each, what an app did wrong and what
    could not be announced. Without `tell_answers` it gets the latter alone: what apps answer has no place in a log.
    """

    def __init__(
        self, world: World, tell: Callable[[str], None], most: int = MOST_WAITING, *, tell_answers: bool = True
    ) -> None:
        self._world = world
        self._tell = tell
        self._tell_answers = tell_answers
        self._waiting: queue.Queue[str] = queue.Queue(most)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="fake-pacs-announce", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopped.set()
        self._thread.join(_GRACE_SECONDS)

    def announce(self, slide_ids: Iterable[str]) -> None:
        """Has the slides announced, and returns at once."""
        left_out = 0
        for slide_id in slide_ids:
            try:
                self._waiting.put_nowait(slide_id)
            except queue.Full:
                left_out += 1
        if left_out:
            self._tell(f"no app is told of {left_out} new slides: {self._waiting.maxsize} others wait to be announced")

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                slide_id = self._waiting.get(timeout=_GRACE_SECONDS / 2)
            except queue.Empty:
                continue
            try:
                self._announce(slide_id)
            except Exception as error:  # the slide left, the server stopped: the next one may go well
                self._tell(f"no app is told of slide {slide_id}: {error}")

    def _announce(self, slide_id: str) -> None:
        self._world.ready.wait()
        for tenant in self._world.store.tenants():
            for delivery in Workstation(self._world, tenant=tenant).import_slide(slide_id):
                if self._tell_answers and not delivery.ok:
                    self._tell(_said(delivery, slide_id))


def _said(delivery: Delivery, slide_id: str) -> str:
    findings = "; ".join(map(str, delivery.findings)) or delivery.state
    return f"told {delivery.application_id} of slide {slide_id} (delivery {delivery.number}): {findings}"
