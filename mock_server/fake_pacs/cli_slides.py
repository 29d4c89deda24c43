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

from fake_pacs import logs
from fake_pacs.calling.announcing import Announcer
from fake_pacs.catalog import CatalogError, Loaded, SlideSource
from fake_pacs.imaging.slide_files import Problem
from fake_pacs.imaging.slide_reader import SlideReader
from fake_pacs.settings import SettingsError
from fake_pacs.slides_table import as_json, checked, problems_table, shown, slides_table
from fake_pacs.watching import Change, States, Watch, snapshot
from fake_pacs.world import World

Item = TypeVar("Item")

_FEWEST_WITH_A_BAR = 200
_WAYS_OUT = (
    "see above: mend or remove them. Where they may not be touched, or are no slides, such as a README, name the "
    "slides one by one (--slides A.svs --slides B), or have a cases.yaml name them (--slides FOLDER/cases.yaml); "
    "hidden files (.NAME) are left alone"
)


@click.command(name="slides", short_help="List what a folder of slides would serve.")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FOLDER...")
@click.option("--json", "json_wanted", is_flag=True, help="JSON in place of the tables.")
def slides(paths: Sequence[Path], json_wanted: bool) -> None:
    """List what `fake-pacs serve --slides FOLDER` would serve, and what not and why.

    Every slide is opened. The exit status is 1 where nothing would be served.
    """
    bar = Telling().bar
    try:
        found = checked(SlideSource(paths, SlideReader(), bar("Looking for slides")).load(), bar("Opening slides"))
    except CatalogError as error:
        raise click.ClickException(str(error)) from error
    if json_wanted:
        click.echo(json.dumps(as_json(found), indent=2, ensure_ascii=False))
    else:
        click.echo(slides_table(found.rows))
        Telling().problems(found.problems)
    if not found.rows:
        sys.exit(1)


@dataclass(frozen=True)
class Reading:
    """The user's slides as they were read at the start."""

    source: SlideSource
    loaded: Loaded
    before: States


@dataclass(frozen=True)
class Telling:
    """How people are told of the slides on disk: on standard error, or `in_log`, where nothing but JSON may stand."""

    in_log: bool = False

    def text(self, text: str) -> None:
        """Tells this."""
        if self.in_log:
            logs.SERVER.warning("%s", shown(text))
        else:
            click.echo(shown(text), err=True)

    def problems(self, problems: Sequence[Problem]) -> None:
        """Tells what is not served, and why: one table, or an event each."""
        if self.in_log:
            for path, reason in problems:
                logs.event("not-served", path=str(path), reason=reason)
        elif problems:
            click.echo(problems_table(problems), err=True)

    def change(self, change: Change) -> None:
        """Tells what joined, changed and left."""
        for what, some in (("joined", change.added), ("changed", change.replaced), ("left", change.removed)):
            for slide in some:
                if self.in_log:
                    logs.event(f"slide-{what}", slideId=slide.id)
                else:
                    self.text(f"slide {what}: {slide.id} (case {slide.case.accession_number})")
        self.problems(change.problems)

    def bar(self, label: str) -> Any:
        """Wraps what is gone through to show a bar on standard error: on a terminal, and where there is much of it."""

        def bar(items: Iterable[Item]) -> AbstractContextManager[Iterable[Item]]:
            listed = list(items)
            hidden = self.in_log or not sys.stderr.isatty() or len(listed) < _FEWEST_WITH_A_BAR
            shown_bar = click.progressbar(listed, label=label, file=sys.stderr, hidden=hidden)
            return cast("AbstractContextManager[Iterable[Item]]", shown_bar)

        return bar


class SlidePath(click.Path):
    """A path to slides; an empty text, from a variable that isn't set, isn't taken for the folder one stands in."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The path. Fails for an empty text."""
        if value == "":
            self.fail("came empty (a variable that isn't set?); expected a slide or a folder of slides", param, ctx)
        return super().convert(value, param, ctx)


def read_slides(paths: Sequence[Path], *, strict: bool, may_be_empty: bool, telling: Telling = Telling()) -> Reading:
    """Reads the slides to serve and tells what isn't served; strictly: opens each, refuses problems.

    Raises CatalogError for a wrong cases.yaml, where no slide is left, and strictly for every problem.
    """
    paths = list({path.resolve(): path for path in paths}.values())  # one named twice is served once
    before = snapshot(paths)
    source = SlideSource(paths, SlideReader(), telling.bar("Looking for slides"))
    loaded = source.load()
    problems = checked(loaded, telling.bar("Opening slides")).problems if strict else loaded.problems
    telling.problems(problems)
    if strict and problems:
        raise CatalogError(f"--strict-slides: {len(problems)} not served, {_WAYS_OUT}")
    if not loaded.slides and not may_be_empty:
        raise CatalogError("no slide to serve: --slides needs slide files that OpenSlide reads, or a folder of them")
    return Reading(source, loaded, before)


def refuse_lone_options(options: dict[str, Any]) -> None:
    """Raises SettingsError for --watch or --strict-slides without --slides."""
    for name in ("watch", "strict_slides"):
        if options[name] and not options["slides"]:
            raise SettingsError(f"--{name.replace('_', '-')} needs --slides: the demo hospital doesn't change")


@contextmanager
def watching(reading: Reading, world: World, interval: float = 1.0, telling: Telling = Telling()) -> Iterator[None]:
    """Watches the slides on disk while the block runs: tells what joins and leaves, and apps what joins, if they are
    subscribed.
    """
    with Announcer(world, telling.text, tell_answers=not telling.in_log) as announcer:

        def changed(change: Change) -> None:
            telling.change(change)
            announcer.announce(slide.id for slide in change.added)

        watch = Watch(
            reading.source,
            reading.loaded,
            world,
            tell=telling.text,
            changed=changed,
            interval=interval,
            before=reading.before,
        )
        watch.start()
        try:
            yield
        finally:
            watch.stop()
