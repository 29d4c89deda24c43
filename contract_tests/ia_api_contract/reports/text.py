"""The report as text that can be read aloud: what failed, what came, where the contract says so, how to repeat it."""

import re
from collections.abc import Iterator

from ia_api_contract.outcomes import Outcome
from ia_api_contract.reports.model import Entry, Report

_STEERING = re.compile(r"[^\t\n\u0020-\u007e\u00a0-\ud7ff\ue000-\U0010ffff]")

TITLES = {
    Outcome.FAIL: "Failed",
    Outcome.ERROR: "The suite broke (this says nothing about the target)",
    Outcome.WAIVED: "Waived",
    Outcome.OMIT: "Omitted",
    Outcome.SKIP: "Skipped",
}


def header(report: Report) -> str:
    """What was run, against what, and how."""
    width = max(map(len, report.facts), default=0)
    lines = [f"  {name:<{width}}  {value}" for name, value in report.facts.items()]
    return _printable("\n".join([f"ia-api-contract {report.mode}", *lines]) + "\n")


def text(report: Report) -> str:
    """The whole report, the header aside."""
    parts = []
    failed = report.of(Outcome.FAIL)
    loud = {
        TITLES[Outcome.FAIL]: [entry for entry in failed if entry.decides],
        "Failed, and decides nothing (a should, or expected)": [entry for entry in failed if not entry.decides],
        TITLES[Outcome.ERROR]: report.of(Outcome.ERROR),
    }
    for title, found in loud.items():
        if found:
            parts.append(_title(f"{title}: {len(found)}"))
            parts += [failure(number, entry) for number, entry in enumerate(found, 1)]
    for outcome in (Outcome.WAIVED, Outcome.OMIT, Outcome.SKIP):
        if found := report.of(outcome):
            parts.append(_title(f"{TITLES[outcome]}: {len(found)}"))
            parts.append("".join(f"{entry.id}: {entry.text.partition(chr(10))[0]}\n" for entry in found))
    parts += [f"Note: {note}\n" for note in report.notes]
    parts.append(f"{report.summary}\nExit status {report.exit_status}: {report.verdict}.\n")
    return _printable("\n".join(parts))


def _printable(text: str) -> str:
    """The text without what steers a terminal, or what none can show: some of it is what the target said."""
    return _STEERING.sub("\ufffd", text)


def _title(title: str) -> str:
    return f"{title}\n{'-' * len(title)}\n"


def failure(number: int, entry: Entry) -> str:
    """One failure: the sentence, what came, the contract, how it is known, why it matters, how to repeat it."""
    listed = f" (requirement {entry.number}, {entry.level})" if entry.number else ""
    return f"{number}. {entry.id}{listed}\n" + "".join(f"{_indented(line, 3)}\n" for line in _told(entry))


def _told(entry: Entry) -> Iterator[str]:
    yield entry.sentence
    yield "What came: " + entry.text.strip()
    yield f"The contract: {entry.address} ({entry.request}), known from {entry.known_from}"
    yield "Why it matters: " + entry.rationale
    if entry.exchanges and entry.exchanges[-1].by == "suite":  # the PACS's and the app's can't be sent again
        yield "Its last request again:\n  " + entry.exchanges[-1].curl
    if entry.reproduce:
        yield "The whole check again:\n  " + entry.reproduce


def _indented(block: str, by: int) -> str:
    return "\n".join(" " * by + line if line else "" for line in block.splitlines())
