"""Pictures read through OpenSlide: right at every level, safe with threads, clear about broken files."""

from __future__ import annotations

import io
import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import openslide
import pytest
from PIL import Image, ImageChops, ImageDraw, ImageStat

from fake_pacs.imaging import pyramid
from fake_pacs.imaging.errors import OutsidePyramid, SlideUnreadable, UnknownFocalPlane, UnknownOpticalPath
from fake_pacs.imaging.openslide_picture import Layer, OpenSlidePicture
from fake_pacs.imaging.picture import FocalPlane, OpticalPath, focal_plane_named, optical_path_named
from fake_pacs.imaging.slide_reader import SlideReader
from fake_pacs.imaging.tiff import tiled_tiff
from fake_pacs.imaging.tile_cache import TileCache

SIZE = (1501, 1130)
SHARED = Path(__file__).parents[2] / ".." / "shared" / "slides"


@pytest.fixture
def reader() -> Iterator[SlideReader]:
    reader = SlideReader()
    yield reader
    reader.close()


@pytest.fixture(scope="session")
def whole() -> Image.Image:
    return drawn(SIZE)


def drawn(size: tuple[int, int], hue: int = 200) -> Image.Image:
    red = Image.linear_gradient("L").resize(size)
    image = Image.merge("RGB", (red, Image.radial_gradient("L").resize(size), Image.new("L", size, hue)))
    pen = ImageDraw.Draw(image)
    for step in range(0, max(size), 97):
        pen.ellipse((step, step // 2, step + 60, step // 2 + 40), fill=(step % 256, 30, 90))
    return image


def written(path: Path, *levels: Image.Image, tile_size: int = 256) -> Path:
    path.write_bytes(tiled_tiff(levels, tile_size, microns_per_pixel=0.5))
    return path


def shared(name: str) -> Path:
    path = SHARED / name
    if not path.exists():
        reason = f"{path} is missing"
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(reason)
    return path


def tile_of(picture: OpenSlidePicture, level: int, x: int, y: int, **which: Any) -> Image.Image:
    chosen = {"focal_plane": "0", "optical_path": None, "format": "png", **which}
    return Image.open(io.BytesIO(picture.tile(level, x, y, **chosen)))


def mosaic(picture: OpenSlidePicture, level: int) -> Image.Image:
    members = picture.properties()
    size, side = tuple(members["imageSize"].values()), members["tileSize"]["width"]
    result = Image.new("RGB", pyramid.level_size(size, level))
    columns, rows = pyramid.tile_grid(size, level, side)
    for x in range(columns):
        for y in range(rows):
            tile = tile_of(picture, level, x, y)
            box = pyramid.tile_box(size, level, x, y, side)
            assert tile.size == box.size, (level, x, y)
            result.paste(tile, box[:2])
    return result


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


def assert_levels_agree(picture: OpenSlidePicture, image: Image.Image, *, mean: float, most: int) -> None:
    top = pyramid.top_level(image.size)
    for level in range(top + 1):
        difference = ImageChops.difference(mosaic(picture, level), reduced(image, top - level))
        assert max(ImageStat.Stat(difference).mean) < mean, level
        assert max(high for _, high in difference.getextrema()) <= most, level


@pytest.mark.parametrize("tile_size", [64, 256, 240])
def test_levels_of_a_slide_without_pyramid_are_the_whole_image_reduced(
    tmp_path: Path, reader: SlideReader, whole: Image.Image, tile_size: int
) -> None:
    path = written(tmp_path / "flat.tiff", whole, tile_size=tile_size // 16 * 16)
    picture = OpenSlidePicture(reader, [Layer(path)], tile_size=tile_size)
    assert ImageChops.difference(mosaic(picture, pyramid.top_level(SIZE)), whole).getbbox() is None
    assert_levels_agree(picture, whole, mean=1.6, most=4)


@pytest.mark.parametrize("factors", [(2, 4, 8), (4, 16), (3, 7)])
def test_levels_of_a_pyramid_agree_with_the_whole_image(
    tmp_path: Path, reader: SlideReader, whole: Image.Image, factors: tuple[int, ...]
) -> None:
    smaller = [whole.resize((SIZE[0] // f, SIZE[1] // f), Image.Resampling.BOX) for f in factors]  # rounded down
    picture = OpenSlidePicture(reader, [Layer(written(tmp_path / "a.tiff", whole, *smaller))])
    top = pyramid.top_level(SIZE)
    for level in range(top + 1):
        difference = ImageChops.difference(mosaic(picture, level), reduced(whole, top - level))
        assert max(ImageStat.Stat(difference).mean) < 1.6, level


def test_the_scanned_slide_agrees_with_itself_and_has_its_label(reader: SlideReader) -> None:
    path = shared("cmu_small_region.svs")
    picture = OpenSlidePicture(reader, [Layer(path)])
    with openslide.OpenSlide(path) as slide:
        image = slide.read_region((0, 0), 0, slide.dimensions).convert("RGB")
        label = slide.associated_images["label"].convert("RGB")
    assert_levels_agree(picture, image, mean=2.0, most=32)
    shown = Image.open(io.BytesIO(picture.label() or b""))
    assert shown.format == "JPEG"
    assert max(ImageStat.Stat(ImageChops.difference(shown, label)).mean) < 8
    members = picture.properties()
    assert members["imageSize"] == {"width": 2220, "height": 2967}
    assert members["tileSize"] == {"width": 240, "height": 240}
    assert members["micronsPerPixel"] == 0.499


def test_dicom_of_several_files_is_read(reader: SlideReader) -> None:
    picture = OpenSlidePicture(reader, [Layer(shared("boxes_dicom") / "boxes_0.dcm")])
    assert picture.properties()["fileFormat"] == {"mimeType": "application/dicom"}
    assert tile_of(picture, 4, 0, 0).size == (16, 16)
    assert picture.label() is None


def test_properties_of_a_tiff(tmp_path: Path, reader: SlideReader, whole: Image.Image) -> None:
    picture = OpenSlidePicture(reader, [Layer(written(tmp_path / "a.tiff", whole, tile_size=64))])
    assert picture.properties() == {
        "isStreamable": True,
        "imageSize": {"width": 1501, "height": 1130},
        "tileSize": {"width": 256, "height": 256},
        "micronsPerPixel": pytest.approx(0.5),
        "focalPlanes": [{"id": "0", "offsetUm": 0.0}],
        "opticalPaths": [{"id": "0", "description": "Brightfield"}],
        "storedTileFormat": {"mimeType": "image/jpeg", "extension": "jpg"},
        "availableTileFormats": [
            {"mimeType": "image/jpeg", "extension": "jpg"},
            {"mimeType": "image/png", "extension": "png"},
        ],
        "fileFormat": {"mimeType": "image/tiff"},
    }


def test_the_resolution_that_programs_fill_in_is_no_resolution(reader: SlideReader) -> None:
    picture = OpenSlidePicture(reader, [Layer(shared("boxes.tiff"))])  # says 72 dpi: 353 µm/px
    assert picture.properties()["micronsPerPixel"] == 0.25
    stated = OpenSlidePicture(reader, [Layer(shared("boxes.tiff"))], microns_per_pixel=1.5, is_streamable=False)
    assert stated.properties()["micronsPerPixel"] == 1.5
    assert stated.properties()["isStreamable"] is False


def test_tiles_are_jpeg_or_png_without_the_slides_colour_profile(reader: SlideReader) -> None:
    picture = OpenSlidePicture(reader, [Layer(shared("boxes.tiff"))])
    for name in ("jpeg", "png"):
        tile = tile_of(picture, 9, 0, 0, format=name)
        assert (tile.format, tile.mode, tile.size) == (name.upper(), "RGB", (256, 250))
        assert "icc_profile" not in tile.info


def test_outside_is_refused_with_the_valid_range(tmp_path: Path, reader: SlideReader, whole: Image.Image) -> None:
    picture = OpenSlidePicture(reader, [Layer(written(tmp_path / "a.tiff", whole))])
    with pytest.raises(OutsidePyramid, match="columns 0 to 5 and the rows 0 to 4"):
        tile_of(picture, 11, 6, 0)
    with pytest.raises(OutsidePyramid, match="levels 0 to 11"):
        tile_of(picture, 12, 0, 0)


def test_a_manifest_shows_each_plane_and_refuses_others(tmp_path: Path, reader: SlideReader) -> None:
    layers = [
        Layer(written(tmp_path / f"{z}.tiff", drawn(SIZE, hue)), FocalPlane(str(z), z * 1.5))
        for z, hue in ((-1, 20), (0, 120), (1, 220))
    ]
    picture = OpenSlidePicture(reader, layers)
    for z, hue in (("-1", 20), ("0", 120), ("0.0", 120), ("1.0", 220), ("+1", 220)):
        assert tile_of(picture, 11, 0, 4, focal_plane=z).getpixel((100, 100))[2] == hue
    assert picture.properties()["focalPlanes"][0] == {"id": "-1", "offsetUm": -1.5}
    with pytest.raises(UnknownFocalPlane, match=r"'2': this slide has '-1', '0', '1'"):
        tile_of(picture, 11, 0, 0, focal_plane="2")


def test_a_manifest_shows_each_path_the_first_by_default(tmp_path: Path, reader: SlideReader) -> None:
    layers = [
        Layer(written(tmp_path / f"{name}.tiff", drawn(SIZE, hue)), optical_path=OpticalPath(name, name.upper()))
        for name, hue in (("dapi", 20), ("fitc", 120))
    ]
    picture = OpenSlidePicture(reader, layers)
    assert tile_of(picture, 11, 0, 4).getpixel((100, 100))[2] == 20
    assert tile_of(picture, 11, 0, 4, optical_path="fitc").getpixel((100, 100))[2] == 120
    with pytest.raises(UnknownOpticalPath, match="'dapi', 'fitc'"):
        tile_of(picture, 11, 0, 0, optical_path="x")


def test_images_of_a_manifest_have_one_size(tmp_path: Path, reader: SlideReader) -> None:
    layers = [
        Layer(written(tmp_path / "a.tiff", drawn((300, 300))), FocalPlane("0")),
        Layer(written(tmp_path / "b.tiff", drawn((300, 301))), FocalPlane("1")),
    ]
    picture = OpenSlidePicture(reader, layers)
    for use in (picture.properties, lambda: tile_of(picture, 0, 0, 0)):
        with pytest.raises(SlideUnreadable, match=r"a\.tiff is 300 x 300 px, b\.tiff is 300 x 301 px"):
            use()


@pytest.mark.parametrize("z", ["0", "0.0", "-0", "0.", "00"])
def test_plane_0_works_on_every_slide(z: str) -> None:
    planes = [FocalPlane("near", 0.4), FocalPlane("far", -3.0)]
    assert focal_plane_named(z, planes).id == "near"
    assert focal_plane_named(z, [FocalPlane("-1", 0.0), FocalPlane("0", 9.0)]).id == "0"


@pytest.mark.parametrize("z", ["", "nan", "inf", "1e0", "0_0", "٠", " 0", pytest.param("9" * 5000, id="long"), "0x0"])
def test_odd_planes_are_unknown_not_errors(z: str) -> None:
    with pytest.raises(UnknownFocalPlane):
        focal_plane_named(z, [FocalPlane("0"), FocalPlane("1", 1.0)])


def test_no_path_means_the_first() -> None:
    assert optical_path_named(None, [OpticalPath("b"), OpticalPath("a")]).id == "b"


def test_a_label_file_is_shown_as_jpeg(tmp_path: Path, reader: SlideReader) -> None:
    image = written(tmp_path / "a.tiff", drawn((300, 300)))
    drawn((80, 60)).save(tmp_path / "label.jpg")
    drawn((80, 60)).save(tmp_path / "label.png")
    (tmp_path / "broken.jpg").write_bytes(b"nothing")
    exact = OpenSlidePicture(reader, [Layer(image)], label_from=tmp_path / "label.jpg")
    assert exact.label() == (tmp_path / "label.jpg").read_bytes()
    converted = OpenSlidePicture(reader, [Layer(image)], label_from=tmp_path / "label.png").label()
    assert Image.open(io.BytesIO(converted or b"")).format == "JPEG"
    assert OpenSlidePicture(reader, [Layer(image)], label_from=None).label() is None
    assert OpenSlidePicture(reader, [Layer(image)]).label() is None
    with pytest.raises(SlideUnreadable, match=r"broken\.jpg"):
        OpenSlidePicture(reader, [Layer(image)], label_from=tmp_path / "broken.jpg").label()


def test_a_file_that_vanishes_or_breaks_is_unreadable_and_the_others_go_on(tmp_path: Path, reader: SlideReader) -> None:
    paths = [written(tmp_path / f"{name}.tiff", drawn((300, 300))) for name in "abc"]
    pictures = [OpenSlidePicture(reader, [Layer(path)]) for path in paths]
    before = [tile_of(picture, 9, 0, 0).tobytes() for picture in pictures]
    paths[0].unlink()
    paths[1].write_bytes(paths[1].read_bytes()[:5000])
    for broken, reason in ((pictures[0], "cannot be found"), (pictures[1], "nsupported|TIFF")):
        with pytest.raises(SlideUnreadable, match=reason):
            tile_of(broken, 9, 0, 0)
        with pytest.raises(SlideUnreadable, match=reason):
            broken.properties()
    assert tile_of(pictures[2], 9, 0, 0).tobytes() == before[2]
    written(paths[0], drawn((300, 300)))
    assert tile_of(pictures[0], 9, 0, 0).tobytes() == before[0], "a file that is back is read again"


def test_broken_pixels_are_unreadable(tmp_path: Path, reader: SlideReader) -> None:
    data = bytearray(tiled_tiff([drawn((600, 600))]))
    data[8:2000] = b"\xff" * 1992
    path = tmp_path / "a.tiff"
    path.write_bytes(data)
    picture = OpenSlidePicture(reader, [Layer(path)])
    with pytest.raises(SlideUnreadable, match=r"a\.tiff: "):
        tile_of(picture, 10, 0, 0)
    assert tile_of(picture, 10, 2, 2).size == (88, 88), "a sound tile of the same slide is still served"


class CountingOpenSlide(openslide.OpenSlide):
    """Counts how many are open at the same time."""

    lock = threading.Lock()
    live = 0
    most = 0
    opened = 0

    def __init__(self, path: Any) -> None:
        super().__init__(path)
        with self.lock:
            cls = type(self)
            cls.live, cls.opened = cls.live + 1, cls.opened + 1
            cls.most = max(cls.most, cls.live)

    def close(self) -> None:
        super().close()
        with self.lock:
            type(self).live -= 1


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> type[CountingOpenSlide]:
    counting = type("Counting", (CountingOpenSlide,), {})
    monkeypatch.setattr("fake_pacs.imaging.slide_reader.openslide.OpenSlide", counting)
    return counting


def test_8_threads_read_40_pictures_with_4_open(tmp_path: Path, counted: type[CountingOpenSlide]) -> None:
    reader = SlideReader(max_open=4, tile_cache_bytes=0)
    hues = range(0, 240, 6)
    pictures = [OpenSlidePicture(reader, [Layer(written(tmp_path / f"{h}.tiff", drawn((400, 300), h)))]) for h in hues]

    def seen(job: int) -> int:
        picture = pictures[job * 7 % 40]
        return tile_of(picture, 9, job % 2, 1).getpixel((5, 40))[2]  # type: ignore[index]

    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(seen, range(400)))
    assert found == [hues[job * 7 % 40] for job in range(400)]
    assert counted.most <= 4
    assert counted.live == reader.open_count <= 4
    reader.close()
    assert counted.live == reader.open_count == 0


def test_a_slide_is_opened_at_first_use_and_once(tmp_path: Path, counted: type[CountingOpenSlide]) -> None:
    reader = SlideReader()
    picture = OpenSlidePicture(reader, [Layer(written(tmp_path / "a.tiff", drawn((400, 300))))])
    assert counted.opened == 0
    picture.properties()
    picture.properties()
    tile_of(picture, 9, 0, 0)
    tile_of(picture, 3, 0, 0)
    assert counted.opened == 1


def test_rendered_tiles_are_kept_and_forgotten_when_the_file_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = SlideReader()
    path = written(tmp_path / "a.tiff", drawn((400, 300), 10))
    picture = OpenSlidePicture(reader, [Layer(path)])
    first = picture.tile(9, 0, 0, focal_plane="0", optical_path=None, format="jpeg")
    assert reader.encoded_tiles.used == len(first)
    with monkeypatch.context() as patched:
        patched.setattr("fake_pacs.imaging.openslide_picture.encoded", None)
        assert picture.tile(9, 0, 0, focal_plane="0.0", optical_path="0", format="jpeg") is first
    written(path, drawn((400, 301), 90))
    assert picture.tile(9, 0, 0, focal_plane="0", optical_path=None, format="jpeg") != first


def test_the_cache_keeps_its_budget_and_can_be_off() -> None:
    cache: TileCache[bytes] = TileCache(100, len)
    made = []

    def value(name: str, size: int) -> bytes:
        return cache.get_or_make(name, lambda: made.append(name) or bytes(size))  # type: ignore[func-returns-value]

    for name, size in (("a", 40), ("b", 40), ("a", 40), ("c", 40), ("a", 40), ("b", 40), ("huge", 101)):
        value(name, size)
        assert cache.used <= 100
    assert made == ["a", "b", "c", "b", "huge"], "b was used longest ago when c came"
    assert len(value("a", 0)) == 40, "what is larger than the budget pushes nothing out"
    off: TileCache[bytes] = TileCache(0, len)
    off.get_or_make("a", lambda: b"x")
    assert off.get_or_make("a", lambda: b"y") == b"y"


def test_a_reader_holds_at_least_one_slide() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        SlideReader(max_open=0)
    with pytest.raises(ValueError, match="at least one image"):
        OpenSlidePicture(SlideReader(), [])
