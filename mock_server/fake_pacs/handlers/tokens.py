"""Tokens for applications."""

from fake_pacs.calls import Call, Reply, json_reply
from fake_pacs.store import Credential
from fake_pacs.world import World


def create(call: Call, world: World) -> Reply:
    """A bearer token bound to an application; older ones stay valid (A: threads share)."""
    application = world.application(call.parameters["applicationId"], call.caller.tenant)
    lifetime = world.settings.token_lifetime
    credential = Credential(call.caller.tenant, "issued", application=application.applicationId)
    token = world.issue(credential, lifetime)
    return json_reply({"access_token": token, "token_type": "Bearer", "expires_in": lifetime})
