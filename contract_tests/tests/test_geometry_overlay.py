"""The picture of a suspicion: well-formed, self-contained, bounded."""

import base64
import re
from io import BytesIO
from xml.etree import ElementTree

import pytest
from PIL import Image

from ia_api_contract.app_geometry import Suspicion, detect, overlay

SVG = "{http://www.w3.org/2000/svg}"


def suspected(count: int = 10, corners: int = 3) -> Suspicion:
    points = [{"x": 100 + i, "y": 90 + i % 7} for i in range(corners)]
    content = {"polygons": [{"points": points}] * count, "labels": [{"location": {"x": 1500, "y": 900}, "label": "<"}]}
    return detect({"data": {"result": {"type": "primitive", "content": content}}}, (1600, 1200))[0]


def test_it_shows_every_shape_as_sent_and_as_corrected():
    root = ElementTree.fromstring(overlay(suspected()))
    assert len(root.findall(f".//{SVG}polygon")) == 2 * 10
    assert len(root.findall(f".//{SVG}circle")) == 2
    captions = [text.text for text in root.findall(f"{SVG}text")]
    assert captions[1:] == ["as sent", "as corrected"]
    assert "pixels of the full resolution" in (captions[0] or "")


def test_all_that_is_drawn_lies_within_the_picture():
    root = ElementTree.fromstring(overlay(suspected()))
    for shape in root.findall(f".//{SVG}polygon"):
        assert all(0 <= float(number) <= 460 for number in re.findall(r"[\d.-]+", shape.attrib["points"]))


def test_a_thumbnail_is_within():
    file = BytesIO()
    Image.new("RGB", (40, 30), "pink").save(file, "PNG")
    root = ElementTree.fromstring(overlay(suspected(), file.getvalue()))
    image = root.findall(f".//{SVG}image")[0].attrib["href"]
    assert base64.b64decode(image.removeprefix("data:image/png;base64,")) == file.getvalue()


def test_it_refers_to_nothing_outside():
    text = overlay(suspected(), b"\xff\xd8\xff\xe0jpeg")
    assert set(re.findall(r"https?://[^\"' ]+", text)) == {"http://www.w3.org/2000/svg"}
    assert "<script" not in text


def test_it_is_bounded_and_says_so():
    text = overlay(suspected(3000, 200))
    assert len(text) < 3_000_000
    assert "1000 of 3001 shapes are drawn" in text


def test_another_thumbnail_is_refused():
    with pytest.raises(ValueError, match="expected a JPEG or PNG"):
        overlay(suspected(), b"GIF89a")
