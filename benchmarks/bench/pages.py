"""Figures as tables in Markdown: the whole for the terminal and the README. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from benchmarks.bench.figures import Figure, Run, rounded

HEADER = "| work | unit | here | against | there | ratio | to reach | | bare server |"
RULE = "|---|---|---|---|---|---|---|---|---|"
MARKS = {True: "✓", False: "missed", None: ""}


def page(run: Run) -> str:
    """What was measured on, the table, and the notes below it."""
    facts = ", ".join(f"{value}" if name == "system" else f"{name} {value}" for name, value in run.made_on.items())
    notes = [*_notes(run.figures)]
    return (
        "\n".join([f"Measured on {facts}; medians.", "", *_table(run.figures), *([""] if notes else []), *notes]) + "\n"
    )


def _table(figures: Iterable[Figure]) -> Iterator[str]:
    yield HEADER
    yield RULE
    numbers = _numbers(figures)
    for figure in figures:
        yield _row(figure, numbers)


def _row(figure: Figure, numbers: dict[str, int]) -> str:
    ratio = f"{shown(figure.ratio)} ×" if figure.ratio is not None else ""
    there = "not measured" if figure.against and figure.peer is None else shown(figure.peer)
    mark = f" [{numbers[figure.note]}]" if figure.note else ""
    here = "not measured" if figure.measured is None else shown(figure.measured)
    cells = (figure.work + mark, figure.unit, here, figure.against, there, ratio, figure.target, MARKS[figure.met])
    return "| " + " | ".join((*cells, shown(figure.bare))) + " |"


def _numbers(figures: Iterable[Figure]) -> dict[str, int]:
    notes = dict.fromkeys(figure.note for figure in figures if figure.note)
    return {note: number for number, note in enumerate(notes, 1)}


def _notes(figures: Iterable[Figure]) -> Iterator[str]:
    for note, number in _numbers(figures).items():
        yield f"[{number}] {note}  "


def shown(value: float | None) -> str:
    """A number with the digits that count, nothing for None."""
    return "" if value is None else f"{rounded(value):,.6g}"
