"""The control plane of what goes wrong on purpose: faults, the clock, incidents."""

from datetime import datetime
from typing import Any

from fake_pacs.calls import Call, Reply, json_reply
from fake_pacs.clock import MovableClock
from fake_pacs.faults.documents import read_fault, record_document, slide_documents
from fake_pacs.incidents.catalogue import INCIDENTS, begin
from fake_pacs.incidents.incident import Incident
from fake_pacs.incidents.values import Asked, Stage
from fake_pacs.refusals import Refusal, Refusals
from fake_pacs.world import World
from ia_api_spec import Violation, shown


def list_faults(call: Call, world: World) -> Reply:
    """The tenant's faults with what became of them, and the slides that misbehave without any set-up."""
    records = world.faults.of(call.caller.tenant).records
    return json_reply({"faults": [record_document(record) for record in records], "slides": slide_documents()})


def add_fault(call: Call, world: World) -> Reply:
    """Puts a fault at the end of the tenant's table."""
    try:
        record = world.faults.of(call.caller.tenant).put(read_fault(call.body))
    except ValueError as error:
        raise _invalid(call.body, str(error)) from error
    return json_reply(record_document(record), status=201)


def clear_faults(call: Call, world: World) -> Reply:
    """Forgets the tenant's faults, its expired tokens, and its incidents."""
    tenant = call.caller.tenant
    world.faults.of(tenant).clear()
    world.incidents.clear(tenant)
    return json_reply({"tenant": tenant})


def remove_fault(call: Call, world: World) -> Reply:
    """Takes one fault out of the table."""
    number = call.parameters["number"]
    if not world.faults.of(call.caller.tenant).remove(number):
        raise Refusal(Refusals.UNKNOWN_FAULT, f"There is no fault {number}.", hint="GET /_fake_pacs/faults lists them.")
    return json_reply({"tenant": call.caller.tenant})


def get_clock(call: Call, world: World) -> Reply:
    """The server's time of day."""
    return json_reply(_clock(world.clock))


def move_clock(call: Call, world: World) -> Reply:
    """Resets, sets, advances and freezes the clock, in this order, as far as the body says; all of it or nothing."""
    body: dict[str, Any] = call.body
    member = "set"
    try:
        with world.clock.all_or_nothing() as clock:
            if body.get("reset"):
                clock.reset()
            if "set" in body:
                clock.set(_moment(body["set"]))
            if "advance" in body:
                member = "advance"
                clock.advance(body["advance"])
            if "freeze" in body:
                clock.freeze(frozen=body["freeze"])
    except ValueError as error:
        raise _invalid(body, f"{member}: {error}") from error
    return json_reply(_clock(world.clock))


def _moment(text: str) -> datetime:
    """The time of the text. Raises `ValueError` for what no calendar and no clock has."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("a time that there is, such as 2026-11-23T10:00:00Z") from None


def _clock(clock: MovableClock) -> dict[str, Any]:
    return {"now": clock.now().isoformat(timespec="milliseconds"), "offset": clock.offset, "frozen": clock.frozen}


def list_incidents(call: Call, world: World) -> Reply:
    """The incidents that there are, and those of the tenant with their verdicts."""
    known = [{"name": name, "what": kind.what, "judged": kind.judged} for name, kind in INCIDENTS.items()]
    begun = [_begun(incident) for incident in world.incidents.of(call.caller.tenant)]
    return json_reply({"known": known, "begun": begun})


def begin_incident(call: Call, world: World) -> Reply:
    """Arms an incident; an earlier one of the same name is over."""
    body = call.body or {}
    asked = Asked(body.get("slideId"), body.get("applicationId"), body.get("count"), body.get("seconds"))
    try:
        begun = begin(_known(call), Stage(world, call.caller.tenant), asked)
    except ValueError as error:
        raise _invalid(body, str(error)) from error
    return json_reply(_begun(begun), status=201)


def get_incident(call: Call, world: World) -> Reply:
    """The verdict of an incident as it stands."""
    return json_reply(_begun(_one(call, world)))


def end_incident(call: Call, world: World) -> Reply:
    """Ends an incident: what it changed is put back, its verdict is final."""
    begun = _one(call, world)
    begun.end()
    return json_reply(_begun(begun))


def _known(call: Call) -> str:
    name: str = call.parameters["name"]
    if name not in INCIDENTS:
        hint = f"There are {', '.join(INCIDENTS)}."
        raise Refusal(Refusals.UNKNOWN_INCIDENT, f"There is no incident {shown(name)}.", hint=hint)
    return name


def _one(call: Call, world: World) -> Incident:
    name = _known(call)
    found = world.incidents.find(call.caller.tenant, name)
    if found is None:
        hint = f"POST /_fake_pacs/incidents/{name} begins it."
        raise Refusal(Refusals.UNKNOWN_INCIDENT, f"The incident {name} wasn't begun in this tenant.", hint=hint)
    return found


def _begun(begun: Incident) -> dict[str, Any]:
    settled = begun.settled  # asked before the verdict: a settled one must be the last
    verdict = begun.verdict()
    return {
        "name": begun.name,
        "state": begun.state,
        "verdict": verdict.outcome,
        "settled": settled,
        "text": verdict.text,
        "happened": list(begun.happened),
    }


def _invalid(body: dict[str, Any], text: str) -> Refusal:
    """The refusal of a body whose members the schema allows each by itself; the text begins with the member."""
    member, _, rest = text.partition(": ")
    expected = rest.rpartition("expected ")[2]
    pointer = "/" + member.replace(".", "/")
    name = member.partition(".")[0]
    came = shown(body[name]) if name in body else "nothing"
    violation = Violation("body", pointer, came, expected)
    detail = f"The request breaks the contract in {violation}{'' if expected.endswith('?') else '.'}"
    return Refusal(Refusals.INVALID_REQUEST, detail, violations=[violation])
