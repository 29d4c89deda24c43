"""A check: one sentence about the target, where the contract says so, and the function that finds out."""

import difflib
import fnmatch
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ia_api_spec import ApiVersion, Contract

Probe = Callable[[Any], None]
"""Finds out: given the subject (`target.Target`, or the app mode's `Scene`), it returns, or raises `Failed`."""

Level = Literal["must", "should"]
"""What a failure means: `must` breaks the contract, `should` is unwise; only `--strict` lets it decide the verdict."""


@dataclass(frozen=True)
class Check:
    """One check of the suite.

    `id` is stable: `resource.what-holds`. `sentence` is what must hold, `address` the place of the contract that says
    so (`updateResult 409`: an operation and perhaps one of its answers), `rationale` why it matters to an app. `since`
    is the version that it is about. `writes`: it stores something. `needs` names checks whose failure makes it moot.
    `mandatory`: a run without it isn't green. `effort`: left out of `--quick` where it is "full". `document` is the one
    that `address` is a place of. `own` says why the suite asks for more than the contract at that place says: then the
    evidence is an assumption of ours.
    """

    id: str
    sentence: str
    address: str
    rationale: str
    probe: Probe
    since: str = "1.8"
    writes: bool = False
    needs: tuple[str, ...] = ()
    mandatory: bool = False
    effort: str = "quick"
    level: Level = "must"
    document: str = "ia-api"
    own: str = ""

    @property
    def resource(self) -> str:
        """The part of the id before the dot."""
        return self.id.partition(".")[0]

    def evidence(self, contract: Contract) -> list[Mapping[str, Any]]:
        """The evidence of the contract's place; of the operation where the answer has none of its own."""
        known = place(contract, self.address).get("x-evidence", ())
        return [{"code": "A", "why": self.own}] if self.own else list(known)

    def codes(self, contract: Contract) -> str:
        """The evidence codes of the place, such as `S A`."""
        return " ".join(dict.fromkeys(entry["code"] for entry in self.evidence(contract)))

    def is_assumed(self, contract: Contract) -> bool:
        """Whether nothing but our own assumption stands behind it."""
        return self.codes(contract) == "A"

    def in_version(self, version: ApiVersion) -> bool:
        """Whether the check is about something that the version has."""
        return ApiVersion(self.since) <= version


def place(contract: Contract, address: str) -> Mapping[str, Any]:
    """What stands at an address such as `updateResult` or `updateResult 409`. Raises `KeyError` for a wrong one."""
    name, _, status = address.partition(" ")
    operation = contract.operations[name].node
    return contract.resolve(operation["responses"][status]) if status else operation


def by_id(checks: Iterable[Check]) -> dict[str, Check]:
    """The checks by id. Raises `ValueError` for an id given twice or a need that isn't there."""
    found: dict[str, Check] = {}
    for check in checks:
        if check.id in found:
            raise ValueError(f"two checks have the id {check.id!r}")
        found[check.id] = check
    for check in found.values():
        if missing := [need for need in check.needs if need not in found]:
            raise ValueError(f"{check.id} needs {missing[0]!r}, which is no check")
    return found


def choose(checks: Sequence[Check], patterns: Sequence[str]) -> tuple[Check, ...]:
    """The checks whose ids match a pattern such as `results.*`, in their order; all of them without any pattern.

    Raises `LookupError` for a pattern that no id matches.
    """
    ids = [check.id for check in checks]
    for pattern in patterns:
        if not fnmatch.filter(ids, pattern):
            close = difflib.get_close_matches(pattern, ids, 1)
            raise LookupError(f"no check has the id {pattern!r}" + (f"; was {close[0]!r} meant?" if close else ""))
    wanted = {check_id for pattern in patterns for check_id in fnmatch.filter(ids, pattern)}
    return tuple(check for check in checks if check.id in wanted or not patterns)
