"""What a figure is: a piece of work, what it took here and elsewhere, and what was to be reached. Pure values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

RESULTS = Path(__file__).resolve().parents[1] / "results.json"
"""The figures of the last whole run: committed, and quoted by the README."""

Kind = Literal["ratio", "value"]


@dataclass(frozen=True)
class Goal:
    """What is to be reached: a ratio to the peer, or a value in the figure's own unit; at most or at least."""

    kind: Kind
    bound: float
    at_least: bool = False

    def met_by(self, value: float) -> bool:
        """Whether that ratio or value reaches it."""
        return value >= self.bound if self.at_least else value <= self.bound

    def text(self, unit: str) -> str:
        """The goal in words: `≥ 0.9 ×`, `≤ 0.8 s`."""
        bound = f"1/{round(1 / self.bound)}" if 0 < self.bound < 0.05 and self.kind == "ratio" else f"{self.bound:g}"
        return f"{'≥' if self.at_least else '≤'} {bound} {'×' if self.kind == 'ratio' else unit}"


@dataclass(frozen=True)
class Figure:
    """One row of the table: medians in `unit` of this project, of the peer it is held against, and of the bare server.

    None where there is nothing to measure, or it couldn't be measured; `note` says why, or what else is to be known.
    """

    id: str
    work: str
    unit: str
    measured: float | None
    against: str = ""
    peer: float | None = None
    bare: float | None = None
    goal: Goal | None = None
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """This project's median through the peer's, both as they are told: whoever divides them finds the same."""
        return rounded(self.measured) / rounded(self.peer) if self.measured is not None and self.peer else None

    @property
    def met(self) -> bool | None:
        """Whether the goal is reached; None where there is no goal, or nothing to judge by."""
        value = self.ratio if self.goal and self.goal.kind == "ratio" else self.measured
        return None if self.goal is None or value is None else self.goal.met_by(value)

    @property
    def target(self) -> str:
        """The goal in words, empty where there is none."""
        return self.goal.text(self.unit) if self.goal else ""

    def as_json(self) -> dict[str, Any]:
        """The figure as results.json has it, rounded to what is worth reading."""
        told = {**asdict(self), "target": self.target, "ratio": self.ratio, "met": self.met}
        return {name: rounded(value) if isinstance(value, float) else value for name, value in told.items()}

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Figure:
        """The figure that `as_json` told. Raises `KeyError` or `TypeError` for anything else."""
        kept = {name: value for name, value in told.items() if name not in ("target", "ratio", "met")}
        return cls(**{**kept, "goal": Goal(**kept["goal"]) if kept["goal"] else None})


@dataclass(frozen=True)
class Run:
    """All figures of a run, and what they were measured on, by name."""

    made_on: Mapping[str, Any]
    figures: tuple[Figure, ...] = field(default=())

    def as_json(self) -> dict[str, Any]:
        """The run as it stands in results.json."""
        return {"made_on": dict(self.made_on), "figures": [figure.as_json() for figure in self.figures]}

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Run:
        """The run that `as_json` told."""
        return cls(told["made_on"], tuple(Figure.from_json(figure) for figure in told["figures"]))

    @property
    def missed(self) -> tuple[Figure, ...]:
        """The figures that don't reach their goal."""
        return tuple(figure for figure in self.figures if figure.met is False)


def rounded(value: float) -> float:
    """Three digits that count; four where the number has so many before the point."""
    return float(f"{value:.3g}") if abs(value) < 1000 else float(round(value))
