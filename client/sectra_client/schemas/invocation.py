"""What the PACS sends to an app."""

from enum import StrEnum, unique
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from sectra_client.schemas.base import Integer, NullAsObject, SparseModel, WireModel
from sectra_client.schemas.common import CallbackInfo, InputType, Polygon
from sectra_client.schemas.image import ImageMetadata
from sectra_client.schemas.results import ResultResponse


@unique
class Action(StrEnum):
    """What the user did."""

    CREATE = "create"
    MODIFY = "modify"
    CANCEL = "cancel"
    DELETE = "delete"
    NEW_IMAGE_FILES = "newImageFiles"


class TaggedPolygonContent(SparseModel):
    """A drawn polygon, with the tags to choose from and the index of the chosen one: both or neither."""

    polygon: Polygon
    tags: list[str] | None = None
    tagIndex: Integer | None = None

    @model_validator(mode="after")
    def _both_or_neither(self) -> "TaggedPolygonContent":
        if (self.tags is None) != (self.tagIndex is None):
            given, missing = ("tagIndex", "tags") if self.tags is None else ("tags", "tagIndex")
            raise ValueError(f"{given} came without {missing}: a tagged polygon has both or neither")
        return self


class MultiAreaContent(WireModel):
    """Several drawn areas."""

    polygons: list[Polygon]


class WholeSlideInput(WireModel):
    """The whole slide."""

    type: Literal[InputType.WHOLE_SLIDE] = InputType.WHOLE_SLIDE


class TaggedPolygonInput(WireModel):
    """A drawn polygon with a tag."""

    type: Literal[InputType.TAGGED_POLYGON] = InputType.TAGGED_POLYGON
    content: TaggedPolygonContent


class MultiAreaInput(WireModel):
    """Several areas of the slide."""

    type: Literal[InputType.MULTI_AREA] = InputType.MULTI_AREA
    content: MultiAreaContent


CreateInput = Annotated[WholeSlideInput | TaggedPolygonInput | MultiAreaInput, Field(discriminator="type")]


class InvocationBase(SparseModel):
    """What every invocation carries; `context` is what the app registered, null reads as `{}`."""

    applicationId: str
    slideId: str
    callbackInfo: CallbackInfo
    context: NullAsObject[Any] = Field(default_factory=dict)
    cancellationToken: str | None = None


class CreateInvocation(InvocationBase):
    """The user started the app."""

    action: Literal[Action.CREATE] = Action.CREATE
    cancellationToken: str
    input: CreateInput


class ModifyInvocation(InvocationBase):
    """The user changed a result, or pressed a button of its gallery."""

    action: Literal[Action.MODIFY] = Action.MODIFY
    cancellationToken: str
    input: ResultResponse


class CancelInvocation(InvocationBase):
    """The user stopped what the invocation of that `cancellationToken` started."""

    action: Literal[Action.CANCEL] = Action.CANCEL
    cancellationToken: str


class DeleteInvocation(InvocationBase):
    """The user removed a result."""

    action: Literal[Action.DELETE] = Action.DELETE
    input: ResultResponse


class NewImageFilesInvocation(InvocationBase):
    """New image files were imported; `imageInfo` tells of the slide."""

    action: Literal[Action.NEW_IMAGE_FILES] = Action.NEW_IMAGE_FILES
    cancellationToken: str
    input: WholeSlideInput = Field(default_factory=WholeSlideInput)
    imageInfo: ImageMetadata


Invocation = Annotated[
    CreateInvocation | ModifyInvocation | CancelInvocation | DeleteInvocation | NewImageFilesInvocation,
    Field(discriminator="action"),
]
