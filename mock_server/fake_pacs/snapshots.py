"""Snapshots of a tenant: saved to a file and loaded from one, all or nothing."""

import hashlib
import secrets
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from fake_pacs import snapshot_file, snapshot_reading
from fake_pacs.clock import SeededIds
from fake_pacs.refusals import Refusal, Refusals
from fake_pacs.store import ContentReplacedError, TenantContents
from fake_pacs.world import World

_TRIES = 5
"""So often a snapshot is begun anew when an attachment is replaced while it's being read."""

_MOST_NOTES = 20


def save(world: World, tenant: str, file: BinaryIO) -> None:
    """Write the tenant's snapshot, of one moment, to the file. Refused: CONTENT_CHANGING, UNKNOWN_TENANT."""
    now = world.clock.now().isoformat(timespec="milliseconds")
    head = {"tenant": tenant, "apiVersion": world.settings.api_version, "savedAt": now}
    for _ in range(_TRIES):
        file.seek(0)
        file.truncate()
        try:
            snapshot_file.write(file, head, world.store.contents(tenant), world.store)
        except ContentReplacedError:
            continue
        return
    detail = f"Attachments of the tenant {tenant!r} were replaced while its snapshot was being written, {_TRIES} times."
    raise Refusal(Refusals.CONTENT_CHANGING, detail, hint="Save again when the uploads are over.")


def load(world: World, tenant: str, file: BinaryIO) -> dict[str, Any]:
    """Put the file's snapshot in the place of all that the tenant holds, or change nothing; answers what it holds now.

    Raises `SnapshotError` for a file that can't be loaded. Refused: CONTENT_CHANGING, UNKNOWN_TENANT.
    """
    taken = [application.applicationId for application in world.hospital.applications]
    snapshot = snapshot_reading.read(file, taken)
    file.seek(0)
    digest = hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]  # any binary file will do
    world.store.replace_contents(tenant, snapshot.contents, snapshot.bytes_of)
    if isinstance(world.ids, SeededIds):
        world.ids.branch(digest)
    contents = snapshot.contents
    return {
        "tenant": tenant,
        "results": len(contents.results),
        "attachments": len(snapshot.offsets),
        "qualityControls": len(contents.quality_controls),
        "apps": len(contents.apps),
        "notes": _notes(world, contents)[:_MOST_NOTES],
    }


@contextmanager
def new_file(path: Path) -> Iterator[BinaryIO]:
    """A file to write, which takes the place of the one at the path when all went well, and leaves it alone else."""
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with beside.open("x+b") as file:
            yield file
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def temporary() -> BinaryIO:
    """A file on disk that is gone when it's closed: what waits there is not held in memory."""
    return tempfile.TemporaryFile(prefix="fake-pacs-snapshot-")


def _notes(world: World, contents: TenantContents) -> list[str]:
    """What this server lacks, so that results of the snapshot can't be asked for yet."""
    hospital, settings = world.hospital, world.settings
    slides = Counter(result.slide_id for result in contents.results)
    unknown = [slide for slide in slides if hospital.slide(slide) is None] if not settings.invent_slides else []
    notes = [
        f"the slide {slide!r} isn't in this hospital: its {_counted(slides[slide])} can't be asked for"
        for slide in unknown
    ]
    known = {application.applicationId for application in hospital.applications}
    known |= {app.application_id for app in contents.apps}
    applications = Counter(result.application for result in contents.results)
    missing = [name for name in applications if name not in known] if not settings.invent_applications else []
    notes += [
        f"the application {name!r} isn't registered here: its {_counted(applications[name])} can't be asked for"
        for name in missing
    ]
    return notes


def _counted(count: int) -> str:
    return "result" if count == 1 else f"{count} results"
