"""NDPI and MIRAX slides, made here and opened by OpenSlide itself: found, described, shown tile by tile, delivered."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import openslide
import pytest
from click.testing import CliRunner
from PIL import Image, ImageChops, ImageStat

from fake_pacs.catalog import load_folder
from fake_pacs.cli import main
from fake_pacs.demo import with_applications
from fake_pacs.embedding import MockSectraServer
from fake_pacs.hospital import Slide
from fake_pacs.imaging import pyramid
from fake_pacs.imaging.errors import SlideUnreadable
from sectra_client import SectraClient

OF_MIRAX = ["m.mrxs", "Data0000.dat", "Data0001.dat", "Index.dat", "Slidedat.ini"]


@pytest.fixture(scope="module")
def made(
    tmp_path_factory: pytest.TempPathFactory,
    picture: Image.Image,
    write_ndpi: Callable[..., Path],
    write_mirax: Callable[..., Path],
) -> Path:
    """A folder with a slide of each format, not to be changed."""
    folder = tmp_path_factory.mktemp("made")
    write_ndpi(folder / "n.ndpi", picture)
    write_mirax(folder / "m.mrxs", picture)
    return folder


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    """A copy of it, to be changed."""
    return shutil.copytree(made, tmp_path / "slides")


@pytest.fixture
def slides(made: Path) -> dict[str, Slide]:
    """The slides of the folder by id."""
    loaded = load_folder(made)
    assert not loaded.problems
    return {slide.id: slide for slide in loaded.slides}


def file_of(folder: Path, slide_id: str) -> Path:
    return folder / {"n": "n.ndpi", "m": "m.mrxs"}[slide_id]


def tile(slide: Slide, level: int, x: int, y: int) -> Image.Image:
    data = slide.picture.tile(level, x, y, focal_plane="0", optical_path=None, format="png")
    return Image.open(io.BytesIO(data)).convert("RGB")


def tiles(slide: Slide) -> Iterator[tuple[int, pyramid.Box, Image.Image]]:
    """Every tile with its level and its place in it."""
    told = slide.metadata()
    size, side = (told["imageSize"]["width"], told["imageSize"]["height"]), told["tileSize"]["width"]
    for level in range(pyramid.top_level(size) + 1):
        columns, rows = pyramid.tile_grid(size, level, side)
        for x, y in ((x, y) for x in range(columns) for y in range(rows)):
            yield level, pyramid.tile_box(size, level, x, y, side), tile(slide, level, x, y)


def difference(one: Image.Image, other: Image.Image) -> float:
    """The greatest mean difference of a channel, of 255."""
    return max(ImageStat.Stat(ImageChops.difference(one, other)).mean)


@pytest.mark.parametrize(("slide_id", "vendor", "levels"), [("n", "hamamatsu", 6), ("m", "mirax", 4)])
def test_openslide_takes_them_for_what_they_are(
    made: Path, picture: Image.Image, slide_id: str, vendor: str, levels: int
) -> None:
    assert openslide.OpenSlide.detect_format(file_of(made, slide_id)) == vendor
    with openslide.OpenSlide(file_of(made, slide_id)) as slide:
        assert slide.level_downsamples == tuple(float(2**k) for k in range(levels))
        for level, size in enumerate(slide.level_dimensions):
            shown = Image.new("RGBA", size, "#C8E0F0")
            shown.alpha_composite(slide.read_region((0, 0), level, size))
            assert difference(shown.convert("RGB"), picture.reduce(2**level)) < 3


def test_they_are_found_unopened_each_with_its_files(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def opened(self: object, path: object) -> None:
        raise AssertionError(path)

    with monkeypatch.context() as patched:
        patched.setattr(openslide.OpenSlide, "__init__", opened)
        loaded = load_folder(made)
    assert loaded.problems == ()
    assert {slide.id: [file.name for file in slide.files] for slide in loaded.slides} == {
        "m": OF_MIRAX,
        "n": ["n.ndpi"],
    }


@pytest.mark.parametrize(("slide_id", "mpp", "side"), [("n", 0.46, 256), ("m", 0.33, 128)])
def test_their_metadata_come_from_the_file(slides: dict[str, Slide], slide_id: str, mpp: float, side: int) -> None:
    told = slides[slide_id].metadata()
    assert told["imageSize"] == {"width": 2048, "height": 1024}
    assert told["tileSize"] == {"width": side, "height": side}
    assert told["micronsPerPixel"] == pytest.approx(mpp)
    assert told["fileFormat"] == {"mimeType": "application/octet-stream"}
    assert told["isStreamable"] is True
    assert [plane["id"] for plane in told["focalPlanes"]] == ["0"]


@pytest.mark.parametrize(("slide_id", "exact"), [("n", range(6, 12)), ("m", range(8, 12))])
def test_every_tile_is_openslides_own(
    made: Path, slides: dict[str, Slide], picture: Image.Image, slide_id: str, exact: range
) -> None:
    compared = set()
    with openslide.OpenSlide(file_of(made, slide_id)) as slide:
        for level, box, shown in tiles(slides[slide_id]):
            scale = 2 ** (11 - level)
            assert shown.size == box.size
            if level in exact:
                expected = Image.new("RGBA", box.size, "#C8E0F0" if slide_id == "m" else "white")
                place = (box.left * scale, box.top * scale)
                expected.alpha_composite(slide.read_region(place, 11 - level, box.size))
                assert ImageChops.difference(shown, expected.convert("RGB")).getbbox() is None, (level, box)
                compared.add(level)
            reduced = picture.reduce(scale).crop((box.left, box.top, box.right, box.bottom))
            assert difference(shown, reduced) < 6, (level, box)
    assert compared == set(exact)


def test_the_label_is_the_barcode_of_a_mirax_slide_and_ndpi_has_none(slides: dict[str, Slide]) -> None:
    label = slides["m"].picture.label()
    assert label is not None
    shown = Image.open(io.BytesIO(label))
    assert (shown.format, shown.size) == ("JPEG", (120, 200))
    assert slides["n"].picture.label() is None


@pytest.fixture
def client(run_pacs: Callable[..., MockSectraServer], slides: dict[str, Slide]) -> Iterator[SectraClient]:
    """A client of a running server with the two slides."""
    server = run_pacs(slides={})
    server.world.replace_hospital(with_applications(tuple(slides.values()), []))
    with SectraClient(server.url, "dev-token", True) as asking:
        yield asking


@pytest.mark.parametrize(("slide_id", "names"), [("n", ["n.ndpi"]), ("m", OF_MIRAX)])
def test_downloads_have_equal_hashes_and_open_again(
    made: Path, client: SectraClient, tmp_path: Path, slide_id: str, names: list[str]
) -> None:
    got = client.download_slide_files(slide_id, tmp_path)
    assert [path.name for path in got] == names
    originals = {path.name: path for path in made.rglob("*")}
    for path in got:
        expected = hashlib.sha256(originals[path.name].read_bytes()).hexdigest()
        assert hashlib.sha256(path.read_bytes()).hexdigest() == expected
    if slide_id == "m":  # a client gets a flat list of files, and puts those of the folder into one
        (tmp_path / "m").mkdir()
        for path in got[1:]:
            path.rename(tmp_path / "m" / path.name)
    with openslide.OpenSlide(got[0]) as slide:
        assert slide.dimensions == (2048, 1024)


def slides_command(folder: Path) -> tuple[int, dict[str, Any]]:
    done = CliRunner().invoke(main, ["slides", "--json", str(folder)])
    told: dict[str, Any] = json.loads(done.stdout)
    return done.exit_code, told


def test_the_slides_command_tells_both(made: Path) -> None:
    status, told = slides_command(made)
    assert (status, told["problems"]) == (0, [])
    rows = {row["id"]: row for row in told["slides"]}
    for slide_id, files, label in (("n", ["n.ndpi"], False), ("m", OF_MIRAX, True)):
        row = rows[slide_id]
        size = sum(path.stat().st_size for path in made.rglob("*") if path.name in files)
        assert (row["files"], row["label"], row["bytes"]) == (files, label, size)
        assert row["imageSize"] == {"width": 2048, "height": 1024}
        assert (row["isStreamable"], row["fileFormat"]) == (True, "application/octet-stream")


@pytest.mark.parametrize("name", ["Data0001.dat", "Index.dat"])
@pytest.mark.parametrize(("how", "reason"), [("missing", "are missing"), ("empty", "are empty")])
def test_what_a_mirax_slide_lacks_is_one_row_and_the_rest_is_served(
    folder: Path, name: str, how: str, reason: str
) -> None:
    if how == "missing":
        (folder / "m" / name).unlink()
    else:
        (folder / "m" / name).write_bytes(b"")
    status, told = slides_command(folder)
    assert status == 0
    assert [row["id"] for row in told["slides"]] == ["n"]
    assert told["problems"] == [{"path": str(folder / "m.mrxs"), "reason": f"its companions {reason} in m: {name}"}]


@pytest.mark.parametrize("gone", ["m", "m/Slidedat.ini"])
def test_a_mirax_slide_without_its_folder_is_one_row(folder: Path, gone: str) -> None:
    (folder / gone).rename(folder / ".elsewhere")
    loaded = load_folder(folder)
    assert [slide.id for slide in loaded.slides] == ["n"]
    assert loaded.problems == (
        (folder / "m.mrxs", "its companions are missing: expected the folder m with Slidedat.ini in it"),
    )


@pytest.mark.parametrize("keep", [0.01, 0.5, 0.999])
def test_an_ndpi_cut_short_is_one_row(folder: Path, keep: float) -> None:
    whole = (folder / "n.ndpi").read_bytes()
    (folder / "n.ndpi").write_bytes(whole[: int(len(whole) * keep)])
    loaded = load_folder(folder)
    assert [slide.id for slide in loaded.slides] == ["m"]
    ((path, reason),) = loaded.problems
    assert path.name == "n.ndpi"
    assert "cut short" in reason


def test_a_mirax_data_file_cut_short_is_an_error_of_that_slide(folder: Path) -> None:
    data = folder / "m" / "Data0001.dat"
    data.write_bytes(data.read_bytes()[:5000])
    found = {slide.id: slide for slide in load_folder(folder).slides}
    with pytest.raises(SlideUnreadable, match=r"m\.mrxs"):
        for _ in tiles(found["m"]):
            pass
    assert tile(found["n"], 11, 0, 0).size == (256, 256)


def test_a_companion_that_goes_is_an_error_of_that_slide_until_it_is_back(folder: Path) -> None:
    found = {slide.id: slide for slide in load_folder(folder).slides}
    before = tile(found["m"], 11, 3, 2)
    away = (folder / "m" / "Data0001.dat").rename(folder / "m" / ".away")
    with pytest.raises(SlideUnreadable, match=r"Data0001\.dat"):
        tile(found["m"], 11, 3, 2)
    assert tile(found["n"], 11, 3, 2).size == (256, 256)
    away.rename(folder / "m" / "Data0001.dat")
    assert ImageChops.difference(tile(found["m"], 11, 3, 2), before).getbbox() is None


def test_a_slide_written_anew_while_served_shows_what_is_new(folder: Path, write_mirax: Callable[..., Path]) -> None:
    (slide,) = (slide for slide in load_folder(folder).slides if slide.id == "m")
    tile(slide, 11, 0, 0)
    shutil.rmtree(folder / "m")
    write_mirax(folder / "m.mrxs", Image.new("RGB", (2048, 1024), "#204080"))
    assert difference(tile(slide, 11, 0, 0), Image.new("RGB", (128, 128), "#204080")) < 3


def test_a_cases_yaml_names_the_index_and_the_folder(folder: Path) -> None:
    (folder / "cases.yaml").write_text("cases:\n- accessionNumber: S1\n  slides:\n  - {id: mm, files: [m.mrxs, m]}\n")
    loaded = load_folder(folder)
    found = {slide.id: slide for slide in loaded.slides}
    assert (loaded.problems, list(found)) == ((), ["mm", "n"])
    assert [file.name for file in found["mm"].files] == OF_MIRAX
    assert tile(found["mm"], 11, 0, 0).size == (128, 128)
