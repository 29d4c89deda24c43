"""docs/cases-yaml.md: its example loads and says what it shows, and its tables list every member there is."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from PIL import Image

from fake_pacs.catalog import load_folder, load_slides
from fake_pacs.catalog_schema import CASE_MEMBERS, SLIDE_MEMBERS
from fake_pacs.imaging.tiff import tiled_tiff

DOCUMENT = Path(__file__).parents[2] / "docs" / "cases-yaml.md"


@pytest.fixture(scope="module")
def text() -> str:
    return DOCUMENT.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def example(text: str) -> str:
    blocks = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    assert len(blocks) == 1
    return str(blocks[0])


@pytest.fixture
def folder(example: str, tmp_path: Path) -> Path:
    """A folder with the example and every file that it names, each of another colour."""
    (tmp_path / "cases.yaml").write_text(example, encoding="utf-8")
    for index, name in enumerate(sorted(set(re.findall(r"[\w/]+\.(?:svs|tiff|txt|jpg)", example)))):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        image = Image.new("RGB", (300, 200), (index * 20, 90, 90))
        if path.suffix == ".jpg":
            image.save(path)
        else:
            path.write_bytes(b"notes" if path.suffix == ".txt" else tiled_tiff([image]))
    return tmp_path


def test_the_example_is_served_as_it_says(folder: Path, example: str) -> None:
    loaded = load_slides([folder / "cases.yaml"])
    assert loaded.problems == ()
    cases = yaml.safe_load(example)["cases"]
    written: dict[str, dict[str, Any]] = {slide["id"]: slide for case in cases for slide in case["slides"]}
    told = {slide.id: slide.metadata() for slide in loaded.slides}
    assert list(told) == list(written)
    for name, value in cases[0].items():
        assert name == "slides" or told["colon-he"][name] == value
    for slide in loaded.slides:
        given = written[slide.id]
        for name in ("staining", "block"):
            assert name not in given or told[slide.id][name] == {"displayName": given[name]}
        for name in ("specimen", "seriesInstanceUid", "lisSlideId", "micronsPerPixel", "isStreamable"):
            assert name not in given or told[slide.id][name] == given[name]
        for name in ("focalPlanes", "opticalPaths"):
            planes = [{k: v for k, v in plane.items() if k != "image"} for plane in given.get(name, ())]
            assert name not in given or told[slide.id][name] == planes
        assert slide.not_streamable_reason == given.get("notStreamableReason")
    assert [file.name for file in loaded.slides[1].files] == ["notes.txt", "colon.tiff"]
    assert [file.name for file in loaded.slides[-1].files] == ["dapi.tiff", "fitc.tiff"]
    assert loaded.slides[1].picture.label() == (folder / "label.jpg").read_bytes()


def test_everything_in_the_folder_is_described(folder: Path) -> None:
    loaded = load_folder(folder)
    assert (len(loaded.slides), loaded.problems) == (5, ())


def test_the_error_that_the_document_quotes_is_the_error(folder: Path, example: str, text: str) -> None:
    wrong = example.replace("files: [notes.txt, colon.tiff]", "files: [notes.txt, colon.tiff]\n        block: 1")
    (folder / "cases.yaml").write_text(wrong, encoding="utf-8")
    with pytest.raises(Exception, match=r"cases\.yaml:\d+: cases\[0\]\.slides\[1\]\.block") as raised:
        load_folder(folder)
    quoted = re.search(r"`cases\.yaml:\d+: (cases\[0\][^`]*)`", text)
    assert quoted is not None
    assert str(raised.value).endswith(" ".join(quoted[1].split()))


def test_the_tables_list_every_member(text: str) -> None:
    tables = re.split(r"^## ", text, flags=re.MULTILINE)
    listed = {
        title: set(re.findall(r"`(\w+)`", " ".join(re.findall(r"^\| (`[^|]*)\|", section, re.MULTILINE))))
        for section in tables
        for title in [section.partition("\n")[0]]
    }
    assert listed["Members of a case"] == set(CASE_MEMBERS)
    assert listed["Members of a slide"] == set(SLIDE_MEMBERS)


def test_the_example_uses_every_member(example: str) -> None:
    cases = yaml.safe_load(example)["cases"]
    assert {name for case in cases for name in case} == set(CASE_MEMBERS)
    assert {name for case in cases for slide in case["slides"] for name in slide} == set(SLIDE_MEMBERS)
