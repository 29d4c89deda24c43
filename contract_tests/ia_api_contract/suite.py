"""The suite: every check of the server mode, in the order in which they run."""

from collections.abc import Iterable, Sequence

from ia_api_contract import schema_driven
from ia_api_contract.check import Check, by_id, choose
from ia_api_contract.checks import (
    applications,
    attachments,
    cases,
    errors,
    errors_bodies,
    files,
    labels,
    launch,
    quality_control,
    results,
    results_content,
    results_updates,
    scope,
    slides,
    tile_spellings,
    tiles,
    tokens,
    versions,
)
from ia_api_contract.machines import checks as machines
from ia_api_contract.target import Options

CHECKS: tuple[Check, ...] = (
    *versions.CHECKS,
    *slides.CHECKS,
    *scope.CHECKS,
    *labels.CHECKS,
    *cases.CHECKS,
    *files.CHECKS,
    *tiles.CHECKS,
    *tile_spellings.CHECKS,
    *tokens.CHECKS,
    *applications.CHECKS,
    *launch.CHECKS,
    *errors.CHECKS,
    *errors_bodies.CHECKS,
    *results.CHECKS,
    *results_content.CHECKS,
    *results_updates.CHECKS,
    *attachments.CHECKS,
    *quality_control.CHECKS,
    *schema_driven.CHECKS,
    *machines.CHECKS,
)

BY_ID = by_id(CHECKS)


def mandatory(options: Options, checks: Iterable[Check] = CHECKS) -> tuple[str, ...]:
    """The checks without which a run isn't green: those marked so that this run could make."""
    return tuple(check.id for check in checks if check.mandatory and _could_be_made(check, options))


def _could_be_made(check: Check, options: Options) -> bool:
    left_out = (options.read_only and check.writes) or (options.quick and check.effort == "full")
    return check.in_version(options.api_version) and not left_out


def selected(patterns: Sequence[str]) -> tuple[Check, ...]:
    """The checks whose ids match a pattern such as `results.*`, in the suite's order; all of them without any pattern.

    Raises `LookupError` for a pattern that no id matches.
    """
    return choose(CHECKS, patterns)
