"""Browser-launched applications."""

from sectra_client.schemas.launch import LaunchData
from sectra_client.wire.messages import Call, Request, reads, text


def get_launch_data(request_id: str, session_token: str, app_id: str) -> Call[LaunchData]:
    """What the app was launched on; the session token is the credential."""
    query = {
        "requestId": text("request_id", request_id),
        "sessionToken": text("session_token", session_token),
        "appId": text("app_id", app_id),
    }
    return Call(Request("getLaunchData", "GET", "/launchdata", query, authorised=False), reads(LaunchData))
