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
    request = Request("getLaunchData", "GET", "/launchdata", query, authorised=False, secrets=(session_token,))
    return Call(request, reads(LaunchData, secret=True))
