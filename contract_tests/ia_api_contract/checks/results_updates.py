"""Replacing results: what a replacement does, what it must not do, and that only the last versionId may do it."""

from functools import partial

from ia_api_contract.check import Check
from ia_api_contract.checks.results_asking import (
    AT_ONCE,
    Document,
    at_once,
    create,
    difference,
    expect_same,
    listed,
    mark,
    other_slide,
    post,
    put,
    read,
    replace,
    stored_in,
    without,
)
from ia_api_contract.exchanges import Answer
from ia_api_contract.outcomes import expect
from ia_api_contract.target import Target


def answered_with_200(target: Target) -> None:
    """Replacing is answered with exactly 200 and what is stored now."""
    stored = create(target)
    answer = put(target, stored["id"], {**stored, "displayResult": mark()})
    expect(answer.status == 200, f"replacing a result was answered with {answer}; expected exactly 200")
    expect_same(read(target, stored["id"]), answer.json, "the answer to replacing differs from the result read")


def replaced_by_what_came(target: Target) -> None:
    """After a replacement the result is what was sent."""
    stored = create(target)
    sent: Document = {
        "displayResult": mark(),
        "displayProperties": {"Cells": 12},
        "applicationVersion": "2.0",
        "data": {"context": {"step": 2}, "result": {"type": "primitive", "content": []}},
    }
    replace(target, stored, **sent)
    now = read(target, stored["id"])
    expect_same(sent, {name: now.get(name) for name in sent}, "the replaced result as read")


def left_out_is_gone(target: Target) -> None:
    """Members that a replacement leaves out are gone."""
    stored = create(target, {**target.result(), "resultVersion": 1})
    kept = without(stored, "resultVersion", "displayProperties", "applicationVersion")
    stored_in(put(target, stored["id"], kept), "replacing a result")
    now = read(target, stored["id"])
    expect("resultVersion" not in now, "resultVersion was left out of the replacement and is still there")
    for name in ("displayProperties", "applicationVersion"):
        expect(not now.get(name), f"{name} was left out of the replacement and is still {now.get(name)!r}")


def unknown_members_are_kept(target: Target) -> None:
    """Members that the contract doesn't know are stored by a replacement, too."""
    stored = create(target)
    replace(target, stored, resultVersion={"number": 2, "null": None})
    now = read(target, stored["id"]).get("resultVersion")
    expect_same({"number": 2, "null": None}, now, "resultVersion, sent with the replacement")


