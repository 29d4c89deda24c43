"""The commands `fake-pacs act …` and `fake-pacs deliveries`: what a user does to apps, and what came of it."""

import json
import sys
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import click

from fake_pacs.cli_apps import read_object
from fake_pacs.cli_server import Seconds, printable, server_options
from fake_pacs.control_client import ControlClient

_LONGEST_DEADLINE = 600.0
_LONGEST_SENDING = 600.0
"""So many seconds after the first of several calls, the server still begins others."""
_SLACK = 60.0
"""So many seconds longer than the app may take, the command waits for the server."""

Points = list[dict[str, float]]


class _Drawn(click.ParamType[Points]):
    """Corners in image widths."""

    name = "X,Y X,Y X,Y…"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Points:
        if isinstance(value, list):
            return value
        try:
            pairs = [[float(number) for number in pair.split(",")] for pair in str(value).split()]
            return [{"x": x, "y": y} for x, y in pairs]
        except ValueError:
            expected = "corners as x,y in image widths with blanks between, such as '0.1,0.1 0.2,0.1 0.2,0.2'"
            self.fail(f"{value!r}: expected {expected}", param, ctx)


def _answered(command: Callable[..., None]) -> Callable[..., None]:
    """Gives a command the options of everything that an app answers to."""
    for option in (
        click.option("--json", "as_json", is_flag=True, help="The deliveries as JSON."),
        click.option("--no-wait", is_flag=True, help="Doesn't wait for the app's answer."),
        click.option(
            "--deadline",
            type=Seconds(0, _LONGEST_DEADLINE, min_open=True),
            help="Seconds that the app may take.  [default: the policy's, 30]",
        ),
    ):
        command = option(command)
    return command


@click.group(short_help="Do to apps what a user does.")
def act() -> None:
    """Do to registered apps what a user does at the workstation, with a running server.

    Every command waits for the app's answer and lists what is wrong with it. The exit status is 1 where the app
    couldn't be reached or broke a `must`.
    """


@act.command(short_help="Start an app on a slide.")
@click.argument("application_id", metavar="APP")
@click.argument("slide_id", metavar="SLIDE")
@click.option("--polygon", type=_Drawn(), help="On this polygon.")
@click.option("--tag", type=click.IntRange(0), help="Which of the app's tags the polygon has, from 0.")
@click.option("--area", "areas", multiple=True, type=_Drawn(), help="On this area; may be repeated.")
@_answered
@server_options
def start(
    client: ControlClient,
    application_id: str,
    slide_id: str,
    polygon: Points | None,
    tag: int | None,
    areas: tuple[Points, ...],
    **how: Any,
) -> None:
    """Start APP on SLIDE: the whole of it, a drawn polygon, or several areas, as the app's input template says.

    Corners are in image widths, in both axes: --polygon '0.1,0.1 0.2,0.1 0.2,0.2'.
    """
    asked: dict[str, Any] = {"applicationId": application_id, "slideId": slide_id}
    if polygon is not None:
        asked["polygon"] = {"points": polygon}
    if tag is not None:
        asked["tagIndex"] = tag
    if areas:
        asked["areas"] = [{"points": area} for area in areas]
    _perform(client, "start", asked, **how)


@act.command(short_help="Edit a result.")
@click.argument("application_id", metavar="APP")
@click.argument("result_id", metavar="RESULT", type=int)
@click.argument("change", metavar="JSON")
@_answered
@server_options
def edit(client: ControlClient, application_id: str, result_id: int, change: str, **how: Any) -> None:
    """Edit a RESULT of APP: JSON, or @FILE, is a merge patch (RFC 7396) such as '{"displayResult": "129 nuclei"}'."""
    asked = {"applicationId": application_id, "resultId": result_id, "change": read_object(change)}
    _perform(client, "edit", asked, **how)


