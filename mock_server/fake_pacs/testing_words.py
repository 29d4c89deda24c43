"""What assertions about calls say: what came instead, and what may have been meant."""

import json
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from fake_pacs.journal import Exchange

SHOWN = 20
"""So many calls are listed at most, the latest."""


@dataclass(frozen=True)
class Expected:
    """Which calls a test expects: how many (None: at least one) and with what status (None: not refused)."""

    operation_id: str
    times: int | None = None
    status: int | None = None

    def fits(self, came: int) -> bool:
        """Whether so many calls are right."""
        return came == self.times if self.times is not None else came >= 1

    def __str__(self) -> str:
        how = "without being refused" if self.status is None else f"with status {self.status}"
        often = "at least once" if self.times is None else _times(self.times)
        return f"{self.operation_id} {often} {how}"


def missed(expected: Expected, counted: Sequence[Exchange], everything: Sequence[Exchange], lost: int = 0) -> str:
    """Why calls aren't as expected: the calls that count, and the near misses among all others."""
    lines = [f"expected {expected}; it was called {_times(len(counted))} so"]
    lines += _listed("These calls count:", counted)
    others = [call for call in everything if call not in counted]
    same = [call for call in others if call.operation_id == expected.operation_id]
    lines += _listed(f"Other calls of {expected.operation_id}:", same)
    lines += _listed("Calls that are no operation:", [call for call in others if call.operation_id is None])
    lines += _operations(call for call in others if call.operation_id not in (None, expected.operation_id))
    if lost:
        lines.append(f"{lost} earlier calls are forgotten: more than are kept for one test")
    if not everything:
        lines.append("Nothing was called at all: does the program under test have fake_pacs.url and fake_pacs.token?")
    return "\n".join(lines)


def story(calls: Sequence[Exchange]) -> str:
    """The last calls, a line each, with the reasons of refusals."""
    earlier = len(calls) - SHOWN
    before = [f"({earlier} earlier calls)"] if earlier > 0 else []
    return "\n".join([*before, *map(one, calls[-SHOWN:])]) or "nothing was called"


def one(call: Exchange) -> str:
    """A call in a line; for a refused one with the reason and what to do."""
    path, _, query = call.path.partition("?")
    name = f" ({call.operation_id})" if call.operation_id else ""
    stranger = "" if call.tenant else ", by a caller that nobody knows"
    said = f"  {call.method} {path}{'?' if query else ''}{query} -> {call.status}{name}{stranger}"
    return "\n".join([said, *(f"      {reason}" for reason in _reasons(call))])


def unknown_operation(name: str, known: Collection[str], version: str) -> str:
    """That there is no such operation, and which was meant."""
    close = get_close_matches(name, known, n=1)
    meant = f"was {close[0]} meant?" if close else f"there are {', '.join(sorted(known))}"
    return f"IA-API {version} has no operation {name!r}: {meant}"


def _reasons(call: Exchange) -> Iterator[str]:
    problem = _problem(call.answer_body) if call.status >= 400 else {}
    for name in ("detail", "hint"):
        if isinstance(problem.get(name), str):
            yield problem[name]
    yield from (f"at {place}: {place_text}" for place, place_text in _places(problem))
    yield from (f"on purpose: {fault}" for fault in call.faults)


def _places(problem: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """The places of a refused body beyond the first, which the detail names."""
    violations = problem.get("violations")
    for place in (violations if isinstance(violations, list) else [])[1:4]:
        yield f"{place.get('in')} {place.get('pointer')}", f"came {place.get('came')}, expected {place.get('expected')}"


def _problem(body: str | None) -> dict[str, Any]:
    try:
        document = json.loads(body or "")
    except ValueError:  # the journal cuts long bodies
        return {}
    return document if isinstance(document, dict) else {}


def _listed(title: str, calls: Sequence[Exchange]) -> list[str]:
    return [title, story(calls)] if calls else []


def _operations(calls: Iterator[Exchange]) -> list[str]:
    counted = Counter((str(call.operation_id), call.status) for call in calls)
    if not counted:
        return []
    told = (f"  {name} -> {status}, {_times(count)}" for (name, status), count in counted.items())
    return ["Other operations that were called:", *told]


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number} times"
