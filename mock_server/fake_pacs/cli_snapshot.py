"""`fake-pacs snapshot`: a tenant of a running server, to a file and back."""

from pathlib import Path

import click

from fake_pacs.cli_server import printable, server_options
from fake_pacs.control_client import ControlClient
from fake_pacs.snapshot_file import MEDIA_TYPE
from fake_pacs.snapshots import new_file

_FILE = click.argument("file", type=click.Path(path_type=Path, dir_okay=False))


@click.group(short_help="Save a tenant to a file, or load one.")
def snapshot() -> None:
    """Save what a tenant of a running server holds to a file, or put a file in its place.

    In the file are results with their attachments, quality control, registered apps and the ids that are used up; no
    tokens, no passwords, no journal. docs/snapshots.md describes it.
    """


@snapshot.command()
@_FILE
@server_options
def save(client: ControlClient, file: Path) -> None:
    """Save the tenant to FILE; a file that is there is replaced, once all has come."""
    try:
        with new_file(file) as written:
            for piece in client.download("snapshot"):
                written.write(piece)
    except OSError as error:
        raise click.ClickException(f"{file} can't be written: {error.strerror or error}") from error
    click.echo(f"saved {file} ({file.stat().st_size:,} bytes)")


@snapshot.command()
@_FILE
@server_options
def load(client: ControlClient, file: Path) -> None:
    """Put the snapshot in FILE in the place of all that the tenant holds, or change nothing and say what is wrong."""
    try:
        opened = file.open("rb")
    except OSError as error:
        raise click.ClickException(f"{file} can't be read: {error.strerror or error}") from error
    with opened:
        loaded = client.upload("PUT", "snapshot", opened, MEDIA_TYPE)
    counts = [(loaded["results"], "result"), (loaded["attachments"], "attachment")]
    counts += [(loaded["qualityControls"], "quality control"), (loaded["apps"], "app")]
    held = ", ".join(f"{count} {name}{'' if count == 1 else 's'}" for count, name in counts)
    click.echo(printable(f"the tenant {loaded['tenant']} holds {held}"))
    for note in loaded["notes"]:
        click.echo(printable(f"note: {note}"), err=True)
