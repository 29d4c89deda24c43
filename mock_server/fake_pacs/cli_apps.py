"""The commands `fake-pacs apps …`: the administrator's side of a running server."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

import click

from fake_pacs.cli_server import printable, server_options
from fake_pacs.control_client import ControlClient

_LONGEST = 200
"""So many characters of a text that an app chose are shown."""


@click.group(short_help="Register apps by their URL.")
def apps() -> None:
    """Register apps by their URL with a running server, and decide about them."""


@apps.command(short_help="Register the app at a URL.")
@click.argument("url")
@server_options
def add(client: ControlClient, url: str) -> None:
    """Register the app at URL: its registration and its info are fetched and checked.

    What is wrong with them is listed; a registration that can't be used ends this with exit status 1.
    """
    answered = client.call("POST", "apps", {"url": url})
    click.echo(f"registered  {_line(answered['app'])}")
    for finding in answered["findings"]:
        place = f"{finding['place']}: " if finding["place"] else ""
        click.echo(f"  {finding['level']:6}  {finding['code']}: {printable(place + finding['text'])}")


@apps.command("list", short_help="List the registered apps.")
@click.option("--json", "as_json", is_flag=True, help="As JSON, with input template and context.")
@server_options
def list_(client: ControlClient, as_json: bool) -> None:
    """List the apps that are registered by their URL, ordered by id."""
    found = client.call("GET", "apps")["apps"]
    if as_json:
        click.echo(json.dumps(found, indent=2))
    elif not found:
        click.echo("No app is registered by its URL: fake-pacs apps add URL registers one.")
    else:
        click.echo("\n".join(_line(app) for app in found))


@apps.command(short_help="Let users start an app.")
@click.argument("application_id", metavar="ID")
@server_options
def enable(client: ControlClient, application_id: str) -> None:
    """Let users start the app of that id."""
    _change(client, application_id, enabled=True)


@apps.command(short_help="Keep users from starting an app.")
@click.argument("application_id", metavar="ID")
@server_options
def disable(client: ControlClient, application_id: str) -> None:
    """Keep users from starting the app of that id; it isn't told of imported images either."""
    _change(client, application_id, enabled=False)


@apps.command(short_help="Tell an app of imported images, or not.")
@click.argument("application_id", metavar="ID")
@click.argument("switch", type=click.Choice(["on", "off"]))
@server_options
def notifications(client: ControlClient, application_id: str, switch: str) -> None:
    """Switch image notifications of the app of that id on or off."""
    _change(client, application_id, notifications=switch == "on")


@apps.command(short_help="Change what comes with every invocation of an app.")
@click.argument("application_id", metavar="ID")
@click.argument("document", metavar="JSON")
@server_options
def context(client: ControlClient, application_id: str, document: str) -> None:
    """Change the context of the app of that id to JSON: an object, or @FILE that holds one."""
    _change(client, application_id, context=read_object(document))


@apps.command(short_help="Forget an app.")
@click.argument("application_id", metavar="ID")
@server_options
def remove(client: ControlClient, application_id: str) -> None:
    """Forget the app of that id; its results stay, for when it is registered again."""
    client.call("DELETE", _path(application_id))
    click.echo(f"removed  {printable(application_id, _LONGEST)}")


def _change(client: ControlClient, application_id: str, **change: Any) -> None:
    click.echo(_line(client.call("PATCH", _path(application_id), change)))


def _path(application_id: str) -> str:
    return f"apps/{quote(application_id, safe='')}"


def read_object(text: str) -> Any:
    """The JSON object that an argument is, or that stands in the file it names."""
    place = f"the file {text[1:]}" if text.startswith("@") else "the argument JSON"
    try:
        read = json.loads(Path(text[1:]).read_text("utf-8") if text.startswith("@") else text)
    except OSError as error:
        raise click.ClickException(f"{place} can't be read: {error.strerror or error}") from None
    except ValueError as error:
        raise click.ClickException(f"{place} holds no JSON ({error}): expected an object such as {{}}") from None
    if not isinstance(read, dict):
        raise click.ClickException(f"{place} holds a {type(read).__name__}: expected an object such as {{}}")
    return read


def _line(app: dict[str, Any]) -> str:
    """One app in one line; what it says of itself is cut, and can't command a terminal."""
    said = [app[name] for name in ("applicationId", "displayName", "manufacturer", "url")]
    name, title, maker, url = (" ".join(printable(text, _LONGEST).split()) for text in said)
    states = [
        app["inputTemplate"]["type"],
        "enabled" if app["enabled"] else "disabled",
        f"notifications {'on' if app['notifications'] else 'off'}",
    ]
    return f"{name}  {title} ({maker})  {url}  {', '.join(states)}"
