"""Comparing pictures: compression and resampling don't count, another picture does."""

import io

import pytest
from PIL import Image, ImageDraw, ImageOps

from ia_api_contract.outcomes import Failed
from ia_api_contract.pixels import alike, decoded, difference, format_of, halved, liveliness


@pytest.fixture
def tissue() -> Image.Image:
    image = Image.new("RGB", (256, 192), "#f4eef2")
    draw = ImageDraw.Draw(image)
    for step in range(40):
        x, y = step * 37 % 200, step * 53 % 120
        draw.ellipse((x, y, x + 9 + step % 7, y + 11), fill=(90 + step, 40, 120))
    return image


def _encoded(image: Image.Image, image_format: str, **how: int) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, image_format, **how)
    return buffer.getvalue()


def test_a_jpeg_shows_the_same_as_the_picture_it_was_made_of(tissue: Image.Image):
    jpeg = decoded(_encoded(tissue, "JPEG", quality=60), "a tile")
    assert alike(jpeg, tissue)
    assert 0 < difference(jpeg, tissue) < liveliness(tissue)


def test_another_way_of_halving_shows_the_same(tissue: Image.Image):
    assert alike(halved(tissue), tissue.resize((128, 96), Image.Resampling.LANCZOS))
    assert halved(tissue.crop((0, 0, 255, 191))).size == (128, 96)


@pytest.mark.parametrize("turn", [ImageOps.mirror, ImageOps.flip, ImageOps.invert])
def test_a_turned_picture_is_another(tissue: Image.Image, turn: object):
    assert callable(turn)
    assert not alike(turn(tissue), tissue)


def test_pictures_of_different_size_are_never_alike(tissue: Image.Image):
    assert not alike(halved(tissue), tissue)


def test_a_blank_picture_isnt_lively():
    assert liveliness(Image.new("RGB", (8, 8), "white")) == 0


def test_the_format_is_that_of_the_bytes(tissue: Image.Image):
    assert format_of(_encoded(tissue, "PNG"), "a tile") == "image/png"
    assert format_of(_encoded(tissue, "JPEG"), "a tile") == "image/jpeg"


@pytest.mark.parametrize("body", [b"", b"<html>", b"\xff\xd8\xff\xe0"])
def test_bytes_that_are_no_image_are_the_targets_failure(body: bytes):
    with pytest.raises(Failed, match=r"the label is no image: \d+ bytes"):
        decoded(body, "the label")
    with pytest.raises(Failed, match=r"the label is no image"):
        format_of(body, "the label")


def test_an_image_that_was_cut_short_is_the_targets_failure(tissue: Image.Image):
    with pytest.raises(Failed):
        decoded(_encoded(tissue, "JPEG")[:900], "a tile")
