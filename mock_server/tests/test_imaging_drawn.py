"""Drawn pictures: stable, cheap, and the same at every level."""

from __future__ import annotations

import io

import pytest
from PIL import Image, ImageChops, ImageStat

from fake_pacs.imaging import pyramid
from fake_pacs.imaging.drawn_picture import DrawnPicture, drawn_label
from fake_pacs.imaging.errors import OutsidePyramid, UnknownFocalPlane, UnknownOpticalPath
from fake_pacs.imaging.picture import FocalPlane, OpticalPath, Picture


def mosaic(picture: Picture, size: tuple[int, int], level: int, tile_size: int, **which: str) -> Image.Image:
    whole = Image.new("RGB", pyramid.level_size(size, level))
    columns, rows = pyramid.tile_grid(size, level, tile_size)
    for x in range(columns):
        for y in range(rows):
            chosen = {"focal_plane": "0", "optical_path": None, **which}
            tile = Image.open(io.BytesIO(picture.tile(level, x, y, format="png", **chosen)))  # type: ignore[arg-type]
            box = pyramid.tile_box(size, level, x, y, tile_size)
            assert tile.size == box.size
            whole.paste(tile, box[:2])
    return whole


def difference(one: Image.Image, other: Image.Image) -> float:
    return max(ImageStat.Stat(ImageChops.difference(one, other)).mean)


def reduced(image: Image.Image, halvings: int) -> Image.Image:
    """The reference: each pixel is the mean of the (2 ** halvings)² pixels that it covers, fewer at the edges."""
    scale = 2**halvings
    result = Image.new("RGB", (-(-image.width // scale), -(-image.height // scale)))
    for x in range(0, image.width, scale) if scale > 64 else ():
        for y in range(0, image.height, scale):
            area = image.crop((x, y, min(x + scale, image.width), min(y + scale, image.height)))
            mean = ImageStat.Stat(area).mean
            result.putpixel((x // scale, y // scale), tuple(round(part) for part in mean))
    return result if scale > 64 else image.reduce(scale)  # Pillow's own overflows at large scales


SIZE = (2100, 1500)


def test_every_level_agrees_with_the_full_image() -> None:
    picture = DrawnPicture("seed", SIZE)
    top = pyramid.top_level(SIZE)
    full = mosaic(picture, SIZE, top, 256)
    assert len(full.getcolors(1 << 24) or []) > 10, "tissue and nuclei are drawn, not a flat colour"
    for level in range(top - 1, 2, -1):  # what lies beyond the edge of lower levels is glass
        expected = reduced(full, top - level)
        assert difference(mosaic(picture, SIZE, level, 256), expected) < 4, level


def test_tile_borders_leave_no_trace() -> None:
    small, large = (mosaic(DrawnPicture("seed", SIZE, side), SIZE, 11, side) for side in (128, 1024))
    assert difference(small, large) < 0.1


def test_the_same_seed_draws_the_same_and_another_does_not() -> None:
    def tile(seed: str) -> bytes:
        return DrawnPicture(seed, (40_960, 30_720)).tile(8, 0, 0, focal_plane="0", optical_path=None, format="jpeg")

    assert tile("a") == tile("a")
    assert tile("a") != tile("b")


def test_planes_and_paths_look_different() -> None:
    planes = (FocalPlane("-1", -2.0), FocalPlane("0"), FocalPlane("1", 2.0))
    paths = (OpticalPath("0", "DAPI"), OpticalPath("1", "FITC"))
    picture = DrawnPicture("seed", SIZE, planes=planes, paths=paths)
    sharp = mosaic(picture, SIZE, 8, 256)
    assert difference(sharp, mosaic(picture, SIZE, 8, 256, focal_plane="1.0")) > 1
    assert difference(sharp, mosaic(picture, SIZE, 8, 256, optical_path="1")) > 1
    assert difference(sharp, mosaic(picture, SIZE, 8, 256, focal_plane="0.0", optical_path="0")) == 0
    members = picture.properties()
    assert [plane["id"] for plane in members["focalPlanes"]] == ["-1", "0", "1"]
    assert members["opticalPaths"] == [{"id": "0", "description": "DAPI"}, {"id": "1", "description": "FITC"}]
    with pytest.raises(UnknownFocalPlane, match="'-1', '0', '1'"):
        picture.tile(8, 0, 0, focal_plane="7", optical_path=None, format="png")
    with pytest.raises(UnknownOpticalPath, match="'0', '1'"):
        picture.tile(8, 0, 0, focal_plane="0", optical_path="7", format="png")
    with pytest.raises(OutsidePyramid, match="columns 0 to 0"):
        picture.tile(8, 1, 0, focal_plane="0", optical_path=None, format="png")


@pytest.mark.parametrize("size", [(1, 1), (3, 100_000), (2_000_000, 2)])
def test_any_size_can_be_drawn(size: tuple[int, int]) -> None:
    picture = DrawnPicture("seed", size)
    for level in (0, pyramid.top_level(size)):
        tile = picture.tile(level, 0, 0, focal_plane="0", optical_path=None, format="jpeg")
        assert Image.open(io.BytesIO(tile)).size == pyramid.tile_box(size, level, 0, 0, 256).size
    assert max(picture.overview(500).size) <= 500


@pytest.mark.parametrize("text", ["S26-1", "", "Größe \ud800 ✓" * 60], ids=["plain", "empty", "odd"])
def test_a_label_shows_any_text(text: str) -> None:
    label = Image.open(io.BytesIO(drawn_label(text)))
    assert (label.format, label.size) == ("JPEG", (400, 400))
    assert DrawnPicture("a", (10, 10), label_text=text).label() == drawn_label(text)
    assert DrawnPicture("a", (10, 10)).label() is None
