"""Values that more than one resource uses."""

from enum import StrEnum, unique
from typing import Annotated

from pydantic import Field

from sectra_client.schemas.base import Integer, Number, WireModel


class CallbackInfo(WireModel):
    """Where and with what an app calls the PACS back; the token is never shown in a repr."""

    url: str
    token: str = Field(repr=False)


@unique
class InputType(StrEnum):
    """What an app is started on."""

    MULTI_AREA = "multiArea"
    TAGGED_POLYGON = "taggedPolygon"
    WHOLE_SLIDE = "wholeSlide"


class Point(WireModel):
    """A place on the slide in image widths, in both axes: x from 0 to 1, y from 0 to height/width (`geometry`
    converts).
    """

    x: Number
    y: Number


class Polygon(WireModel):
    """A closed area of at least three points; the last is joined to the first."""

    points: Annotated[list[Point], Field(min_length=3)]


class Size(WireModel):
    """A width and a height in pixels."""

    width: Integer
    height: Integer


class DisplayedName(WireModel):
    """A name as the workstation shows it."""

    displayName: str
