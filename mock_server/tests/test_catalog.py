"""Loading of slides: described by cases.yaml, found in folders, given as metadata; and what is wrong with them."""

from __future__ import annotations

import io
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openslide
import pytest
import tifffile
import yaml
from PIL import Image

from fake_pacs.catalog import CatalogError, Loaded, load_folder, load_slides
from fake_pacs.imaging.dicom_attributes import UID


def case(*slides: dict[str, Any], **members: Any) -> dict[str, Any]:
    return {"accessionNumber": "S1", "accessionNumberIssuer": "LAB", **members, "slides": list(slides)}


def reasons(loaded: Loaded) -> list[tuple[str, str]]:
    return [(path.name, reason) for path, reason in loaded.problems]


@pytest.fixture
def described(tmp_path: Path, slide_file: Callable[..., Path]) -> Callable[..., Loaded]:
    """Load a folder with these cases in its cases.yaml, and slide files a, b, c.tiff."""
    for name, colour in (("a", "pink"), ("b", "blue"), ("c", "green")):
        slide_file(tmp_path / f"{name}.tiff", colour=colour)

    def load(*cases: Any, text: str | None = None) -> Loaded:
        (tmp_path / "cases.yaml").write_text(text or yaml.safe_dump({"cases": list(cases)}), encoding="utf-8")
        return load_slides([tmp_path / "cases.yaml"])

    return load


def test_everything_a_cases_yaml_says_is_told(
    described: Callable[..., Loaded], tmp_path: Path, lowest_tile: Callable[..., bytes]
) -> None:
    Image.new("RGB", (50, 40), "white").save(tmp_path / "label.jpg")
    slide = {
        "id": "he_1",
        "files": ["a.tiff", "b.tiff"],
        "image": "b.tiff",
        "label": "label.jpg",
        "micronsPerPixel": 1.5,
        "staining": "H&E",
        "block": "A1",
        "specimen": {"anatomy": "Colon"},
        "seriesInstanceUid": "1.2.3",
        "lisSlideId": "S1-A1-1",
    }
    texts = ("examId", "examCode", "examDescription", "bodyPart", "stationName")
    members = {name: f"the {name}" for name in texts}
    given = case(
        slide,
        **members,
        studyInstanceUid="1.2.4",
        examDateTime="2026-03-02T09:15:00",
        priority=3,
        examFreeFields=[{"key": "value"}],
    )
    (one,) = described(given).slides
    told = one.metadata()
    assert told["id"] == "he_1"
    assert (told["staining"], told["block"]) == ({"displayName": "H&E"}, {"displayName": "A1"})
    assert told["specimen"] == {"anatomy": "Colon"}
    assert told["micronsPerPixel"] == 1.5
    assert {name: told[name] for name in texts} == members
    for name in ("studyInstanceUid", "examDateTime", "priority", "examFreeFields", "accessionNumber"):
        assert told[name] == given[name]
    assert told["accessionNumberIssuer"] == "LAB"
    assert (told["seriesInstanceUid"], told["lisSlideId"]) == ("1.2.3", "S1-A1-1")
    assert [file.name for file in one.files] == ["a.tiff", "b.tiff"]
    assert one.picture.label() == (tmp_path / "label.jpg").read_bytes()
    assert lowest_tile(one) == lowest_tile(described(case({"id": "x", "files": ["b.tiff"]})).slides[0])


def test_what_is_left_out_has_a_default(described: Callable[..., Loaded]) -> None:
    loaded = described({"accessionNumber": "S1", "slides": [{"id": "x", "files": ["a.tiff"]}]})
    told = loaded.slides[0].metadata()
    assert told["accessionNumberIssuer"] == ""
    assert told["isStreamable"] is True
    assert told["micronsPerPixel"] == pytest.approx(0.5)
    assert re.fullmatch(UID, told["studyInstanceUid"])
    assert all(value is not None for value in told.values())
    assert loaded.slides[0].not_streamable_reason is None


def test_a_slide_that_is_not_streamable_says_why(described: Callable[..., Loaded]) -> None:
    slide = {"id": "x", "files": ["a.tiff"], "isStreamable": False, "label": None}
    one = described(case({**slide, "notStreamableReason": "archived"})).slides[0]
    assert (one.metadata()["isStreamable"], one.not_streamable_reason) == (False, "archived")
    assert one.picture.label() is None
    with pytest.raises(CatalogError, match=r"slides\[0\].notStreamableReason: came nothing, expected a text"):
        described(case(slide))


