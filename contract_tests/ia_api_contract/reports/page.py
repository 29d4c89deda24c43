"""The report as one page of HTML that needs nothing from the network; everything that came from outside is escaped."""

from collections.abc import Iterator, Mapping
from html import escape
from importlib import resources
from itertools import groupby
from typing import Any

from ia_api_contract.outcomes import MEANINGS, Outcome
from ia_api_contract.reports.model import ASSUMED, Entry, Report
from ia_api_contract.reports.telling import Telling, plainly

LOUD = (Outcome.FAIL, Outcome.ERROR)
"""These stand first and open."""


def page(report: Report) -> str:
    """The whole page."""
    style = resources.files("ia_api_contract.reports").joinpath("page.css").read_text("utf-8")
    return (
        '<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{_title(report)}</title>\n<style>\n{style}</style>\n" + "\n".join(_parts(report)) + "\n</html>\n"
    )


def _title(report: Report) -> str:
    return escape(f"ia-api-contract {report.mode}: {report.summary}")


def _parts(report: Report) -> Iterator[str]:
    yield f"<h1>IA-API contract, {escape(report.mode)} mode</h1>"
    yield f'<p class="verdict exit-{report.exit_status}">Exit status {report.exit_status}: {escape(report.verdict)}</p>'
    yield _bar(report)
    yield _counts(report)
    yield _facts(report)
    yield from (f'<p class="note">{escape(note)}</p>' for note in report.notes)
    telling = Telling()
    loud = sorted(report.of(*LOUD), key=lambda entry: not entry.decides)
    if loud:
        yield "<h2>What failed</h2>"
        yield from (_entry(entry, telling, opened=True) for entry in loud)
    quiet = [entry for entry in report.entries if entry.outcome not in LOUD]
    for resource, entries in groupby(quiet, lambda entry: entry.id.partition(".")[0]):
        yield f"<h2>{escape(resource.replace('-', ' ').capitalize())}</h2>"
        yield from (_entry(entry, telling, opened=False) for entry in entries)
    yield (
        "<footer>The contract outranks this suite, and a real PACS outranks both. Checks marked as assumed rest on "
        "nothing public: where a real PACS differs, it is right.</footer>"
    )


def _bar(report: Report) -> str:
    spans = (
        f'<span class="{outcome.value}" style="flex:{count}" title="{count} {outcome.value}"></span>'
        for outcome, count in report.counts.items()
        if count
    )
    return f'<div class="bar" role="img" aria-label="{escape(report.summary)}">{"".join(spans)}</div>'


def _counts(report: Report) -> str:
    items = (
        f'<li title="{escape(MEANINGS[outcome])}"><b class="{outcome.value}">{count}</b> {outcome.value}</li>'
        for outcome, count in report.counts.items()
        if count
    )
    return f'<ul class="counts">{"".join(items)}</ul>'


def _facts(report: Report) -> str:
    rows = (f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in report.facts.items())
    return f'<dl class="facts">{"".join(rows)}</dl>'


def _entry(entry: Entry, telling: Telling, opened: bool) -> str:
    assumed = f' <span class="assumed" title="{ASSUMED}">assumed</span>' if entry.assumed else ""
    assumed += ' <span class="assumed">should</span>' if entry.level == "should" else ""
    number = f"{entry.number} " if entry.number else ""
    summary = (
        f'<summary><span class="word">{entry.outcome.value}</span><code>{number}{escape(entry.id)}</code>'
        f'<span class="what">{escape(entry.sentence)}</span>{assumed}</summary>'
    )
    rows = "".join(f"<dt>{escape(name)}</dt><dd>{value}</dd>" for name, value in _rows(entry, telling))
    state = " open" if opened else ""
    return f'<details class="{entry.outcome.value}"{state}>{summary}<div><dl>{rows}</dl></div></details>'


def _rows(entry: Entry, telling: Telling) -> Iterator[tuple[str, str]]:
    if entry.text:
        yield "What came", f"<pre>{escape(entry.text)}</pre>"
    if entry.picture:
        yield "What it looks like", entry.picture  # our own SVG: whoever made it has escaped what came from outside
    yield "Why it matters", escape(entry.rationale)
    yield "The contract", f"<code>{escape(entry.address)}</code>, <code>{escape(entry.request)}</code>"
    yield "Known from", escape(entry.known_from) + "".join(map(_evidence, entry.evidence))
    if entry.reproduce:
        yield "The check again", f"<pre>{escape(entry.reproduce)}</pre>"
    if entry.exchanges and all(told.by == "suite" for told in entry.exchanges):
        yield "Last requests", "".join(map(plainly, entry.exchanges[-3:]))
    elif entry.exchanges:
        yield "Exchanges", "".join(map(telling.html, entry.exchanges))


def _evidence(evidence: Mapping[str, Any]) -> str:
    return f"<br><small>“{escape(str(evidence.get('quote') or evidence.get('why')))}”</small>"
