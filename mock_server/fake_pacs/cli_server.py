"""The options of the commands that speak to a running server."""

import math
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import click

from fake_pacs.control_client import ControlClient, ControlError
from fake_pacs.settings import WELL_KNOWN_CONTROL_TOKEN

_OPTIONS = (
    click.option(
        "--server",
        envvar="FAKE_PACS_SERVER",
        default="http://localhost:8001",
        show_default=True,
        help="The running server's URL.  [env: FAKE_PACS_SERVER]",
    ),
    click.option(
        "--control-token",
        envvar="FAKE_PACS_CONTROL_TOKEN",
        default=WELL_KNOWN_CONTROL_TOKEN,
        show_default=True,
        help="Opens its control plane.  [env: FAKE_PACS_CONTROL_TOKEN]",
    ),
    click.option(
        "--tenant-token",
        envvar="FAKE_PACS_TENANT_TOKEN",
        help="Bearer token of the tenant.  [env: FAKE_PACS_TENANT_TOKEN; default: the default tenant]",
    ),
    click.option(
        "--ca-file",
        envvar="FAKE_PACS_CA_FILE",
        type=click.Path(path_type=Path),
        help="Trusted certificate of the server, PEM.  [env: FAKE_PACS_CA_FILE]",
    ),
)


class Seconds(click.FloatRange):
    """Seconds within bounds; not NaN, which is within all of them."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The number. Fails for what is none."""
        found: float = super().convert(value, param, ctx)
        if math.isnan(found):
            self.fail(f"{value!r} is no number of seconds", param, ctx)
        return found


def server_options(command: Callable[..., None]) -> Callable[..., None]:
    """Gives a command the options that say which server, and its first argument: a `ControlClient` of that server.

    A `ControlError` that the command lets out ends it with its text and exit status 1.
    """

    @wraps(command)
    def with_client(
        *, server: str, control_token: str, tenant_token: str | None, ca_file: Path | None, **others: Any
    ) -> None:
        try:
            command(ControlClient(server, control_token, tenant_token, ca_file=ca_file), **others)
        except ControlError as error:
            raise click.ClickException(printable(str(error))) from error

    for option in reversed(_OPTIONS):
        with_client = option(with_client)
    return with_client


def printable(text: Any, longest: int = 10_000) -> str:
    """A text that others wrote, cut, and without what a terminal would obey; line ends stay."""
    cut = str(text) if len(str(text)) <= longest else f"{str(text)[:longest]}…"
    return "".join(
        one if one.isprintable() or one == "\n" else one.encode("unicode_escape").decode("ascii") for one in cut
    )
