"""Slides of metadata given in Python: pictures read from files, or drawn."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from fake_pacs.catalog import CatalogError, from_metadata


def test_metadata_as_given_with_the_rest_made_up() -> None:
    given = {
        "id": "mine",
        "imageSize": {"width": 5000, "height": 3000},
        "tileSize": {"width": 512, "height": 512},
        "focalPlanes": [{"id": "0", "offsetUm": 0.0}, {"id": "1", "offsetUm": 2.0}],
        "accessionNumber": "S7",
        "staining": {"displayName": "HER2"},
        "bodyPart": None,
        "ownMember": {"a": [1]},
        "qualityControl": {"status": "NotSet", "versionId": "1"},
    }
    slide = from_metadata(given)
    told = slide.metadata()
    for name in given.keys() - {"bodyPart", "qualityControl"}:
        assert told[name] == given[name]
    assert "qualityControl" not in told
    assert all(value is not None for value in told.values())
    assert slide.case.key == ("S7", "")
    assert told == from_metadata(given).metadata()
    assert Image.open(
        _stream(slide.picture.tile(12, 0, 0, focal_plane="1", optical_path=None, format="jpeg"))
    ).size == (512, 512)
    assert len(slide.files) == 2
    assert from_metadata({"id": "x", "isStreamable": False}).not_streamable_reason


def _stream(content: bytes) -> io.BytesIO:
    return io.BytesIO(content)


def test_files_that_are_slides_give_the_metadata_and_the_picture(
    tmp_path: Path, shared_slides: Path, slide_file: Callable[..., Path], lowest_tile: Callable[..., bytes]
) -> None:
    (tmp_path / "any.bin").write_bytes(b"any bytes")
    path = slide_file(tmp_path / "a.tiff", (700, 500), "blue")
    slide = from_metadata({"id": "x", "staining": {"displayName": "PAS"}}, [tmp_path / "any.bin", path])
    told = slide.metadata()
    assert told["imageSize"] == {"width": 700, "height": 500}
    assert told["micronsPerPixel"] == pytest.approx(0.5)
    assert told["staining"] == {"displayName": "PAS"}
    assert [file.name for file in slide.files] == ["any.bin", "a.tiff"]
    assert Image.open(_stream(lowest_tile(slide))).getpixel((0, 0)) == (0, 0, 255)
    other_size = from_metadata({"id": "x", "imageSize": {"width": 1000, "height": 500}}, [path])
    assert other_size.metadata()["imageSize"] == {"width": 1000, "height": 500}
    assert Image.open(_stream(lowest_tile(other_size))).getpixel((0, 0)) != (0, 0, 255)
    dicom = from_metadata({"id": "d"}, [shared_slides / "boxes_dicom"]).metadata()
    assert (dicom["imageSize"], dicom["lisSlideId"]) == ({"width": 16, "height": 16}, "SLIDE_1")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "id came as None"),
        ({"id": ""}, "id came as ''"),
        ({"id": 7}, "id came as 7"),
        ({"id": "x", "imageSize": 5}, "'x': imageSize.width came as None, expected an integer from 1 to"),
        ({"id": "x", "imageSize": {"width": 0, "height": 1}}, "imageSize.width came as 0"),
        ({"id": "x", "imageSize": {"width": 9, "height": True}}, "imageSize.height came as True"),
        ({"id": "x", "tileSize": {"width": 10**9, "height": 1}}, "tileSize.width came as 1000000000"),
        ({"id": "x", "focalPlanes": "0"}, "focalPlanes came as '0', expected a list of objects"),
        ({"id": "x", "opticalPaths": [{"id": 0}]}, "opticalPaths came as .*expected a list of objects"),
    ],
)
def test_metadata_that_no_picture_can_be_made_of_are_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(CatalogError, match=message):
        from_metadata(given)


def test_files_that_do_not_exist_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match=r"files of slide 'x': .*gone.svs does not exist"):
        from_metadata({"id": "x"}, [tmp_path / "gone.svs"])
