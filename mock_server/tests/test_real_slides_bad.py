"""Bad input in a folder: each is told with its reason, and the rest is served."""

from __future__ import annotations

import os
import struct
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import openslide
import pytest
from PIL import Image

import demo_hospital
from fake_pacs.catalog import Loaded, SlideSource, load_folder, load_slides
from fake_pacs.imaging.errors import SlideUnreadable
from fake_pacs.imaging.tiff import tiled_tiff
from fake_pacs.slides_table import problems_table

SLIDES = demo_hospital.folder() / "slides"


def slide_file(path: Path, size: tuple[int, int] = (300, 200)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(tiled_tiff([Image.new("RGB", size, "pink")], microns_per_pixel=0.5))
    return path


def reasons(loaded: Loaded) -> dict[str, str]:
    return {path.name: reason for path, reason in loaded.problems}


def ids(loaded: Loaded) -> list[str]:
    return [slide.id for slide in loaded.slides]


def patched(tag: int, value: int) -> bytes:
    """A small TIFF in which the value of a tag is another one."""
    data = bytearray(tiled_tiff([Image.new("RGB", (300, 200))]))
    (directory,) = struct.unpack_from("<L", data, 4)
    (count,) = struct.unpack_from("<H", data, directory)
    for index in range(count):
        at = directory + 2 + 12 * index
        if struct.unpack_from("<H", data, at)[0] == tag:
            struct.pack_into("<L", data, at + 8, value)
            return bytes(data)
    raise AssertionError(tag)


@pytest.mark.parametrize(
    ("tag", "value", "reason"),
    [
        (256, 4_000_000_000, "absurd size: 4000000000 x 200 px"),
        (257, 0, "absurd size: 300 x 0 px"),
        (256, 4_000_000, "absurd size: 4000000 x 200 px need 15625 tiles of 256 x 256 px, 2 are listed"),
        (322, 0, "absurd tiles: 0 x 256 px"),
    ],
)
def test_absurd_sizes_are_found_without_opening(tmp_path: Path, tag: int, value: int, reason: str) -> None:
    slide_file(tmp_path / "good.tiff")
    (tmp_path / "bad.tiff").write_bytes(patched(tag, value))
    loaded = load_folder(tmp_path)
    assert ids(loaded) == ["good"]
    assert reasons(loaded)["bad.tiff"].startswith(reason)


def test_links_that_leave_the_folder_are_not_followed(tmp_path: Path) -> None:
    secret, folder = slide_file(tmp_path / "outside" / "secret.tiff"), tmp_path / "slides"
    slide_file(folder / "good.tiff")
    slide_file(folder / "case" / "inner.tiff")
    (folder / "out.tiff").symlink_to(secret)
    (folder / "nowhere.tiff").symlink_to(folder / "gone")
    (folder / "dir").symlink_to(secret.parent)
    (folder / "case" / "up.tiff").symlink_to(secret)
    (folder / "inside.tiff").symlink_to(folder / "good.tiff")
    (folder / "x.mrxs").write_bytes(b"MRXS")
    (folder / "x").symlink_to(secret.parent)
    loaded = load_folder(folder)
    assert ids(loaded) == ["good", "inside", "case_inner"]
    told = reasons(loaded)
    for name in ("out.tiff", "dir", "up.tiff"):
        assert "leads out of the folder" in told[name]
    assert told["nowhere.tiff"].startswith(f"nowhere.tiff is a link that leads nowhere: there is no {folder / 'gone'};")
    assert "companions are missing" in told["x.mrxs"]
    assert ids(load_slides([folder / "out.tiff"])) == ["out"], "who names a link means what it leads to"


def test_a_cases_yaml_does_not_lead_out_of_its_folder(tmp_path: Path) -> None:
    slide_file(tmp_path / "outside" / "secret.tiff")
    folder = tmp_path / "slides"
    slide_file(folder / "good.tiff")
    (folder / "link.tiff").symlink_to(tmp_path / "outside" / "secret.tiff")
    slides = [f"{{id: s{n}, files: [{name}]}}" for n, name in enumerate(("../outside/secret.tiff", "link.tiff"))]
    (folder / "cases.yaml").write_text(f"cases:\n- accessionNumber: S1\n  slides: [{', '.join(slides)}]\n")
    loaded = load_folder(folder)
    assert ids(loaded) == ["good"]
    assert [reason.partition(" of the folder")[0] for _, reason in loaded.problems] == [
        "slide s0: secret.tiff leads out",
        "slide s1: link.tiff leads out",
    ]


@pytest.fixture
def as_stranger() -> Iterator[Path]:
    """A folder of its own, seen by a user who owns nothing in it."""
    if not hasattr(os, "geteuid"):
        pytest.skip("permissions are POSIX ones here")
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def test_what_may_not_be_read_is_told(as_stranger: Path) -> None:
    slide_file(as_stranger / "good.tiff")
    slide_file(as_stranger / "secret.tiff").chmod(0)
    slide_file(as_stranger / "folder" / "a.tiff").parent.chmod(0)
    owner = os.geteuid()
    if owner == 0:
        os.seteuid(65534)  # root may read everything
    try:
        loaded = load_folder(as_stranger)
        single = load_slides([as_stranger / "folder" / "a.tiff"])
    finally:
        os.seteuid(owner)
        (as_stranger / "folder").chmod(0o755)
    assert ids(loaded) == ["good"]
    assert reasons(loaded) == dict.fromkeys(("secret.tiff", "folder"), "no permission to read it")
    assert (len(single.slides), len(single.problems)) == (0, 1)


@pytest.mark.parametrize("keep", [0.01, 0.3, 0.9, 0.999])
@pytest.mark.parametrize("source", ["colon_he.svs", "breast_he.tiff", "kidney_he/level_0.dcm", "kidney_he/label.dcm"])
def test_files_cut_short_are_not_served(tmp_path: Path, source: str, keep: float) -> None:
    whole = (SLIDES / source).read_bytes()
    folder = tmp_path / "cut"
    folder.mkdir()
    if source.endswith(".dcm"):
        for file in (SLIDES / source).parent.iterdir():
            (folder / file.name).write_bytes(file.read_bytes())
    (folder / Path(source).name).write_bytes(whole[: int(len(whole) * keep)])
    loaded = load_folder(tmp_path)
    (told,) = loaded.problems
    assert "cut short" in told[1]
    assert not loaded.slides or (keep == 0.01 and source == "kidney_he/label.dcm"), "a cut head names no series"


def test_loading_opens_no_slide_of_any_format(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[object] = []

    class Counted(openslide.OpenSlide):
        def __init__(self, path: object) -> None:
            opened.append(path)
            super().__init__(path)

    monkeypatch.setattr(openslide, "OpenSlide", Counted)
    for number in range(60):
        for source in ("colon_he.svs", "breast_he.tiff"):
            os.link(SLIDES / source, tmp_path / f"{number}_{source}")
        folder = tmp_path / f"dicom_{number}"
        folder.mkdir()
        for file in (SLIDES / "kidney_he").iterdir():
            os.link(file, folder / file.name)
    source_of_slides = SlideSource([tmp_path])
    assert len(source_of_slides.load().slides) == len(source_of_slides.load().slides) == 180
    assert not opened
    source_of_slides.load().slides[0].metadata()
    assert len(opened) == 1


def test_what_opens_but_cannot_be_read_is_an_error_of_that_slide(tmp_path: Path) -> None:
    slide_file(tmp_path / "good.tiff")
    data = bytearray((SLIDES / "breast_he.tiff").read_bytes())
    data[1000:60_000] = bytes(59_000)
    (tmp_path / "holes.tiff").write_bytes(data)
    good, holes = load_folder(tmp_path).slides
    with pytest.raises(
        SlideUnreadable, match=r"holes\.tiff: OpenSlide cannot read it, it may be broken or cut short: "
    ):
        holes.picture.tile(11, 0, 0, focal_plane="0", optical_path=None, format="jpeg")
    assert good.picture.tile(9, 0, 0, focal_plane="0", optical_path=None, format="jpeg")


@pytest.mark.parametrize("name", ["bell\a.svs", "red\x1b[31m.svs", "line\nbreak.svs", "right‮left.svs"])
def test_names_in_the_table_cannot_move_the_cursor(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"")
    table = problems_table(load_folder(tmp_path).problems)
    assert all(line.isprintable() for line in table.splitlines())
    assert len(table.splitlines()) == 4


def test_names_that_are_no_utf8_are_served(tmp_path: Path, tell_bytes: Callable[[Path], Path]) -> None:
    path = tell_bytes(tmp_path)
    (one,) = load_folder(tmp_path).slides
    assert one.id.startswith("slide-")
    assert one.metadata()["imageSize"] == {"width": 300, "height": 200}
    assert one.files[0].name == path.name


@pytest.fixture
def tell_bytes() -> Callable[[Path], Path]:
    """Makes a slide whose name is no UTF-8, where the file system allows it."""

    def make(folder: Path) -> Path:
        path = Path(os.fsdecode(os.fsencode(folder) + b"/\xff\xfe.tiff"))
        try:
            return slide_file(path)
        except (OSError, UnicodeError):
            pytest.skip("this file system takes only names in Unicode")

    return make
