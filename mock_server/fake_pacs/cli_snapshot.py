"""`fake-pacs snapshot`: a tenant of a running server, to a file and back."""

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import BinaryIO

import click

from fake_pacs.cli_server import printable, server_options
from fake_pacs.control_client import ControlClient
from fake_pacs.snapshot_file import MEDIA_TYPE
from fake_pacs.snapshots import new_file, temporary

_FILE = click.argument("file", type=click.Path(path_type=Path, dir_okay=False, allow_dash=True))
_DASH = Path("-")
"""Standard output where a file is written, standard input where one is read."""


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
    """Save the tenant to FILE; a file that is there is replaced, once all has come.

    FILE `-` is standard output.
    """
    try:
        with nullcontext(sys.stdout.buffer) if file == _DASH else new_file(file) as written:
            for piece in client.download("snapshot"):
                written.write(piece)
            written.flush()
    except BrokenPipeError:
        raise  # whoever read standard output has left: nothing to tell
    except OSError as error:
        named = "standard output" if file == _DASH else file
        raise click.ClickException(f"{named} can't be written: {error.strerror or error}") from error
    if file != _DASH:
        click.echo(f"saved {file} ({file.stat().st_size:,} bytes)")


@snapshot.command()
@_FILE
@server_options
def load(client: ControlClient, file: Path) -> None:
    """Put the snapshot in FILE in the place of all that the tenant holds, or change nothing and say what is wrong.

    FILE `-` is standard input.
    """
    with _opened(file) as opened:
        loaded = client.upload("PUT", "snapshot", opened, MEDIA_TYPE)
    counts = [(loaded["results"], "result"), (loaded["attachments"], "attachment")]
    counts += [(loaded["qualityControls"], "quality control"), (loaded["apps"], "app")]
    held = ", ".join(f"{count} {name}{'' if count == 1 else 's'}" for count, name in counts)
    click.echo(printable(f"the tenant {loaded['tenant']} holds {held}"))
    for note in loaded["notes"]:
        click.echo(printable(f"note: {note}"), err=True)


@contextmanager
def _opened(file: Path) -> Iterator[BinaryIO]:
    """The file, open to be read; standard input is read to its end first, onto the disk, as its size is sent ahead."""
    try:
        opened = temporary() if file == _DASH else file.open("rb")
    except OSError as error:
        raise click.ClickException(f"{file} can't be read: {error.strerror or error}") from error
    with opened:
        if file == _DASH:
            shutil.copyfileobj(sys.stdin.buffer, opened)
            opened.seek(0)
        yield opened
