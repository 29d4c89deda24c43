"""One fault: which exchanges it meets, how often, and what it does; and its record once it is in the table."""

import random
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fake_pacs.calls import Call
from fake_pacs.faults.effects import ONLY_LATENCY, Effect, ExpireToken
from fake_pacs.faults.latency import Latency

ANY = "*"
"""In the place of an operationId: whatever operation."""

KEPT = 1000
"""So many exchanges are remembered of one fault."""


@dataclass(frozen=True)
class Match:
    """What a fault's exchanges are about; None is whatever. A slide id in the body of a result counts, too."""

    slide_id: str | None = None
    application_id: str | None = None
    result_id: int | None = None

    def fits(self, call: Call) -> bool:
        """Whether the call is about these."""
        asked = call.parameters
        return (
            self.slide_id in (None, slide_of(call))
            and self.application_id in (None, asked.get("applicationId"))
            and self.result_id in (None, asked.get("resultId"))
        )


@dataclass(frozen=True)
class Fault:
    """What happens to `times` exchanges of an operation (None: to all), after the first `after` went untouched."""

    operation_id: str
    effect: Effect | None = None
    latency: Latency | None = None
    times: int | None = 1
    after: int = 0
    match: Match = field(default_factory=Match)

    def __post_init__(self) -> None:
        if self.effect is None and self.latency is None:
            raise ValueError("kind: a fault needs an effect or a latency")
        if self.times is not None and self.times < 1:
            raise ValueError(f"times: came {self.times}, expected 1 or more, or null for always")
        if self.after < 0:
            raise ValueError(f"after: came {self.after}, expected 0 or more")
        if isinstance(self.effect, ExpireToken) and (self.after or self.latency):
            raise ValueError("kind: expire-token takes neither after nor latency; add another fault for them")

    @property
    def kind(self) -> str:
        """The name of what it does."""
        return self.effect.kind if self.effect else ONLY_LATENCY

    def meets(self, call: Call) -> bool:
        """Whether the call is one of those that this fault is for."""
        return self.operation_id in (ANY, call.operation_id) and self.match.fits(call)


def slide_of(call: Call) -> str | None:
    """The slide that a call is about: that of its path or query, or of the result in its body."""
    found = call.parameters.get("slideId")
    if found is None and isinstance(call.body, Mapping):
        found = call.body.get("slideId")
    return found if isinstance(found, str) else None


@dataclass
class Taken:
    """One exchange that a fault took; `exchange` is its number in the journal, None until its answer is ready."""

    seconds: float = 0.0
    exchange: int | None = None

    def as_json(self) -> dict[str, Any]:
        """The consumption as the control plane shows it."""
        return {"exchange": self.exchange, "seconds": round(self.seconds, 6)}


class Record:
    """A fault in the table: how many exchanges it met, let through and took. The table's lock guards it."""

    def __init__(self, number: int, fault: Fault) -> None:
        self.number = number
        self.fault = fault
        self.met = 0
        self.taken = 0
        self.exchanges: deque[Taken] = deque(maxlen=KEPT)
        seed = fault.latency.seed if fault.latency else None
        self._dice = random.Random(number if seed is None else seed)

    @property
    def left(self) -> int | None:
        """How many exchanges it still wants, None for all that come."""
        return None if self.fault.times is None else self.fault.times - self.taken

    @property
    def used_up(self) -> bool:
        """Whether it does nothing any more."""
        return self.left == 0

    def meet(self) -> Taken | None:
        """Counts an exchange; answers what the fault takes of it, None where it lets it through."""
        self.met += 1
        return self.take() if self.met > self.fault.after else None

    def take(self) -> Taken:
        """Takes an exchange and draws how long it has to wait."""
        self.taken += 1
        taken = Taken(self.fault.latency.draw(self._dice) if self.fault.latency else 0.0)
        self.exchanges.append(taken)
        return taken

    def __str__(self) -> str:
        wants = "every time" if self.fault.times is None else f"{self.fault.times}x"
        return f"#{self.number} {self.fault.kind} on {self.fault.operation_id} ({wants})"
