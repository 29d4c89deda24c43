"""What the server is."""

from fake_pacs.calls import Call, Reply, json_reply
from fake_pacs.world import World


def get_info(call: Call, world: World) -> Reply:
    """The server's own API and software version, whatever the caller asks for (A)."""
    return json_reply({"apiVersion": world.settings.api_version, "softwareVersion": world.settings.software})
