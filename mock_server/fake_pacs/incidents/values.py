"""What goes in and out of incidents: frozen values."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from fake_pacs.world import World  # it holds the incidents under way

Verdicts = Literal["passed", "failed", "not exercised"]
State = Literal["armed", "happened", "over"]


@dataclass(frozen=True)
class Verdict:
    """How an app took an incident, and why; `not exercised` where the app never gave it occasion to happen."""

    outcome: Verdicts
    text: str

    @property
    def passed(self) -> bool:
        """Whether the app did well."""
        return self.outcome == "passed"

    def __str__(self) -> str:
        return f"{self.outcome}: {self.text}"


@dataclass(frozen=True)
class Asked:
    """What an incident is about: only that slide, only that application; how many, how long. None: its usual."""

    slide_id: str | None = None
    application_id: str | None = None
    count: int | None = None
    seconds: float | None = None


@dataclass(frozen=True)
class Stage:
    """Where an incident takes place."""

    world: "World"
    tenant: str
