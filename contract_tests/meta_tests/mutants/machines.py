"""Mutants that take several steps, or several clients, to be seen."""

import time
from collections import defaultdict
from threading import Lock
from typing import Any

from fake_pacs.refusals import Refusal, Refusals
from fake_pacs.store import AttachmentEntry, StoredResult
from fake_pacs.world import World
from meta_tests.mutant import Mutant
from meta_tests.mutants.results import wrapped

LAG = 0.003
"""Seconds that a read takes, so that reads meet writes."""


def _forgiving(world: World, name: str, key_length: int) -> None:
    """A versionId older than the one before the last is taken for the last one."""
    had: dict[Any, list[str]] = defaultdict(list)

    def write(right: Any, *sent: Any, **named: Any) -> Any:
        key, expected = sent[:key_length], named["expected_version"]
        try:
            done = right(*sent, **named)
        except Refusal as refusal:
            if refusal.refused is not Refusals.STALE_VERSION or expected not in had[key][:-1]:
                raise
            done = right(*sent, **{**named, "expected_version": None})
        had[key].append(expected)
        return done

    wrapped(world, name, write)


def _forgetful(world: World) -> None:
    """An attachment that was uploaded twice loses its bytes with the next replacement."""
    uploads: dict[Any, int] = defaultdict(int)

    def put(right: Any, *key_and_stream: Any) -> AttachmentEntry:
        *key, stream = key_and_stream
        uploads[tuple(key)] += 1
        entry: AttachmentEntry = right(*key, stream)
        return entry

    def update(right: Any, tenant: str, app: str, number: int, document: Any, names: Any, **named: Any) -> StoredResult:
        lost = [name for name in names if uploads.pop((tenant, app, number, name), 0) > 1]
        kept = [name for name in names if name not in lost]
        updated: StoredResult = right(tenant, app, number, document, kept, **named)
        if lost:
            again = {**named, "expected_version": named["version_id"]}
            updated = right(tenant, app, number, document, names, **again)
        return updated

    wrapped(world, "put_attachment", put)
    wrapped(world, "update_result", update)


def _lagging(world: World) -> None:
    """Reads that meet other reads and writes are answered from a copy that is one write behind."""
    behind: dict[Any, StoredResult] = {}
    running, lock = [0], Lock()

    def update(right: Any, *sent: Any, **named: Any) -> StoredResult:
        before = read(*sent[:3])
        updated: StoredResult = right(*sent, **named)
        behind[sent[:3]] = before
        return updated

    read = world.store.result

    def result(right: Any, *key: Any) -> StoredResult:
        with lock:
            running[0] += 1
        time.sleep(LAG)
        with lock:
            meets = running[0] > 1
            running[0] -= 1
        now: StoredResult = right(*key)
        return behind.get(key, now) if meets else now

    wrapped(world, "update_result", update)
    wrapped(world, "result", result)


def _leaking(world: World) -> None:
    """Lists hold the results of every tenant."""

    def results(right: Any, tenant: str, *asked: Any) -> list[StoredResult]:
        others = [name for name in world.store.tenants() if name != tenant]
        return [result for name in (tenant, *others) for result in right(name, *asked)]

    wrapped(world, "results", results)


MUTANTS = (
    Mutant(
        "machines-results-forgiving",
        "A versionId is taken for the last one if it is older than the one before the last.",
        ("machines.results",),
        prepare=lambda world: _forgiving(world, "update_result", 3),
    ),
    Mutant(
        "machines-quality-control-forgiving",
        "A versionId of quality control is taken for the last one if it is older than the one before the last.",
        ("machines.quality-control",),
        prepare=lambda world: _forgiving(world, "set_quality_control", 2),
    ),
    Mutant(
        "machines-attachments-forgetful",
        "An attachment that was uploaded twice loses its bytes when the result is replaced.",
        ("machines.attachments",),
        prepare=_forgetful,
    ),
    Mutant(
        "machines-reads-lag",
        "Reads beside other requests are answered from a copy that is one write behind.",
        ("results.linearizable",),
        prepare=_lagging,
    ),
    Mutant(
        "machines-tenants-leak",
        "Lists hold the results of every tenant.",
        ("machines.tenants",),
        prepare=_leaking,
    ),
)
