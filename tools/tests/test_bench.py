"""The parts of the benchmark that only compute; what it measures is nobody's test."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from benchmarks.bench.figures import RESULTS, Figure, Goal, Run, rounded
from benchmarks.bench.measuring import alternating, median
from benchmarks.bench.pages import page, shown
from benchmarks.bench.servers import tool
from tools.generate_docs import documents, figures_table
from tools.repository import ROOT

FIGURES = (
    Figure("a", "download", "MB/s", 1000.4, "curl", 800.0, 1200.0, Goal("ratio", 0.9, at_least=True)),
    Figure("b", "list", "ms", 70.0, "mock", 100.0, 5.0, Goal("ratio", 0.35), "With a note."),
    Figure("c", "memory", "MB", 79.95, goal=Goal("value", 80.0)),
    Figure("d", "served", "MB/s", 900.0, "nginx", None, goal=Goal("ratio", 1.0, at_least=True)),
)
RUN = Run({"system": "Linux x86_64", "cores": 2}, FIGURES)

TABLE = """\
Measured on Linux x86_64, cores 2; medians.

| work | unit | here | against | there | ratio | to reach | | bare server |
|---|---|---|---|---|---|---|---|---|
| download | MB/s | 1,000 | curl | 800 | 1.25 × | ≥ 0.9 × | ✓ | 1,200 |
| list [1] | ms | 70 | mock | 100 | 0.7 × | ≤ 0.35 × | missed | 5 |
| memory | MB | 80 |  |  |  | ≤ 80 MB | ✓ |  |
| served | MB/s | 900 | nginx | not measured |  | ≥ 1 × |  |  |

[1] With a note.
"""


def test_the_table_shows_what_was_measured_and_what_was_missed() -> None:
    assert "\n".join(map(str.rstrip, page(RUN).split("\n"))) == TABLE
    assert [figure.id for figure in RUN.missed] == ["b"]


def test_a_run_survives_its_json_but_for_digits_that_do_not_count() -> None:
    told = json.loads(json.dumps(RUN.as_json()))
    assert page(Run.from_json(told)) == page(RUN)
    assert Run.from_json(told).as_json() == told


def test_every_figure_tells_target_measured_ratio_and_whether_it_is_met() -> None:
    told = RUN.as_json()["figures"]
    assert [(one["target"], one["measured"], one["ratio"], one["met"]) for one in told] == [
        ("≥ 0.9 ×", 1000.0, 1.25, True),
        ("≤ 0.35 ×", 70.0, 0.7, False),
        ("≤ 80 MB", 80.0, None, True),
        ("≥ 1 ×", 900.0, None, None),
    ]


@pytest.mark.parametrize(
    ("goal", "text", "met", "missed"),
    [
        (Goal("ratio", 1 / 40), "≤ 1/40 ×", 0.02, 0.03),
        (Goal("ratio", 6.0, at_least=True), "≥ 6 ×", 6.0, 5.99),
        (Goal("value", 0.8), "≤ 0.8 s", 0.8, 0.81),
    ],
)
def test_goals(goal: Goal, text: str, met: float, missed: float) -> None:
    assert goal.text("s") == text
    assert goal.met_by(met)
    assert not goal.met_by(missed)


def test_numbers_have_the_digits_that_count() -> None:
    assert [shown(value) for value in (0.07421, 1.0, 44.04, 999.6, 1234.5, 1_234_567.0, None)] == [
        "0.0742",
        "1",
        "44",
        "1,000",
        "1,234",
        "1.23457e+06",
        "",
    ]
    assert rounded(1234.5) == 1234.0
    assert median([]) is None
    assert median([3, 1, 2]) == 2


def test_the_subjects_take_turns_and_the_first_turn_does_not_count() -> None:
    calls: list[str] = []

    def subject(name: str, *figures: float) -> Callable[[], float]:
        left = iter(figures)

        def measure() -> float:
            calls.append(name)
            return next(left)

        return measure

    found = alternating({"a": subject("a", 99, 1, 2, 9), "b": subject("b", 99, 5, 5, 5), "none": None}, 3)
    assert found == {"a": 2, "b": 5, "none": None}
    assert "".join(calls) == "baabbaab"


def test_a_tool_that_is_missing_is_named_with_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    assert tool("no-such-tool") is None
    assert "no-such-tool is missing, its figures are not measured: apt-get install" in capsys.readouterr().err


def test_results_are_as_they_are_written() -> None:
    if not RESULTS.exists():
        pytest.skip("no run was recorded yet: make bench")
    told = json.loads(RESULTS.read_text("utf-8"))
    assert Run.from_json(told).as_json() == told


def test_the_readme_quotes_the_results() -> None:
    assert figures_table() in (ROOT / "README.md").read_text("utf-8")
    assert Path("README.md") in {path.relative_to(ROOT) for path in documents()}
