"""Mutants of results: ids, versions, lists and spellings."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any
from wsgiref.types import WSGIEnvironment

from fake_pacs.calls import Call, Reply, json_reply
from fake_pacs.handlers import HANDLERS, Handler
from fake_pacs.refusals import Refusal, Refusals
from fake_pacs.result_documents import on_wire
from fake_pacs.store import StoredResult
from fake_pacs.world import World
from meta_tests.mutant import Mutant, Response, Spoiler
from meta_tests.mutants.results_content import AGAINST_SCHEMA, shown
from meta_tests.spoiling import answered, asked, instead, members, where


def wrapped(world: World, name: str, broken: Callable[..., Any]) -> None:
    """Puts a method in the place of one of the store's; it is given the right one, then the arguments."""
    setattr(world.store, name, partial(broken, getattr(world.store, name)))


def on(method: str, spoiler: Spoiler) -> Spoiler:
    """Spoils the answers to one method only."""

    def spoil(environ: WSGIEnvironment, response: Response) -> Response:
        return spoiler(environ, response) if environ["REQUEST_METHOD"] == method else response

    return spoil


def _per_slide(body: Any, call: Call, world: World) -> Any:
    """Ids are counted for each slide; so another slide's first id comes again."""
    first = world.hospital.slides[0].id
    stored = world.store.results(call.caller.tenant, call.parameters["applicationId"])
    others = [result.id for result in stored if result.slide_id == first]
    return body if body["slideId"] == first or not others else {**body, "id": others[0]}


def _outside(result: StoredResult) -> StoredResult:
    return replace(result, id=(result.id ^ 1) + 1)


def _shuffled(world: World) -> None:
    """Every second id is swapped with the one before, wherever ids are shown or named."""
    wrapped(world, "create_result", lambda right, *sent, **named: _outside(right(*sent, **named)))
    wrapped(world, "results", lambda right, *sent: [_outside(result) for result in right(*sent)])
    for name in ("result", "update_result"):
        wrapped(world, name, lambda right, t, a, i, *sent, **named: _outside(right(t, a, (i - 1) ^ 1, *sent, **named)))
    for name in ("attachment", "put_attachment"):
        wrapped(world, name, lambda right, t, a, i, *sent: right(t, a, (i - 1) ^ 1, *sent))


def _unversioned(world: World) -> None:
    def update(right: Any, *sent: Any, **named: Any) -> StoredResult:
        kept = named["expected_version"] or named["version_id"]
        updated: StoredResult = right(*sent, **{**named, "version_id": kept})
        return updated

    wrapped(world, "update_result", update)


def _any_slide(call: Call, world: World, right: Handler) -> Reply:
    stored = world.store.results(call.caller.tenant, call.parameters["applicationId"])
    right(call, world)
    return json_reply([on_wire(result) for result in stored])


def _any_application(body: Any, call: Call, world: World) -> Any:
    others = [one.applicationId for one in world.hospital.applications]
    others.remove(call.parameters["applicationId"])
    slide = call.parameters["slideId"]
    return [*body, *(on_wire(one) for name in others for one in world.store.results(call.caller.tenant, name, slide))]


def _of_any_application(call: Call, world: World, right: Handler) -> Reply:
    applications = [call.parameters["applicationId"], *(one.applicationId for one in world.hospital.applications)]
    for number, application in enumerate(applications):
        try:
            return right(replace(call, parameters={**call.parameters, "applicationId": application}), world)
        except Refusal as refusal:
            if refusal.refused is not Refusals.UNKNOWN_RESULT or number == len(applications) - 1:
                raise
    raise AssertionError("no application is asked for")


def _any_name(parameters: Any, call: Call) -> Any:
    return {"applicationId": "nuclei-counter"} if "no-such" in parameters["applicationId"] else {}


def _some_slide(call: Call, world: World, right: Handler) -> Reply:
    known = world.hospital.slide(call.body["slideId"]) or world.hospital.slides[0]
    return right(replace(call, body={**call.body, "slideId": known.id}), world)


def _stored_instead(call: Call, world: World, right: Handler) -> Reply:
    try:
        return right(call, world)
    except Refusal as refusal:
        if refusal.refused is not Refusals.UNKNOWN_RESULT:
            raise
        return replace(HANDLERS["createResult"](call, world), status=200)


