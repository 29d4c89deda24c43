"""All slides of a case on disk: a folder for each, several at once. Slides that are complete aren't fetched again, and
of the others the files that are whole stay.
"""

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from sectra_client.client import SectraClient
from sectra_client.filenames import UsedNames, safe_name
from sectra_client.folder import sweep
from sectra_client.manifests import Manifest, complete_files
from sectra_client.progress import Progress
from sectra_client.utils.errors import SectraError

LEFT_ALONE = 60.0
"""Seconds; a temporary file written since may be another process's."""


@dataclass(frozen=True)
class Outcome:
    """What became of one slide: its files, whether they had been there before, or the error and the files that are
    whole nevertheless.
    """

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

    A slide whose folder has a manifest that says so, and all files of it as they were, is skipped; of another the whole
    files are kept, though their bytes come again: the API delivers a slide's files in one answer, from the first on.
    `progress` makes a callback for each slide. One slide's failure doesn't stop the others; an exception in the caller,
    such as Ctrl-C, stops them all.
    """
    names, stop = UsedNames(), threading.Event()
    places = [(slide_id, folder / names.unused(safe_name(slide_id, "slide"))) for slide_id in slide_ids]

    def one(slide_id: str, place: Path) -> Outcome:
        report = _stoppable(stop, progress() if progress else None)
        return _download(client, slide_id, place, report)

    pool = ThreadPoolExecutor(max(1, threads))  # no context: leaving that waits for transfers, stalled ones, too
    try:
        waiting: list[Future[Outcome]] = [pool.submit(one, *place) for place in places]
        for done in as_completed(waiting):
            yield done.result()
    finally:
        stop.set()
        pool.shutdown(wait=False, cancel_futures=True)


def _download(client: SectraClient, slide_id: str, place: Path, progress: Progress) -> Outcome:
    if there := complete_files(place, slide_id):
        return Outcome(slide_id, there, skipped=True)
    manifest = Manifest(place, slide_id)
    try:
        files = _fetched(client, slide_id, place, progress, manifest)
    except (SectraError, OSError) as error:
        return Outcome(slide_id, manifest.files, error=error)
    return Outcome(slide_id, files)


def _fetched(client: SectraClient, slide_id: str, place: Path, progress: Progress, manifest: Manifest) -> list[Path]:
    """The slide's files, all of them. What is whole when an error ends this is in the manifest."""
    began = time.time()
    try:
        files = client.download_slide_files(slide_id, place, progress=progress, resume=True, on_file=manifest.add)
    except BaseException:
        if manifest.files:
            manifest.write()
        raise
    manifest.complete(files)
    sweep(place, files, before=began - LEFT_ALONE)
    return files


def _stoppable(stop: threading.Event, progress: Progress | None) -> Progress:
    def report(received: int, total: int | None) -> None:
        if stop.is_set():
            raise _StoppedError
        if progress:
            progress(received, total)

    return report