def test_manifests_of_planes_and_paths(described: Callable[..., Loaded], lowest_tile: Callable[..., bytes]) -> None:
    planes = [{"id": "-1", "offsetUm": -2, "image": "a.tiff"}, {"id": "0", "offsetUm": 0.0, "image": "b.tiff"}]
    paths = [{"id": "d", "description": "DAPI", "image": "a.tiff"}, {"id": "f", "description": "F", "image": "c.tiff"}]
    files = ["a.tiff", "b.tiff", "c.tiff"]
    loaded = described(
        case({"id": "z", "files": files, "focalPlanes": planes}),
        case({"id": "p", "files": files, "opticalPaths": paths}, accessionNumber="S2"),
    )
    z, p = loaded.slides
    assert z.metadata()["focalPlanes"] == [{"id": "-1", "offsetUm": -2.0}, {"id": "0", "offsetUm": 0.0}]
    assert p.metadata()["opticalPaths"] == [{"id": "d", "description": "DAPI"}, {"id": "f", "description": "F"}]
    assert lowest_tile(z, focal_plane="-1.0") == lowest_tile(p) != lowest_tile(z)
    assert lowest_tile(p, optical_path="f") != lowest_tile(p)
    with pytest.raises(CatalogError, match="either focalPlanes or opticalPaths"):
        described(case({"id": "z", "files": files, "focalPlanes": planes, "opticalPaths": paths}))
    with pytest.raises(CatalogError, match=r"focalPlanes\[1\].id: came the str '-1'"):
        described(case({"id": "z", "files": files, "focalPlanes": [planes[0], planes[0]]}))


def test_unequal_planes_are_a_problem_of_that_slide(
    described: Callable[..., Loaded], tmp_path: Path, slide_file: Callable[..., Path]
) -> None:
    slide_file(tmp_path / "odd.tiff", (301, 200))
    planes = [{"id": "0", "image": "a.tiff"}, {"id": "1", "image": "odd.tiff"}]
    loaded = described(case({"id": "z", "files": ["a.tiff"], "focalPlanes": planes}, {"id": "ok", "files": ["b.tiff"]}))
    assert [slide.id for slide in loaded.slides] == ["ok"]
    assert "a.tiff is 300 x 200 px, odd.tiff is 301 x 200 px" in loaded.problems[0][1]


def test_missing_and_broken_files_are_problems_and_the_rest_is_served(
    described: Callable[..., Loaded], tmp_path: Path
) -> None:
    (tmp_path / "text.tiff").write_text("no slide")
    names = ("gone.tiff", "text.tiff", "a.tiff")
    loaded = described(case(*({"id": name, "files": [name]} for name in names)))
    assert [slide.id for slide in loaded.slides] == ["a.tiff"]
    (gone, text) = [reason for _, reason in loaded.problems]
    assert gone.startswith("slide gone.tiff: gone.tiff is missing: expected at ")
    assert text.startswith("slide text.tiff: not a slide")


def test_a_folder_among_the_files_stands_for_all_in_it(
    described: Callable[..., Loaded], tmp_path: Path, shared_slides: Path, slide_file: Callable[..., Path]
) -> None:
    shutil.copytree(shared_slides / "boxes_dicom", tmp_path / "dicom")
    (tmp_path / "dicom" / ".hidden").write_text("x")
    slide_file(tmp_path / "dicom" / "more" / "boxes_0.dcm")
    (one,) = described(case({"id": "d", "files": ["dicom"]})).slides
    assert [file.name for file in one.files] == ["dicom_boxes_0.dcm", "boxes_1.dcm", "more_boxes_0.dcm"]
    assert one.metadata()["fileFormat"] == {"mimeType": "application/dicom"}


