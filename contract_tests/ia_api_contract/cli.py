"""The command `ia-api-contract`."""

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from ia_api_contract import server_mode
from ia_api_contract.check import Check
from ia_api_contract.cli_app import app
from ia_api_contract.cli_reporting import FILE, Seconds, finish, interruptible, progress, reporting, tell, waivers_of
from ia_api_contract.given import TOKEN_VARIABLE, Given, UsageError
from ia_api_contract.learning import target_for
from ia_api_contract.recording import Recorder
from ia_api_contract.reports import Report, listing, text
from ia_api_contract.suite import BY_ID, selected
from ia_api_spec import VERSIONS


def _print_list(context: click.Context, option: click.Parameter, asked: bool) -> None:
    if asked:
        click.echo(listing.text(), nl=False)
        context.exit()


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="ia-api-kit", prog_name="ia-api-contract")
def main() -> None:
    """Checks what speaks IA-API against the contract. The contract outranks it, a real PACS outranks both.

    Exit status: 0 all passed or waived, 1 something failed, 2 wrong usage, 3 fewer than the mandatory checks ran, 4 the
    suite itself broke, 130 interrupted.
    """


main.add_command(app)


@main.command()
@click.argument("url")
@click.option(
    "--api-version",
    type=click.Choice([str(version) for version in VERSIONS]),
    help="The version to check it as.  [default: the one it reports]",
)
@click.option("--token", help=f"The bearer token; or set {TOKEN_VARIABLE}.  [default on a local fake-pacs: its own]")
@click.option("--app-id", help="An application that is registered with it.")
@click.option("--slide-id", help="A slide that it has.")
@click.option("--accession", help="A case that it has.")
@click.option("--user", metavar="NAME:PASSWORD", help="Who may ask /token.")
@click.option("--control-token", help="Opens the control plane of an emulator.")
@click.option("--read-only", is_flag=True, help="Stores nothing.")
@click.option("--max-examples", type=click.IntRange(1), help="Examples for each operation.  [default: 30; quick: 5]")
@click.option("--quick", is_flag=True, help="Leaves out what takes long.")
@click.option("--only", multiple=True, metavar="ID", help="Only this check; results.* is all of results. Repeatable.")
@click.option("--seed", default=0, show_default=True, help="The same seed makes the same requests.")
@click.option("--insecure", is_flag=True, help="Trusts every certificate.")
@click.option("--ca", type=FILE, help="Certificate authority to trust, PEM.")
@click.option("--record", type=click.Path(path_type=Path, file_okay=False), help="Keeps the exchanges there, redacted.")
@click.option("--list", is_flag=True, is_eager=True, expose_value=False, callback=_print_list, help="Lists the checks.")
@reporting
def server(
    url: str,
    only: Sequence[str],
    record: Path | None,
    waivers: Path | None,
    junit: Path | None,
    html: Path | None,
    json: Path | None,
    **given: Any,
) -> None:
    """Checks a server: URL is the base URL of its IA-API.

    It learns what the server holds from /_fake_pacs/hospital if that answers, else from the options; else it asks for
    made-up ids.
    """
    known = waivers_of(waivers, BY_ID)
    checks = _selected(only)
    try:
        target = target_for(Given(url, **given).options())
    except UsageError as error:
        raise click.UsageError(str(error)) from error
    recorder = Recorder(target.contract, target.redactor) if record else None
    header = server_mode.facts(target, checks)
    tell(text.header(Report("server", header, (), (), 0)) + "\n")
    target.heard = recorder
    with _elsewhere(), interruptible():
        results = server_mode.examine(target, checks, progress(len(checks)))
    report = server_mode.report(target, header, checks, results, known)
    if recorder and record:
        _keep(recorder, record)
    finish(report, {"junit": junit, "html": html, "json": json})


def _selected(only: Sequence[str]) -> Sequence[Check]:
    try:
        return selected(only)
    except LookupError as error:
        raise click.UsageError(str(error.args[0])) from error


@contextmanager
def _elsewhere() -> Iterator[None]:
    """Lets Hypothesis keep its files in a temporary folder: nothing is left where the user stands."""
    with tempfile.TemporaryDirectory() as folder:
        before = os.environ.setdefault("HYPOTHESIS_STORAGE_DIRECTORY", folder)
        try:
            yield
        finally:
            if before == folder:
                del os.environ["HYPOTHESIS_STORAGE_DIRECTORY"]


def _keep(recorder: Recorder, folder: Path) -> None:
    try:
        click.echo(recorder.write(folder))
    except OSError as error:
        click.echo(f"the exchanges could not be kept in {folder}: {error}; the verdict stays as it is", err=True)


@main.command(context_settings={"ignore_unknown_options": True})
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED, metavar="-- COMMAND…")
@click.option(
    "--api-version",
    default=str(VERSIONS[-1]),
    show_default=True,
    type=click.Choice([str(version) for version in VERSIONS]),
    help="The version of the emulator that it meets.",
)
@click.option("--timeout", default=60.0, show_default=True, type=Seconds(0.1), help="Seconds for each run.")
@click.option("--only", multiple=True, metavar="ID", help="Beside the plain run only this check. Repeatable.")
@reporting
def client(
    command: tuple[str, ...],
    api_version: str,
    timeout: float,
    only: tuple[str, ...],
    waivers: Path | None,
    junit: Path | None,
    html: Path | None,
    json: Path | None,
) -> None:
    """Checks a client program: COMMAND is run against an emulator, once plain, then once for each way to refuse it.

    It finds IA_API_URL, IA_API_TOKEN, IA_API_SLIDE_ID, IA_API_APP_ID, IA_API_ACCESSION and IA_API_VERSION in its
    environment. It is to exit 0 only if what it stored is there.
    """
    mode = _client_mode()
    known = mode.known_ids()
    if unknown := [check_id for check_id in only if check_id not in known]:
        raise click.UsageError(f"no check has the id {unknown[0]!r}, such as client.createResult-409")
    waived = waivers_of(waivers, known)
    examination = mode.ClientExamination(mode.ClientOptions(command, api_version, timeout, only))
    header = mode.facts(examination.options)
    tell(text.header(Report("client", header, (), (), 0)) + "\n")
    try:
        with interruptible():
            results = examination.results(progress(len(known)))
    except mode.CommandError as error:
        raise click.UsageError(str(error)) from error
    finish(mode.report(examination, header, results, waived), {"junit": junit, "html": html, "json": json})


def _client_mode() -> Any:
    """The client mode, which needs the emulator."""
    try:
        from ia_api_contract import client_mode
    except ModuleNotFoundError as error:
        needed = f"client mode needs the emulator ({error.name} is missing): pip install 'ia-api-kit[contract,server]'"
        raise click.ClickException(needed) from error
    return client_mode
