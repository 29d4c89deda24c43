"""The list of checks, for people who choose among them or wonder what one is about."""

from itertools import groupby

from ia_api_contract.check import Check
from ia_api_contract.reports.model import ASSUMED
from ia_api_contract.suite import CHECKS
from ia_api_spec import NEWEST, Contract


def text() -> str:
    """Every check as one line: id and sentence."""
    width = max(len(check.id) for check in CHECKS)
    return "".join(f"{check.id:<{width}}  {check.sentence}\n" for check in CHECKS)


def markdown() -> str:
    """Every check as a row of a table, a table for each resource: what stands in docs/contract-suite.md."""
    contract = Contract.of("ia-api", NEWEST)
    parts = [f"{len(CHECKS)} checks; those marked **A** are {ASSUMED}.\n"]
    for resource, checks in groupby(CHECKS, lambda check: check.resource):
        parts.append(f"### {resource}\n\n| id | what must hold | the contract | known from |\n|---|---|---|---|")
        parts += [_row(check, contract) for check in checks]
        parts.append("")
    return "\n".join(parts)


def _row(check: Check, contract: Contract) -> str:
    since = f" (from {check.since})" if check.since != "1.8" else ""
    full = " Not in `--quick`." if check.effort == "full" else ""
    codes = "**A**" if check.is_assumed(contract) else check.codes(contract)
    sentence = check.sentence.replace("|", "\\|")
    return f"| `{check.id}` | {sentence}{since}{full} | `{check.address}` | {codes} |"


BEGIN, END = "<!-- checks: made by `make generate`, don't edit -->", "<!-- /checks -->"
"""Between these the list stands in docs/contract-suite.md."""


def with_list(text: str) -> str:
    """A page with the list of checks between its markers. Raises `ValueError` where it lacks them."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the page needs the markers {BEGIN} and {END}, in this order")
    return f"{before}{begin}\n\n{markdown()}\n{end}{after}"
