"""Stored JPEG tiles: handed on where they are the asked-for tile, pixel for pixel, and decoded where that is unsure."""

from __future__ import annotations

import io
import struct
from pathlib import Path
from typing import Any

import openslide
import pytest
import tifffile
from PIL import Image, ImageChops, ImageDraw

import demo_hospital
from fake_pacs.catalog import load_slides
from fake_pacs.imaging import pyramid
from fake_pacs.imaging.jpeg import complete_jpeg
from fake_pacs.imaging.openslide_picture import Layer, OpenSlidePicture
from fake_pacs.imaging.slide_reader import SlideReader
from fake_pacs.imaging.stored_tiles import stored_levels

SIZE = (600, 400)
SIDE = 128


def picture(size: tuple[int, int] = SIZE) -> Image.Image:
    image = Image.merge(
        "RGB", [Image.linear_gradient("L").resize(size), *Image.radial_gradient("L").resize(size).split() * 2]
    )
    pen = ImageDraw.Draw(image)
    for step in range(0, size[0], 37):
        pen.ellipse((step, step // 2, step + 50, step // 2 + 30), fill=(step % 256, 200, 30))
    return image


def tiles(image: Image.Image, **options: Any) -> list[bytes]:
    """JPEG streams of the tiles, edge tiles filled up."""
    found = []
    for top in range(0, image.height, SIDE):
        for left in range(0, image.width, SIDE):
            buffer = io.BytesIO()
            image.crop((left, top, left + SIDE, top + SIDE)).save(buffer, "JPEG", quality=80, **options)
            found.append(buffer.getvalue())
    return found


def tiff(path: Path, *levels: Image.Image, streams: list[bytes] | None = None, **options: Any) -> Path:
    """A tiled TIFF of JPEG tiles: made by tifffile, or of these streams as they are."""
    given = {"photometric": "rgb", "compression": "jpeg", "tile": (SIDE, SIDE), "metadata": None, **options}
    with tifffile.TiffWriter(
        path, bigtiff=given.pop("bigtiff", False), byteorder=given.pop("byteorder", None)
    ) as writer:
        for index, level in enumerate(levels):
            import numpy

            shape, data = (level.height, level.width, 3), numpy.asarray(level)
            if streams is not None:
                writer.write(iter(streams), shape=shape, dtype="uint8", subfiletype=int(index > 0), **given)
            else:
                writer.write(data, subfiletype=int(index > 0), **given)
    return path


class Compared:
    """A slide whose stored tiles are compared with what OpenSlide reads."""

    def __init__(self, layer: Layer) -> None:
        self.reader = SlideReader()
        self.picture = OpenSlidePicture(self.reader, [layer])
        self.layer = layer
        facts = self.reader.facts(layer.mark())
        self.size, self.side = facts.size, self.picture.properties()["tileSize"]["width"]
        self.downsamples, self.vendor = facts.downsamples, facts.vendor

    def tile(self, level: int, x: int, y: int) -> bytes:
        return self.picture.tile(level, x, y, focal_plane="0", optical_path=None, format="jpeg")

    def passed(self, monkeypatch: pytest.MonkeyPatch) -> set[tuple[int, int, int]]:
        """The tiles that are handed on, each compared pixel by pixel with OpenSlide's own."""
        with monkeypatch.context() as patched:
            patched.setattr("fake_pacs.imaging.openslide_picture.encoded", lambda *_: b"")
            found = {place: data for place in self.places() if (data := self.tile(*place))}
        with openslide.OpenSlide(self.layer.image) as slide:
            for (level, x, y), data in found.items():
                scale = pyramid.scale_of(self.size, level)
                corner = (x * self.side * scale, y * self.side * scale)
                expected = slide.read_region(corner, self.downsamples.index(scale), (self.side, self.side))
                shown = Image.open(io.BytesIO(data))
                assert (shown.format, shown.size, shown.mode) == ("JPEG", (self.side, self.side), "RGB")
                assert ImageChops.difference(shown, expected.convert("RGB")).getbbox() is None, (level, x, y)
        return set(found)

    def places(self) -> list[tuple[int, int, int]]:
        levels = range(pyramid.top_level(self.size) + 1)
        grids = [(level, *pyramid.tile_grid(self.size, level, self.side)) for level in levels]
        return [(level, x, y) for level, columns, rows in grids for x in range(columns) for y in range(rows)]

    def interior(self) -> set[tuple[int, int, int]]:
        """The whole tiles of the levels that the file has at exactly a power of two."""
        exact = {pyramid.top_level(self.size) - k for k in range(20) if float(2**k) in self.downsamples}
        full = (self.side, self.side)
        return {
            (level, x, y)
            for level, x, y in self.places()
            if level in exact and pyramid.tile_box(self.size, level, x, y, self.side).size == full
        }


def test_every_stored_tile_of_the_scanned_slide_is_handed_on(
    shared_slides: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scanned = Compared(Layer(shared_slides / "cmu_small_region.svs"))
    assert scanned.passed(monkeypatch) == scanned.interior()
    assert len(scanned.interior()) == 108
    for name in ("boxes.tiff", "boxes_dicom/boxes_0.dcm"):  # deflate, and a slide smaller than its tile
        assert Compared(Layer(shared_slides / name)).passed(monkeypatch) == set()


def test_every_stored_tile_of_the_demo_slides_is_handed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    slides = load_slides([demo_hospital.folder() / "cases.yaml"]).slides
    layers = [
        layer for slide in slides if isinstance(slide.picture, OpenSlidePicture) for layer in slide.picture.layers
    ]
    assert {layer.image.suffix for layer in layers} == {".svs", ".tiff", ".dcm"}
    for layer in layers:
        compared = Compared(layer)
        assert compared.passed(monkeypatch) == compared.interior() != set()


@pytest.mark.parametrize(("bigtiff", "byteorder"), [(False, "<"), (True, "<"), (True, ">")])  # those OpenSlide reads
@pytest.mark.parametrize("outcolorspace", ["ycbcr", "rgb"])
def test_every_dialect_of_tiff(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bigtiff: bool, byteorder: str, outcolorspace: str
) -> None:
    arguments = {"outcolorspace": outcolorspace}
    whole = picture((600, 400))
    path = tiff(
        tmp_path / "a.tiff", whole, whole.reduce(2), bigtiff=bigtiff, byteorder=byteorder, compressionargs=arguments
    )
    compared = Compared(Layer(path))
    assert compared.passed(monkeypatch) == compared.interior() != set()
    levels = stored_levels(path, (), compared.vendor)
    assert {level.colour for level in levels} == {"YCbCr" if outcolorspace == "ycbcr" else "RGB"}


def test_a_level_that_is_not_exactly_a_power_of_two_smaller_is_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = picture((601, 401))
    compared = Compared(Layer(tiff(tmp_path / "a.tiff", whole, whole.resize((300, 200)))))
    assert {level for level, _, _ in compared.passed(monkeypatch)} == {10}


def test_two_images_of_one_size_are_unsure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compared = Compared(Layer(tiff(tmp_path / "a.tiff", picture(), picture())))
    assert compared.passed(monkeypatch) == set()


def test_another_tile_size_than_the_stored_one_is_decoded(tmp_path: Path) -> None:
    path = tiff(tmp_path / "a.tiff", picture())
    asked = OpenSlidePicture(SlideReader(), [Layer(path)], tile_size=64)
    data = asked.tile(10, 0, 0, focal_plane="0", optical_path=None, format="jpeg")
    assert Image.open(io.BytesIO(data)).size == (64, 64)


def test_a_png_is_never_a_stored_jpeg(tmp_path: Path) -> None:
    compared = Compared(Layer(tiff(tmp_path / "a.tiff", picture())))
    data = compared.picture.tile(10, 0, 0, focal_plane="0", optical_path=None, format="png")
    assert Image.open(io.BytesIO(data)).format == "PNG"


@pytest.mark.parametrize(
    ("stream", "photometric"),
    [
        (tiles(picture(), progressive=True), "ycbcr"),
        (tiles(picture().convert("L")), "minisblack"),
        (tiles(picture()), "rgb"),  # JFIF says YCbCr, the TIFF says RGB
        ([data[:-2] for data in tiles(picture())], "ycbcr"),
        ([data[:300] + data[400:] for data in tiles(picture())], "ycbcr"),
    ],
    ids=["progressive", "grey", "two colours", "no end", "broken tables"],
)
def test_what_is_unsure_is_not_handed_on(tmp_path: Path, stream: list[bytes], photometric: str) -> None:
    level = picture()
    options: dict[str, Any] = {"photometric": photometric, "compression": "jpeg", "tile": (SIDE, SIDE)}
    with tifffile.TiffWriter(tmp_path / "a.tiff") as writer:
        shape = (level.height, level.width, 3)[: 2 if photometric == "minisblack" else 3]
        options["compressionargs"] = {"outcolorspace": photometric.replace("minisblack", "grayscale")}
        writer.write(iter(stream), shape=shape, dtype="uint8", metadata=None, **options)
    levels = stored_levels(tmp_path / "a.tiff", (), "generic-tiff")
    assert all(level.tile(x, y) is None for level in levels for x in range(5) for y in range(4))


def test_edge_tiles_and_places_outside_are_not_handed_on(tmp_path: Path) -> None:
    (level,) = stored_levels(tiff(tmp_path / "a.tiff", picture()), (), "generic-tiff")
    assert level.tile(3, 2) is not None
    for x, y in ((4, 0), (0, 3), (5, 0), (-1, 0), (0, 10**20)):
        assert level.tile(x, y) is None
    (tmp_path / "a.tiff").unlink()
    assert level.tile(0, 0) is None


def test_vendors_whose_tiles_overlap_or_are_shifted_are_decoded(tmp_path: Path) -> None:
    path = tiff(tmp_path / "a.tiff", picture())
    for vendor in ("hamamatsu", "leica", "philips", "trestle", "ventana", "mirax", "unknown"):
        assert stored_levels(path, (), vendor) == ()


def test_a_complete_jpeg_keeps_its_scan_and_says_its_colours() -> None:
    (stream, *_) = tiles(picture(), subsampling=0)
    whole = complete_jpeg(stream, b"", (SIDE, SIDE), "YCbCr")
    assert whole is not None
    assert whole.endswith(stream[stream.index(b"\xff\xda") :])
    rgb = stream.replace(stream[2:20], b"", 1)  # without JFIF nothing speaks against RGB
    told = complete_jpeg(rgb, b"", (SIDE, SIDE), "RGB")
    assert told is not None
    with Image.open(io.BytesIO(told)) as image:
        assert image.info["adobe_transform"] == 0
    assert complete_jpeg(stream, b"", (SIDE, SIDE), "RGB") is None
    assert complete_jpeg(stream, b"", (SIDE, SIDE + 1), "YCbCr") is None


@pytest.mark.parametrize("cut", range(2, 700, 23))
def test_no_broken_stream_is_an_error_or_is_handed_on_short(cut: int) -> None:
    (stream, *_) = tiles(picture())
    assert complete_jpeg(stream[:cut], b"", (SIDE, SIDE), "YCbCr") is None
    assert complete_jpeg(stream, stream[:cut], (SIDE, SIDE), "YCbCr") is None
    odd = bytearray(stream)
    odd[cut] ^= 0xFF
    complete_jpeg(bytes(odd), b"", (SIDE, SIDE), "YCbCr")  # any answer will do, an exception will not


def test_the_numbers_of_a_broken_directory_are_no_error(tmp_path: Path) -> None:
    data = bytearray(tiff(tmp_path / "a.tiff", picture()).read_bytes())
    (directory,) = struct.unpack_from("<L", data, 4)
    (count,) = struct.unpack_from("<H", data, directory)
    for index in range(count):
        for value in (0, 0xFFFFFFFF):
            broken = bytearray(data)
            struct.pack_into("<L", broken, directory + 2 + 12 * index + 8, value)
            (tmp_path / "b.tiff").write_bytes(broken)
            for level in stored_levels(tmp_path / "b.tiff", (), "generic-tiff"):
                level.tile(0, 0)


@pytest.mark.parametrize(("place", "size"), [(2**64 - 1, 10), (0, 2**64 - 1), (2**62, 10), (0, 2**40)])
def test_a_tile_that_lies_nowhere_is_decoded_and_no_memory_is_asked_for_it(
    tmp_path: Path, place: int, size: int
) -> None:
    level = picture()
    with tifffile.TiffWriter(tmp_path / "a.tiff", bigtiff=True) as writer:
        writer.write(
            iter(tiles(level)),
            shape=(level.height, level.width, 3),
            dtype="uint8",
            tile=(SIDE, SIDE),
            photometric="ycbcr",
            compression="jpeg",
            metadata=None,
        )
    with tifffile.TiffFile(tmp_path / "a.tiff") as file:
        tags = file.pages[0].tags  # type: ignore[union-attr]
        spots = [(tags[name].valueoffset, tags[name].dtype) for name in ("TileOffsets", "TileByteCounts")]
    data = bytearray((tmp_path / "a.tiff").read_bytes())
    (sound,) = stored_levels(tmp_path / "a.tiff", (), "generic-tiff")
    assert sound.tile(0, 0) is not None
    for (at, kind), value in zip(spots, (place, size), strict=True):
        code = "<Q" if int(kind) == 16 else "<L"
        struct.pack_into(code, data, at, min(value, 2**64 - 1 if code == "<Q" else 2**32 - 1))
    (tmp_path / "b.tiff").write_bytes(data)
    (broken,) = stored_levels(tmp_path / "b.tiff", (), "generic-tiff")
    assert broken.tile(0, 0) is None
    assert broken.tile(1, 0) is not None
