"""What can become of a check, in all modes of the suite, and what that means for the exit status."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum

from ia_api_contract.exchanges import Exchange


class Outcome(Enum):
    """The closed set of outcomes; "the suite broke" is never "you failed"."""

    PASS = "pass"
    FAIL = "fail"
    SKIP = "skip"
    OMIT = "omit"
    WAIVED = "waived"
    ERROR = "error"


MEANINGS = {
    Outcome.PASS: "the target does what the sentence says",
    Outcome.FAIL: "the target doesn't do what the sentence says",
    Outcome.SKIP: "not applicable to this target, version or effort",
    Outcome.OMIT: "an earlier failure made it moot",
    Outcome.WAIVED: "failed, and a waiver that hasn't expired says why that is known",
    Outcome.ERROR: "the suite itself broke; this says nothing about the target",
}


class Failed(Exception):  # noqa: N818 - an outcome, not an error
    """The target doesn't do what the check says; the text says what came and what was expected.

    `picture` is an SVG that shows it, made by the suite, or empty.
    """

    def __init__(self, text: str, picture: str = "") -> None:
        super().__init__(text)
        self.picture = picture


class Skipped(Exception):  # noqa: N818 - an outcome, not an error
    """The check isn't applicable to this target; the text says why."""


def expect(condition: bool, text: str) -> None:
    """Raises `Failed` with the text unless the condition holds."""
    if not condition:
        raise Failed(text)


@dataclass(frozen=True)
class CheckResult:
    """What became of one check: outcome, why, seconds it took, the exchanges it made, perhaps a picture (SVG) of it."""

    check_id: str
    outcome: Outcome
    text: str = ""
    seconds: float = 0.0
    exchanges: Sequence[Exchange] = field(default=())
    picture: str = field(default="", repr=False)


EXIT_PASSED, EXIT_FAILED, EXIT_USAGE, EXIT_TOO_FEW, EXIT_ERROR = 0, 1, 2, 3, 4


def exit_status(results: Iterable[CheckResult], mandatory: Iterable[str], advice: Collection[str] = ()) -> int:
    """0: all passed or waived. 1: something failed. 3: fewer than the mandatory checks ran. 4: the suite broke.

    A failure outranks a broken suite, and both outrank too few checks: a run of skips is never green. Failures of the
    checks in `advice` (those of level "should", unless the run is strict) are reported, and decide nothing.
    """
    outcomes = {result.check_id: result.outcome for result in results}
    if any(outcome is Outcome.FAIL and check_id not in advice for check_id, outcome in outcomes.items()):
        return EXIT_FAILED
    if Outcome.ERROR in outcomes.values():
        return EXIT_ERROR
    ran = {check_id for check_id, outcome in outcomes.items() if outcome in (Outcome.PASS, Outcome.WAIVED)}
    return EXIT_PASSED if ran and set(mandatory) <= ran else EXIT_TOO_FEW
