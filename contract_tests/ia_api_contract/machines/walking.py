"""Walks: made from a seed, taken step by step against a fresh machine, and shortened where one fails."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Protocol

from ia_api_contract.outcomes import Failed
from ia_api_contract.target import Target

STEPS = 20
"""The length of a walk."""

MOST_ATTEMPTS = 60
"""So often a failing walk is taken again to shorten it."""

WRITERS = ("A", "B")


@dataclass(frozen=True)
class Step:
    """One step: what is done and by whom; `which` and `how` choose among what there is when the step is taken."""

    verb: str
    who: int
    which: int
    how: int


class Machine(Protocol):
    """The target and its oracle, side by side, from a fresh start."""

    def take(self, step: Step) -> str:
        """Takes the step at the target and at the oracle; answers what was done in words, "" where nothing could be.

        Raises `Failed`, with the same words, where target and oracle disagree.
        """


@dataclass(frozen=True)
class Fall:
    """A walk that fails at its last step: the steps, and what was done, line by line."""

    steps: tuple[Step, ...]
    lines: tuple[str, ...]

    def __str__(self) -> str:
        return "\n".join(f"  {number}. {line}" for number, line in enumerate(self.lines, 1))


def explore(target: Target, name: str, verbs: Sequence[str], make: Callable[[], Machine]) -> None:
    """Takes `--max-examples` walks of these verbs; one that stands twice is drawn twice as often.

    Raises `Failed` with the shortest sequence of steps that was found on which the target is wrong.
    """
    target.need_writes()
    for number in range(target.options.max_examples):
        steps = drawn(verbs, Random(f"{target.options.seed}/{name}/{number}"))
        if fall := taken(make, steps):
            raise Failed(told(make, fall))


def told(make: Callable[[], Machine], fall: Fall) -> str:
    """What is said of a failing walk: the shortest one that still fails, or that it didn't fail again."""
    again = taken(make, fall.steps)
    if again is None:
        return f"target and oracle disagree, but not when the same steps were taken again:\n{fall}"
    return f"target and oracle disagree; the shortest sequence that was found:\n{shortened(make, again)}"


def drawn(verbs: Sequence[str], random: Random, length: int = STEPS) -> tuple[Step, ...]:
    """A walk of so many steps."""
    return tuple(
        Step(random.choice(verbs), random.randrange(len(WRITERS)), random.randrange(12), random.randrange(12))
        for _ in range(length)
    )


def taken(make: Callable[[], Machine], steps: Sequence[Step]) -> Fall | None:
    """How the walk fails, None where it doesn't; steps at which nothing could be done are left out."""
    machine, took, lines = make(), list[Step](), list[str]()
    for step in steps:
        try:
            line = machine.take(step)
        except Failed as failed:
            return Fall((*took, step), (*lines, str(failed)))
        if line:
            took.append(step)
            lines.append(line)
    return None


def shortened(make: Callable[[], Machine], fall: Fall) -> Fall:
    """The shortest failing walk that leaving out steps of this one leads to, in at most `MOST_ATTEMPTS` walks."""
    attempts, size = MOST_ATTEMPTS, len(fall.steps) // 2
    while size and attempts:
        before, start = fall, 0
        while start < len(fall.steps) and attempts:
            attempts -= 1
            shorter = taken(make, fall.steps[:start] + fall.steps[start + size :])
            if shorter is None:
                start += size
            else:
                fall = shorter
        size = size // 2 or int(fall is not before)
    return fall