MUTANTS = (
    Mutant(
        "results-read-shortened",
        "Reading a result leaves out its displayProperties.",
        ("results.stores-and-reads",),
        handlers={"getResult": answered(lambda body, call, world: {**body, "displayProperties": {}})},
    ),
    Mutant(
        "results-200-for-201",
        "Storing a result is answered with 200.",
        ("results.create-201",),
        why="The contract knows no 200 here, so what goes through the contract sees it, and so does what stores first.",
        spoil=where(r"/results/?$", lambda response: replace(response, status=200), status=201),
    ),
    Mutant(
        "results-id-text",
        "Ids are texts.",
        ("results.id-integer",),
        why=AGAINST_SCHEMA,
        spoil=shown(lambda result: {**result, "id": str(result["id"])}),
    ),
    Mutant(
        "results-ids-per-slide",
        "Ids are counted for each slide by itself, so that two results of an application have the same.",
        ("results.ids-unique",),
        handlers={"createResult": answered(_per_slide)},
    ),
    Mutant(
        "results-ids-shuffled",
        "A later result may have a smaller id.",
        ("results.ids-grow",),
        prepare=_shuffled,
    ),
    Mutant(
        "results-version-number",
        "The list shows versionIds as numbers.",
        ("results.version-text", "results.list-complete"),
        why=AGAINST_SCHEMA,
        spoil=where(r"/results/slide/", members(lambda found: [{**result, "versionId": 7} for result in found])),
    ),
    Mutant(
        "results-version-unchanged",
        "A replacement leaves the versionId as it is.",
        ("results.version-changes",),
        prepare=_unversioned,
    ),
    Mutant(
        "results-list-without-data",
        "The list shows results without their data.",
        ("results.list-complete",),
        handlers={
            "listResults": answered(lambda body, call, world: [{**result, "data": {}} for result in body]),
        },
    ),
    Mutant(
        "results-newest-first",
        "The list is newest first.",
        ("results.list-oldest-first",),
        handlers={"listResults": answered(lambda body, call, world: body[::-1])},
    ),
    Mutant(
        "results-list-of-any-slide",
        "The list holds the application's results on every slide.",
        ("results.list-slide-only",),
        handlers={"listResults": _any_slide},
    ),
    Mutant(
        "results-list-of-any-application",
        "The list holds the results of every application.",
        ("results.list-application-only",),
        handlers={"listResults": answered(_any_application)},
    ),
    Mutant(
        "results-read-of-any-application",
        "A result is found through the path of any application.",
        ("results.read-application-only",),
        handlers={"getResult": _of_any_application},
    ),
    Mutant(
        "results-any-application",
        "Results are stored for applications that aren't registered.",
        ("results.unknown-application-404",),
        handlers={"createResult": asked(_any_name)},
    ),
    Mutant(
        "results-any-slide",
        "Results are stored on slides that aren't there.",
        ("results.unknown-slide-404",),
        handlers={"createResult": _some_slide},
    ),
    Mutant(
        "results-upsert",
        "Replacing a result that isn't there stores a new one.",
        ("results.unknown-result-404",),
        handlers={"updateResult": _stored_instead},
    ),
    Mutant(
        "results-no-hooks-post",
        "Results can't be stored through /hooks.",
        ("results.hooks-create",),
        spoil=where(r"/hooks/", instead(404), status=201),
    ),
    Mutant(
        "results-no-hooks-put",
        "Results can't be replaced through /hooks.",
        ("results.hooks-update",),
        spoil=where(r"/hooks/", instead(404)),
    ),
    Mutant(
        "results-slash-redirected",
        "A slash at the end is answered with a redirect.",
        ("results.trailing-slash",),
        spoil=where(r"/applications/[^/]+/results/$", instead(308), status=201),
    ),
    Mutant(
        "results-version-of-caller",
        "A new result gets the versionId that the caller sends.",
        ("results.assigned-by-server",),
        handlers={
            "createResult": answered(
                lambda body, call, world: {**body, "versionId": call.body.get("versionId", body["versionId"])}
            )
        },
    ),
)
