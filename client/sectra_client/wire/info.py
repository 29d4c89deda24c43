"""The versions of the server."""

from sectra_client.schemas.info import ApplicationInfo
from sectra_client.wire.messages import Call, Request, reads


def get_info() -> Call[ApplicationInfo]:
    """What the server is."""
    return Call(Request("getInfo", "GET", "/info"), reads(ApplicationInfo))
