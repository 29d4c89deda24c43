"""The requirements of the app mode, in the order in which they are checked; a requirement's number is its place."""

from ia_api_contract.app_requirements import (
    answering,
    changing,
    ending,
    failing,
    notifying,
    phi,
    registration,
    shown,
    starting,
)
from ia_api_contract.check import Check, by_id
from ia_api_contract.reports.model import ASSUMED
from ia_api_spec import NEWEST, Contract

SUBJECTS: dict[str, tuple[Check, ...]] = {
    "registration and version": registration.CHECKS,
    "starting": starting.CHECKS,
    "answers and requests": answering.CHECKS,
    "what is shown": shown.CHECKS,
    "edits, buttons, concurrency": changing.CHECKS,
    "cancelling and deleting": ending.CHECKS,
    "image notifications": notifying.CHECKS,
    "patients' data": phi.CHECKS,
    "a PACS that fails": failing.CHECKS,
}

REQUIREMENTS: tuple[Check, ...] = tuple(check for checks in SUBJECTS.values() for check in checks)
BY_ID = by_id(REQUIREMENTS)
NUMBERS = {check.id: number for number, check in enumerate(REQUIREMENTS, 1)}


def listed() -> str:
    """Every requirement as one line: number, id, level, sentence."""
    width = max(map(len, BY_ID))
    lines = (
        f"{NUMBERS[check.id]:>2}  {check.id:<{width}}  {check.level:<6}  {check.sentence}\n" for check in REQUIREMENTS
    )
    return "".join(lines)


def markdown() -> str:
    """Every requirement as a row of a table, a table for each subject: what stands in docs/app-suite.md."""
    contracts = {name: Contract.of(name, NEWEST) for name in ("ia-app", "ia-api")}
    parts = [f"{len(REQUIREMENTS)} requirements; those known from **A** alone are {ASSUMED}.\n"]
    for subject, checks in SUBJECTS.items():
        parts.append(f"### {subject[0].upper()}{subject[1:]}\n")
        parts.append("| | id | level | what must hold | the contract | known from |\n|---|---|---|---|---|---|")
        parts += [_row(check, contracts[check.document]) for check in checks]
        parts.append("")
    return "\n".join(parts)


def _row(check: Check, contract: Contract) -> str:
    codes = "**A**" if check.is_assumed(contract) else check.codes(contract)
    sentence = check.sentence.replace("|", "\\|")
    cells = (f"{NUMBERS[check.id]}", f"`{check.id}`", check.level, sentence, f"`{check.address}`", codes)
    return f"| {' | '.join(cells)} |"
