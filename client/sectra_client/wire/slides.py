"""Slides and their labels."""

from sectra_client.schemas.image import ImageMetadata, LabelImage
from sectra_client.utils.errors import SectraNoLabelError
from sectra_client.wire.messages import Answer, Call, Request, reads, segment, unreadable


def get_metadata(slide_id: str, extended: bool, phi: bool) -> Call[ImageMetadata]:
    """What the PACS knows of a slide."""
    query = {"scope": "extended"} if extended else {}
    query |= {"includePHI": "true"} if phi else {}
    path = f"/slides/{segment('slide_id', slide_id)}/info"
    return Call(Request("getSlideInfo", "GET", path, query), reads(ImageMetadata))


def get_label(slide_id: str) -> Call[LabelImage]:
    """The label of a slide; reading raises `SectraNoLabelError` for 204."""

    def read(answer: Answer) -> LabelImage:
        if answer.status == 204:
            raise SectraNoLabelError(f"slide {slide_id} has no label")
        kind = answer.headers.get("content-type", "").partition(";")[0].strip()
        if not answer.body or (kind and not kind.startswith("image/") and kind != "application/octet-stream"):
            raise unreadable(answer, "an image was expected")
        return LabelImage(image=answer.body)

    return Call(Request("getSlideLabel", "GET", f"/slides/{segment('slide_id', slide_id)}/label"), read)
