"""How long an answer is held back: a fixed time, or one drawn from a distribution, bounded and seeded."""

import math
import random
from dataclasses import dataclass
from typing import Literal, get_args

LONGEST = 600.0
"""Seconds; no answer is held back for longer."""

Distribution = Literal["fixed", "uniform", "normal", "lognormal", "exponential"]


@dataclass(frozen=True)
class Latency:
    """Seconds to wait before a request is carried out, in real time.

    `fixed` waits `seconds`; `uniform` between `minimum` and `maximum`; `normal` around the mean `seconds` with the
    standard `deviation`; `lognormal` around the median `seconds`, `deviation` being that of the logarithm;
    `exponential` with the mean `seconds`. What is drawn outside of `minimum` and `maximum` is set to the bound. The
    same `seed` draws the same times; without one it is the fault's number.
    """

    seconds: float | None = None
    distribution: Distribution = "fixed"
    deviation: float | None = None
    minimum: float = 0.0
    maximum: float = LONGEST
    seed: int | None = None

    def __post_init__(self) -> None:
        if self.distribution not in get_args(Distribution):
            known = ", ".join(get_args(Distribution))
            raise ValueError(f"latency.distribution: came {self.distribution!r}, expected {known}")
        if not 0 <= self.minimum <= self.maximum <= LONGEST:
            bounds = f"{self.minimum:g} to {self.maximum:g}"
            raise ValueError(f"latency.minimum: came {bounds}, expected 0 <= minimum <= maximum <= {LONGEST:g}")
        self._check("seconds", self.seconds, wanted=self.distribution != "uniform")
        self._check("deviation", self.deviation, wanted=self.distribution in ("normal", "lognormal"))
        if self.distribution == "lognormal" and self.seconds == 0:
            raise ValueError("latency.seconds: came 0, expected a median above 0")

    def _check(self, name: str, value: float | None, *, wanted: bool) -> None:
        if (value is not None) != wanted:
            expected = "a number" if wanted else f"nothing, as {self.distribution} has none"
            raise ValueError(f"latency.{name}: came {'nothing' if value is None else value}, expected {expected}")
        if value is not None and not 0 <= value <= LONGEST:
            raise ValueError(f"latency.{name}: came {value:g}, expected 0 to {LONGEST:g}")

    def draw(self, dice: random.Random) -> float:
        """The next waiting time in seconds."""
        return min(max(self._drawn(dice), self.minimum), self.maximum)

    def _drawn(self, dice: random.Random) -> float:
        middle, deviation = self.seconds or 0.0, self.deviation or 0.0
        match self.distribution:
            case "uniform":
                return dice.uniform(self.minimum, self.maximum)
            case "normal":
                return dice.gauss(middle, deviation)
            case "lognormal":
                # beyond e**700 no float goes, and no bound of ours
                return math.exp(min(dice.gauss(math.log(middle), deviation), 700.0))
            case "exponential":
                return dice.expovariate(1 / middle) if middle else 0.0
            case "fixed":
                return middle
