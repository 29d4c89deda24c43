"""What is made up: stable, valid, and usable by every known client."""

from __future__ import annotations

import io
import re
import subprocess
import sys
from pathlib import Path

import openslide
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from fake_pacs.imaging.dicom import UID
from fake_pacs.invented import clean_id, invented_case, invented_slide, made_up_case, made_up_uid

ANY_TEXT = st.text(st.characters())  # lone surrogates, too


@given(ANY_TEXT)
def test_made_up_ids_are_fit_for_urls_and_file_names(name: str) -> None:
    fit = clean_id(name)
    assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", fit)
    assert clean_id(fit) == fit
    assert re.fullmatch(UID, made_up_uid(name))
    assert made_up_uid(name).startswith("2.25.")


@given(st.sets(ANY_TEXT, min_size=2, max_size=5))
def test_different_names_get_different_ids(names: set[str]) -> None:
    assert len({clean_id(name) for name in names}) == len(names)
    assert len({made_up_uid(name) for name in names}) == len(names)


@given(ANY_TEXT)
def test_any_id_has_a_slide_with_whole_metadata(slide_id: str) -> None:
    slide = invented_slide(slide_id)
    members = slide.metadata()
    assert members["id"] == slide_id
    assert members == invented_slide(slide_id).metadata()
    assert len(members) == 26
    assert all(value is not None for value in members.values())
    for name in ("accessionNumber", "lisSlideId"):
        assert re.fullmatch(r"[A-Za-z0-9._-]+", members[name])
    assert members["imageSize"]["width"] >= 1024
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:00", members["examDateTime"])
    assert invented_case(members["accessionNumber"])
    if clean_id(slide_id) == slide_id:
        assert slide_id in [other.id for other in invented_case(members["accessionNumber"])]


@given(ANY_TEXT)
def test_the_slides_of_an_invented_case_belong_to_it(number: str) -> None:
    slides = invented_case(number)
    assert all(slide.case.accession_number == number for slide in slides)
    assert len({slide.id for slide in slides}) == len(slides)
    assert slides or clean_id(number) != number


def test_cases_are_as_documented() -> None:
    assert [slide.id for slide in invented_case("INV-abc")] == ["abc"]
    assert [slide.id for slide in invented_case("S26-1")] == ["S26-1_slide1", "S26-1_slide2"]
    assert invented_slide("S26-1_slide3").case.accession_number == "INV-S26-1_slide3"
    assert len({slide.case.details["studyInstanceUid"] for slide in invented_case("S26-1")}) == 1


def test_another_process_makes_up_the_same() -> None:
    code = "from fake_pacs.invented import *; print(invented_slide('x').metadata(), made_up_case('Größe')['examId'])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60).stdout
    assert out.strip() == f"{invented_slide('x').metadata()} {made_up_case('Größe')['examId']}"


def test_files_are_two_and_the_first_is_a_slide(tmp_path: Path) -> None:
    slide = invented_slide("a/b")
    again = invented_slide("a/b")
    assert len(slide.files) == 2
    for file, other in zip(slide.files, again.files, strict=True):
        with file.open() as stream, other.open() as same:
            content = stream.read()
            assert content == same.read()
        assert file.size == len(content) < 2_000_000
        (tmp_path / file.name).write_bytes(content)
    with openslide.OpenSlide(tmp_path / slide.files[0].name) as read:
        size = slide.metadata()["imageSize"]
        assert read.dimensions[0] / read.dimensions[1] == pytest.approx(size["width"] / size["height"], rel=0.01)
        expected = size["width"] / read.dimensions[0] * 0.25
        assert float(read.properties["openslide.mpp-x"]) == pytest.approx(expected, rel=0.01)


def test_tiles_and_label_can_be_had() -> None:
    picture = invented_slide("abc").picture
    tile = picture.tile(9, 0, 0, focal_plane="0.0", optical_path=None, format="jpeg")
    assert Image.open(io.BytesIO(tile)).size == (256, 256)
    label = picture.label()
    assert label is not None
    assert Image.open(io.BytesIO(label)).format == "JPEG"
