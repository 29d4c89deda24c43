"""Browser-launched applications."""

from typing import Any
from urllib.parse import urlencode

from fake_pacs.calls import Call, Reply, json_reply
from fake_pacs.hospital import Case, Slide
from fake_pacs.refusals import Refusal, Refusals
from fake_pacs.store import Credential
from fake_pacs.world import World


def create(call: Call, world: World) -> Reply:
    """A launch of an application on a case, as a user makes it; its session token may be used more than once (V)."""
    application = world.application(call.body["applicationId"])
    case = _case(world, call.body["accessionNumber"], call.body.get("accessionNumberIssuer"))
    credential = Credential(
        call.caller.tenant, "session", application.applicationId, case.accession_number, case.issuer
    )
    query = {
        "requestId": case.accession_number,
        "sessionToken": world.issue(credential, world.settings.callback_lifetime),
        "appId": application.applicationId,
    }
    return json_reply({**query, "launchDataUrl": f"{call.base_url}/launchdata?{urlencode(query)}"}, status=201)


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
    case = _case(world, asked["requestId"], caller.issuer)
    blocks = _blocks(world.slides_of(case))
    return json_reply({"callbackInfo": {"url": call.base_url, "token": token}, "blocks": blocks})


def _case(world: World, number: str, issuer: str | None) -> Case:
    cases = world.cases_named(number, issuer)
    if len(cases) == 1:
        return cases[0]
    known = ", ".join(repr(case.issuer) for case in cases) or "none"
    detail = f"The accession number {number!r} doesn't name one case; issuers: {known}."
    raise Refusal(
        Refusals.UNKNOWN_CASE, detail, hint="Name its accessionNumberIssuer, as GET /_fake_pacs/hospital lists it."
    )


def _blocks(slides: list[Slide]) -> list[dict[str, Any]]:
    """The slides by block, in the order in which the blocks come up."""
    blocks: dict[str, list[dict[str, str]]] = {}
    for slide in slides:
        known = slide.known()
        described = {"id": slide.id, "description": known["staining"]["displayName"]}
        blocks.setdefault(known["block"]["displayName"], []).append(described)
    return [{"name": name, "slides": listed} for name, listed in blocks.items()]
