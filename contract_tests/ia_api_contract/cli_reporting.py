"""What the commands of all modes share: the options of reports, waivers, progress, and the end with its exit status."""

import math
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from ia_api_contract.outcomes import CheckResult
from ia_api_contract.reports import Report, files, text
from ia_api_contract.waivers import Waiver, WaiverError, read_waivers

Command = Callable[..., Any]


class _File(click.Path):
    """A file with a name. Other programs mean standard input and output by `-`: here it would be a file's name."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The path. Raises `click.BadParameter`."""
        if value == "-":
            self.fail("'-' names no file here: expected a path, such as ./report", param, ctx)
        return super().convert(value, param, ctx)


FILE = _File(path_type=Path, dir_okay=False)
"""A file that is read."""

REPORT = _File(path_type=Path, readable=False)
"""A file that is written when all is over: whatever stands in its way then is told, and changes no verdict."""


class Seconds(click.FloatRange):
    """Seconds to wait: a range of numbers, which NaN is in no part of."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The number. Raises `click.BadParameter`."""
        seconds = float(super().convert(value, param, ctx))
        if not math.isfinite(seconds):
            self.fail(f"{value!r} is no number of seconds.", param, ctx)
        return seconds


EXIT_INTERRUPTED = 130
"""What shells say of a program that Ctrl-C ended; 1 would say that something failed."""


def _together(*decorators: Callable[[Command], Command]) -> Callable[[Command], Command]:
    """Several options as one decorator, in the order of the help."""

    def decorated(command: Command) -> Command:
        for decorator in reversed(decorators):
            command = decorator(command)
        return command

    return decorated


reporting = _together(
    click.option("--waivers", type=FILE, help="YAML or TOML file of failures that are known."),
    click.option("--junit", type=REPORT, help="Writes a JUnit report."),
    click.option("--html", type=REPORT, help="Writes a report as one page."),
    click.option("--json", type=REPORT, help="Writes a report as JSON."),
)


def waivers_of(path: Path | None, known: Any) -> tuple[Waiver, ...]:
    """The waivers that the file lists, of checks that are known; none without a file. Raises `click.UsageError`."""
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


@contextmanager
def interruptible() -> Iterator[None]:
    """Ends the program on Ctrl-C, with an exit status of its own: there is no verdict."""
    try:
        yield
    except KeyboardInterrupt:
        click.echo("\ninterrupted: there is no verdict, and no report was written", err=True)
        sys.exit(EXIT_INTERRUPTED)


def tell(words: str) -> None:
    """Prints what the command says; that nobody reads on, as `| head` does, changes nothing."""
    try:
        click.echo(words, nl=False)
        sys.stdout.flush()
    except BrokenPipeError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


def finish(report: Report, paths: dict[str, Path | None]) -> None:
    """Tells the verdict and ends with its exit status, whatever becomes of the report files."""
    tell(text.text(report))
    for trouble in files.write(report, paths):
        click.echo(trouble, err=True)
    sys.exit(report.exit_status)
