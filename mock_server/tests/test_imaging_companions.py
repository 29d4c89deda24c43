"""Formats of several files: all of them are delivered, and what is missing is named.

OpenSlide's detection looks at the index alone, so the other files need no content here; whole slides of NDPI and MIRAX
are made and opened in formats/test_ndpi_and_mirax.py.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import numpy
import openslide
import pytest
import tifffile

from fake_pacs.catalog import Loaded, load_folder
from fake_pacs.imaging.companions import companions_of
from fake_pacs.imaging.errors import SlideUnreadable

SLIDEDAT = """\ufeff[GENERAL]
SLIDE_VERSION = 01.02
[HIERARCHICAL]
INDEXFILE = Index.dat
[DATAFILE]
FILE_COUNT = 2
FILE_0 = Data0000.dat
FILE_1 = Data0001.dat
"""
VMS = """[Virtual Microscope Specimen]
NoLayers=1
NoJpegColumns=2
NoJpegRows=1
ImageFile=x.jpg
ImageFile(1,0)=x(1,0).jpg
MapFile=x_map2.jpg
OptimisationFile=x.opt
MacroImage=x_macro.jpg
"""


def mirax(folder: Path, *missing: str) -> None:
    (folder / "x.mrxs").write_bytes(b"a picture")
    (folder / "x" / "more").mkdir(parents=True)
    (folder / "x" / "Slidedat.ini").write_text(SLIDEDAT, encoding="utf-8")
    for name in ("Index.dat", "Data0000.dat", "Data0001.dat", "more/Data0002.dat"):
        if name not in missing:
            (folder / "x" / name).write_bytes(name.encode())


def hamamatsu(folder: Path, *missing: str) -> None:
    (folder / "x.vms").write_text(VMS, encoding="utf-8")
    for name in ("x.jpg", "x(1,0).jpg", "x_map2.jpg", "x.opt", "x_macro.jpg"):
        if name not in missing:
            (folder / name).write_bytes(name.encode())


def names(loaded: Loaded) -> list[list[str]]:
    return [[file.name for file in slide.files] for slide in loaded.slides]


def test_a_mirax_slide_brings_its_folder(tmp_path: Path) -> None:
    mirax(tmp_path)
    loaded = load_folder(tmp_path)
    assert loaded.problems == ()
    assert names(loaded) == [["x.mrxs", "Data0000.dat", "Data0001.dat", "Index.dat", "Slidedat.ini", "Data0002.dat"]]
    for file in loaded.slides[0].files[1:3]:
        with file.open() as stream:
            assert stream.read() == file.name.encode()


@pytest.mark.parametrize(
    ("missing", "reason"),
    [
        (["Data0001.dat"], "its companions are missing in x: Data0001.dat"),
        (["Index.dat", "Data0000.dat"], "its companions are missing in x: Data0000.dat, Index.dat"),
    ],
)
def test_what_a_mirax_slide_lacks_is_named(tmp_path: Path, missing: list[str], reason: str) -> None:
    mirax(tmp_path, *missing)
    loaded = load_folder(tmp_path)
    assert [(path.name, told) for path, told in loaded.problems] == [("x.mrxs", reason)]


def test_a_mirax_slide_without_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "x.mrxs").write_bytes(b"a picture")
    ((path, reason),) = load_folder(tmp_path).problems
    assert (path.name, reason) == (
        "x.mrxs", "its companions are missing: expected the folder x with Slidedat.ini in it"
    )  # fmt: skip


def test_a_hamamatsu_index_brings_its_images_which_are_no_slides(tmp_path: Path) -> None:
    hamamatsu(tmp_path)
    loaded = load_folder(tmp_path)
    assert loaded.problems == ()
    assert names(loaded) == [["x.vms", "x(1,0).jpg", "x.jpg", "x.opt", "x_macro.jpg", "x_map2.jpg"]]


def test_what_a_hamamatsu_index_lacks_is_named(tmp_path: Path) -> None:
    hamamatsu(tmp_path, "x(1,0).jpg", "x.opt")
    loaded = load_folder(tmp_path)
    assert [reason for _, reason in loaded.problems] == [
        f"its companions are missing in {tmp_path.name}: x(1,0).jpg, x.opt"
    ]


def test_an_index_cannot_bring_files_from_elsewhere(tmp_path: Path) -> None:
    folder = tmp_path / "slides"
    folder.mkdir()
    hamamatsu(folder)
    (tmp_path / "secret.txt").write_text("secret")
    (folder / "x.vms").write_text(VMS.replace("x.opt", "../secret.txt"), encoding="utf-8")
    loaded = load_folder(folder)
    assert not loaded.slides
    assert "leads out of the folder" in {path.name: reason for path, reason in loaded.problems}["x.vms"]


def test_trestle_brings_its_full_image(tmp_path: Path) -> None:
    pixels = numpy.zeros((200, 300, 3), "uint8")
    for name in ("x.tif", "y.tif"):
        tifffile.imwrite(
            tmp_path / name,
            pixels,
            photometric="rgb",
            compression="jpeg",
            tile=(128, 128),
            software="MedScan 1.0",
            description="Background Color=FFFFFF;OverlapsXY=0 0",
            metadata=None,
        )
        assert openslide.OpenSlide.detect_format(tmp_path / name) == "trestle"
    (tmp_path / "x.Full").write_bytes(b"a picture of the glass")
    loaded = load_folder(tmp_path)
    assert names(loaded) == [["x.tif", "x.Full"], ["y.tif"]]
    assert loaded.slides[0].metadata()["imageSize"] == {"width": 300, "height": 200}


def test_companions_stand_in_a_cases_yaml_as_files(tmp_path: Path) -> None:
    mirax(tmp_path)
    (tmp_path / "cases.yaml").write_text("cases:\n- accessionNumber: S1\n  slides:\n  - {id: m, files: [x.mrxs, x]}\n")
    assert names(load_folder(tmp_path)) == [
        ["x.mrxs", "Data0000.dat", "Data0001.dat", "Index.dat", "Slidedat.ini", "Data0002.dat"]
    ]


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b"[DATAFILE]\nFILE_0", b"=\n[\n]\n", bytes(100)])
def test_a_broken_index_is_no_error_of_ours(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.mrxs").write_bytes(b"x")
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "Slidedat.ini").write_bytes(content)
    (tmp_path / "y.vms").write_bytes(content)
    for name in ("x.mrxs", "y.vms"):
        with suppress(SlideUnreadable):
            assert set(companions_of(tmp_path / name)) <= {tmp_path / "x" / "Slidedat.ini"}
