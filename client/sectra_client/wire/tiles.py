"""Deep Zoom tiles."""

from sectra_client.schemas.image import Tile
from sectra_client.wire.messages import Answer, Call, Request, segment, text, unreadable, whole


def get_tile(
    slide_id: str, level: int, x: int, y: int, focal_plane: str | None, optical_path: str | None, extension: str
) -> Call[Tile]:
    """One tile: the level of the pyramid, column and row from 0, and the image format's extension."""
    plane = "" if focal_plane is None else f"_{segment('focal_plane', focal_plane)}"
    place = f"{whole('x', x)}_{whole('y', y)}{plane}.{segment('format', extension)}"
    path = f"/images/{segment('slide_id', slide_id)}_files/{whole('level', level)}/{place}"
    query = {} if optical_path is None else {"opticalPath": text("optical_path", optical_path)}
    return Call(Request("getTile", "GET", path, query), _read)


def _read(answer: Answer) -> Tile:
    kind = answer.headers.get("content-type", "").partition(";")[0].strip()
    if not answer.body or (kind and not kind.startswith("image/") and kind != "application/octet-stream"):
        raise unreadable(answer, "an image was expected")
    return Tile(image=answer.body, mediaType=kind)
