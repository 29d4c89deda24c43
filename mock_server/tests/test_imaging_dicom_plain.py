"""Attributes that are read without pydicom are those that pydicom reads; what isn't plain is left to it."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydicom import Dataset
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

import demo_hospital
from fake_pacs.imaging.dicom import _read_by_pydicom
from fake_pacs.imaging.dicom_attributes import case_members, slide_members
from fake_pacs.imaging.dicom_plain import READ, plain_attributes

DRAWN = sorted((demo_hospital.folder() / "slides").rglob("*.dcm"))
UID = "1.2.826.0.1.3680043.10.1"


def item(**members: Any) -> Dataset:
    made = Dataset()
    for name, value in members.items():
        setattr(made, name, value)
    return made


def whole(charset: str | None = "ISO_IR 192", anatomy: str = "Kidney") -> Dataset:
    """A dataset that gives every member, with sequences in sequences."""
    code = item(CodeValue="424361007", CodingSchemeDesignator="SCT", CodeMeaning="Using substance")
    stain = item(ConceptNameCodeSequence=Sequence([code]), ConceptCodeSequence=Sequence([item(CodeMeaning="H/E")]))
    other = item(ConceptNameCodeSequence=Sequence([item(CodeValue="1")]), TextValue="a\\b")
    steps = [item(SpecimenPreparationStepContentItemSequence=Sequence([other, stain]))]
    specimen = item(
        SpecimenShortDescription="short",
        SpecimenDetailedDescription="detailed \\ text",
        PrimaryAnatomicStructureSequence=Sequence([item(CodeMeaning=anatomy)]),
        SpecimenPreparationSequence=Sequence(steps),
    )
    data = item(
        StudyDate="20260302",
        StudyTime="091500.25",
        AccessionNumber="S26-1",
        IssuerOfAccessionNumberSequence=Sequence([item(LocalNamespaceEntityID="LAB")]),
        StationName="scanner ",
        StudyDescription="",
        BodyPartExamined="KIDNEY",
        StudyInstanceUID=f"{UID}.1",
        SeriesInstanceUID=f"{UID}.2",
        StudyID="7",
        ContainerIdentifier="S26-1-A1",
        SpecimenDescriptionSequence=Sequence([specimen, item(SpecimenShortDescription="another")]),
        TotalPixelMatrixColumns=1,
    )
    if charset:
        data.SpecificCharacterSet = charset
    return data


def written(data: Dataset, syntax: str = ExplicitVRLittleEndian, *, undefined: bool = False) -> io.BytesIO:
    """The dataset as a file; `undefined` writes every sequence and item without its length."""
    meta = FileMetaDataset()
    meta.TransferSyntaxUID, meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = syntax, UID, f"{UID}.3"
    if undefined:
        _without_lengths(data)
    file = io.BytesIO()
    FileDataset("", data, file_meta=meta, preamble=bytes(128)).save_as(
        file, enforce_file_format=True, implicit_vr=None, little_endian=None
    )
    file.seek(0)
    return file


def _without_lengths(data: Dataset) -> None:
    for element in data:
        if element.VR == "SQ":
            element.is_undefined_length = True
            for inner in element.value:
                inner.is_undefined_length_sequence_item = True
                _without_lengths(inner)


def members(file: Any) -> tuple[Any, Any] | None:
    data = plain_attributes(file)
    return None if data is None else (case_members(data), slide_members(data))


@pytest.mark.parametrize("path", DRAWN, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_the_drawn_slides_are_plain_and_read_alike(path: Path) -> None:
    with path.open("rb") as file:
        assert members(file) == _read_by_pydicom(file)


@pytest.mark.parametrize("undefined", [False, True])
@pytest.mark.parametrize(
    ("charset", "anatomy"), [("ISO_IR 192", "Niere, größer"), ("ISO_IR 100", "Niere, größer"), (None, "Kidney")]
)
def test_everything_is_read_as_pydicom_reads_it(charset: str | None, anatomy: str, undefined: bool) -> None:
    file = written(whole(charset, anatomy), undefined=undefined)
    found = members(file)
    assert found == _read_by_pydicom(file)
    assert found == (
        {
            "accessionNumber": "S26-1",
            "accessionNumberIssuer": "LAB",
            "studyInstanceUid": f"{UID}.1",
            "examId": "7",
            "bodyPart": "KIDNEY",
            "stationName": "scanner",
            "examDateTime": "2026-03-02T09:15:00",
        },
        {
            "seriesInstanceUid": f"{UID}.2",
            "lisSlideId": "S26-1-A1",
            "staining": {"displayName": "H-E"},
            "specimen": {"anatomy": anatomy, "description": "short"},
        },
    )


def _several() -> io.BytesIO:
    data = whole()
    data.StationName = ["a", "b"]
    return written(data)


def _long() -> io.BytesIO:
    data = whole()
    data.LongCodeValue = "x" * READ
    return written(data)


def _in_japanese() -> io.BytesIO:
    return io.BytesIO(written(whole("ISO_IR 192")).getvalue().replace(b"ISO_IR 192", b"ISO_IR 13 "))


def _big_endian() -> io.BytesIO:
    return io.BytesIO(
        written(whole()).getvalue().replace(b"1.2.840.10008.1.2.1\0", ExplicitVRBigEndian.encode() + b"\0")
    )


@pytest.mark.parametrize(
    "make",
    [
        _in_japanese,
        lambda: written(whole(None), ImplicitVRLittleEndian),
        _big_endian,
        _several,
        _long,
        lambda: io.BytesIO(written(whole()).getvalue()[:600]),
        lambda: io.BytesIO(bytes(128) + b"DICM"),
        lambda: io.BytesIO(b""),
    ],
    ids=["charset", "implicit", "big endian", "several values", "long", "cut", "empty", "nothing"],
)
def test_what_is_not_plain_is_left_to_pydicom(make: Callable[[], io.BytesIO]) -> None:
    assert plain_attributes(make()) is None
