"""How callers get a bearer token."""

from base64 import b64encode

from sectra_client.schemas.tokens import Token
from sectra_client.wire.messages import Call, Request, reads, text


def create_token(app_id: str, username: str, password: str) -> Call[Token]:
    """A token for an application; a new one doesn't revoke older ones, so the request may be repeated.

    Raises `ValueError` for a user or password that is no text, and for a user name with a colon, which HTTP's Basic
    authentication can't carry.
    """
    for name, value in (("username", username), ("password", password)):
        if not isinstance(value, str):  # None, say, from an environment without it
            raise ValueError(f"{name} is no text: expected what the PACS' administrator gave you")
    if ":" in username:
        raise ValueError("the user name has a colon in it: HTTP's Basic authentication can't carry that")
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
        secrets=(password, credentials),
    )
    return Call(request, reads(Token, secret=True))
