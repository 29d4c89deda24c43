"""What all incidents have in common: armed, then it happens once, then it is judged by what the app does next."""

import threading
from abc import ABC, abstractmethod
from types import TracebackType
from typing import ClassVar, Self

from fake_pacs.calls import Call
from fake_pacs.faults.effects import Effect
from fake_pacs.faults.fault import slide_of
from fake_pacs.faults.table import Outcome
from fake_pacs.incidents.values import Asked, Stage, State, Verdict

MOST_LINES = 200
"""So many lines tell what happened."""


class Incident(ABC):
    """One incident in one tenant; a context manager that ends it.

    It is told of each exchange of the tenant before and after it is served, and may let it go wrong.
    """

    name: ClassVar[str]
    what: ClassVar[str]
    """What it does, and when."""
    judged: ClassVar[str]
    """What the app fails for."""

    def __init__(self, stage: Stage, asked: Asked) -> None:
        self.stage = stage
        self.asked = asked
        self.lock = threading.RLock()
        self._told: list[str] = []
        self._over: Verdict | None = None
        self._occurred = False

    def begin(self) -> None:
        """Arms it: from now on it sees the tenant's exchanges."""
        self.stage.world.faults.of(self.stage.tenant).watch(self)

    def end(self) -> None:
        """It is over: what it changed is put back, the verdict stays."""
        with self.lock:
            if self._over is None:
                self._over = self.judge()
                self.stage.world.faults.of(self.stage.tenant).unwatch(self)
                self.put_back()

    def wait(self, seconds: float | None = None) -> None:
        """Waits until it has done all that it does by itself, or so long; most only react, and return at once."""
        return

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

    @property
    def state(self) -> State:
        """Whether it still waits, has happened, or is over."""
        if self._over is not None:
            return "over"
        return "happened" if self._occurred else "armed"

    @property
    def settled(self) -> bool:
        """Whether nothing that the app may still do changes the verdict's outcome."""
        with self.lock:
            return self._over is not None or self.decided()

    @property
    def happened(self) -> tuple[str, ...]:
        """What happened, in order; the first lines of it."""
        with self.lock:
            return tuple(self._told)

    def verdict(self) -> Verdict:
        """How the app took it, as far as one can tell now; final once it is over."""
        with self.lock:
            return self._over or self.judge()

    def assert_passed(self) -> None:
        """Raises `AssertionError` with the verdict unless the app passed."""
        verdict = self.verdict()
        if not verdict.passed:
            raise AssertionError(
                f"incident {self.name}: {verdict}\n" + "\n".join(f"  {line}" for line in self.happened)
            )

    def before(self, call: Call, token: str | None) -> Effect | None:
        """Told of an exchange that is about to be served."""
        with self.lock:
            return self.meet(call, token)

    def after(self, call: Call, token: str | None, outcome: Outcome) -> None:
        """Told of an exchange whose answer is ready."""
        with self.lock:
            self.see(call, token, outcome)

    @abstractmethod
    def meet(self, call: Call, token: str | None) -> Effect | None:
        """What goes wrong with an exchange, None for nothing; under the lock."""

    @abstractmethod
    def see(self, call: Call, token: str | None, outcome: Outcome) -> None:
        """Looks at what became of an exchange; under the lock."""

    @abstractmethod
    def judge(self) -> Verdict:
        """The verdict on what was seen; under the lock."""

    def decided(self) -> bool:
        """Whether the outcome stands already, as a failure does; under the lock."""
        return self.judge().outcome == "failed"

    def put_back(self) -> None:
        """Undoes what the incident changed beyond what a user could have done."""
        return  # most change nothing

    @property
    def occurred(self) -> bool:
        """Whether it has happened."""
        return self._occurred

    def occur(self, text: str) -> None:
        """It happens now."""
        self._occurred = True
        self.tell(text)

    def tell(self, text: str) -> None:
        """Adds a line to what happened."""
        if len(self._told) < MOST_LINES:
            self._told.append(text)

    def about(self, call: Call) -> bool:
        """Whether a call is about the slide and the application that were asked for, as far as it names them."""
        application = call.parameters.get("applicationId")
        wanted = self.asked
        return wanted.slide_id in (None, slide_of(call)) and wanted.application_id in (None, application)


def said(call: Call, outcome: Outcome) -> str:
    """One exchange in words."""
    return f"exchange {outcome.exchange}: {call.operation_id}, {outcome.status}"
