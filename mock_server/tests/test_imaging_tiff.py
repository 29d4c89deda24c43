"""The small TIFF writer, read by others' readers; the check for cut files."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from pathlib import Path

import openslide
import pytest
import tifffile
from PIL import Image, ImageChops

from fake_pacs.imaging.tiff import tiled_tiff
from fake_pacs.imaging.tiff_reading import complaint

SIZES = [(1, 1), (256, 256), (300, 200), (257, 515)]


def picture(size: tuple[int, int]) -> Image.Image:
    red = Image.linear_gradient("L").resize(size)
    blue = Image.radial_gradient("L").resize(size)
    return Image.merge("RGB", (red, red.transpose(Image.Transpose.FLIP_LEFT_RIGHT), blue))


@pytest.mark.parametrize("size", SIZES)
def test_openslide_and_pillow_read_what_was_written(tmp_path: Path, size: tuple[int, int]) -> None:
    image = picture(size)
    path = tmp_path / "a.tiff"
    path.write_bytes(tiled_tiff([image], microns_per_pixel=0.5))
    with openslide.OpenSlide(path) as slide:
        assert slide.dimensions == size
        assert float(slide.properties["openslide.mpp-x"]) == pytest.approx(0.5)
        read = slide.read_region((0, 0), 0, size).convert("RGB")
    assert ImageChops.difference(read, image).getbbox() is None
    with Image.open(path) as other:
        assert ImageChops.difference(other.convert("RGB"), image).getbbox() is None


def test_several_images_are_a_pyramid(tmp_path: Path) -> None:
    image = picture((1000, 700))
    path = tmp_path / "a.tiff"
    path.write_bytes(tiled_tiff([image, image.reduce(2), image.reduce(4)], tile_size=128))
    with openslide.OpenSlide(path) as slide:
        assert slide.level_dimensions == ((1000, 700), (500, 350), (250, 175))
        assert slide.properties["openslide.level[0].tile-width"] == "128"


def test_a_whole_file_lacks_nothing_and_a_cut_one_does(tmp_path: Path) -> None:
    data = tiled_tiff([picture((600, 400)), picture((300, 200))])
    path = tmp_path / "a.tiff"
    for keep in range(9, len(data) + 1, max(1, len(data) // 60)):
        path.write_bytes(data[:keep])
        assert (complaint(path) is not None) == (keep < len(data)), keep
    path.write_bytes(data)
    assert complaint(path) is None


@pytest.mark.parametrize("bigtiff", [False, True])
@pytest.mark.parametrize("byteorder", ["<", ">"])
def test_data_that_end_beyond_the_file_are_counted_in_every_dialect(
    tmp_path: Path, bigtiff: bool, byteorder: str
) -> None:
    buffer = io.BytesIO()
    with tifffile.TiffWriter(buffer, bigtiff=bigtiff, byteorder=byteorder) as writer:  # directory first, data last
        writer.write(shape=(512, 512, 3), dtype="uint8", tile=(128, 128), photometric="rgb", data=_zeros())
    path = tmp_path / "a.tiff"
    path.write_bytes(buffer.getvalue())
    assert complaint(path) is None
    path.write_bytes(buffer.getvalue()[:-1000])
    assert complaint(path) == "cut short: its image data end 1000 bytes beyond the end of the file"


def _zeros() -> Iterator[bytes]:
    return iter([bytes(128 * 128 * 3)] * 16)


@pytest.mark.parametrize("content", [b"", b"II", b"no TIFF at all", b"\x89PNG\r\n\x1a\n"])
def test_what_is_no_tiff_lacks_nothing(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a"
    path.write_bytes(content)
    assert complaint(path) is None


def test_a_directory_that_points_at_itself_or_into_nowhere_ends(tmp_path: Path) -> None:
    path = tmp_path / "a.tiff"
    path.write_bytes(b"II*\0\x08\0\0\0" + b"\0\0" + b"\x08\0\0\0")
    assert (complaint(path) or "").startswith("absurd size: 0 x 0 px")
    path.write_bytes(b"II+\0\x08\0\0\0" + b"\xff" * 8)
    assert complaint(path) == "cut short: its directories end beyond the end of the file"


Tag = tuple[int, int, int, int]
FAR = 2**64 - 1


@pytest.mark.parametrize(
    ("tags", "told"),
    [
        ([(256, 16, 3, FAR), (257, 16, 1, 9)], "cut short: its directories end beyond the end of the file"),
        ([(256, 4, 1, 9), (257, 4, 1, 9), (324, 16, 2, FAR)], None),
        ([(256, 4, 1, 9), (257, 4, 1, 9), (273, 16, FAR, FAR), (279, 16, 1, 1)], "cut short: its directories"),
        ([(256, 4, 1, 9), (257, 4, 1, 9), (273, 2, 9, 16), (279, 4, 1, 1)], "broken: one of its directories is none"),
        ([(256, 4, 1, 9), (257, 4, 1, 9), (273, 4, 1, 1), (279, 12, 1, 1)], "holds values of type 12 where whole"),
        ([(256, 5, 1, 16), (257, 4, 1, 9)], "holds values of type 5 where whole numbers are expected"),
    ],
)
def test_what_no_tiff_may_hold_is_told_and_never_an_error(tmp_path: Path, tags: list[Tag], told: str | None) -> None:
    path = tmp_path / "a.tiff"
    entries = b"".join(struct.pack("<HHQQ", *tag) for tag in tags)
    path.write_bytes(b"II+\0" + struct.pack("<HHQQ", 8, 0, 16, len(tags)) + entries + bytes(8))
    found = complaint(path)
    assert (found is None) if told is None else told in (found or "")