@act.command(short_help="Move a patch of a gallery to another tag.")
@click.argument("application_id", metavar="APP")
@click.argument("result_id", metavar="RESULT", type=int)
@click.argument("patch", type=click.IntRange(0))
@click.argument("tag", type=click.IntRange(0))
@_answered
@server_options
def move_patch(client: ControlClient, application_id: str, result_id: int, patch: int, tag: int, **how: Any) -> None:
    """Move the patch number PATCH of a RESULT of APP to the tag number TAG, both from 0."""
    asked = {"applicationId": application_id, "resultId": result_id, "patch": patch, "tag": tag}
    _perform(client, "movePatch", asked, **how)


@act.command(short_help="Press a button of a gallery.")
@click.argument("application_id", metavar="APP")
@click.argument("result_id", metavar="RESULT", type=int)
@click.argument("action_id", metavar="ACTION")
@_answered
@server_options
def press(client: ControlClient, application_id: str, result_id: int, action_id: str, **how: Any) -> None:
    """Press the button of that ACTION in the gallery of a RESULT of APP."""
    asked = {"applicationId": application_id, "resultId": result_id, "actionId": action_id}
    _perform(client, "press", asked, **how)


@act.command(short_help="Delete a result.")
@click.argument("application_id", metavar="APP")
@click.argument("result_id", metavar="RESULT", type=int)
@_answered
@server_options
def delete(client: ControlClient, application_id: str, result_id: int, **how: Any) -> None:
    """Delete a RESULT of APP: the app is told, then the result is gone, whatever it answered."""
    _perform(client, "delete", {"applicationId": application_id, "resultId": result_id}, **how)


@act.command(short_help="Cancel what a delivery started.")
@click.argument("delivery", type=click.IntRange(1))
@_answered
@server_options
def cancel(client: ControlClient, delivery: int, **how: Any) -> None:
    """Cancel what the DELIVERY of that number started: `fake-pacs deliveries` lists them."""
    _perform(client, "cancel", {"delivery": delivery}, **how)


@act.command("import", short_help="Import a slide.")
@click.argument("slide_id", metavar="SLIDE")
@_answered
@server_options
def import_(client: ControlClient, slide_id: str, **how: Any) -> None:
    """Import SLIDE: every enabled app with image notifications on is told."""
    _perform(client, "import", {"slideId": slide_id}, **how)


@act.command(short_help="Launch a browser-launched app on a case.")
@click.argument("application_id", metavar="APP")
@click.argument("accession", metavar="ACCESSION")
@click.option("--issuer", help="Whose accession number it is, where several issued it.")
@server_options
def launch(client: ControlClient, application_id: str, accession: str, issuer: str | None) -> None:
    """Launch APP on the case of that ACCESSION number: prints what the browser is given, as JSON.

    Its session token opens /launchdata, more than once.
    """
    asked = {"applicationId": application_id, "accessionNumber": accession}
    if issuer is not None:
        asked["accessionNumberIssuer"] = issuer
    click.echo(json.dumps(client.call("POST", "launches", asked), indent=2))


def _perform(client: ControlClient, action: str, asked: dict[str, Any], **how: Any) -> None:
    _send(client, "actions", {"action": action, **asked}, **how)


def _send(
    client: ControlClient,
    path: str,
    document: dict[str, Any],
    *,
    deadline: float | None,
    no_wait: bool,
    as_json: bool,
    times: int = 1,
) -> None:
    document |= {} if deadline is None else {"deadlineSeconds": deadline}
    document |= {"wait": False} if no_wait else {}
    sending = _LONGEST_SENDING if times > 1 else 0.0
    timeout = (deadline or _LONGEST_DEADLINE) + sending + _SLACK
    found = client.call("POST", path, document, timeout=timeout)["deliveries"]
    _tell(found, as_json, "No app is told: fake-pacs apps notifications ID on lets one be.")
    if any(delivery["state"] != "waiting" and not delivery["ok"] for delivery in found):
        sys.exit(1)


def _tell(found: list[dict[str, Any]], as_json: bool, nothing: str) -> None:
    if as_json:
        click.echo(json.dumps(found, indent=2))
    else:
        click.echo("\n".join(line for delivery in found for line in _lines(delivery)) if found else nothing)