def accepted_without_id(target: Target) -> None:
    """A replacement may leave the id out: the path says it."""
    stored, text = create(target), mark()
    answer = put(target, stored["id"], {**without(stored, "id"), "displayResult": text})
    expect(answer.status // 100 == 2, f"a replacement without id in the body was answered with {answer}")
    shown = read(target, stored["id"])["displayResult"]
    expect(shown == text, f"replaced by {text!r} without an id in the body, the result shows {shown!r}")


def _refused(target: Target, stored: Document, document: Document, what: str) -> None:
    """Raises `Failed` unless the replacement is refused with 409 and the result stays as it was."""
    before = read(target, stored["id"])
    answer = put(target, stored["id"], document)
    expect(answer.status == 409, f"{what} was answered with {answer}; expected 409")
    expect_same(before, read(target, stored["id"]), f"{what} was refused, and yet the result changed")


def slide_is_fixed(target: Target) -> None:
    """A replacement that names another slide is refused with 409, and nothing changes."""
    stored = create(target)
    elsewhere = {**stored, "slideId": other_slide(target), "displayResult": mark()}
    _refused(target, stored, elsewhere, "a replacement with another slideId")


def id_is_fixed(target: Target) -> None:
    """A replacement whose body has another id than the path is refused with 409, and neither result changes."""
    stored, other = create(target), create(target)
    _refused(target, stored, {**stored, "id": other["id"], "displayResult": mark()}, "a body with the id of another")
    expect_same(other, read(target, other["id"]), "the result whose id was in the body changed")


def _outdated(target: Target) -> tuple[Document, Document]:
    """A result as somebody read it, and as it is after somebody else replaced it."""
    stored = create(target, target.result(displayResult=mark(), attachments=[{"name": "kept"}]))
    return stored, replace(target, stored, displayResult=mark())


def stale_is_refused(target: Target) -> None:
    """A versionId that isn't the last one is refused with 409."""
    stale, _ = _outdated(target)
    answer = put(target, stale["id"], {**stale, "displayResult": mark()})
    expect(answer.status == 409, f"a stale versionId was answered with {answer}; expected 409")


def refused_changes_nothing(target: Target) -> None:
    """After a refused replacement the result is as before: members, attachments and versionId."""
    stale, now = _outdated(target)
    put(target, stale["id"], {**stale, "displayResult": mark(), "attachments": []})
    expect_same(now, read(target, now["id"]), "a replacement with a stale versionId changed the result")
    again = put(target, now["id"], now)
    expect(again.status // 100 == 2, f"after a refused replacement the last versionId was answered with {again}")


def missing_is_refused(target: Target) -> None:
    """A replacement without a versionId is refused with 409, and nothing changes."""
    stored = create(target)
    sent = {**without(stored, "versionId"), "displayResult": mark()}
    _refused(target, stored, sent, "a replacement without versionId")


def one_of_many_wins(target: Target) -> None:
    """Of eight replacements at once that name the same versionId, exactly one is stored."""
    for _ in range(3):
        _race(target)


def _race(target: Target) -> None:
    stored, texts = create(target), [mark() for _ in range(AT_ONCE)]

    def write(text: str) -> Answer:
        return put(target, stored["id"], {**stored, "displayResult": text})

    answers = at_once([partial(write, text) for text in texts])
    won = [text for text, answer in zip(texts, answers, strict=True) if answer.status // 100 == 2]
    statuses = sorted(answer.status for answer in answers)
    expect(len(won) == 1, f"{AT_ONCE} replacements at once with one versionId were answered with {statuses}")
    expect(statuses.count(409) == AT_ONCE - 1, f"the losers were answered with {statuses}; expected 409 for each")
    shown = read(target, stored["id"])["displayResult"]
    expect(shown == won[0], f"the winner stored {won[0]!r}, the result shows {shown!r}")


def many_at_once_are_stored(target: Target) -> None:
    """Of eight results stored at once each gets an id of its own and is there."""
    sent = [target.result(displayResult=mark()) for _ in range(AT_ONCE)]
    answers = at_once([partial(post, target, document) for document in sent])
    ids = [stored_in(answer, "storing a result beside others")["id"] for answer in answers]
    expect(len(set(ids)) == AT_ONCE, f"{AT_ONCE} results stored at once got the ids {sorted(ids, key=str)}")
    shown = {entry.get("id"): entry.get("displayResult") for entry in listed(target)}
    expected = {result_id: document["displayResult"] for result_id, document in zip(ids, sent, strict=True)}
    found = {result_id: shown.get(result_id) for result_id in ids}
    text = difference(expected, found)
    expect(text is None, f"results stored at once aren't listed as they were stored: {text}")


_update = partial(Check, writes=True, needs=("results.stores-and-reads", "results.id-integer"))

CHECKS = (
    _update(
        "results.update-200",
        "Replacing a result is answered with exactly 200 and the result as it is stored now.",
        "updateResult 200",
        "Callers compare the status with 200 and go on with the answer, its new versionId above all.",
        answered_with_200,
    ),
    _update(
        "results.update-replaces",
        "After a replacement the result is what was sent.",
        "updateResult 200",
        "It is how an app corrects what it stored.",
        replaced_by_what_came,
        mandatory=True,
    ),
    _update(
        "results.update-drops-left-out",
        "Members that a replacement leaves out are gone.",
        "updateResult",
        "It replaces, it doesn't merge: what the app took away must not stay on the screen.",
        left_out_is_gone,
    ),
    _update(
        "results.update-keeps-unknown",
        "Members of a replacement that the contract doesn't know are kept.",
        "updateResult 200",
        "Apps keep members of their own there, such as resultVersion.",
        unknown_members_are_kept,
    ),
    _update(
        "results.update-without-id",
        "A replacement may leave out the id.",
        "updateResult 200",
        "Callers send the versionId alone, as the id stands in the path.",
        accepted_without_id,
    ),
    _update(
        "results.slide-fixed",
        "A replacement with another slideId is refused with 409, and nothing changes.",
        "updateResult 409",
        "A result that moves to another slide is a wrong diagnosis.",
        slide_is_fixed,
    ),
    _update(
        "results.id-fixed",
        "A replacement whose body has another id than its path is refused with 409, and nothing changes.",
        "updateResult 409",
        "The caller means one of two results, and the server can't know which.",
        id_is_fixed,
    ),
    _update(
        "results.stale-refused",
        "A replacement with a stale versionId is refused with 409.",
        "updateResult 409",
        "User and app change one result: the second must learn that it isn't what it read.",
        stale_is_refused,
        needs=("results.version-changes",),
        mandatory=True,
    ),
    _update(
        "results.refused-unchanged",
        "A replacement that was refused as stale changes nothing.",
        "updateResult 409",
        "A refusal after half the work is worse than none.",
        refused_changes_nothing,
        needs=("results.stale-refused",),
    ),
    _update(
        "results.missing-version-refused",
        "A replacement without a versionId is refused with 409, and nothing changes.",
        "updateResult 409",
        "It could overwrite what somebody else wrote. A target that takes it on purpose needs a waiver for this.",
        missing_is_refused,
    ),
    _update(
        "results.one-winner",
        "Of eight replacements at once with the same versionId exactly one wins, the others get 409.",
        "updateResult 409",
        "A server that reads the version first and writes later loses one of two writes.",
        one_of_many_wins,
        needs=("results.refused-unchanged",),
    ),
    _update(
        "results.stored-at-once",
        "Results stored at the same moment get different ids, and all are there.",
        "createResult 201",
        "An app works on many slides at once.",
        many_at_once_are_stored,
        needs=("results.ids-unique",),
    ),
)
