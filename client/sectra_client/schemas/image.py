"""What the PACS tells of a slide, and the pictures it hands out."""

from typing import TYPE_CHECKING, Annotated

from pydantic import BeforeValidator, Field

from sectra_client.schemas.base import Flag, Integer, Number, SparseModel, WireModel
from sectra_client.schemas.common import DisplayedName, Size
from sectra_client.schemas.quality_control import QualityControlData

if TYPE_CHECKING:
    from PIL.Image import Image


class FocalPlane(WireModel):
    """One focal plane: its id in tile addresses, and its distance from the plane of reference in µm."""

    id: str
    offsetUm: Number


class OpticalPath(WireModel):
    """One optical path: bright field, or a fluorescence channel."""

    id: str
    description: str


class TileFormat(WireModel):
    """An image format of tiles."""

    mimeType: str
    extension: str


class SlideFormat(WireModel):
    """The format of a slide's files."""

    mimeType: str


class Specimen(SparseModel):
    """Where the tissue came from, as far as it's known."""

    anatomy: str | None = None
    description: str | None = None


NullAsSpecimen = Annotated[Specimen, BeforeValidator(lambda value: {} if value is None else value)]


class ImageMetadata(SparseModel):
    """What the PACS tells of a slide; members below `specimen` come only where the server has them and was asked for
    them.
    """

    id: str
    isStreamable: Flag
    imageSize: Size
    tileSize: Size
    micronsPerPixel: Number
    focalPlanes: list[FocalPlane]
    opticalPaths: list[OpticalPath]
    storedTileFormat: TileFormat
    availableTileFormats: list[TileFormat]
    fileFormat: SlideFormat
    staining: DisplayedName
    block: DisplayedName
    specimen: NullAsSpecimen = Field(default_factory=Specimen)
    bodyPart: str | None = None
    examCode: str | None = None
    examDescription: str | None = None
    stationName: str | None = None
    priority: Integer | None = None
    qualityControl: QualityControlData | None = None
    seriesInstanceUid: str | None = None
    lisSlideId: str | None = None
    accessionNumberIssuer: str | None = None
    accessionNumber: str | None = None
    studyInstanceUid: str | None = None
    examId: str | None = None
    examDateTime: str | None = None
    examFreeFields: list[dict[str, str]] = Field(default_factory=list)


class CaseImageInfo(SparseModel):
    """One slide in the list of the slides of a case (IA-API 1.9); the last two members only with PHI."""

    id: str
    staining: DisplayedName
    block: DisplayedName
    specimen: NullAsSpecimen = Field(default_factory=Specimen)
    seriesInstanceUid: str | None = None
    lisSlideId: str | None = None


class EncodedImage(WireModel):
    """An image as its encoded bytes, JPEG or PNG."""

    image: bytes = Field(repr=False)

    def convert_to_pil(self) -> "Image":
        """Decodes the image with Pillow. Raises `ImportError` naming the extra where Pillow isn't installed."""
        try:
            from PIL import Image
        except ImportError as error:
            raise ImportError("decoding an image needs Pillow: pip install 'ia-api-kit[images]'") from error
        from io import BytesIO

        return Image.open(BytesIO(self.image))


class LabelImage(EncodedImage):
    """The photograph of a slide's label."""


class Tile(EncodedImage):
    """One tile of a slide's pyramid, with its media type."""

    mediaType: str
