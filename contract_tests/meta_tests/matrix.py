"""All mutants against all checks: `python -m meta_tests.matrix [--check] [MUTANT …]` makes or compares matrix.md.

Each mutant is served by itself and the whole suite runs against it once, as with `--quick`, one on each core. It
fails where a check is broken by no mutant, where a mutant breaks more than three checks without saying why, and where
it doesn't break what it names.
"""

import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from ia_api_contract.outcomes import Outcome
from ia_api_contract.suite import BY_ID, CHECKS
from meta_tests.catalogue import MUTANTS
from meta_tests.each import BrokenSuiteError, Row, rows_of
from meta_tests.examining import one_by_one, whole_run
from meta_tests.mutant import Mutant

TABLE = Path(__file__).with_name("matrix.md")
MANY = 3


def row_of(mutant: Mutant) -> Row:
    """What the whole suite says of the mutant. Raises `BrokenSuiteError` where the suite itself broke.

    A named check that the run omitted or left out is made by itself.
    """
    results = {result.check_id: result for result in whole_run(mutant)}
    unmade = [name for name in mutant.breaks if results[name].outcome in (Outcome.OMIT, Outcome.SKIP)]
    results |= one_by_one(mutant, [BY_ID[name] for name in unmade], quick=False)
    broke = [result for result in results.values() if result.outcome is Outcome.ERROR]
    if broke:
        raise BrokenSuiteError(f"{mutant.id}: the suite broke in {broke[0].check_id}:\n{broke[0].text}")
    return {name: result.outcome for name, result in results.items()}


def failed(row: Row) -> list[str]:
    """The checks that are red, in the suite's order."""
    return [check.id for check in CHECKS if row.get(check.id) is Outcome.FAIL]


def told(mutant: Mutant, row: Row) -> list[str]:
    """The red checks that the table tells: those that draw what they ask only where the mutant names them.

    What they find beside that depends on what they happened to ask, and on how the threads of a run took turns.
    """
    return [name for name in failed(row) if name in mutant.breaks or not draws(name)]


def draws(check_id: str) -> bool:
    """Whether a check makes its requests up: from the schemas, as walks of a machine, or with many threads."""
    return check_id.startswith(("schema.", "machines.")) or check_id.endswith(".linearizable")


def complaints(mutants: Sequence[Mutant], rows: Mapping[str, Row], whole: bool = True) -> list[str]:
    """What is wrong with mutants or checks; `whole` says that every mutant has a row."""
    said = []
    for mutant in mutants:
        red = told(mutant, rows[mutant.id])
        survived = [name for name in mutant.breaks if name not in red]
        if survived:
            said.append(f"{mutant.id} does not break {', '.join(survived)}, which it names")
        if len(red) > MANY and not mutant.why:
            said.append(f"{mutant.id} breaks {len(red)} checks ({', '.join(red)}) and does not say why")
    broken = {name for mutant in mutants for name in told(mutant, rows[mutant.id])}
    unbroken = [check.id for check in CHECKS if check.id not in broken] if whole else []
    return said + [f"no mutant breaks {name}: a rule that nothing can break is no rule" for name in unbroken]


def table(mutants: Iterable[Mutant], rows: Mapping[str, Row]) -> str:
    """The matrix as two tables, each the other turned round: only what is red is written."""
    ordered = sorted(mutants, key=lambda mutant: mutant.id)
    lines = [
        "<!-- Made by `python -m meta_tests.matrix`; don't edit. -->",
        "",
        "# Mutants × checks",
        "",
        f"{len(ordered)} emulators that are wrong on purpose, {len(CHECKS)} checks. A check that isn't named in a row",
        "did not fail there: it passed, was omitted because of one that failed, or is not about that version.",
        "Checks that make their requests up (`schema.*`, `machines.*`, `*.linearizable`) stand in a row only where the",
        "mutant names them: what else they come upon differs from run to run.",
        "",
        "| mutant | what is wrong | red | why so many |",
        "|---|---|---|---|",
    ]
    for mutant in ordered:
        red = ", ".join(f"`{name}`" for name in told(mutant, rows[mutant.id]))
        lines.append(f"| `{mutant.id}` | {cell(mutant.what)} | {red} | {cell(mutant.why)} |")
    lines += ["", "| check | broken by |", "|---|---|"]
    for check in CHECKS:
        by = [f"`{mutant.id}`" for mutant in ordered if check.id in told(mutant, rows[mutant.id])]
        lines.append(f"| `{check.id}` | {', '.join(by)} |")
    return "\n".join(lines) + "\n"


def cell(text: str) -> str:
    """The text as a cell of a table."""
    return " ".join(text.split()).replace("|", "\\|")


def difference(old: str, new: str) -> list[str]:
    """The lines that are in only one of two tables."""
    before, after = old.splitlines(), new.splitlines()
    gone = [f"- {line}" for line in before if line not in after]
    return gone + [f"+ {line}" for line in after if line not in before]


def main(arguments: list[str]) -> int:
    """Makes or compares the matrix; the exit status says whether all is well."""
    names = [argument for argument in arguments if argument != "--check"]
    chosen = [mutant for mutant in MUTANTS if not names or mutant.id in names]
    if names and len(chosen) != len(names):
        print(f"unknown among {', '.join(names)}: there are {', '.join(m.id for m in MUTANTS)}", file=sys.stderr)
        return 2
    rows, said = rows_of([mutant.id for mutant in chosen], _made, failed)
    said += complaints([mutant for mutant in chosen if mutant.id in rows], rows, whole=not names)
    if not names:
        made = table([mutant for mutant in MUTANTS if mutant.id in rows], rows)
        said += settle(TABLE, made, "--check" in arguments, "python -m meta_tests.matrix")
    for text in said:
        print(text, file=sys.stderr)
    return 1 if said else 0


def _made(mutant_id: str) -> Row:
    """The row of the mutant of that id. Raises `BrokenSuiteError`."""
    (mutant,) = (known for known in MUTANTS if known.id == mutant_id)
    return row_of(mutant)


def settle(path: Path, made: str, compare: bool, command: str) -> list[str]:
    """Writes the table, or says how it differs from the committed one."""
    if not compare:
        path.write_text(made, "utf-8", newline="\n")
        return []
    committed = path.read_text("utf-8") if path.exists() else ""
    if committed == made:
        return []
    return [f"{path.name} is not what the run makes: {command}", *difference(committed, made)]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
