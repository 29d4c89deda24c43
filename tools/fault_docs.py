"""The tables of docs/faults.md: kinds of faults, slides that misbehave, incidents."""

import inspect
from collections.abc import Iterator

from fake_pacs.faults.documents import members_of
from fake_pacs.faults.effects import EFFECTS, ONLY_LATENCY
from fake_pacs.faults.slides import BAD_SLIDES
from fake_pacs.incidents.catalogue import INCIDENTS


def kinds_table() -> str:
    """A row for each kind of fault: its members over the control plane, and what it does."""
    return "\n".join(["| kind | members | what it does |", "|---|---|---|", *_kinds()]) + "\n"


def _kinds() -> Iterator[str]:
    for kind, effect in EFFECTS.items():
        members = [f"**`{name}`**" if needed else f"`{name}`" for name, needed in members_of(kind).items()]
        what = " ".join((inspect.getdoc(effect) or "").split()).replace("carried_out", "carriedOut")
        yield f"| `{kind}` | {', '.join(members)} | {what} |"
    yield f"| `{ONLY_LATENCY}` | **`latency`** | Nothing but waiting; `latency` may be added to any other kind. |"


def slides_table() -> str:
    """A row for each slide that misbehaves without any set-up."""
    rows = [f"| `{bad.id}` | {bad.what} | {', '.join(sorted(bad.operations))} |" for bad in BAD_SLIDES.values()]
    return "\n".join(["| slide id | what goes wrong | on |", "|---|---|---|", *rows]) + "\n"


def incidents_table() -> str:
    """A row for each incident: what happens, and what an app fails for."""
    rows = [f"| `{name}` | {kind.what} | {kind.judged} |" for name, kind in INCIDENTS.items()]
    return "\n".join(["| incident | what happens | what an app fails for |", "|---|---|---|", *rows]) + "\n"
