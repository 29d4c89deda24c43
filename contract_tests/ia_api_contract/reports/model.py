"""What every report is made from: plain texts without secrets, in the order in which the checks ran."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ia_api_contract.check import Check, Level
from ia_api_contract.exchanges import Asker, Exchange, Redactor
from ia_api_contract.outcomes import EXIT_ERROR, EXIT_FAILED, EXIT_PASSED, EXIT_TOO_FEW, CheckResult, Outcome
from ia_api_spec import Contract

ASSUMED = "assumed by the suite: a real PACS may differ"

SOURCES = {
    "S": "the client reference",
    "V": "the vendor's public code",
    "C": "community code",
    "A": "an assumption of ours",
}

VERDICTS = {
    EXIT_PASSED: "all that ran passed, or is waived",
    EXIT_FAILED: "something failed",
    EXIT_TOO_FEW: "fewer than the mandatory checks ran: this says nothing good about the target",
    EXIT_ERROR: "the suite itself broke: this says nothing about the target",
}


@dataclass(frozen=True)
class Told:
    """One exchange as reports show it: the request as a curl line, what came, and who asked."""

    curl: str
    status: int | None
    answer: str
    seconds: float
    by: Asker = "suite"


@dataclass(frozen=True)
class Entry:
    """One check in a report: what it says, where the contract says so, what became of it."""

    id: str
    sentence: str
    address: str
    request: str
    evidence: Sequence[Mapping[str, Any]]
    rationale: str
    outcome: Outcome
    text: str
    seconds: float
    exchanges: Sequence[Told]
    reproduce: str
    level: Level = "must"
    decides: bool = True
    """Whether its failure fails the run."""

    number: int | None = None
    """Its place in the list of requirements, in app mode."""

    picture: str = field(default="", repr=False)
    """An SVG of the suite's own making that shows what is wrong."""

    @property
    def codes(self) -> tuple[str, ...]:
        """The evidence codes, each once, in the order of the contract."""
        return tuple(dict.fromkeys(str(entry["code"]) for entry in self.evidence))

    @property
    def assumed(self) -> bool:
        """Whether nothing but an assumption of ours stands behind it."""
        return self.codes == ("A",)

    @property
    def known_from(self) -> str:
        """How the contract knows it, in words."""
        if self.assumed:
            return f"A, {ASSUMED}"
        return ", ".join(f"{code} ({SOURCES[code]})" for code in self.codes) or "the contract as a whole"


@dataclass(frozen=True)
class Report:
    """A whole run: `facts` is the header, `notes` what a reader should know beside the checks."""

    mode: str
    facts: Mapping[str, str]
    entries: Sequence[Entry]
    notes: Sequence[str]
    exit_status: int
    counts: Mapping[Outcome, int] = field(init=False)

    def __post_init__(self) -> None:
        counted = Counter(entry.outcome for entry in self.entries)
        object.__setattr__(self, "counts", {outcome: counted[outcome] for outcome in Outcome})

    @property
    def verdict(self) -> str:
        """The exit status in words."""
        if self.exit_status == EXIT_PASSED and self.advice:
            return "nothing that decides failed, but for what is waived"
        return VERDICTS[self.exit_status]

    @property
    def summary(self) -> str:
        """The counts in words, such as `12 pass, 1 fail of 13 checks`."""
        parts = ", ".join(f"{count} {outcome.value}" for outcome, count in self.counts.items() if count)
        advice = f"; {self.advice} of the failures decide nothing" if self.advice else ""
        return f"{parts or 'nothing'} of {len(self.entries)} check{'' if len(self.entries) == 1 else 's'}{advice}"

    @property
    def advice(self) -> int:
        """How many failures decide nothing."""
        return sum(entry.outcome is Outcome.FAIL and not entry.decides for entry in self.entries)

    def of(self, *outcomes: Outcome) -> list[Entry]:
        """The entries with one of these outcomes."""
        return [entry for entry in self.entries if entry.outcome in outcomes]


def entry_of(
    check: Check,
    result: CheckResult,
    contract: Contract,
    redactor: Redactor,
    reproduce: str,
    decides: bool = True,
) -> Entry:
    """What the reports say of a check; `contract` is the newest one of its document, which has every check's place."""
    operation = contract.operations[check.address.partition(" ")[0]]
    return Entry(
        id=check.id,
        sentence=check.sentence,
        address=check.address,
        request=f"{operation.method} {operation.spellings[0].path}",
        evidence=check.evidence(contract),
        rationale=check.rationale,
        outcome=result.outcome,
        text=redactor.text(result.text),
        seconds=result.seconds,
        exchanges=tuple(told(exchange, redactor) for exchange in result.exchanges),
        reproduce=reproduce,
        level=check.level,
        picture=result.picture,
        decides=decides,
    )


def told(exchange: Exchange, redactor: Redactor) -> Told:
    """The exchange without its secrets."""
    answer = exchange.answer
    if answer is None:
        return Told(
            redactor.curl(exchange), None, redactor.text(exchange.trouble or "no answer"), exchange.seconds, exchange.by
        )
    shown = f"{answer.status} {answer.media_type} {redactor.body(answer.body)}".strip()
    return Told(redactor.curl(exchange), answer.status, shown, exchange.seconds, exchange.by)
