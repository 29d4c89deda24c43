"""The command `ia-api-contract app`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from ia_api_contract.cli_reporting import (
    FILE,
    REPORT,
    Seconds,
    finish,
    interruptible,
    progress,
    reporting,
    tell,
    waivers_of,
)
from ia_api_contract.reports import Report, text
from ia_api_spec import VERSIONS, ApiVersion


def _print_list(context: click.Context, option: click.Parameter, asked: bool) -> None:
    if asked:
        click.echo(_modes().app_suite.listed(), nl=False)
        context.exit()


@click.command()
@click.argument("app_url")
@click.option(
    "--api-version",
    "versions",
    multiple=True,
    type=click.Choice([str(version) for version in VERSIONS]),
    help="A version that the PACS plays. Repeatable.  [default: all of them, one after the other]",
)
@click.option(
    "--public-url", metavar="URL", help="Base URL by which the app reaches the PACS, if not the one it binds."
)
@click.option(
    "--listen", metavar="HOST:PORT", help="Where the PACS serves; port 0 is any free one.  [default: localhost:0]"
)
@click.option("--timeout", default=60.0, show_default=True, type=Seconds(0.1, 600), help="Seconds for an answer.")
@click.option("--slide", type=click.Path(path_type=Path, exists=True), help="A slide to show, in place of a demo one.")
@click.option("--allow-link-local", is_flag=True, help="Calls link-local and cloud metadata addresses, too.")
@click.option("--only", multiple=True, metavar="ID", help="Only this one; app.phi-* is all about PHI. Repeatable.")
@click.option("--strict", is_flag=True, help="A should that fails fails the run, too.")
@click.option(
    "--expected", type=FILE, help="Results that are expected: what differs fails the run, what doesn't doesn't."
)
@click.option("--write-expected", type=REPORT, help="Writes the results as a file for --expected.")
@click.option(
    "--list", is_flag=True, is_eager=True, expose_value=False, callback=_print_list, help="Lists the requirements."
)
@reporting
def app(
    app_url: str,
    only: Sequence[str],
    strict: bool,
    expected: Path | None,
    write_expected: Path | None,
    waivers: Path | None,
    junit: Path | None,
    html: Path | None,
    json: Path | None,
    **given: Any,
) -> None:
    """Checks an app: APP_URL is the URL that an administrator would register it by.

    It plays the PACS around the app, once for each version: registers it, starts it, edits and deletes its results,
    notifies it, and fails in between. The app must be able to reach this machine: see --listen and --public-url.
    """
    modes = _modes()
    mode, known = modes.app_mode, modes.app_suite.BY_ID
    waived = waivers_of(waivers, known)
    try:
        checks = modes.choose(modes.app_suite.REQUIREMENTS, only)
        options = modes.options(app_url, **given)
        wanted = modes.app_expected.read(expected, known) if expected else None
    except (LookupError, ValueError) as error:
        raise click.UsageError(str(error.args[0])) from error
    redactor = modes.Redactor()
    header = mode.facts(options, checks, strict)
    tell(text.header(Report("app", header, (), (), 0)) + "\n")
    try:
        with interruptible():
            results = mode.examine(options, checks, redactor, progress(len(checks) * len(options.versions)))
    except mode.PacsError as error:
        raise click.UsageError(str(error)) from error
    report = mode.report(options, header, results, redactor, waived, strict=strict, expected=wanted)
    if write_expected:
        _write(write_expected, modes.app_expected.text_of(report))
    finish(report, {"junit": junit, "html": html, "json": json})


def _write(path: Path, content: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, "utf-8", newline="\n")
    except OSError as error:
        why = error.strerror or error
        trouble = f"the expected results could not be written to {path}: {why}; the verdict stays as it is"
        click.echo(trouble, err=True)


class _Modes:
    """The modules of the app mode, which need the emulator."""

    def __init__(self) -> None:
        from ia_api_contract import app_expected, app_mode, app_suite
        from ia_api_contract.check import choose
        from ia_api_contract.exchanges import Redactor

        self.app_mode, self.app_suite, self.app_expected = app_mode, app_suite, app_expected
        self.choose, self.Redactor = choose, Redactor

    def options(self, url: str, versions: Sequence[str], listen: str | None, **given: Any) -> Any:
        """What the user said. Raises `ValueError`."""
        from ia_api_contract.app_target import AppOptions, check_url

        for name, address in (("APP_URL", url), ("--public-url", given["public_url"])):
            if address is not None:
                check_url(name, address)
        host, port = _address(listen)
        chosen = tuple(map(ApiVersion, dict.fromkeys(versions))) or VERSIONS
        return AppOptions(url, chosen, host=host, port=port, **given)


def _address(listen: str | None) -> tuple[str, int]:
    host, colon, port = (listen or "localhost:0").rpartition(":")
    if not colon or not host or not port.isascii() or not port.isdecimal() or int(port) > 65535:
        raise ValueError(f"--listen came as {listen!r}: expected HOST:PORT, such as 0.0.0.0:8001")
    return host.strip("[]"), int(port)


def _modes() -> _Modes:
    try:
        return _Modes()
    except ModuleNotFoundError as error:
        needed = f"app mode needs the emulator ({error.name} is missing): pip install 'ia-api-kit[contract,server]'"
        raise click.ClickException(needed) from error
