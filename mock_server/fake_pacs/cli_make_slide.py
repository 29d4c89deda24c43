"""The command `fake-pacs make-slide`."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click


@click.command(name="make-slide", short_help="Make a slide of any size, with made-up tissue.")
@click.argument("out", type=click.Path(path_type=Path), metavar="OUT")
@click.option("--width", type=int, required=True, help="Width in px, 1,024 to 500,000.")
@click.option("--height", type=int, required=True, help="Height in px, likewise.")
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed makes the same bytes.")
@click.option("--mpp", type=float, default=0.5, show_default=True, help="µm per pixel, 0.2 to 1.")
@click.option("--quality", type=int, default=75, show_default=True, help="Quality of the JPEG tiles, 1 to 95.")
@click.option("--truth", is_flag=True, help="Writes beside it what the slide contains, as NAME.truth.json.")
@click.option("--force", is_flag=True, help="Replaces what is there already.")
def make_slide(out: Path, **options: Any) -> None:
    """Make a slide of any size, with made-up tissue, label and all levels, at constant memory.

    OUT is a file .svs or .tiff, or for DICOM the name of a folder, without an ending. SVS and TIFF need tifffile:
    pip install 'ia-api-kit[make]'. 100,000 x 100,000 px are about 2 GB, made in less than a minute.
    """
    from demo_hospital import making  # imported late: what it draws with would slow down every other command

    try:
        request = making.Request(out, **options)
        with _ended_by_signals(), _bar(making.tiles_of(request)) as bar:
            made = making.make_slide(request, lambda: bar.update(1))
    except (making.MakingError, OSError) as error:
        raise click.ClickException(str(error)) from error
    for path in made:
        click.echo(path)


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Lets SIGTERM and SIGHUP end the block as Ctrl-C does: what is unfinished is removed."""

    def end(number: int, _: object) -> None:
        raise SystemExit(128 + number)

    numbers = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    before = [signal.signal(number, end) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


def _bar(count: int) -> Any:
    """A bar on standard error, if that is a terminal."""
    steps = max(1, count // 500)
    hidden = not sys.stderr.isatty()
    return click.progressbar(
        length=count, label="Making tiles", file=sys.stderr, hidden=hidden, update_min_steps=steps, show_pos=True
    )
