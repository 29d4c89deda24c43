"""Bearer tokens."""

from pydantic import Field

from sectra_client.schemas.base import Integer, WireModel


class Token(WireModel):
    """A bearer token and its lifetime from now, in seconds; never shown in a repr."""

    access_token: str = Field(repr=False)
    token_type: str
    expires_in: Integer
