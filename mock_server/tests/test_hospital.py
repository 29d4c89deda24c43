"""The hospital's values: lookups, immutability, and the whole ImageMetadata."""

from __future__ import annotations

import json
from dataclasses import FrozenInstanceError
from typing import Any

import pytest

from fake_pacs.hospital import Application, Case, Hospital, Slide
from fake_pacs.imaging.drawn_picture import DrawnPicture
from fake_pacs.invented import made_up_case, made_up_slide

MEMBERS = {
    "id",
    "isStreamable",
    "imageSize",
    "tileSize",
    "micronsPerPixel",
    "focalPlanes",
    "opticalPaths",
    "storedTileFormat",
    "availableTileFormats",
    "fileFormat",
    "staining",
    "block",
    "specimen",
    "bodyPart",
    "examCode",
    "examDescription",
    "stationName",
    "priority",
    "seriesInstanceUid",
    "lisSlideId",
    "accessionNumber",
    "accessionNumberIssuer",
    "studyInstanceUid",
    "examId",
    "examDateTime",
    "examFreeFields",
}


def case(number: str, issuer: str = "LAB", **details: Any) -> Case:
    made_up = {k: v for k, v in made_up_case(number).items() if not k.startswith("accession")}
    return Case(number, issuer, {**made_up, **details})


def slide(name: str, of: Case, **details: Any) -> Slide:
    return Slide(name, of, {**made_up_slide(name), **details}, (), DrawnPicture(name, (2000, 1000)))


@pytest.fixture
def hospital() -> Hospital:
    north, south, other = case("S1", "NORTH"), case("S1", "SOUTH"), case("S2", "")
    slides = (slide("a", north), slide("b", south), slide("c", north), slide("d", other))
    return Hospital(slides, (Application("app", "App", "We"),))


def test_slides_cases_and_applications_are_found(hospital: Hospital) -> None:
    a = hospital.slide("a")
    assert a is not None
    assert hospital.slide("x") is None
    assert [found.id for found in hospital.slides_of(a.case)] == ["a", "c"]
    assert hospital.slides_of(case("S9")) == []
    assert [c.key for c in hospital.cases] == [("S1", "NORTH"), ("S1", "SOUTH"), ("S2", "")]
    assert hospital.application("app") == Application("app", "App", "We", None)
    assert hospital.application("x") is None


@pytest.mark.parametrize(
    ("number", "issuer", "issuers"),
    [
        ("S1", None, ["NORTH", "SOUTH"]),
        ("S1", "SOUTH", ["SOUTH"]),
        ("S1", "", []),
        ("S2", "", [""]),
        ("S2", None, [""]),
        ("S1", "EAST", []),
        ("S3", None, []),
    ],
)
def test_a_case_number_may_have_several_issuers(
    hospital: Hospital, number: str, issuer: str | None, issuers: list[str]
) -> None:
    assert [found.issuer for found in hospital.cases_named(number, issuer)] == issuers


def test_a_slide_more_is_a_new_hospital(hospital: Hospital) -> None:
    assert len(hospital.cases) == 3
    grown = hospital.with_slide(slide("e", case("S3")))
    assert hospital.slide("e") is None
    assert len(hospital.cases) == 3
    assert [s.id for s in grown.slides] == ["a", "b", "c", "d", "e"]
    assert len(grown.cases_named("S3")) == 1
    assert grown.applications == hospital.applications
    replaced = grown.with_slide(slide("b", case("S2", "")))
    assert [s.id for s in replaced.slides] == ["a", "b", "c", "d", "e"]
    assert [s.id for s in replaced.slides_of(case("S2", ""))] == ["b", "d"]
    assert replaced.cases_named("S1", "SOUTH") == []


def test_ids_are_unique() -> None:
    with pytest.raises(ValueError, match="slide id 'a' is given twice"):
        Hospital((slide("a", case("S1")), slide("a", case("S2"))))
    with pytest.raises(ValueError, match="application id 'x' is given twice"):
        Hospital((), (Application("x", "", ""), Application("x", "", "")))


def test_metadata_are_whole_and_json() -> None:
    one = slide("a", case("S1", "NORTH"))
    members = one.metadata()
    assert members.keys() == MEMBERS
    assert one.known() == {name: members[name] for name in members.keys() - one.picture.properties().keys()}
    assert json.loads(json.dumps(members)) == members
    assert all(value is not None for value in members.values())
    assert (members["accessionNumber"], members["accessionNumberIssuer"]) == ("S1", "NORTH")


def test_members_of_the_slide_win_and_unknown_ones_are_kept() -> None:
    one = slide("a", case("S1", bodyPart="Skin"), isStreamable=False, vendorsOwn=[1], bodyPart="Lung")
    members = one.metadata()
    assert (members["isStreamable"], members["vendorsOwn"], members["bodyPart"]) == (False, [1], "Lung")


def test_nobody_changes_the_hospital(hospital: Hospital) -> None:
    fields = [{"key": "value"}]
    one = slide("a", case("S1", examFreeFields=fields))
    fields[0]["key"] = "changed"
    before = one.metadata()
    assert before["examFreeFields"] == [{"key": "value"}]
    before["examFreeFields"].append({})
    before["specimen"]["anatomy"] = "changed"
    assert one.metadata() != before
    with pytest.raises(TypeError):
        one.details["block"]["displayName"] = "changed"
    with pytest.raises(FrozenInstanceError):
        hospital.slides = ()  # type: ignore[misc]