def _lines(delivery: dict[str, Any]) -> list[str]:
    """A delivery in one line, and one for each finding; what an app wrote can't command a terminal."""
    answer = delivery["answer"]
    came = delivery["state"]
    if answer:
        came = f"{answer['status'] or 'failed'} in {answer['seconds']:.2f} s  {'ok' if delivery['ok'] else 'not ok'}"
    about = f"result {delivery['resultId']}" if delivery["resultId"] else f"slide {delivery['slideId']}"
    about = f"  {about}" if delivery["slideId"] or delivery["resultId"] else ""
    again = f" (again: {delivery['resendOf']})" if delivery["resendOf"] else ""
    line = f"#{delivery['number']}{again}  {delivery['kind']}  {delivery['applicationId'] or '-'}{about}  {came}"
    findings = [
        f"  {finding['level']:6}  {finding['code']}: {': '.join(filter(None, (finding['place'], finding['text'])))}"
        for finding in delivery["findings"]
    ]
    return [" ".join(printable(text, 500).splitlines()) for text in (line, *findings)]


@click.group(invoke_without_command=True, short_help="List what was sent to apps, and send it again.")
@click.option("--app", help="Only what went to that app.")
@click.option("--after", type=click.IntRange(0), help="Only what has a larger number.")
@click.option("--limit", type=click.IntRange(1), help="So many of the latest at most.")
@click.option("--json", "as_json", is_flag=True, help="As JSON, with what was sent and answered.")
@server_options
def deliveries(client: ControlClient, as_json: bool, **only: Any) -> None:
    """List what a running server sent to apps, oldest first, and what is wrong with their answers."""
    if click.get_current_context().invoked_subcommand is not None:
        return
    query = urlencode({name: value for name, value in only.items() if value is not None})
    found = client.call("GET", f"deliveries?{query}" if query else "deliveries")["deliveries"]
    _tell(found, as_json, "Nothing was sent to any app.")


@deliveries.command(short_help="Send an invocation again.")
@click.argument("number", type=click.IntRange(1))
@click.option("--times", default=1, show_default=True, type=click.IntRange(1, 1000), help="How often.")
@click.option("--delay", default=0.0, show_default=True, type=Seconds(0, 600), help="Seconds before each.")
@_answered
@server_options
def resend(client: ControlClient, number: int, times: int, delay: float, **how: Any) -> None:
    """Send the invocation of the delivery NUMBER again, exactly as it was."""
    _send(client, f"deliveries/{number}/resend", {"times": times, "delaySeconds": delay}, times=times, **how)


@deliveries.command(short_help="Show or change how deliveries are made.")
@click.option("--deadline", type=Seconds(0, 600, min_open=True), help="Seconds that an app may take.")
@click.option("--retries", type=click.Choice(["on", "off"]), help="Calls again what didn't connect or answered 5xx.")
@click.option("--attempts", type=click.IntRange(1, 10), help="With retries: how many calls at most.")
@click.option("--backoff", type=Seconds(0, 600), help="With retries: seconds before the second call.")
@click.option("--delay", type=Seconds(0, 600), help="Seconds before each delivery.")
@click.option("--duplicates", type=click.IntRange(0, 100), help="How many times more each is sent.")
@click.option("--reorder", type=click.Choice(["on", "off"]), help="Holds each back until the next to the same app.")
@server_options
def policy(client: ControlClient, **changes: Any) -> None:
    """Show how deliveries are made, as JSON, after the changes that the options say."""
    now = client.call("GET", "delivery-policy")
    for name, value in changes.items():
        if value is not None:
            member = f"{name}Seconds" if f"{name}Seconds" in now else name
            now[member] = value == "on" if value in ("on", "off") else value
    if any(value is not None for value in changes.values()):
        now = client.call("PUT", "delivery-policy", now)
    click.echo(json.dumps(now, indent=2))
