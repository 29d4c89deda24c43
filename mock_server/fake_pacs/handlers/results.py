"""What applications store."""

from typing import Any

from fake_pacs.calls import Call, Oddity, Reply, json_reply
from fake_pacs.refusals import Refusal, Refusals
from fake_pacs.result_documents import OF_THE_SERVER, attachment_names, document_of, on_wire, text_of
from fake_pacs.store import StoredResult
from fake_pacs.suspicion import suspicions
from fake_pacs.world import World


def create(call: Call, world: World) -> Reply:
    """Stores a new result; 201 with the stored result (V)."""
    application = world.application(call.parameters["applicationId"], call.caller.tenant)
    slide = world.slide(call.body["slideId"])
    stored = world.store.create_result(
        call.caller.tenant,
        application.applicationId,
        slide.id,
        document_of(call.body),
        attachment_names(call.body),
        world.ids.version(),
        text=text_of(call.body),
    )
    world.meanwhile.app_stored(call.caller.tenant, application.applicationId, stored.id, stored.version_id)
    oddities = [*_ignored(call.body), *suspicions(call.body, slide)]
    return json_reply(on_wire(stored), status=201, oddities=oddities)


def get(call: Call, world: World) -> Reply:
    """A stored result."""
    world.application(call.parameters["applicationId"], call.caller.tenant)
    return json_reply(on_wire(_stored(call, world)))


def list_of_slide(call: Call, world: World) -> Reply:
    """The application's results on a slide, ordered by id: callers take the last as the latest (V)."""
    application = world.application(call.parameters["applicationId"], call.caller.tenant)
    slide = world.slide(call.parameters["slideId"])
    found = world.store.results(call.caller.tenant, application.applicationId, slide.id)
    return json_reply([on_wire(stored) for stored in found])


def update(call: Call, world: World) -> Reply:
    """Replaces a result if the versionId sent is the last one; members left out are gone."""
    application = world.application(call.parameters["applicationId"], call.caller.tenant)
    result_id = call.parameters["resultId"]
    former = _stored(call, world)
    _check_identity(call.body, former)
    slide = world.slide(former.slide_id)
    version, oddities = _expected_version(call.body, world)
    stored = world.store.update_result(
        call.caller.tenant,
        application.applicationId,
        result_id,
        document_of(call.body),
        attachment_names(call.body),
        expected_version=version,
        slide_id=slide.id,
        version_id=world.ids.version(),
    )
    world.meanwhile.app_stored(call.caller.tenant, application.applicationId, stored.id, stored.version_id)
    return json_reply(on_wire(stored), oddities=[*oddities, *suspicions(call.body, slide)])


def _stored(call: Call, world: World) -> StoredResult:
    return world.store.result(call.caller.tenant, call.parameters["applicationId"], call.parameters["resultId"])


def _check_identity(body: dict[str, Any], former: StoredResult) -> None:
    """Refused: IDENTITY_CHANGED, where the body names another result or another slide than the one stored."""
    if body.get("id", former.id) != former.id:
        detail = f"The body is the result {body['id']}, the path names the result {former.id}."
        raise Refusal(Refusals.IDENTITY_CHANGED, detail, hint="Send the result to the path of its own id.")
    if body["slideId"] != former.slide_id:
        detail = f"The result {former.id} is about the slide {former.slide_id!r}, the body names {body['slideId']!r}."
        raise Refusal(Refusals.IDENTITY_CHANGED, detail, hint="Store a new result for another slide.")


def _expected_version(body: dict[str, Any], world: World) -> tuple[str | None, list[Oddity]]:
    """The versionId that the stored result must have. Refused: MISSING_VERSION, unless the server accepts that."""
    if "versionId" in body:
        return body["versionId"], []
    if world.settings.missing_version == "accept":
        return None, [Oddity("missing-version", "/versionId", "the update names no versionId; accepted as told")]
    raise Refusal(
        Refusals.MISSING_VERSION,
        "The update names no versionId, so it could overwrite what somebody else wrote.",
        hint="Read the result and send its versionId; a server started with --missing-version accept takes it without.",
    )


def _ignored(body: dict[str, Any]) -> list[Oddity]:
    text = "assigned by the server; what came here was ignored"
    return [Oddity("assigned-member", f"/{name}", text) for name in OF_THE_SERVER if name in body]