OK = {"id": "x", "files": ["a.tiff"]}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([case(OK, accessionNumber="a/b")], r"yaml:2: cases\[0\].accessionNumber: came the str 'a/b', expected a text"),
        ([case({**OK, "id": "a b"})], r"slides\[0\].id: came the str 'a b', expected a text free of"),
        ([case({**OK, "id": 7})], r"slides\[0\].id: came the int '7', expected a text"),
        ([case({"files": ["a.tiff"]})], r"slides\[0\].id: came nothing, expected a text"),
        ([case({"id": "x"})], r"slides\[0\].files: came nothing, expected a list of at least one"),
        ([case({"id": "x", "files": []})], r"slides\[0\].files: came an empty list, expected a list of at least one"),
        ([case({"id": "x", "files": [1]})], r"slides\[0\].files\[0\]: came the int '1', expected a text"),
        ([case({"id": "x", "files": [""]})], r"slides\[0\].files\[0\]: came the str '', expected the name of a file"),
        ([case({**OK, "colour": "red"})], r"slides\[0\]: came the str 'colour', expected one of block, files, focal"),
        ([case({**OK, "Stainin": "x"})], r"slides\[0\]: came the str 'Stainin', expected 'staining', perhaps: one of "),
        ([case({**OK, "notStreamableReason": "x"})], "came .*, expected isStreamable: false beside it"),
        ([case(OK, priority="high")], r"priority: came the str 'high', expected an integer$"),
        ([case(OK, priority=1.5)], r"priority: came the float '1.5', expected an integer"),
        ([case(OK, studyInstanceUid="1.02")], r"studyInstanceUid: came the str '1.02', expected a DICOM UID"),
        ([case(OK, examDateTime="2.3.26")], r"examDateTime: came the str '2.3.26', expected a quoted time"),
        ([case(OK, examDateTime="2026-13-02T09:15")], "examDateTime: came the str .2026-13-02T09:15., expected"),
        ([case({**OK, "id": ".."})], r"slides\[0\].id: came the str '..', expected .* neither . nor .."),
        ([case({**OK, "focalPlanes": [{"id": n, "image": "a.tiff"} for n in ("1", "1.0")]})], r"focalPlanes\[1\].id"),
        ([case(OK, examFreeFields={"a": "b"})], r"examFreeFields: came a mapping, expected a list"),
        ([case(OK, examFreeFields=[{"a": 1}])], r"examFreeFields\[0\].a: came the int '1', expected a text"),
        ([case({**OK, "micronsPerPixel": 0})], r"micronsPerPixel: came the int '0', expected a number greater than 0"),
        ([case({**OK, "isStreamable": "perhaps"})], r"isStreamable: came the str 'perhaps', expected true or false"),
        ([case({**OK, "staining": "H/E"})], r"staining: came the str 'H/E', expected a text without /"),
        ([case({**OK, "specimen": "Colon"})], r"specimen: came the str 'Colon', expected a mapping"),
        ([case(OK, OK)], r"slides\[1\].id: came the str 'x', expected each slide once"),
        ([case({**OK, "lisSlideId": "1"}, {**OK, "id": "y", "lisSlideId": "1"})], r"slides\[1\].lisSlideId: came"),
        ([case(OK), case({**OK, "id": "y"})], r"cases\[1\].accessionNumber: came the str 'S1', expected each case"),
        ([case()], r"cases\[0\].slides: came an empty list, expected a list of at least one"),
        (["text"], r"cases\[0\]: came the str 'text', expected a mapping"),
        ([], "cases: came an empty list, expected a list of at least one"),
    ],
)  # fmt: skip
def test_a_wrong_cases_yaml_is_refused_with_place_and_reason(
    described: Callable[..., Loaded], given: list[Any], message: str
) -> None:
    with pytest.raises(CatalogError, match=message):
        described(*given)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("cases: [", "cases.yaml:2: cannot be read as YAML: "),
        ("cases:\n\t- a", "cases.yaml:2: cannot be read as YAML: while scanning"),
        ("cases:\n- *nobody", "cases.yaml:2: cannot be read as YAML: found undefined alias"),
        ("cases: []\n---\ncases: []", "cases.yaml:2: cannot be read as YAML: .*another document"),
        ("\xff\n\x00", "cases.yaml:2: cannot be read as YAML: control characters are not allowed"),
        ("cases:\n- " + "[" * 99_999 + "]" * 99_999, "cases.yaml:2: nested more than 20 deep"),
        (" ", "the document: came nothing, expected a mapping of cases"),
        ("- 1", "cases.yaml:1: the document: came a list"),
        (
            "cases: []\ncases: []",
            "cases.yaml:2: the document: came the str 'cases', expected each member once: 'cases' stands above already",
        ),
        ("cases:\n- accessionNumber: S1\n  slides:\n  - id: x\n    files: [a.tiff]\n    block: 1", "cases.yaml:6: "),
        ("? [a]\n: 1", "cases.yaml:1: the document: came a list, expected the name of a member, of cases"),
    ],
)
def test_errors_name_the_line(described: Callable[..., Loaded], text: str, message: str) -> None:
    with pytest.raises(CatalogError, match=message):
        described(text=text)


def test_a_missing_file_is_told_with_what_is_spelled_nearly_so(
    described: Callable[..., Loaded], tmp_path: Path
) -> None:
    (tmp_path / "Colon_HE.tif").write_bytes(b"")
    wanted = ("colon-he.tiff", "colon-he-2.tiff")
    loaded = described(case(*({"id": f"s{number}", "files": [name]} for number, name in enumerate(wanted))))
    told = [reason for path, reason in loaded.problems if path.name == "cases.yaml"]
    assert told == [
        f"slide s0: colon-he.tiff is missing: expected at {tmp_path / 'colon-he.tiff'}; there is 'Colon_HE.tif'",
        f"slide s1: colon-he-2.tiff is missing: expected at {tmp_path / 'colon-he-2.tiff'}",
    ]


def test_a_description_that_is_a_link_to_nowhere_is_told_and_not_called_bad_yaml(tmp_path: Path) -> None:
    (tmp_path / "cases.yaml").symlink_to(tmp_path / "nowhere.yaml")
    with pytest.raises(CatalogError, match=r"cases\.yaml: cannot be read \(No such file or directory\)$"):
        load_folder(tmp_path)


