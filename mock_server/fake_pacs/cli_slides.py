"""The command `fake-pacs slides`, and what `fake-pacs serve` does with `--slides`, `--strict-slides` and `--watch`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, cast

import click

from fake_pacs.calling.announcing import Announcer
from fake_pacs.catalog import CatalogError, Loaded, SlideSource
from fake_pacs.imaging.slide_reader import SlideReader
from fake_pacs.settings import SettingsError
from fake_pacs.slides_table import Checked, as_json, checked, problems_table, shown, slides_table
from fake_pacs.watching import Change, States, Watch, snapshot
from fake_pacs.world import World

Item = TypeVar("Item")

_FEWEST_WITH_A_BAR = 200


@click.command(name="slides", short_help="List what a folder of slides would serve.")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FOLDER...")
@click.option("--json", "json_wanted", is_flag=True, help="JSON in place of the tables.")
def slides(paths: Sequence[Path], json_wanted: bool) -> None:
    """List what `fake-pacs serve --slides FOLDER` would serve, and what not and why.

    Every slide is opened. The exit status is 1 where nothing would be served.
    """
    try:
        found = checked(SlideSource(paths, SlideReader(), _bar("Looking for slides")).load(), _bar("Opening slides"))
    except CatalogError as error:
        raise click.ClickException(str(error)) from error
    if json_wanted:
        click.echo(json.dumps(as_json(found), indent=2, ensure_ascii=False))
    else:
        click.echo(slides_table(found.rows))
        _tell_problems(found)
    if not found.rows:
        sys.exit(1)


@dataclass(frozen=True)
class Reading:
    """The user's slides as they were read at the start."""

    source: SlideSource
    loaded: Loaded
    before: States


class SlidePath(click.Path):
    """A path to slides; an empty text, from a variable that isn't set, isn't taken for the folder one stands in."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The path. Fails for an empty text."""
        if value == "":
            self.fail("came empty (a variable that isn't set?); expected a slide or a folder of slides", param, ctx)
        return super().convert(value, param, ctx)


def read_slides(paths: Sequence[Path], *, strict: bool, may_be_empty: bool) -> Reading:
    """Reads the slides to serve and tells on standard error what isn't served; strictly: opens each, refuses problems.

    Raises CatalogError for a wrong cases.yaml, where no slide is left, and strictly for every problem.
    """
    paths = list({path.resolve(): path for path in paths}.values())  # one named twice is served once
    before = snapshot(paths)
    source = SlideSource(paths, SlideReader(), _bar("Looking for slides"))
    loaded = source.load()
    problems = checked(loaded, _bar("Opening slides")).problems if strict else loaded.problems
    _tell_problems(Checked((), problems))
    if strict and problems:
        raise CatalogError(f"--strict-slides: {len(problems)} not served, see the table: mend or remove them")
    if not loaded.slides and not may_be_empty:
        raise CatalogError("no slide to serve: --slides needs slide files that OpenSlide reads, or a folder of them")
    return Reading(source, loaded, before)


def refuse_lone_options(options: dict[str, Any]) -> None:
    """Raises SettingsError for --watch or --strict-slides without --slides."""
    for name in ("watch", "strict_slides"):
        if options[name] and not options["slides"]:
            raise SettingsError(f"--{name.replace('_', '-')} needs --slides: the demo hospital doesn't change")


@contextmanager
def watching(reading: Reading, world: World, interval: float = 1.0) -> Iterator[None]:
    """Watches the slides on disk while the block runs: tells on standard error what joins and leaves, and apps what
    joins, if they are subscribed.
    """
    with Announcer(world, _tell) as announcer:

        def changed(change: Change) -> None:
            _tell_change(change)
            announcer.announce(slide.id for slide in change.added)

        watch = Watch(
            reading.source,
            reading.loaded,
            world,
            tell=_tell,
            changed=changed,
            interval=interval,
            before=reading.before,
        )
        watch.start()
        try:
            yield
        finally:
            watch.stop()


def _tell(text: str) -> None:
    click.echo(shown(text), err=True)


def _tell_change(change: Change) -> None:
    for what, some in (("joined", change.added), ("changed", change.replaced), ("left", change.removed)):
        for slide in some:
            _tell(f"slide {what}: {slide.id} (case {slide.case.accession_number})")
    _tell_problems(Checked((), change.problems))


def _tell_problems(found: Checked) -> None:
    if found.problems:
        click.echo(problems_table(found.problems), err=True)


def _bar(label: str) -> Any:
    """Wraps what is gone through to show a bar on standard error, if that is a terminal and there is much of it."""

    def bar(items: Iterable[Item]) -> AbstractContextManager[Iterable[Item]]:
        listed = list(items)
        hidden = not sys.stderr.isatty() or len(listed) < _FEWEST_WITH_A_BAR
        shown_bar = click.progressbar(listed, label=label, file=sys.stderr, hidden=hidden)
        return cast("AbstractContextManager[Iterable[Item]]", shown_bar)

    return bar
