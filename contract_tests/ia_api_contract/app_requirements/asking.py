"""What requirements share: a start that is made once for all that only look at it, and sentences about answers."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from fake_pacs.embedding import Finding
from ia_api_contract.app_pacs import Asked
from ia_api_contract.app_scene import Document, Scene, Visit, scene
from ia_api_contract.app_target import AppTarget
from ia_api_contract.check import Check
from ia_api_contract.exchanges import Answer, Exchange
from ia_api_contract.outcomes import Failed, Skipped, expect

REACHED, REGISTERED, STARTED, STORED = (
    "app.registration-answered",
    "app.registration-members",
    "app.create-answered",
    "app.create-stores",
)
"""What most requirements build on: without them they say nothing more."""

OURS = "No public source asks for it; it is what a hospital, and whoever works there, can expect of an app."
"""The evidence of requirements that are the suite's own."""

must = partial(Check, document="ia-app", needs=(REGISTERED, STARTED), level="must")
should = partial(Check, document="ia-app", needs=(REGISTERED, STARTED), level="should")


@dataclass(frozen=True)
class Story:
    """What came of one start: the call, what was stored, what the app asked, what the PACS finds wrong."""

    visit: Visit
    results: Sequence[Document]
    calls: Sequence[Asked]
    findings: Sequence[Finding]


def first_start(target: AppTarget) -> Story:
    """The story of a start on what the app asked for; made once in a run. Raises `Failed` where it isn't answered."""
    if "start" not in target.memory:
        with target.recording() as exchanges, scene(target) as made:
            visit = made.start()
            results = made.settled() if visit.answer and visit.answer.status // 100 == 2 else made.results()
            findings = made.judged(visit) if visit.answer else ()
            story = Story(visit, results, tuple(made.calls), findings)
        target.memory["start"] = story, tuple(exchanges)
    found: tuple[Story, tuple[Exchange, ...]] = target.memory["start"]
    for exchange in found[1]:
        target.keep(exchange)
    found[0].visit.taken("the start")
    return found[0]


def stored(story: Story) -> Document:
    """The result of a start. Raises `Skipped` where it stored none."""
    if not story.results:
        raise Skipped("the app stores no result when it is started")
    return story.results[-1]


def editable(result: Document, which: int = 0) -> Callable[[Document], None]:
    """An edit that a user could make of the result. Raises `Skipped` where there is nothing to edit.

    `which` patch it moves: 0 is the first, -1 the last.
    """
    shown = (result["data"] or {}).get("result") or {}
    content = shown.get("content") or {}
    if shown.get("type") == "patchCollection" and content.get("patches") and len(content.get("tags") or ()) > 1:
        return partial(_move_patch, which)
    items = content if isinstance(content, list) else [content]
    if any(item.get("polygons") for item in items if isinstance(item, dict)):
        return _move_first_corner
    raise Skipped("nothing in the result can be edited: it has no polygons, and no patches with tags to choose from")


def _move_patch(which: int, document: Document) -> None:
    content = document["data"]["result"]["content"]
    patch = content["patches"][which]
    patch["tag"] = (patch["tag"] + 1) % len(content["tags"])


def _move_first_corner(document: Document) -> None:
    content = document["data"]["result"]["content"]
    items = content if isinstance(content, list) else [content]
    polygon = next(item["polygons"][0] for item in items if item.get("polygons"))
    polygon["points"][0]["x"] = round(polygon["points"][0]["x"] + 0.0123, 6)


def outlines(result: Document) -> list[Any]:
    """What a user can edit of a result: the tags of its patches, or the corners of its polygons."""
    content = ((result["data"] or {}).get("result") or {}).get("content") or {}
    items = content if isinstance(content, list) else [content]
    patches = [patch for item in items for patch in item.get("patches") or ()]
    polygons = [polygon for item in items for polygon in item.get("polygons") or ()]
    tagged = sorted(
        (round(patch["position"]["x"], 5), round(patch["position"]["y"], 5), patch["tag"]) for patch in patches
    )
    return [*tagged, *([(round(p["x"], 5), round(p["y"], 5)) for p in polygon["points"]] for polygon in polygons)]


def expect_true(made: Scene, visit: Visit) -> None:
    """Raises `Failed` where the answer claims a result that isn't stored as it says; no answer claims nothing."""
    claimed = visit.claimed
    if claimed is None or "id" not in claimed:
        return
    kept = [result for result in made.results() if result["id"] == claimed["id"]]
    expect(bool(kept), f"the answer claims the result {claimed['id']!r}, which isn't stored")
    came, is_so = claimed.get("versionId"), kept[0]["versionId"]
    expect(came == is_so, f"the answer claims versionId {came!r} of the result {claimed['id']!r}; stored is {is_so!r}")


def in_time(visit: Visit) -> Answer:
    """The answer, whatever it says. Raises `Failed` where none came in time."""
    return visit.needed()


def told(calls: Iterable[Asked]) -> str:
    """Requests of the app in words."""
    found = list(calls)
    shown = ", ".join(map(str, found[:5]))
    return shown + (f" and {len(found) - 5} more" if len(found) > 5 else "")


def fail_for(wrong: Sequence[str]) -> None:
    """Raises `Failed` with all that is wrong, if anything is."""
    if wrong:
        raise Failed("\n".join(wrong[:20]))
