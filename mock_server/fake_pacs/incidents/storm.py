"""A storm of image notifications."""

import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle, islice

from fake_pacs.calling.values import Delivery
from fake_pacs.calling.workstation import Workstation
from fake_pacs.calls import Call
from fake_pacs.faults.effects import Effect
from fake_pacs.faults.table import Outcome
from fake_pacs.incidents.incident import Incident
from fake_pacs.incidents.values import Asked, Stage, Verdict

COUNT = 300
MOST = 10_000
AT_ONCE = 8
"""So many notifications are sent at the same time."""


class Storm(Incident):
    """Hundreds of slides are imported at once: every app with image notifications on is told of each."""

    name = "notification-storm"
    what = (
        f"{COUNT} image notifications (`count`), {AT_ONCE} at a time, about all slides in turn or about one, to every "
        "app that has them switched on."
    )
    judged = "Any notification that isn't answered in time, or not as the contract has it."

    def __init__(self, stage: Stage, asked: Asked) -> None:
        super().__init__(stage, asked)
        count = COUNT if asked.count is None else asked.count
        if not 1 <= count <= MOST:
            raise ValueError(f"count: came {count}, expected 1 to {MOST}")
        if asked.slide_id:
            stage.world.slide(asked.slide_id)
        slides = [asked.slide_id] if asked.slide_id else [slide.id for slide in stage.world.hospital.slides]
        if not slides:
            raise ValueError("slideId: there is no slide to import: the hospital is empty")
        self._slides = list(islice(cycle(slides), count))
        self._ended = threading.Event()
        self._imported = self._sent = 0
        self._bad: list[str] = []
        self._trouble: str | None = None
        self._thread = threading.Thread(target=self._run, name="fake-pacs storm", daemon=True)

    def begin(self) -> None:
        """Begins to notify, in a thread of its own."""
        self._thread.start()

    def end(self) -> None:
        """No more notifications are sent; those under way come to their end."""
        self._ended.set()
        self.wait()
        super().end()

    def wait(self, seconds: float | None = None) -> None:
        """Waits until the last notification was answered, or so long."""
        if self._thread.is_alive() and threading.current_thread() is not self._thread:
            self._thread.join(seconds)

    def _run(self) -> None:
        workstation = Workstation(self.stage.world, tenant=self.stage.tenant)
        try:
            with ThreadPoolExecutor(AT_ONCE, "fake-pacs storm") as pool:
                for deliveries in pool.map(lambda slide_id: self._notify(workstation, slide_id), self._slides):
                    self._count(deliveries)
        except Exception as error:  # a thread's error would be lost: the verdict tells it
            with self.lock:
                self._trouble = f"the storm broke off: {error}"

    def _notify(self, workstation: Workstation, slide_id: str) -> list[Delivery]:
        return [] if self._ended.is_set() else workstation.import_slide(slide_id)

    def _count(self, deliveries: list[Delivery]) -> None:
        with self.lock:
            self._imported += not self._ended.is_set()
            for delivery in deliveries:
                self._sent += 1
                if not delivery.ok:
                    self._bad.append(f"delivery {delivery.number} about {delivery.slide_id}: {_wrong_with(delivery)}")
                    self.tell(self._bad[-1])
                if self._sent == 1:
                    self.occur("the first notification was answered")

    def meet(self, call: Call, token: str | None) -> Effect | None:
        """Nothing goes wrong with the app's own calls."""
        return None

    def see(self, call: Call, token: str | None, outcome: Outcome) -> None:
        """The app's own calls aren't judged here."""

    def judge(self) -> Verdict:
        """By the answers."""
        if self._trouble:
            return Verdict("not exercised", self._trouble)
        if not self._sent and not self._thread.is_alive():
            return Verdict(
                "not exercised", "no app has image notifications switched on: fake-pacs apps notifications ID on"
            )
        if self._bad:
            return Verdict("failed", f"{len(self._bad)} of {self._sent} notifications went wrong, first {self._bad[0]}")
        if self._imported < len(self._slides):
            return Verdict("not exercised", f"{self._sent} notifications were answered so far, none of them wrongly")
        return Verdict("passed", f"all {self._sent} notifications were answered as they should")

    def decided(self) -> bool:
        """Once all are answered; the failures are counted to the end."""
        return not self._thread.is_alive()


def _wrong_with(delivery: Delivery) -> str:
    trouble = delivery.answer.trouble if delivery.answer else None
    musts = [str(finding) for finding in delivery.findings if finding.level == "must"]
    return trouble or "; ".join(musts[:3]) or delivery.state
