"""DICOM folders: one slide for each series, with the data of their attributes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from fake_pacs.catalog import load_folder, load_slides

SHARED = Path(__file__).parents[2] / ".." / "shared" / "slides"


def shared(name: str) -> Path:
    path = SHARED / name
    if not path.exists():
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(f"{path} is missing")
    return path


@pytest.mark.parametrize("path", ["boxes_dicom", "boxes_dicom/boxes_0.dcm"])
def test_dicom_attributes_are_used(path: str) -> None:
    loaded = load_slides([shared(path)])
    assert loaded.problems == ()
    (one,) = loaded.slides
    told = one.metadata()
    assert [file.name for file in one.files] == ["boxes_0.dcm", "boxes_1.dcm"]
    assert told["studyInstanceUid"].startswith("1.3.6.1.4.1.5962.99.1.")
    assert told["seriesInstanceUid"].endswith(".4.0")
    assert (told["lisSlideId"], told["examDateTime"]) == ("SLIDE_1", "2009-12-29T09:59:15")
    assert all(value is not None for value in told.values())


def dicom_copy(target: Path, **changes: Any) -> None:
    import pydicom

    target.mkdir()
    for name in ("boxes_0.dcm", "boxes_1.dcm"):
        data = pydicom.dcmread(shared("boxes_dicom") / name)
        for keyword, value in changes.items():
            setattr(data, keyword, value)
        data.save_as(target / name)


def test_dicom_folders_are_slides_and_share_their_case(tmp_path: Path) -> None:
    from pydicom import Dataset

    issuer, using, stain, item, step, anatomy, specimen = (Dataset() for _ in range(7))
    issuer.LocalNamespaceEntityID = "LAB-NORTH"
    using.CodeValue, stain.CodeMeaning = "424361007", "Eosin/Haematoxylin"
    item.ConceptNameCodeSequence, item.ConceptCodeSequence = [using], [stain]
    step.SpecimenPreparationStepContentItemSequence = [item]
    anatomy.CodeMeaning = "Colon"
    specimen.SpecimenPreparationSequence, specimen.PrimaryAnatomicStructureSequence = [step], [anatomy]
    specimen.SpecimenShortDescription = "biopsy"
    for number in (1, 2):
        dicom_copy(
            tmp_path / f"slide{number}",
            AccessionNumber="S26-7",
            IssuerOfAccessionNumberSequence=[issuer],
            SeriesInstanceUID=f"1.2.{number}",
            SpecimenDescriptionSequence=[specimen],
            ContainerIdentifier=f"S26-7/A1-{number}",
        )
    (tmp_path / "slide2" / "cut.dcm").write_bytes((tmp_path / "slide2" / "boxes_0.dcm").read_bytes()[:400])
    loaded = load_folder(tmp_path)
    first, second = loaded.slides
    assert (first.id, first.case.key) == ("slide1", ("S26-7", "LAB-NORTH"))
    assert first.case == second.case
    told = first.metadata()
    assert told["staining"] == {"displayName": "Eosin-Haematoxylin"}
    assert told["specimen"] == {"anatomy": "Colon", "description": "biopsy"}
    assert told["lisSlideId"] == "slide1", "a container identifier with / cannot be a file name"
    assert [file.name for file in second.files] == ["boxes_0.dcm", "boxes_1.dcm"]
    assert [path.name for path, _ in loaded.problems] == ["cut.dcm"]
