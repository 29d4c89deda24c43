"""All slides of a case on disk: a folder for each, several at once, and those that are complete aren't fetched
again.
"""

import json
import logging
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from sectra_client.client import SectraClient
from sectra_client.filenames import UsedNames, safe_name
from sectra_client.progress import Progress
from sectra_client.utils.errors import SectraError

MANIFEST = ".{}.sectra-client.json"
"""Beside the folder of a slide once it's complete: the slide's id, and its files with their sizes."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Outcome:
    """What became of one slide: its files, whether they had been there before, or the error."""

    slide_id: str
    files: list[Path]
    skipped: bool = False
    error: SectraError | OSError | None = None


class _StoppedError(Exception):
    """The user has had enough: raised in the threads, so that they remove what is half-done."""


def download_case(
    client: SectraClient,
    slide_ids: Iterable[str],
    folder: Path,
    *,
    threads: int = 2,
    progress: Callable[[], Progress] | None = None,
) -> Iterator[Outcome]:
    """Downloads the slides into folders named after them, and yields what became of each as it's known.

    A slide whose folder has a manifest, and all files of it in their sizes, is skipped. `progress` makes a callback for
    each slide. One slide's failure doesn't stop the others; an exception in the caller, such as Ctrl-C, stops them all.
    """
    names, stop = UsedNames(), threading.Event()
    places = [(slide_id, folder / names.unused(safe_name(slide_id, "slide"))) for slide_id in slide_ids]

    def one(slide_id: str, place: Path) -> Outcome:
        report = _stoppable(stop, progress() if progress else None)
        return _download(client, slide_id, place, report)

    with ThreadPoolExecutor(max(1, threads)) as pool:
        waiting: list[Future[Outcome]] = [pool.submit(one, *place) for place in places]
        try:
            for done in as_completed(waiting):
                yield done.result()
        finally:
            stop.set()
            pool.shutdown(wait=False, cancel_futures=True)


def _download(client: SectraClient, slide_id: str, place: Path, progress: Progress) -> Outcome:
    if there := complete_files(place, slide_id):
        return Outcome(slide_id, there, skipped=True)
    try:
        files = client.download_slide_files(slide_id, place, progress=progress)
        _write_manifest(place, slide_id, files)
    except (SectraError, OSError) as error:
        return Outcome(slide_id, [], error=error)
    return Outcome(slide_id, files)


def complete_files(place: Path, slide_id: str) -> list[Path]:
    """The files of a slide that is complete in that folder; none where it isn't."""
    try:
        manifest = json.loads(_manifest(place).read_text("utf-8"))
        sizes: dict[str, int] = dict(manifest["files"])
        is_complete = manifest["slide"] == slide_id and all((place / n).stat().st_size == s for n, s in sizes.items())
    except FileNotFoundError:
        return []
    except (OSError, ValueError, KeyError, TypeError) as error:
        logger.warning("%s can't be used, the slide is fetched again: %s", _manifest(place), error)
        return []
    return [place / name for name in sizes] if is_complete else []


def _write_manifest(place: Path, slide_id: str, files: list[Path]) -> None:
    manifest = {"slide": slide_id, "files": {file.name: file.stat().st_size for file in files}}
    _manifest(place).write_text(json.dumps(manifest), "utf-8")


def _manifest(place: Path) -> Path:
    """Beside the folder, not in it: a file of the slide may have any name."""
    return place.with_name(MANIFEST.format(place.name))


def _stoppable(stop: threading.Event, progress: Progress | None) -> Progress:
    def report(received: int, total: int | None) -> None:
        if stop.is_set():
            raise _StoppedError
        if progress:
            progress(received, total)

    return report
