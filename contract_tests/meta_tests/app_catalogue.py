"""Every bad app, by subject; and how requirements are held against one."""

from collections.abc import Iterable, Sequence

from ia_api_contract.app_pacs import AppPacs
from ia_api_contract.app_suite import REQUIREMENTS
from ia_api_contract.app_target import AppOptions, AppTarget
from ia_api_contract.check import Check
from ia_api_contract.outcomes import CheckResult
from ia_api_contract.runner import run, run_one
from ia_api_spec import ApiVersion
from meta_tests.apps import answering, changing, ending, failing, phi, registration, shown, starting
from meta_tests.apps.bad_app import BadApp, running

BAD_APPS: tuple[BadApp, ...] = (
    *registration.APPS,
    *starting.APPS,
    *answering.APPS,
    *shown.APPS,
    *changing.APPS,
    *ending.APPS,
    *phi.APPS,
    *failing.APPS,
)


def target_of(url: str, pacs: AppPacs, timeout: float) -> AppTarget:
    """The app as a PACS's that runs already."""
    return AppTarget(AppOptions(url, (pacs.version,), timeout), pacs.version, lent=pacs)


def one_by_one(bad: BadApp, checks: Iterable[Check], pacs: AppPacs) -> dict[str, CheckResult]:
    """What becomes of each requirement by itself, whatever it builds on."""
    with running(bad) as url:
        target = target_of(url, pacs, bad.timeout)
        return {check.id: run_one(check, target) for check in checks}


def whole_run(bad: BadApp, pacs: AppPacs, checks: Sequence[Check] = REQUIREMENTS) -> list[CheckResult]:
    """What becomes of the requirements in one run, as a user would see it."""
    with running(bad) as url:
        return run(checks, target_of(url, pacs, bad.timeout))


def pacs_of(version: str) -> AppPacs:
    """A PACS of that version on a free port."""
    return AppPacs(ApiVersion(version)).run(port=0)
