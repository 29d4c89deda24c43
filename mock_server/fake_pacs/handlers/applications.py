"""Registered applications."""

from typing import Any

from fake_pacs.calls import Call, Reply, json_reply
from fake_pacs.hospital import Application
from fake_pacs.world import World


def get_application(call: Call, world: World) -> Reply:
    """The application as it is registered."""
    return json_reply(on_wire(world.application(call.parameters["applicationId"], call.caller.tenant)))


def on_wire(application: Application) -> dict[str, Any]:
    """The application by the contract's member names; `context` only where there is one."""
    members = {
        "applicationId": application.applicationId,
        "displayName": application.displayName,
        "manufacturer": application.manufacturer,
    }
    return members if application.context is None else {**members, "context": application.context}
