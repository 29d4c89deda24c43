"""Options for running the checks under pytest: `pytest -p ia_api_contract.pytest_options --pyargs
ia_api_contract.pytest_checks --ia-url URL --ia-token TOKEN`.

Every option begins with `--ia-`, and is kept as `ia_contract_…`: a suite that is a guest in someone else's CI takes no
name that another plugin may have.
"""

from pathlib import Path

import pytest

from ia_api_contract.given import Given
from ia_api_contract.outcomes import EXIT_PASSED, EXIT_TOO_FEW, CheckResult, exit_status
from ia_api_contract.target import Target

TARGET = pytest.StashKey[Target]()
RESULTS = pytest.StashKey[list[CheckResult]]()

TEXTS = {
    "url": "base URL of the IA-API to check",
    "api-version": "version to check it as (default: the one it reports)",
    "token": "bearer token; or set IA_API_CONTRACT_TOKEN",
    "app-id": "an application that is registered with it",
    "slide-id": "a slide that it has",
    "accession": "a case that it has",
    "user": "NAME:PASSWORD that may ask /token",
    "control-token": "opens the control plane of an emulator",
    "ca": "certificate authority to trust, PEM",
    "waivers": "YAML or TOML file of failures that are known",
}
NUMBERS = {"max-examples": "examples for each operation", "seed": "the same seed makes the same requests"}
FLAGS = {
    "read-only": "store nothing",
    "quick": "leave out what takes long",
    "insecure": "trust every certificate",
}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds the options to pytest's command line."""
    group = parser.getgroup("ia-api-contract", "checks of an IA-API server")
    for name, text in TEXTS.items():
        group.addoption(f"--ia-{name}", dest=destination(name), metavar="…", help=text)
    for name, text in NUMBERS.items():
        group.addoption(f"--ia-{name}", dest=destination(name), type=int, metavar="N", help=text)
    for name, text in FLAGS.items():
        group.addoption(f"--ia-{name}", dest=destination(name), action="store_true", help=text)


def destination(name: str) -> str:
    """Where pytest keeps the option."""
    return "ia_contract_" + name.replace("-", "_")


def given(config: pytest.Config) -> Given:
    """What was given on pytest's command line. Raises `pytest.UsageError` without a URL."""
    values = {name.replace("-", "_"): config.getoption(destination(name)) for name in (*TEXTS, *NUMBERS, *FLAGS)}
    values.pop("waivers")
    if not values["url"]:
        raise pytest.UsageError("the contract checks need a target: give --ia-url URL and --ia-token TOKEN")
    return Given(**{**values, "seed": values["seed"] or 0, "ca": Path(values["ca"]) if values["ca"] else None})


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A whole run in which fewer than the mandatory checks ran is not green."""
    if session.exitstatus == EXIT_PASSED and _too_few(session.config):
        session.exitstatus = EXIT_TOO_FEW


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Says why a run of skips isn't green."""
    if _too_few(terminalreporter.config):
        terminalreporter.write_line("ia-api-contract: fewer than the mandatory checks ran: this run is not green")


def _too_few(config: pytest.Config) -> bool:
    """Whether the whole suite ran, and too little of it did anything."""
    from ia_api_contract.suite import CHECKS, mandatory  # the options are there without the suite being imported

    results, target = config.stash.get(RESULTS, []), config.stash.get(TARGET, None)
    if target is None or len(results) < len(CHECKS):
        return False
    return exit_status(results, mandatory(target.options)) == EXIT_TOO_FEW
