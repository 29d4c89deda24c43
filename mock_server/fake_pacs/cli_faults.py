"""The commands `fake-pacs faults`, `fake-pacs clock` and `fake-pacs incident`: what goes wrong on purpose."""

import json
import re
import sys
import time
from datetime import datetime, timedelta
from typing import Any

import click

from fake_pacs.cli_server import printable, server_options
from fake_pacs.clock import EARLIEST, LATEST
from fake_pacs.control_client import ControlClient, ControlError
from fake_pacs.faults.slides import BAD_SLIDES
from fake_pacs.incidents.catalogue import INCIDENTS

_DURATION = re.compile(r"(?P<count>[0-9]{1,9}(?:\.[0-9]{1,6})?)(?P<unit>[smhdw]?)")
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
_LOOK_SECONDS = 0.2
_BACK_AGAIN = 5.0
"""So many seconds longer than an incident says, a server may be away."""
_NOT_EXERCISED = 3
"""The exit status of an incident that had no occasion."""


class _Duration(click.ParamType[float]):
    name = "DURATION"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        if isinstance(value, float):
            return value
        found = _DURATION.fullmatch(str(value))
        if found is None:
            self.fail(f"{value!r}: expected at most nine digits and a unit of s, m, h, d or w, such as 30d", param, ctx)
        return float(found["count"]) * _SECONDS[found["unit"]]


class _Moment(click.ParamType[datetime]):
    name = "TIME"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        expected = "a time with its offset to UTC, such as 2027-01-01T00:00:00Z"
        try:
            moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
        except ValueError:
            self.fail(f"{value!r}: expected {expected}", param, ctx)
        if moment.tzinfo is None:
            self.fail(f"{value!r} has no offset to UTC: expected {expected}", param, ctx)
        if not EARLIEST <= moment <= LATEST:
            self.fail(f"{value!r}: expected a time from {EARLIEST.year} to {LATEST.year}", param, ctx)
        return moment


@click.group(invoke_without_command=True, short_help="Slides that misbehave, and faults of a running server.")
@click.pass_context
def faults(context: click.Context) -> None:
    """List the slides that misbehave without any set-up; put faults into a running server, and look at them.

    The slides answer on every server, only when asked for by id. What a fault can be: docs/faults.md.
    """
    if context.invoked_subcommand is None:
        click.echo("Slides that misbehave without any set-up; they answer only when asked for by id:\n")
        width = max(map(len, BAD_SLIDES))
        for bad in BAD_SLIDES.values():
            click.echo(f"  {bad.id:{width}}  {bad.what}\n  {'':{width}}  on {', '.join(sorted(bad.operations))}")
        click.echo("\nFaults of a running server: fake-pacs faults add, list, clear. Incidents: fake-pacs incident.")


@faults.command(short_help="Put a fault into a running server.")
@click.argument("operation_id", metavar="OPERATION")
@click.argument("kind")
@click.argument("members", metavar="[NAME=VALUE]...", nargs=-1)
@server_options
def add(client: ControlClient, operation_id: str, kind: str, members: tuple[str, ...]) -> None:
    """Put a fault at the end of a running server's table: fake-pacs faults add getSlideFiles truncate times=2.

    OPERATION is an operation of the IA-API or '*'. VALUEs are JSON, or text; a dot in a NAME goes into a member, as in
    latency.seconds=2 or match.slideId=demo-he-1.
    """
    document: dict[str, Any] = {"operationId": operation_id, "kind": kind}
    for member in members:
        _put(document, member)
    click.echo(_line(client.call("POST", "faults", document)))


@faults.command("list", short_help="List the faults of a running server.")
@click.option("--json", "as_json", is_flag=True, help="As JSON, with the exchanges that consumed them.")
@server_options
def list_(client: ControlClient, as_json: bool) -> None:
    """List the faults of a running server with what they took and what is left."""
    found = client.call("GET", "faults")["faults"]
    if as_json:
        click.echo(json.dumps(found, indent=2))
    elif not found:
        click.echo("No fault was put in: fake-pacs faults add OPERATION KIND does.")
    else:
        click.echo("\n".join(map(_line, found)))


@faults.command(short_help="Forget the faults of a running server.")
@server_options
def clear(client: ControlClient) -> None:
    """Forget the faults of a running server and the tokens that expired because of them; its incidents end."""
    click.echo(f"nothing goes wrong any more in the tenant {client.call('DELETE', 'faults')['tenant']}")


def _put(document: dict[str, Any], member: str) -> None:
    name, equals, text = member.partition("=")
    if not equals or not name:
        raise click.UsageError(f"{member!r}: expected NAME=VALUE, such as times=2")
    *path, last = name.split(".")
    for step in path:
        document = document.setdefault(step, {})
        if not isinstance(document, dict):
            raise click.UsageError(f"{member!r}: {step} has a value already")
    try:
        document[last] = json.loads(text)
    except ValueError:
        document[last] = text


def _line(record: dict[str, Any]) -> str:
    fault = dict(record["fault"])
    what = f"{fault.pop('kind')} on {fault.pop('operationId')}"
    fault.pop("times")
    more = "".join(f" {name}={json.dumps(value)}" for name, value in fault.items())
    left = "goes on" if record["left"] is None else f"{record['left']} left"
    return printable(f"#{record['number']} {what}{more}: took {record['taken']} of {record['met']}, {left}")


