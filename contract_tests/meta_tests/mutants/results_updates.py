"""Mutants of replacing results, and of writes that meet."""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from fake_pacs.calls import Call, Reply, json_reply
from fake_pacs.handlers import Handler
from fake_pacs.refusals import Refusal, Refusals
from fake_pacs.result_documents import on_wire
from fake_pacs.store import StoredResult
from fake_pacs.world import World
from meta_tests.mutant import BrokenHandler, Mutant
from meta_tests.mutants.results import on
from meta_tests.mutants.results_content import Document, known_only, stored_as
from meta_tests.spoiling import where

MEETING = 0.02
"""Seconds between looking and writing, so that writes meet."""


def former(call: Call, world: World) -> StoredResult:
    """The result that is about to be replaced."""
    return world.store.result(call.caller.tenant, call.parameters["applicationId"], call.parameters["resultId"])


def _knowing(change: Callable[[Document, StoredResult], Document]) -> BrokenHandler:
    """A handler that replaces by something else than what was sent, in view of what is stored."""

    def broken(call: Call, world: World, right: Handler) -> Reply:
        return right(replace(call, body=change(call.body, former(call, world))), world)

    return broken


def _current(body: Document, stored: StoredResult) -> Document:
    return {**body, "versionId": stored.version_id} if "versionId" in body else body


def _id_demanded(call: Call, world: World, right: Handler) -> Reply:
    if "id" not in call.body:
        raise Refusal(Refusals.INVALID_REQUEST, "No id came.")
    return right(call, world)


def _done_and_refused(call: Call, world: World, right: Handler) -> Reply:
    try:
        return right(call, world)
    except Refusal as refusal:
        if refusal.refused is Refusals.STALE_VERSION:
            right(replace(call, body=_current(call.body, former(call, world))), world)
        raise


def _raced(call: Call, world: World, right: Handler) -> Reply:
    """Compares, then writes whatever is stored by then."""
    stored = former(call, world)
    sent = {"id": stored.id, "versionId": None, **call.body}
    if (sent["id"], sent["versionId"], sent["slideId"]) != (stored.id, stored.version_id, stored.slide_id):
        return right(call, world)
    time.sleep(MEETING)
    return json_reply(on_wire(_overwritten(call, world, stored)))


def _overwritten(call: Call, world: World, stored: StoredResult) -> StoredResult:
    document = {name: value for name, value in call.body.items() if name not in ("id", "versionId")}
    names = [attachment["name"] for attachment in call.body.get("attachments") or ()]
    return world.store.update_result(
        call.caller.tenant,
        stored.application,
        stored.id,
        document,
        names,
        expected_version=None,
        slide_id=stored.slide_id,
        version_id=world.ids.version(),
    )


def _counted(call: Call, world: World, right: Handler) -> Reply:
    """Counts the results first, stores then."""
    stored = world.store.results(call.caller.tenant, call.parameters["applicationId"])
    number = max((result.id for result in stored), default=0) + 1
    time.sleep(MEETING)
    reply = right(call, world)
    return replace(reply, body={**reply.body, "id": number})


def _updated(mutant_id: str, what: str, breaks: tuple[str, ...], handler: BrokenHandler, **more: Any) -> Mutant:
    names = tuple(f"results.{name}" for name in breaks)
    return Mutant(f"results-{mutant_id}", what, names, handlers={"updateResult": handler}, **more)


MUTANTS = (
    Mutant(
        "results-update-201",
        "Replacing a result is answered with 201.",
        ("results.update-200",),
        spoil=on("PUT", where(r"/results/\d+$", lambda response: replace(response, status=201))),
    ),
    _updated(
        "update-keeps-data",
        "A replacement leaves data as they were.",
        ("update-replaces",),
        _knowing(lambda body, stored: {**body, "data": stored.document["data"]}),
    ),
    _updated(
        "update-merges",
        "A replacement merges instead of replacing.",
        ("update-drops-left-out",),
        _knowing(lambda body, stored: {**stored.document, **body}),
    ),
    _updated(
        "update-drops-unknown",
        "A replacement drops members that the contract doesn't know.",
        ("update-keeps-unknown",),
        stored_as(known_only),
    ),
    _updated(
        "update-demands-id",
        "A replacement without an id in its body is refused.",
        ("update-without-id",),
        _id_demanded,
    ),
    _updated(
        "slide-changes",
        "A replacement that names another slide is accepted.",
        ("slide-fixed",),
        _knowing(lambda body, stored: {**body, "slideId": stored.slide_id}),
    ),
    _updated(
        "id-ignored",
        "A replacement whose body has the id of another result is accepted.",
        ("id-fixed",),
        stored_as(lambda body: {name: value for name, value in body.items() if name != "id"}),
    ),
    _updated("stale-accepted", "Any versionId passes for the last one.", ("stale-refused",), _knowing(_current)),
    _updated(
        "refused-and-done",
        "A replacement with a stale versionId is refused and done all the same.",
        ("refused-unchanged",),
        _done_and_refused,
    ),
    Mutant(
        "results-missing-version-accepted",
        "A replacement without a versionId is accepted.",
        ("results.missing-version-refused",),
        options={"missing_version": "accept"},
    ),
    _updated(
        "read-then-write",
        "The versionId is compared first, and the result written later, whatever has happened between.",
        ("one-winner", "linearizable"),
        _raced,
    ),
    Mutant(
        "results-counted-then-stored",
        "The id is counted first, and the result stored later, whatever has happened between.",
        ("results.stored-at-once",),
        handlers={"createResult": _counted},
    ),
)