def test_a_folder_without_description_serves_what_is_a_slide(tmp_path: Path, slide_file: Callable[..., Path]) -> None:
    slide_file(tmp_path / "b.tiff")
    whole = slide_file(tmp_path / "a slide #1.tiff").read_bytes()
    (tmp_path / "cut.tiff").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "empty.svs").write_bytes(b"")
    (tmp_path / "README.md").write_text("hello")
    Image.new("RGB", (300, 300)).save(tmp_path / "plain.tiff")
    (tmp_path / ".hidden.svs").write_bytes(b"")
    (tmp_path / "folder" / "deep").mkdir(parents=True)
    loaded = load_folder(tmp_path)
    assert [re.sub(r"[0-9a-f]{8}$", "HASH", slide.id) for slide in loaded.slides] == ["a-slide-1-HASH", "b"]
    problems = dict(reasons(loaded))
    assert sorted(problems) == ["README.md", "cut.tiff", "deep", "empty.svs", "plain.tiff"]
    assert problems["empty.svs"] == "the file is empty (0 bytes)"
    assert "cut short" in problems["cut.tiff"]
    assert "must be tiled" in problems["plain.tiff"]
    assert "not searched" in problems["deep"]
    again = load_folder(tmp_path)
    assert [slide.metadata() for slide in loaded.slides] == [slide.metadata() for slide in again.slides]
    assert len({slide.case.key for slide in loaded.slides}) == 2
    assert all(value is not None for value in loaded.slides[0].metadata().values())


def test_loading_opens_no_slide(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, slide_file: Callable[..., Path]
) -> None:
    slide_file(tmp_path / "a.tiff")
    opened: list[Any] = []

    class Watched(openslide.OpenSlide):
        def __init__(self, path: Any) -> None:
            opened.append(path)
            super().__init__(path)

    monkeypatch.setattr(openslide, "OpenSlide", Watched)
    (one,) = load_folder(tmp_path).slides
    assert opened == []
    one.metadata()
    one.metadata()
    assert len(opened) == 1


def test_a_cut_tiff_with_whole_directories_is_found(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    tiles = iter([bytes(128 * 128 * 3)] * 16)
    with tifffile.TiffWriter(buffer) as writer:
        writer.write(tiles, shape=(512, 512, 3), dtype="uint8", tile=(128, 128), photometric="rgb")
    directories_first = tmp_path / "a.tiff"
    directories_first.write_bytes(buffer.getvalue()[:-1000])
    assert openslide.OpenSlide.detect_format(directories_first) == "generic-tiff"
    loaded = load_folder(tmp_path)
    assert not loaded.slides
    assert loaded.problems[0][1] == "cut short: its image data end 1000 bytes beyond the end of the file"


def test_several_paths_in_their_order_with_ids_of_their_own(tmp_path: Path, slide_file: Callable[..., Path]) -> None:
    one = slide_file(tmp_path / "one" / "x.tiff")
    slide_file(tmp_path / "two" / "x.tiff")
    slide_file(tmp_path / "two" / "y.tiff")
    (tmp_path / "x.svs").write_bytes(one.read_bytes())
    loaded = load_slides([one, tmp_path / "two", tmp_path / "x.svs", tmp_path / "nowhere"])
    ids = [slide.id for slide in loaded.slides]
    assert (ids[0], ids[2], len(set(ids))) == ("x", "y", 4)
    assert reasons(loaded) == [("nowhere", "no such file or folder, or no permission to look for it")]
    assert ids == [slide.id for slide in load_slides([one, tmp_path / "two", tmp_path / "x.svs"]).slides]
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+", name) for name in ids)
    assert loaded.hospital().slide("y") is loaded.slides[2]


def test_two_descriptions_may_not_use_one_id(tmp_path: Path, slide_file: Callable[..., Path]) -> None:
    for name in ("one", "two"):
        slide_file(tmp_path / name / "a.tiff")
        (tmp_path / name / "cases.yaml").write_text(yaml.safe_dump({"cases": [case(OK)]}))
    assert [s.id for s in load_slides([tmp_path / "one" / "cases.yaml"]).slides] == ["x"]
    with pytest.raises(CatalogError, match=r"two.cases.yaml: the slide id 'x' is already used"):
        load_slides([tmp_path / "one", tmp_path / "two"])


def test_a_scanned_slide_is_served_with_its_own_data(shared_slides: Path) -> None:
    (one,) = load_slides([shared_slides / "cmu_small_region.svs"]).slides
    told = one.metadata()
    assert told["id"] == told["lisSlideId"] == "cmu_small_region"
    assert told["imageSize"] == {"width": 2220, "height": 2967}
    with one.files[0].open() as stream:
        assert stream.read() == (shared_slides / "cmu_small_region.svs").read_bytes()