@click.group(invoke_without_command=True, short_help="Look at a running server's clock, and move it.")
@click.pass_context
def clock(context: click.Context) -> None:
    """Look at the clock of a running server, and move it: tokens expire by it. It is that of all tenants."""
    if context.invoked_subcommand is None:
        show.invoke(show.make_context("show", [], parent=context))  # as typed: options from the environment, too


@clock.command(short_help="Show the time of day.")
@server_options
def show(client: ControlClient) -> None:
    """Show the server's time of day."""
    _tell(client.call("GET", "clock"))


@clock.command(short_help="Move the clock on.")
@click.argument("duration", type=_Duration())
@server_options
def advance(client: ControlClient, duration: float) -> None:
    """Move the clock on by DURATION: seconds, or a number with s, m, h, d or w, such as 30d."""
    _tell(client.call("POST", "clock", {"advance": duration}))


@clock.command("set", short_help="Set the clock to a time.")
@click.argument("moment", metavar="TIME", type=_Moment())
@server_options
def set_(client: ControlClient, moment: datetime) -> None:
    """Set the clock to TIME, ISO 8601 with an offset to UTC, such as 2027-01-01T00:00:00Z."""
    _tell(client.call("POST", "clock", {"set": moment.isoformat()}))


@clock.command(short_help="Stop the clock, or let it go on.")
@click.argument("switch", type=click.Choice(["on", "off"]), default="on")
@server_options
def freeze(client: ControlClient, switch: str) -> None:
    """Stop the clock where it is (on), or let it go on from there (off)."""
    _tell(client.call("POST", "clock", {"freeze": switch == "on"}))


@clock.command(short_help="Let it go like the machine's clock again.")
@server_options
def reset(client: ControlClient) -> None:
    """Let the clock go like the machine's again."""
    _tell(client.call("POST", "clock", {"reset": True}))


def _tell(told: dict[str, Any]) -> None:
    stands = ", stands still" if told["frozen"] else ""
    off = timedelta(seconds=round(abs(told["offset"])))
    ahead = f" ({off} {'ahead' if told['offset'] > 0 else 'behind'})" if off else ""
    click.echo(f"{told['now']}{ahead}{stands}")


@click.command(short_help="Let an incident happen, and see how the app takes it.")
@click.argument("name", required=False, metavar="[NAME]")
@click.option("--slide", help="Only about this slide.")
@click.option("--app", help="Only about this application.")
@click.option("--count", type=int, help="So many notifications.")
@click.option("--seconds", type=float, help="So long the PACS is away.")
@click.option(
    "--watch",
    type=_Duration(),
    default="60s",
    show_default=True,
    help="So long the app is watched before the verdict, unless it is settled before; Ctrl-C ends it earlier.",
)
@server_options
def incident(client: ControlClient, name: str | None, watch: float, **asked: Any) -> None:
    """Let the incident NAME happen on a running server, and tell how the app took it; without NAME, list them.

    The exit status is 0 where the app passed, 1 where it failed, 3 where it gave no occasion.
    """
    if name is None:
        for known, kind in INCIDENTS.items():
            click.echo(f"{known}\n  {kind.what}\n  Fails for: {kind.judged}")
        return
    names = {"slide": "slideId", "app": "applicationId"}
    body = {names.get(member, member): value for member, value in asked.items() if value is not None}
    path = f"incidents/{name}"
    client.call("POST", path, body)
    click.echo(f"{name} is armed; the app is watched for {watch:g} s, or until the verdict is settled; Ctrl-C ends it.")
    told = _watched(client, path, watch, patience=_BACK_AGAIN + (asked["seconds"] or 0.0))
    click.echo(printable(f"{told['verdict']}: {told['text']}"))
    sys.exit({"passed": 0, "failed": 1}.get(told["verdict"], _NOT_EXERCISED))


def _watched(client: ControlClient, path: str, seconds: float, patience: float) -> dict[str, Any]:
    """Tells what happens while it happens; the incident as it is when it was ended."""
    deadline, shown = time.monotonic() + seconds, 0
    try:
        while time.monotonic() < deadline:
            told = _asked(client, "GET", path, patience)
            shown = _tell_new(told, shown)
            if told["settled"]:
                break
            time.sleep(min(_LOOK_SECONDS, max(deadline - time.monotonic(), 0)))
    except KeyboardInterrupt:
        click.echo()
    told = _asked(client, "DELETE", path, patience)
    _tell_new(told, shown)
    return told


def _asked(client: ControlClient, method: str, path: str, patience: float) -> dict[str, Any]:
    """The incident; a server that is away, as it is in a restart, is asked again for so many seconds."""
    until = time.monotonic() + patience
    while True:
        try:
            told: dict[str, Any] = client.call(method, path)
        except ControlError as error:
            if error.status is not None or time.monotonic() >= until:
                raise
        else:
            return told
        time.sleep(_LOOK_SECONDS)


def _tell_new(told: dict[str, Any], shown: int) -> int:
    for line in told["happened"][shown:]:
        click.echo(printable(f"  {line}"))
    return len(told["happened"])
