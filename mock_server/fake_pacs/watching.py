"""Watching slides on disk while they are served: new ones join, changed ones are read anew, removed ones leave."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from fake_pacs.catalog import CatalogError, Loaded, SlideSource
from fake_pacs.hospital import Hospital, Slide
from fake_pacs.imaging.examining import STILL_COPIED
from fake_pacs.imaging.slide_files import FileOnDisk, Problem
from fake_pacs.imaging.slide_reader import FileState
from fake_pacs.world import World

States = Mapping[str, FileState]
_BUSY_SHARE = 10


@dataclass(frozen=True)
class Change:
    """What one look at the disk changed: slides that joined, were read anew, left, and new problems."""

    added: tuple[Slide, ...] = ()
    replaced: tuple[Slide, ...] = ()
    removed: tuple[Slide, ...] = ()
    problems: tuple[Problem, ...] = ()


class Watch:
    """Looks at the disk every `interval` seconds, in a thread of its own, and changes the hospital accordingly.

    On a huge folder it pauses ten times as long as a look takes.
    A file counts when two looks in a row found it the same: one that is still being copied is left alone. A cases.yaml
    that says something wrong is told, and what is served stays. `tell` gets every error as one text, once;
    `changed` is called with every change after the hospital has it: notification subscribers hook in here. `before` is
    the snapshot from before the slides were loaded, so that nothing that came meanwhile is missed.
    """

    def __init__(
        self,
        source: SlideSource,
        loaded: Loaded,
        world: World,
        *,
        tell: Callable[[str], None],
        changed: Callable[[Change], None] = lambda _: None,
        interval: float = 1.0,
        before: States | None = None,
    ) -> None:
        self._source = source
        self._served = {slide.id: slide for slide in loaded.slides}
        self._problems = frozenset(loaded.problems)
        self._world = world
        self._tell = tell
        self._changed = changed
        self._interval = interval
        self._last_error = ""
        self._waits_for: frozenset[Path] | None = None  # files being copied, some slide waits for one of them
        self._seen = self._applied = snapshot(source.paths) if before is None else before
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begins to look; ends with `stop`, or with the process."""
        self._thread = threading.Thread(target=self._run, name="fake-pacs-watch", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ends looking; returns when the thread is gone."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        pause = self._interval
        while not self._stopped.wait(pause):
            began = time.monotonic()
            try:
                self.look()
            except Exception as error:  # the watch has to go on, whatever a disk or a subscriber comes up with
                self._tell_error(f"watching the slides failed, and goes on: {error!r}")
            pause = max(self._interval, _BUSY_SHARE * (time.monotonic() - began))

    def look(self) -> Change | None:
        """One look at the disk; None where nothing is to be done (yet)."""
        now = snapshot(self._source.paths)
        if now == self._seen == self._applied:
            return None
        unsettled = {path for path, state in now.items() if self._seen.get(path) != state}
        self._seen = now
        settled = {path: state for path, state in now.items() if path not in unsettled}
        settled |= {path: self._applied[path] for path in unsettled if path in self._applied}
        moving = frozenset(map(Path, unsettled))
        if settled == self._applied and self._waits_for in (None, moving):
            return None
        try:
            loaded = self._source.load(moving)
        except CatalogError as error:
            self._applied = settled
            self._tell_error(f"the slides served stay as they are: {error}")
            return None
        self._last_error = ""
        waits = any(reason.endswith(STILL_COPIED) for _, reason in loaded.problems)
        self._waits_for = moving if waits else None
        changed_paths = frozenset(Path(path) for path, state in settled.items() if self._applied.get(path) != state)
        self._applied = settled
        return self._apply(loaded, moving, changed_paths)

    def _apply(self, loaded: Loaded, moving: frozenset[Path], changed_paths: frozenset[Path]) -> Change | None:
        new = {slide.id: slide for slide in loaded.slides}
        for slide_id, slide in self._served.items():
            if slide_id not in new and _is_being_changed(slide, moving, self._applied):
                new[slide_id] = slide  # its errors are its own, and it is looked at again
        for slide_id, slide in new.items():
            old = self._served.get(slide_id)
            if old is not None and old == slide and not changed_paths.intersection(_paths_of(slide)):
                new[slide_id] = old
        change = Change(
            added=tuple(slide for slide_id, slide in new.items() if slide_id not in self._served),
            replaced=tuple(s for s in new.values() if s.id in self._served and self._served[s.id] is not s),
            removed=tuple(slide for slide_id, slide in self._served.items() if slide_id not in new),
            problems=tuple(
                problem
                for problem in loaded.problems
                if problem not in self._problems and not problem[1].endswith(STILL_COPIED)
            ),
        )
        self._problems = frozenset(loaded.problems)
        self._served = new
        if change == Change():
            return None
        self._world.change_hospital(lambda hospital: _changed(hospital, change))
        self._changed(change)
        return change

    def _tell_error(self, text: str) -> None:
        if text != self._last_error:
            self._last_error = text
            self._tell(text)


def snapshot(paths: Iterable[Path]) -> States:
    """The state of every file at and below these paths, without hidden ones; what cannot be read is left out."""
    found: dict[str, FileState] = {}
    for path in paths:
        try:
            if path.is_dir():
                _look_into(str(path), found)
            else:
                found[str(path)] = _state(path.stat())
        except OSError:
            continue  # gone between two calls, or not ours to read: as if it were not there
    return found


def _look_into(folder: str, found: dict[str, FileState]) -> None:
    """Adds the files in and below a folder; plain texts, as there may be 50,000 of them every second."""
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.startswith("."):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    _look_into(entry.path, found)
                else:
                    _look_at(entry, found)
    except OSError:
        return  # as above; the rest of the folder is seen with the next look


def _look_at(entry: os.DirEntry[str], found: dict[str, FileState]) -> None:
    with suppress(OSError):  # a link that leads nowhere
        found[entry.path] = _state(entry.stat())


def _state(status: os.stat_result) -> FileState:
    return FileState(status.st_mtime_ns, status.st_size, status.st_ino)


def _paths_of(slide: Slide) -> list[Path]:
    return [file.path for file in slide.files if isinstance(file, FileOnDisk)]


def _is_being_changed(slide: Slide, moving: frozenset[Path], settled: States) -> bool:
    """Whether a file of the slide is being overwritten, or one beside them copied while all of them are there."""
    paths = _paths_of(slide)
    if moving.intersection(paths):
        return True
    beside = {path.parent for path in moving}.intersection(path.parent for path in paths)
    return bool(beside) and all(str(path) in settled for path in paths)


def _changed(hospital: Hospital, change: Change) -> Hospital:
    """The hospital after a change; slides that came from elsewhere stay."""
    gone = {slide.id for slide in change.removed}
    new = {slide.id: slide for slide in (*change.replaced, *change.added)}
    kept = [new.pop(slide.id, slide) for slide in hospital.slides if slide.id not in gone]
    return Hospital((*kept, *new.values()), hospital.applications)
