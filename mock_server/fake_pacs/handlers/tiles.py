"""Deep Zoom tiles."""

from collections.abc import Mapping

from fake_pacs.calls import Call, Reply
from fake_pacs.imaging.errors import NoSuchTile, SlideUnreadable
from fake_pacs.imaging.picture import TileFormat
from fake_pacs.refusals import Refusal, Refusals
from fake_pacs.slide_metadata import unreadable
from fake_pacs.world import World

FORMATS: Mapping[str, TileFormat] = {"jpg": "jpeg", "jpeg": "jpeg", "png": "png"}
"""Tile format by extension; jpg and jpeg work on every slide (V)."""


def get_tile(call: Call, world: World) -> Reply:
    """One tile; outside the pyramid 404 with the valid range in the text."""
    asked = call.parameters
    slide = world.slide(asked["slideId"])
    if slide.not_streamable_reason:
        detail = f"The slide {slide.id!r} is not streamable: {slide.not_streamable_reason.rstrip('.')}."
        raise Refusal(Refusals.NOT_STREAMABLE, detail, hint="GET /slides/{slideId}/files delivers its files.")
    tile_format = FORMATS.get(asked["ext"].lower())
    if tile_format is None:
        raise Refusal(Refusals.NO_SUCH_TILE, f"There are no {asked['ext']!r} tiles; there are {', '.join(FORMATS)}.")
    try:
        tile = slide.picture.tile(
            asked["level"],
            asked["x"],
            asked["y"],
            focal_plane=asked["z"],
            optical_path=asked["opticalPath"],
            format=tile_format,
        )
    except NoSuchTile as error:
        detail = f"The slide {slide.id!r} has no such tile: {str(error).rstrip('.')}."
        raise Refusal(Refusals.NO_SUCH_TILE, detail) from error
    except SlideUnreadable as error:
        raise unreadable(slide, error) from error
    return Reply(body=tile, media_type=f"image/{tile_format}", length=len(tile))
