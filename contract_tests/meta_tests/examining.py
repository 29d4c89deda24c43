"""Runs checks against a mutant, or against the emulator as it should be."""

from collections.abc import Iterable, Sequence
from typing import Any

from fake_pacs.embedding import MockSectraServer
from ia_api_contract.check import Check
from ia_api_contract.learning import target_for
from ia_api_contract.outcomes import CheckResult
from ia_api_contract.runner import run, run_one
from ia_api_contract.suite import CHECKS
from ia_api_contract.target import Options, Target
from ia_api_spec import ApiVersion
from meta_tests.mutant import Mutant, running

EXAMPLES = 5
"""So many examples for each operation: what a mutant does wrong, it does wrong often."""

HEALTHY = Mutant("healthy", "Nothing is wrong with it.", ())


def target_of(server: MockSectraServer, **options: Any) -> Target:
    """The server as the suite's target, quick, with all that opens it."""
    chosen = Options(
        url=server.url,
        token=server.token,
        api_version=ApiVersion(server.api_version),
        user="dev",
        password="dev",
        control_token=server.control_token,
        max_examples=EXAMPLES,
        quick=True,
    )
    return target_for(chosen if not options else Options(**{**vars(chosen), **options}))


def whole_run(mutant: Mutant, checks: Sequence[Check] = CHECKS, **options: Any) -> list[CheckResult]:
    """What becomes of the checks in one run, as a user would see it."""
    with running(mutant, **options) as server:
        return run(checks, target_of(server))


def one_by_one(mutant: Mutant, checks: Iterable[Check], **options: Any) -> dict[str, CheckResult]:
    """What becomes of each check by itself, whatever it needs."""
    with running(mutant) as server:
        target = target_of(server, **options)
        return {check.id: run_one(check, target) for check in checks}
