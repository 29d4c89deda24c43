"""Slide info by scope and PHI, and labels."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

MakePacs = Callable[..., Any]

BASIC = {
    *("id", "isStreamable", "imageSize", "tileSize", "micronsPerPixel", "focalPlanes", "opticalPaths"),
    *("storedTileFormat", "availableTileFormats", "fileFormat", "staining", "block", "specimen", "qualityControl"),
}
EXTENDED = {"bodyPart", "examCode", "examDescription", "stationName", "priority"}
PHI = {"seriesInstanceUid", "lisSlideId"}
BOTH = {"accessionNumber", "accessionNumberIssuer", "studyInstanceUid", "examId", "examDateTime", "examFreeFields"}
SLIDES = ["demo-he-1", "demo-ihc-1", "demo-tiff-1", "demo-focus-1", "demo-dicom_1", "demo-fluor-1"]


@pytest.mark.parametrize("slide", SLIDES)
@pytest.mark.parametrize(
    ("query", "members"),
    [
        ("", BASIC),
        ("?includePHI=false", BASIC),
        ("?scope=extended", BASIC | EXTENDED),
        ("?includePHI=true", BASIC | PHI),
        ("?scope=extended&includePHI=true", BASIC | EXTENDED | PHI | BOTH),
        ("?includePHI=True&scope=extended", BASIC | EXTENDED | PHI | BOTH),
    ],
)
def test_nothing_is_told_beyond_what_was_asked(pacs: Any, slide: str, query: str, members: set[str]) -> None:
    answered = pacs.get(f"/slides/{slide}/info{query}").json
    assert set(answered) == members
    assert answered["id"] == slide
    assert None not in answered.values()


@pytest.mark.parametrize(("text", "told"), [("true", True), ("True", True), ("TRUE", True), ("False", False)])
def test_booleans_in_queries_are_compared_without_case(pacs: Any, text: str, told: bool) -> None:
    assert ("lisSlideId" in pacs.get(f"/slides/demo-he-1/info?includePHI={text}").json) is told


@pytest.mark.parametrize(
    "query", ["includePHI=yes", "includePHI=1", "includePHI=", "scope=all", "scope=", "scope=Extended"]
)
def test_another_value_is_400_and_names_the_parameter(pacs: Any, query: str) -> None:
    problem = pacs.refused(400, "invalid-request", "GET", f"/slides/demo-he-1/info?{query}")
    (violation,) = problem["violations"]
    assert (violation["in"], violation["pointer"]) == ("query", query.partition("=")[0])


def test_a_misspelt_parameter_is_journalled_with_the_one_that_was_meant(pacs: Any) -> None:
    assert set(pacs.get("/slides/demo-he-1/info?includePhi=true").json) == BASIC
    (oddity,) = pacs.journal()[-1]["oddities"]
    assert oddity["name"] == "unknown-parameter"
    assert oddity["place"] == "includePhi"
    assert "includePHI" in oddity["text"]


@pytest.mark.parametrize("slide", SLIDES)
def test_what_the_downloader_and_the_viewer_require_is_there(pacs: Any, slide: str) -> None:
    told = pacs.get(f"/slides/{slide}/info?scope=extended&includePHI=true").json
    assert isinstance(told["accessionNumberIssuer"], str)
    assert isinstance(told["specimen"], dict)
    assert isinstance(told["examFreeFields"], list)
    assert all(isinstance(text, str) for field in told["examFreeFields"] for text in field.values())
    assert isinstance(told["lisSlideId"], str)
    assert told["micronsPerPixel"] > 0
    assert max(told["imageSize"].values()) >= 1024
    assert told["tileSize"]["width"] == told["tileSize"]["height"]
    for text in (
        told["accessionNumber"],
        told["block"]["displayName"],
        told["staining"]["displayName"],
        told["lisSlideId"],
    ):
        assert "/" not in text


def test_the_demo_hospital_has_every_sort_of_slide(pacs: Any) -> None:
    told = {slide: pacs.get(f"/slides/{slide}/info").json for slide in SLIDES}
    assert len(told["demo-fluor-1"]["opticalPaths"]) == 3
    assert len(told["demo-focus-1"]["focalPlanes"]) == 3
    assert told["demo-dicom_1"]["fileFormat"]["mimeType"] == "application/dicom"
    assert [slide for slide in SLIDES if not told[slide]["isStreamable"]] == ["demo-ihc-1"]


@pytest.mark.parametrize("path", ["info", "label", "files", "request/images/info"])
def test_an_unknown_slide_is_404_and_the_hint_names_the_option(pacs: Any, path: str) -> None:
    problem = pacs.refused(404, "unknown-slide", "GET", f"/slides/no-such-slide/{path}")
    assert "no-such-slide" in problem["detail"]
    assert "--slides" in problem["hint"]


@pytest.mark.parametrize("slide", ["demo-he-1", "demo-focus-1", "demo-dicom_1"])
def test_a_label_is_a_jpeg(pacs: Any, slide: str) -> None:
    answer = pacs.get(f"/slides/{slide}/label")
    assert answer.status_code == 200
    assert answer.content_type == "image/jpeg"
    with Image.open(io.BytesIO(answer.data)) as label:
        assert label.format == "JPEG"
        assert min(label.size) > 50


@pytest.mark.parametrize("slide", ["demo-ihc-1", "demo-tiff-1", "demo-fluor-1"])
def test_a_slide_without_label_is_204_and_no_body(pacs: Any, slide: str) -> None:
    answer = pacs.get(f"/slides/{slide}/label")
    assert answer.status_code == 204
    assert answer.data == b""
    assert "Content-Type" not in answer.headers


def test_a_slide_whose_file_is_gone_is_its_own_trouble_alone(make_pacs: MakePacs, tmp_path: Path, pacs: Any) -> None:
    copy = tmp_path / "copy.svs"
    copy.write_bytes(pacs.get("/slides/demo-he-1/files").data)
    mine = make_pacs(slide_files={"mine": copy, "other": [Path(__file__)]})
    assert mine.get("/slides/mine/info").status_code == 200
    copy.unlink()
    for path in ("/slides/mine/files", "/slides/mine/label", "/images/mine_files/3/0_0.jpg"):
        problem = mine.refused(503, "slide-unreadable", "GET", path)
        assert "mine" in problem["detail"]
    assert mine.get("/slides/other/info").status_code == 200


def test_invented_slides_answer_everything(make_pacs: MakePacs) -> None:
    pacs = make_pacs(invent=True)
    told = pacs.get("/slides/any-slide_7/info?scope=extended&includePHI=true").json
    assert set(told) == BASIC | EXTENDED | PHI | BOTH
    for path in ("/slides/any-slide_7/label", "/slides/any-slide_7/files", "/images/any-slide_7_files/9/0_0.jpg"):
        assert pacs.get(path).status_code == 200, path
    assert [info["id"] for info in pacs.get(f"/requests/{told['accessionNumber']}/images/info").json] == ["any-slide_7"]


@pytest.mark.parametrize("slide", ["a%20b", "a%25b", "a%3Fb", "a%23b", "%09", "a%C2%A0b"])
def test_an_id_that_no_answer_may_carry_is_not_invented(make_pacs: MakePacs, slide: str) -> None:
    pacs = make_pacs(invent=True)
    for path in ("info", "files", "label", "request/images/info"):
        pacs.refused(404, "unknown-slide", "GET", f"/slides/{slide}/{path}")
    assert pacs.get("/slides/%F0%9F%94%AC/info").json["id"] == "🔬"
