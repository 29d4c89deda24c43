"""What apps store: results and their attachments. Members that this client doesn't know are kept and sent back."""

from collections.abc import Callable
from enum import StrEnum, unique
from typing import Annotated, Any, ClassVar, Literal, TypeAlias

from pydantic import BeforeValidator, Discriminator, Field, Tag

from sectra_client.schemas.base import (
    AS_READ,
    Flag,
    Integer,
    Name,
    NullAsList,
    NullAsObject,
    Number,
    SparseModel,
    WireModel,
)
from sectra_client.schemas.common import Point, Polygon


class Style(SparseModel):
    """How a primitive is drawn: colours as in CSS, alpha optional; the width of the line in screen pixels."""

    NULLABLE: ClassVar = frozenset({"strokeStyle", "fillStyle", "size"})

    strokeStyle: str | None = None
    fillStyle: str | None = None
    size: Integer | None = None


class Polyline(WireModel):
    """A line through at least two points."""

    points: Annotated[list[Point], Field(min_length=2)]


class Arc(WireModel):
    """A part of a circle: radius in image widths, angles in radians. Known from the vendor's viewer only."""

    center: Point
    radius: Annotated[Number, Field(ge=0)]
    startAngle: Number
    endAngle: Number


class Label(WireModel):
    """A text on the slide; `location` is its upper left corner."""

    location: Point
    label: str


class PrimitiveItem(SparseModel):
    """Shapes that share a style. A list that is null on the wire reads as empty; `arcs` is sent only where it was
    set.
    """

    NULLABLE: ClassVar = frozenset({"style", "arcs"})

    style: Style | None = None
    polygons: NullAsList[Polygon] = Field(default_factory=list)
    polylines: NullAsList[Polyline] = Field(default_factory=list)
    arcs: list[Arc] | None = None
    labels: NullAsList[Label] = Field(default_factory=list)


class Patch(WireModel):
    """One patch of a gallery; `tag` is an index into the gallery's tags."""

    tag: Integer
    position: Point
    sortKeyValue: Number


class Action(WireModel):
    """A button of the gallery; in the modify invocation that its press sends, `state` is 1."""

    id: str
    state: Integer
    name: str
    tooltip: str


class Status(SparseModel):
    """One status of a gallery, such as `allowVerify`."""

    NULLABLE: ClassVar = frozenset({"value", "message"})
    ABSENT: ClassVar = {"value": lambda: None}

    value: Flag | None = True
    message: str | None = None


def _allow_verify() -> dict[str, Status]:
    return {"allowVerify": Status()}


class PatchContent(SparseModel):
    """A gallery of patches: `patchSize` in pixels, shown at the objective's `magnification`."""

    NULLABLE: ClassVar = frozenset({"description"})
    ABSENT: ClassVar = {"statuses": dict}

    description: str | None = None
    polygons: NullAsList[Polygon] = Field(default_factory=list)
    patches: list[Patch]
    actions: NullAsList[Action] = Field(default_factory=list)
    tags: list[str]
    patchSize: Annotated[Integer, Field(ge=1)]
    magnification: Annotated[Number, Field(gt=0)]
    statuses: NullAsObject[Status] = Field(default_factory=_allow_verify)


@unique
class ResultType(StrEnum):
    """The sorts of results that IA-API 1.10 knows."""

    PATCHES = "patchCollection"
    PRIMITIVES = "primitive"


def _list_or_object(value: Any) -> str:
    return "list" if isinstance(value, list | tuple) else "object"


class PrimitiveResultContent(WireModel):
    """A result that is drawn on the slide: one object of shapes or a list of them, kept in the form in which it
    came.
    """

    type: Literal[ResultType.PRIMITIVES] = ResultType.PRIMITIVES
    content: Annotated[
        Annotated[list[PrimitiveItem], Tag("list")] | Annotated[PrimitiveItem, Tag("object")],
        Discriminator(_list_or_object),
    ]

    @property
    def primitives(self) -> list[PrimitiveItem]:
        """The content as a list, whichever form it has."""
        return self.content if isinstance(self.content, list) else [self.content]


class PatchResultContent(WireModel):
    """A result that is shown as a gallery."""

    type: Literal[ResultType.PATCHES] = ResultType.PATCHES
    content: PatchContent


class UnknownResultContent(WireModel):
    """A sort of result that this client doesn't know: read, kept and sent back, but never stored anew."""

    type: str
    content: Any = None


def _sort_of_result(value: Any) -> str:
    sort = value.get("type") if isinstance(value, dict) else getattr(value, "type", None)
    return str(sort) if sort in tuple(ResultType) else "unknown"


ResultContent = Annotated[
    Annotated[PrimitiveResultContent, Tag("primitive")]
    | Annotated[PatchResultContent, Tag("patchCollection")]
    | Annotated[UnknownResultContent, Tag("unknown")],
    Discriminator(_sort_of_result),
]

DisplayProperties: TypeAlias = dict[str, Annotated[str | Number, Field(union_mode="left_to_right")]]


class ResultData(SparseModel):
    """What is shown, and in `context` what the app keeps for itself; null stays null."""

    NULLABLE: ClassVar = frozenset({"context", "result"})

    context: dict[str, Any] | None = Field(default_factory=dict)
    result: ResultContent | None = None


@unique
class AttachmentState(StrEnum):
    """How far an attachment is; the server decides."""

    NEW = "new"
    UPLOAD_IN_PROGRESS = "upload-in-progress"
    STORED = "stored"


class Attachment(SparseModel):
    """A file that belongs to a result, declared by its name; a state that this client doesn't know is read as text."""

    name: Annotated[Name, Field(max_length=1024)]
    state: Annotated[AttachmentState | str, Field(union_mode="left_to_right")] | None = None


def _null_as(make: Callable[[], Any]) -> BeforeValidator:
    return BeforeValidator(lambda value: make() if value is None else value)


class Result(SparseModel):
    """A result as an app stores it."""

    NULLABLE: ClassVar = frozenset({"applicationVersion"})

    slideId: Name
    displayResult: str
    applicationVersion: str | None = None
    attachments: NullAsList[Attachment] = Field(default_factory=list)
    data: ResultData = Field(default_factory=ResultData)
    displayProperties: Annotated[DisplayProperties, _null_as(dict)] = Field(default_factory=dict)


class AdaptedResult(Result):
    """A result as an app sends it to replace a stored one: `versionId` is the one last read."""

    id: Integer | None = None
    versionId: Annotated[str, Field(max_length=256)]


class ResultResponse(Result):
    """A stored result; `versionId` changes with every write."""

    applicationVersion: Annotated[str, _null_as(str)] = ""
    id: Integer
    versionId: str

    def adapted(self) -> AdaptedResult:
        """The result as it is sent back to replace itself; members that this client doesn't know stay in it."""
        return AdaptedResult.model_validate(self.model_dump(), context=AS_READ if self._is_read else None)
