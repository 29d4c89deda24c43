"""Launching a browser-launched application on a case."""

from urllib.parse import urlencode

from fake_pacs.hospital import Case
from fake_pacs.refusals import Refusal, Refusals
from fake_pacs.store import Credential
from fake_pacs.world import World


def launch(
    world: World, tenant: str, application_id: str, number: str, issuer: str | None, base_url: str
) -> dict[str, str]:
    """What a user's launch hands to the application; its session token may be used more than once (V).

    Refused: UNKNOWN_APPLICATION, UNKNOWN_CASE.
    """
    application = world.application(application_id, tenant)
    case = case_named(world, number, issuer)
    credential = Credential(tenant, "session", application.applicationId, case.accession_number, case.issuer)
    query = {
        "requestId": case.accession_number,
        "sessionToken": world.issue(credential, world.settings.callback_lifetime),
        "appId": application.applicationId,
    }
    return {**query, "launchDataUrl": f"{base_url}/launchdata?{urlencode(query)}"}


def case_named(world: World, number: str, issuer: str | None) -> Case:
    """The one case of that number. Refused: UNKNOWN_CASE, also where several issuers have the number."""
    cases = world.cases_named(number, issuer)
    if len(cases) == 1:
        return cases[0]
    if not cases:
        whose = f" of the issuer {issuer!r}" if issuer is not None else ""
        detail = f"There is no case {number!r}{whose}."
        raise Refusal(Refusals.UNKNOWN_CASE, detail, hint="GET /_fake_pacs/hospital lists them.")
    known = ", ".join(repr(case.issuer) for case in cases)
    detail = f"The accession number {number!r} doesn't name one case; issuers: {known}."
    raise Refusal(
        Refusals.UNKNOWN_CASE, detail, hint="Name its accessionNumberIssuer, as GET /_fake_pacs/hospital lists it."
    )
