"""All bad apps against all requirements: `python -m meta_tests.app_matrix [--check] [APP …]` makes app_matrix.md.

Each bad app runs under the whole suite, one on each core. It fails where a requirement is broken by no bad app, where a
bad app doesn't break what it names, and where it breaks more without saying why.
"""

import sys
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path

from ia_api_contract.app_pacs import AppPacs
from ia_api_contract.app_suite import BY_ID, REQUIREMENTS
from ia_api_contract.outcomes import Outcome
from meta_tests.app_catalogue import BAD_APPS, one_by_one, pacs_of, whole_run
from meta_tests.apps.bad_app import BadApp
from meta_tests.each import BrokenSuiteError, Row, rows_of
from meta_tests.matrix import cell, settle

TABLE = Path(__file__).with_name("app_matrix.md")
COMMAND = "python -m meta_tests.app_matrix"


def row_of(bad: BadApp, pacs: AppPacs) -> Row:
    """What the whole suite says of the app. Raises `BrokenSuiteError` where the suite itself broke.

    A requirement that it names and the run omitted is held against it by itself.
    """
    results = {result.check_id: result for result in whole_run(bad, pacs)}
    if results[bad.breaks].outcome in (Outcome.OMIT, Outcome.SKIP):
        results |= one_by_one(bad, [BY_ID[bad.breaks]], pacs)
    broke = [result for result in results.values() if result.outcome is Outcome.ERROR]
    if broke:
        raise BrokenSuiteError(f"{bad.id}: the suite broke in {broke[0].check_id}:\n{broke[0].text}")
    return {name: result.outcome for name, result in results.items()}


def failed(row: Row) -> list[str]:
    """The requirements that are red, in the suite's order."""
    return [check.id for check in REQUIREMENTS if row.get(check.id) is Outcome.FAIL]


def complaints(apps: Sequence[BadApp], rows: Mapping[str, Row], whole: bool = True) -> list[str]:
    """What is wrong with bad apps or requirements; `whole` says that every bad app has a row."""
    said = []
    for bad in apps:
        red = failed(rows[bad.id])
        beside = [name for name in red if name != bad.breaks]
        if bad.breaks not in red:
            said.append(f"{bad.id} does not break {bad.breaks}, which it names")
        if beside and not bad.why:
            said.append(f"{bad.id} also breaks {', '.join(beside)}, and does not say why")
    broken = {bad.breaks for bad in apps}
    unbroken = [check.id for check in REQUIREMENTS if check.id not in broken] if whole else []
    return said + [f"no bad app breaks {name}: a rule that nothing can break is no rule" for name in unbroken]


def table(apps: Iterable[BadApp], rows: Mapping[str, Row]) -> str:
    """The matrix as two tables, each the other turned round: only what is red is written."""
    ordered = sorted(apps, key=lambda bad: bad.id)
    lines = [
        f"<!-- Made by `{COMMAND}`; don't edit. -->",
        "",
        "# Bad apps × requirements",
        "",
        f"{len(ordered)} apps that are wrong on purpose, {len(REQUIREMENTS)} requirements. What isn't named in",
        "a row did not fail there: it passed, was omitted because of one that failed, or isn't about that app.",
        "",
        "| app | what is wrong | red | also red | why |",
        "|---|---|---|---|---|",
    ]
    for bad in ordered:
        beside = ", ".join(f"`{name}`" for name in failed(rows[bad.id]) if name != bad.breaks)
        lines.append(f"| `{bad.id}` | {cell(bad.what)} | `{bad.breaks}` | {beside} | {cell(bad.why)} |")
    lines += ["", "| requirement | broken by |", "|---|---|"]
    for check in REQUIREMENTS:
        by = [f"`{bad.id}`" for bad in ordered if rows[bad.id].get(check.id) is Outcome.FAIL]
        lines.append(f"| `{check.id}` | {', '.join(by)} |")
    return "\n".join(lines) + "\n"


def main(arguments: list[str]) -> int:
    """Makes or compares the matrix; the exit status says whether all is well."""
    names = [argument for argument in arguments if argument != "--check"]
    chosen = [bad for bad in BAD_APPS if not names or bad.id in names]
    if names and len(chosen) != len(names):
        print(f"unknown among {', '.join(names)}: there are {', '.join(bad.id for bad in BAD_APPS)}", file=sys.stderr)
        return 2
    rows, said = rows_of([bad.id for bad in chosen], _made, failed)
    said += complaints([bad for bad in chosen if bad.id in rows], rows, whole=not names)
    if not names:
        made = table([bad for bad in BAD_APPS if bad.id in rows], rows)
        said += settle(TABLE, made, "--check" in arguments, COMMAND)
    for text in said:
        print(text, file=sys.stderr)
    return 1 if said else 0


_pacs_of = cache(pacs_of)
"""The PACS of this process, one for each version."""


def _made(app_id: str) -> Row:
    """The row of the app of that id. Raises `BrokenSuiteError`."""
    (bad,) = (known for known in BAD_APPS if known.id == app_id)
    return row_of(bad, _pacs_of(bad.version))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
