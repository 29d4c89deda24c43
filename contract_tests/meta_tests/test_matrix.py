"""The matrix says what is wrong with mutants and checks, and its table is sorted and complete."""

from ia_api_contract.outcomes import Outcome
from ia_api_contract.suite import CHECKS
from meta_tests import matrix
from meta_tests.mutant import Mutant

FIRST, SECOND, THIRD, FOURTH = (check.id for check in CHECKS[:4])


def _row(*red: str) -> matrix.Row:
    return {check.id: Outcome.FAIL if check.id in red else Outcome.PASS for check in CHECKS}


def test_a_mutant_that_survives_what_it_names_is_told() -> None:
    mutant = Mutant("m", "what", (FIRST, SECOND))
    assert matrix.complaints([mutant], {"m": _row(SECOND)}, whole=False) == [
        f"m does not break {FIRST}, which it names"
    ]


def test_more_than_three_red_checks_need_a_reason() -> None:
    red = (FIRST, SECOND, THIRD, FOURTH)
    (said,) = matrix.complaints([Mutant("m", "what", (FIRST,))], {"m": _row(*red)}, whole=False)
    assert "breaks 4 checks" in said
    assert matrix.complaints([Mutant("m", "what", (FIRST,), "because")], {"m": _row(*red)}, whole=False) == []


def test_a_check_that_nothing_breaks_is_told() -> None:
    all_but_one = tuple(check.id for check in CHECKS[1:])
    mutant = Mutant("m", "what", all_but_one, "because")
    (said,) = matrix.complaints([mutant], {"m": _row(*all_but_one)})
    assert said.startswith(f"no mutant breaks {FIRST}:")


def test_what_makes_its_requests_up_is_told_only_where_it_is_named() -> None:
    row = _row(FIRST, "schema.stateful", "machines.results", "results.linearizable")
    assert matrix.told(Mutant("m", "what", (FIRST,)), row) == [FIRST]
    assert matrix.told(Mutant("m", "what", ("schema.stateful",)), row) == [FIRST, "schema.stateful"]


def test_the_table_is_sorted_by_mutant_and_names_every_check() -> None:
    mutants = [Mutant("b", "wrong | so", (FIRST,)), Mutant("a", "wrong", (FIRST, SECOND))]
    made = matrix.table(mutants, {"a": _row(FIRST, SECOND), "b": _row(FIRST)})
    assert made.index("| `a` |") < made.index("| `b` |")
    assert "wrong \\| so" in made
    assert f"| `{FIRST}` | `a`, `b` |" in made
    assert [check.id for check in CHECKS if f"| `{check.id}` |" not in made] == []
