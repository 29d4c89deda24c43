"""The command `fake-pacs wait`: until a server answers that it is ready."""

import time
from collections.abc import Callable
from pathlib import Path

import click

from fake_pacs.cli_server import Seconds, printable
from fake_pacs.control_client import ControlClient, ControlError
from fake_pacs.settings import WELL_KNOWN_CONTROL_TOKEN

FIRST_PAUSE, LONGEST_PAUSE, LONGEST_ASKING = 0.05, 1.0, 5.0


@click.command(name="wait", short_help="Wait until a server is ready.")
@click.argument("url", envvar="FAKE_PACS_SERVER", default="http://localhost:8001")
@click.option("--timeout", default=30.0, show_default=True, type=Seconds(0), help="Seconds to wait; 0 asks once.")
@click.option(
    "--ca-file",
    envvar="FAKE_PACS_CA_FILE",
    type=click.Path(path_type=Path),
    help="Trusted certificate of the server, PEM.  [env: FAKE_PACS_CA_FILE]",
)
def wait(url: str, timeout: float, ca_file: Path | None) -> None:
    """Wait until the fake PACS at URL serves requests.

    URL is its root or the base URL of the IA-API; without one, that in FAKE_PACS_SERVER, else http://localhost:8001.
    The exit status is 0 as soon as it is ready, else 1, and the last reason is told. With `--timeout 0` it is the
    health check of a container.
    """
    try:
        client = ControlClient(url, WELL_KNOWN_CONTROL_TOKEN, ca_file=ca_file)
        reason = wait_for(client, timeout)
    except ControlError as error:
        raise click.ClickException(printable(str(error))) from error
    if reason:
        raise click.ClickException(printable(f"not ready within {timeout:g} s: {reason}"))


def wait_for(
    client: ControlClient,
    timeout: float,
    *,
    now: Callable[[], float] = time.monotonic,
    pause: Callable[[float], None] = time.sleep,
) -> str | None:
    """Asks until the server is ready, at least once; None, or the last reason why it isn't after so many seconds."""
    until, wait_next = now() + timeout, FIRST_PAUSE
    while True:
        patience = max(0.5, until - now()) if timeout else LONGEST_ASKING  # who asks but once waits for the answer
        reason = _not_ready(client, min(LONGEST_ASKING, patience))
        left = until - now()
        if reason is None or left <= 0:
            return reason
        pause(min(wait_next, left))
        wait_next = min(2 * wait_next, LONGEST_PAUSE)


def _not_ready(client: ControlClient, timeout: float) -> str | None:
    try:
        answered = client.call("GET", "ready", timeout=timeout)
    except ControlError as error:
        return str(error)
    if not isinstance(answered, dict) or answered.get("status") != "ready":
        return f"it answered {str(answered)[:200]}: is it a fake PACS?"
    return None
