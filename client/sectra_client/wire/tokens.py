"""How callers get a bearer token."""

from base64 import b64encode

from sectra_client.schemas.tokens import Token
from sectra_client.wire.messages import Call, Request, reads, text


def create_token(app_id: str, username: str, password: str) -> Call[Token]:
    """A token for an application; a new one doesn't revoke older ones, so the request may be repeated."""
    credentials = b64encode(f"{username}:{password}".encode()).decode("ascii")
    headers = {"Authorization": f"Basic {credentials}", "Content-Type": "application/x-www-form-urlencoded"}
    request = Request(
        "createToken",
        "POST",
        "/token",
        {"applicationId": text("app_id", app_id)},
        headers,
        b"grant_type=client_credentials",
        authorised=False,
        repeatable=True,
    )
    return Call(request, reads(Token))
