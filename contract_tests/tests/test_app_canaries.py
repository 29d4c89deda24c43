"""Canaries stand in every PHI member, and are found however they come back."""

import base64
import io

import pytest
from PIL import Image

from fake_pacs.embedding import MockSectraServer
from ia_api_contract.app_canaries import ACCESSION, CANARIES, LABEL, LABEL_TEXT, label_leaks, leaks, marked
from ia_api_spec import NEWEST, Contract


def test_every_member_that_needs_phi_has_a_canary():
    members = Contract.of("ia-api", NEWEST).schema("ImageMetadata").node["properties"]
    phi = {name for name, member in members.items() if "phi" in member.get("x-disclosed-with", ())}
    assert phi == set(CANARIES)


def test_a_marked_slide_shows_nothing_but_canaries_in_them():
    with MockSectraServer() as pacs:
        known = marked(pacs.world.hospital.slides[0], "x").known()
        assert {name for name in CANARIES if name in leaks(known[name])} == set(CANARIES)
        assert leaks({name: value for name, value in known.items() if name not in CANARIES}) == []


@pytest.mark.parametrize(
    "value",
    [
        f"Case {ACCESSION}",
        ACCESSION.lower(),
        {"deep": [{"case": ACCESSION}]},
        {ACCESSION: 1},
        ACCESSION.replace("-", ""),
        base64.b64encode(f"ab{ACCESSION}c".encode()).decode(),
        f"%PDF … {ACCESSION}".encode(),
    ],
)
def test_a_canary_is_found(value: object):
    assert leaks(value) == ["accessionNumber"]


def test_what_is_no_canary_is_not_found():
    assert leaks({"nuclei": 12, "context": {"model": "7Q4"}, "x": [0.123456] * 100}) == []
    assert not label_leaks({"x": "a" * 1000})


def _encoded(image: Image.Image, kind: str) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind)
    return buffer.getvalue()


def test_the_label_is_found_as_file_as_picture_and_as_text():
    assert label_leaks(LABEL.jpeg)
    assert label_leaks(b"zip" + LABEL.jpeg + b"end")
    assert label_leaks(_encoded(LABEL.image.resize((160, 120)), "PNG"))
    assert label_leaks({"note": f"read {LABEL_TEXT}"})
    assert label_leaks({"picture": "data:image/jpeg;base64," + base64.b64encode(LABEL.jpeg).decode()})


def test_another_picture_is_not_the_label():
    assert not label_leaks(_encoded(Image.new("RGB", (320, 240), "#e0b0d0"), "PNG"))
    assert not label_leaks(b"no picture")
