"""What the commands of all modes share: the options of reports, waivers, progress, and the end with its exit status."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from ia_api_contract.outcomes import CheckResult
from ia_api_contract.reports import Report, files, text
from ia_api_contract.waivers import Waiver, WaiverError, read_waivers

Command = Callable[..., Any]

FILE = click.Path(path_type=Path, dir_okay=False)


def _together(*decorators: Callable[[Command], Command]) -> Callable[[Command], Command]:
    """Several options as one decorator, in the order of the help."""

    def decorated(command: Command) -> Command:
        for decorator in reversed(decorators):
            command = decorator(command)
        return command

    return decorated


reporting = _together(
    click.option("--waivers", type=FILE, help="YAML or TOML file of failures that are known."),
    click.option("--junit", type=FILE, help="Writes a JUnit report."),
    click.option("--html", type=FILE, help="Writes a report as one page."),
    click.option("--json", type=FILE, help="Writes a report as JSON."),
)


def waivers_of(path: Path | None, known: Any) -> tuple[Waiver, ...]:
    try:
        return read_waivers(path, known) if path else ()
    except WaiverError as error:
        raise click.UsageError(str(error)) from error


def progress(total: int) -> Callable[[CheckResult], None]:
    """Tells a person at a terminal which check was made last; a log isn't told."""
    made = 0

    def told(result: CheckResult) -> None:
        nonlocal made
        made += 1
        if sys.stderr.isatty():
            click.echo(f"\r\x1b[K{made}/{total} {result.check_id}: {result.outcome.value}", err=True, nl=made >= total)

    return told


def finish(report: Report, paths: dict[str, Path | None]) -> None:
    """Tells the verdict and ends with its exit status, whatever becomes of the report files."""
    click.echo(text.text(report), nl=False)
    for trouble in files.write(report, paths):
        click.echo(trouble, err=True)
    sys.exit(report.exit_status)
