"""What the user at the workstation does to apps, and the log of what was sent to them."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from fake_pacs.calling.deliveries import DeliveryPolicy, shown
from fake_pacs.calling.values import Delivery
from fake_pacs.calling.workstation import Workstation
from fake_pacs.calls import Call, Reply, json_reply
from fake_pacs.world import World

Act = Callable[[Workstation, dict[str, Any], float | None], Delivery | list[Delivery]]


def perform(call: Call, world: World) -> Reply:
    """What a user does, and what the apps made of it. Refused: what the workstation doesn't offer."""
    asked = call.body
    done = ACTIONS[asked["action"]](_station(call, world), asked, asked.get("deadlineSeconds"))
    return _deliveries(call, world, done if isinstance(done, list) else [done])


def list_deliveries(call: Call, world: World) -> Reply:
    """The tenant's calls of apps, oldest first."""
    asked = call.parameters
    found = world.deliveries.read(
        call.caller.tenant, application_id=asked["app"], after=asked["after"], limit=asked["limit"]
    )
    return _deliveries(call, world, found)


def resend(call: Call, world: World) -> Reply:
    """Sends an invocation again. Refused: UNKNOWN_DELIVERY, NOT_OFFERED, APPLICATION_DISABLED."""
    asked = call.body or {}
    station = _station(call, world)
    times, delay = asked.get("times", 1), asked.get("delaySeconds", 0.0)
    deadline = asked.get("deadlineSeconds")
    return _deliveries(call, world, station.resend(call.parameters["number"], times, delay, deadline=deadline))


def get_policy(call: Call, world: World) -> Reply:
    """How the tenant's deliveries are made."""
    return json_reply(world.deliveries.policy(call.caller.tenant).as_json())


def set_policy(call: Call, world: World) -> Reply:
    """Changes how the tenant's deliveries are made; what was held back for its order is sent where it no longer is."""
    members = {POLICY_MEMBERS[name]: value for name, value in call.body.items()}
    station = _station(call, world)
    station.policy = DeliveryPolicy(**members)
    return json_reply(station.policy.as_json())


POLICY_MEMBERS = {
    "deadlineSeconds": "deadline",
    "retries": "retries",
    "attempts": "attempts",
    "backoffSeconds": "backoff",
    "delaySeconds": "delay",
    "duplicates": "duplicates",
    "reorder": "reorder",
}
"""What a policy's members are called in Python."""


def _station(call: Call, world: World) -> Workstation:
    """The tenant's user; apps reach the PACS where it listens, else where this caller does."""
    reached = None if world.address else call.base_url
    return Workstation(world, reached, call.caller.tenant, wait=(call.body or {}).get("wait", True))


def _deliveries(call: Call, world: World, found: Iterable[Delivery]) -> Reply:
    tokens = world.deliveries.tokens(call.caller.tenant)
    return json_reply({"deliveries": [shown(delivery, tokens) for delivery in found]})


def _start(station: Workstation, asked: dict[str, Any], deadline: float | None) -> Delivery:
    polygon = _points(asked["polygon"]) if "polygon" in asked else None
    areas = [_points(area) for area in asked["areas"]] if "areas" in asked else None
    return station.start(
        asked["applicationId"],
        asked["slideId"],
        polygon=polygon,
        tag_index=asked.get("tagIndex"),
        areas=areas,
        deadline=deadline,
    )


def _points(polygon: Mapping[str, Any]) -> list[tuple[float, float]]:
    return [(point["x"], point["y"]) for point in polygon["points"]]


def _edit(station: Workstation, asked: dict[str, Any], deadline: float | None) -> Delivery:
    def change(result: dict[str, Any]) -> None:
        merged = merge_patch(result, asked["change"])
        result.clear()
        result.update(merged)

    return station.edit(asked["applicationId"], asked["resultId"], change, deadline=deadline)


def merge_patch(value: Any, patch: Any) -> Any:
    """The value after a JSON merge patch: members are replaced, null removes them (RFC 7396)."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(value) if isinstance(value, dict) else {}
    for name, member in patch.items():
        if member is None:
            merged.pop(name, None)
        else:
            merged[name] = merge_patch(merged.get(name), member)
    return merged


ACTIONS: Mapping[str, Act] = {
    "start": _start,
    "edit": _edit,
    "movePatch": lambda station, asked, deadline: station.move_patch(
        asked["applicationId"], asked["resultId"], asked["patch"], asked["tag"], deadline=deadline
    ),
    "press": lambda station, asked, deadline: station.press(
        asked["applicationId"], asked["resultId"], asked["actionId"], deadline=deadline
    ),
    "delete": lambda station, asked, deadline: station.delete(
        asked["applicationId"], asked["resultId"], deadline=deadline
    ),
    "cancel": lambda station, asked, deadline: station.cancel(asked["delivery"], deadline=deadline),
    "import": lambda station, asked, deadline: station.import_slide(asked["slideId"], deadline=deadline),
}
"""What a user can do, by `action`."""
