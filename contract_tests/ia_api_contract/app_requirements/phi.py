"""What tells of the patient doesn't come back: canary values stand in every such member, and on the label."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from ia_api_contract.app_canaries import label_leaks, leaks
from ia_api_contract.app_requirements.asking import OURS, STORED, fail_for, must
from ia_api_contract.app_scene import Scene, scene
from ia_api_contract.app_target import AppTarget
from ia_api_contract.check import Check
from ia_api_contract.exchanges import Answer, Exchange
from ia_api_contract.outcomes import Skipped


@dataclass(frozen=True)
class _Trace:
    """What an app has left behind after a start, an edit and a notification: each by where it stands."""

    shown: list[tuple[str, Any]]
    contexts: list[tuple[str, Any]]
    attachments: list[tuple[str, bytes]]
    answers: list[tuple[str, bytes]]


def _trace(target: AppTarget) -> _Trace:
    """The traces, made once in a run."""
    if "trace" not in target.memory:
        with target.recording() as exchanges, scene(target) as made:
            trace = _made(made)
        target.memory["trace"] = trace, tuple(exchanges)
    found: tuple[_Trace, tuple[Exchange, ...]] = target.memory["trace"]
    for exchange in found[1]:
        target.keep(exchange)
    return found[0]


def _made(made: Scene) -> _Trace:
    """Looks after the start, too: what an edit overwrote was stored nevertheless."""
    trace = _Trace([], [], [], [])
    trace.answers.extend(_answer("the answer to the start", made.start().answer))
    if found := made.settled():
        _look(made, trace, " after the start")
        trace.answers.extend(_answer("the answer to an edit", made.modify(found[-1]).answer))
    with suppress(Skipped):
        trace.answers.extend(_answer("the answer to a notification", made.notify().answer))
    _look(made, trace, " at the end")
    return trace


def _look(made: Scene, trace: _Trace, when: str) -> None:
    for result in made.results():
        data = dict(result.get("data") or {})
        trace.contexts.append((f"the context of result {result['id']}{when}", data.pop("context", None)))
        trace.shown.append((f"the result {result['id']}{when}", {**result, "data": data}))
    trace.attachments.extend((f"the attachment {name!r}{when}", content) for name, content in made.attachments())


def _answer(place: str, answer: Answer | None) -> Iterator[tuple[str, bytes]]:
    if answer:
        yield place, answer.body + str(answer.headers).encode("utf-8", "replace")


def _fail_for_leaks(places: list[tuple[str, Any]]) -> None:
    fail_for([f"{place} has {name} in it" for place, value in places for name in leaks(value)])


def results(target: AppTarget) -> None:
    """Nothing of the patient stands in results."""
    _fail_for_leaks(_trace(target).shown)


def contexts(target: AppTarget) -> None:
    """Nothing of the patient stands in contexts."""
    _fail_for_leaks(_trace(target).contexts)


def attachments(target: AppTarget) -> None:
    """Nothing of the patient stands in attachments."""
    _fail_for_leaks(_trace(target).attachments)


def answers(target: AppTarget) -> None:
    """Nothing of the patient stands in answers."""
    _fail_for_leaks(_trace(target).answers)


def label(target: AppTarget) -> None:
    """The label doesn't come back."""
    trace = _trace(target)
    places: list[tuple[str, Any]] = [*trace.shown, *trace.contexts, *trace.attachments, *trace.answers]
    held = [place for place, value in places if label_leaks(value)]
    fail_for([f"{place} holds the slide's label, or what is written on it" for place in held])


CHECKS: tuple[Check, ...] = (
    must(
        "app.phi-results",
        "No value of a PHI member stands in a stored result.",
        "getSlideInfo",
        "Results are shown, exported and copied where the patient's data mustn't go.",
        results,
        document="ia-api",
        needs=(STORED,),
        own=OURS,
    ),
    must(
        "app.phi-contexts",
        "No value of a PHI member stands in a result's context.",
        "getSlideInfo",
        "Nobody sees it, so nobody notices what is kept there.",
        contexts,
        document="ia-api",
        needs=(STORED,),
        own=OURS,
    ),
    must(
        "app.phi-attachments",
        "No value of a PHI member stands in an attachment.",
        "getSlideInfo",
        "Attachments are downloaded as files.",
        attachments,
        document="ia-api",
        needs=(STORED,),
        own=OURS,
    ),
    must(
        "app.phi-answers",
        "No value of a PHI member stands in an answer of the app.",
        "invoke",
        "Answers are logged.",
        answers,
        own=OURS,
    ),
    must(
        "app.phi-label",
        "Neither the label's picture nor its text comes back in results, contexts, attachments or answers.",
        "getSlideLabel",
        "The label tells who the patient is.",
        label,
        document="ia-api",
        needs=(STORED,),
        own=OURS,
    ),
)
