"""The command `fake-pacs doctor`: what keeps a PACS, an app and this machine from reaching each other."""

import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import click

from fake_pacs.calling.addresses import UrlError
from fake_pacs.cli_server import printable
from fake_pacs.doctor.address import address_findings
from fake_pacs.doctor.apps import app_findings
from fake_pacs.doctor.findings import Finding, problem
from fake_pacs.doctor.pacs import Pacs, pacs_findings
from fake_pacs.settings import WELL_KNOWN_CONTROL_TOKEN, WELL_KNOWN_TOKEN, SettingsError


@click.command(short_help="Find out why PACS, app and this machine don't reach each other.")
@click.argument("url", envvar="FAKE_PACS_SERVER", default="http://localhost:8001")
@click.option("--app", "app_url", metavar="APP_URL", help="Looks at this app, too, from here and from the PACS.")
@click.option("--no-start", is_flag=True, help="Registers the app, but doesn't start it on a slide.")
@click.option(
    "--token",
    envvar=["FAKE_PACS_TOKEN", "IA_API_TOKEN"],
    default=WELL_KNOWN_TOKEN,
    show_default=True,
    help="Bearer token of the IA-API.  [env: FAKE_PACS_TOKEN, IA_API_TOKEN]",
)
@click.option(
    "--control-token",
    envvar="FAKE_PACS_CONTROL_TOKEN",
    default=WELL_KNOWN_CONTROL_TOKEN,
    show_default=True,
    help="Opens the control plane.  [env: FAKE_PACS_CONTROL_TOKEN]",
)
@click.option(
    "--ca-file",
    envvar="FAKE_PACS_CA_FILE",
    type=click.Path(path_type=Path),
    help="Trusted certificate of the server, PEM.  [env: FAKE_PACS_CA_FILE]",
)
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def doctor(
    url: str,
    app_url: str | None,
    no_start: bool,
    token: str,
    control_token: str,
    ca_file: Path | None,
    as_json: bool,
) -> None:
    """Find out why PACS, app and this machine don't reach each other.

    URL is the PACS, by its root or its base URL; without one, that in FAKE_PACS_SERVER, else http://localhost:8001.
    With --app, the app is registered in a tenant of the doctor's own and started on a slide there, so that it calls
    back; nothing of it stays. The exit status is 1 if there is a problem; warnings may do no harm.
    """
    findings: list[Finding] = []
    for finding in _findings(Pacs(url, token, control_token, ca_file), app_url, start=not no_start):
        findings.append(finding)
        if not as_json:
            _tell(finding)
    if as_json:
        click.echo(json.dumps([finding.as_json() for finding in findings], indent=2, ensure_ascii=False))
    if any(finding.level == "problem" for finding in findings):
        sys.exit(1)


def _findings(pacs: Pacs, app_url: str | None, *, start: bool) -> Iterator[Finding]:
    """Everything in order; what a problem makes pointless is left out."""
    try:
        place = pacs.place
    except UrlError as error:
        raise click.UsageError(str(error)) from error
    blocked = False
    for finding in address_findings(place, pacs.ca_file, datetime.now(UTC)):
        yield finding
        blocked |= finding.level == "problem"
    if blocked:
        return
    known = True
    try:
        for finding in pacs_findings(pacs):
            yield finding
            known &= (finding.code, finding.level) not in (("pacs.answer", "warning"), ("pacs.answer", "problem"))
    except SettingsError as error:
        yield problem("tls.trust", str(error), "Give a readable file, PEM.")
        return
    if app_url and known:
        yield from app_findings(pacs, app_url, start=start)


def _tell(finding: Finding) -> None:
    click.echo(printable(f"{finding.level:8} {finding.code:20} {finding.text}"))
    if finding.level != "ok":
        click.echo(printable(f"{'':29} -> {finding.advice}"))
