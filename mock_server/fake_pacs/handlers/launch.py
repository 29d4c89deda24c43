"""Browser-launched applications."""

from typing import Any

from fake_pacs.calls import Call, Reply, json_reply
from fake_pacs.hospital import Slide
from fake_pacs.launching import case_named, launch
from fake_pacs.refusals import Refusal, Refusals
from fake_pacs.store import Credential
from fake_pacs.world import World


def create(call: Call, world: World) -> Reply:
    """A launch of an application on a case, as a user makes it."""
    asked = call.body
    issuer = asked.get("accessionNumberIssuer")
    tenant = call.caller.tenant
    made = launch(world, tenant, asked["applicationId"], asked["accessionNumber"], issuer, call.base_url)
    return json_reply(made, status=201)


def get_data(call: Call, world: World) -> Reply:
    """Where to call back, with a token of its own, and the blocks of the case with their slides (V)."""
    asked, caller = call.parameters, call.caller
    if (asked["requestId"], asked["appId"]) != (caller.accession_number, caller.application):
        detail = (
            f"The session is for {caller.application!r} on {caller.accession_number!r}, "
            f"the request for {asked['appId']!r} on {asked['requestId']!r}."
        )
        raise Refusal(Refusals.FORBIDDEN, detail, hint="Use requestId, sessionToken and appId of one launch.")
    credential = Credential(caller.tenant, "callback", application=caller.application)
    token = world.issue(credential, world.settings.callback_lifetime)
    case = case_named(world, asked["requestId"], caller.issuer)
    blocks = _blocks(world.slides_of(case))
    return json_reply({"callbackInfo": {"url": call.base_url, "token": token}, "blocks": blocks})


def _blocks(slides: list[Slide]) -> list[dict[str, Any]]:
    """The slides by block, in the order in which the blocks come up."""
    blocks: dict[str, list[dict[str, str]]] = {}
    for slide in slides:
        known = slide.known()
        described = {"id": slide.id, "description": known["staining"]["displayName"]}
        blocks.setdefault(known["block"]["displayName"], []).append(described)
    return [{"name": name, "slides": listed} for name, listed in blocks.items()]
