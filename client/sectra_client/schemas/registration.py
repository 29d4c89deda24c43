"""How an app introduces itself to the administrator's PACS."""

from typing import Any

from pydantic import Field

from sectra_client.schemas.base import Name, SparseModel, WireModel
from sectra_client.schemas.common import InputType


class TaggedPolygonInputContent(WireModel):
    """The tags that a drawn polygon can carry."""

    tags: list[str]


class InputTemplate(SparseModel):
    """What the user is asked for when the app is started; `content` for a tagged polygon."""

    type: InputType
    content: TaggedPolygonInputContent | None = None


class Registration(WireModel):
    """What an app answers to the administrator; `context` is private to it and comes back with every invocation."""

    applicationId: Name
    displayName: str
    manufacturer: str
    url: Name
    inputTemplate: InputTemplate
    context: dict[str, Any] = Field(default_factory=dict)
