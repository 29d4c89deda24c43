"""Single DICOM files: what their heads say, read without pydicom; several optical paths; broken ones."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pydicom
import pytest
from PIL import Image
from pydicom import Dataset

import demo_hospital
from fake_pacs.catalog import load_folder, load_slides
from fake_pacs.imaging.dicom import Instance, read_instance
from fake_pacs.imaging.dicom_header import read_header
from fake_pacs.imaging.dicom_pixels import PixelData
from fake_pacs.imaging.errors import SlideUnreadable
from fake_pacs.imaging.openslide_picture import OpenSlidePicture

KIDNEY = demo_hospital.folder() / "slides" / "kidney_he"
IMPLICIT = "1.2.840.10008.1.2"


def instance(path: Path) -> Instance:
    found = read_instance(path)
    assert found is not None
    return found


def changed(target: Path, change: Callable[[Any], None], *only: str) -> Path:
    """A copy of the demo hospital's DICOM slide, with something changed in some (or all) of its files."""
    target.mkdir(exist_ok=True)
    for file in KIDNEY.iterdir():
        data = pydicom.dcmread(file)
        if not only or file.name in only:
            change(data)
        data.save_as(target / file.name)
    return target


def two_paths(data: Any) -> None:
    second = Dataset()
    second.update(data.OpticalPathSequence[0])
    second.OpticalPathIdentifier, second.OpticalPathDescription = "FITC", "Fluorescein (grün)"
    data.OpticalPathSequence = [data.OpticalPathSequence[0], second]
    data.NumberOfOpticalPaths = 2


def undefined_lengths(data: Any) -> None:
    for element in data.iterall():
        if element.VR == "SQ":
            element.is_undefined_length = True
            for item in element.value:
                item.is_undefined_length_sequence_item = True


def test_the_head_says_what_pydicom_says(tmp_path: Path) -> None:
    for folder in (KIDNEY, changed(tmp_path / "open", undefined_lengths)):
        for file in folder.iterdir():
            data, found = pydicom.dcmread(file), instance(file)
            assert found.series == data.SeriesInstanceUID
            assert found.is_level == ("VOLUME" in data.ImageType) == file.name.startswith("level")
            assert found.size == (data.TotalPixelMatrixColumns, data.TotalPixelMatrixRows)
            assert found.frame_size == (data.Columns, data.Rows)
            assert found.frames == data.NumberOfFrames
            assert found.coding == (data.file_meta.TransferSyntaxUID, "YBR_FULL_422", "TILED_FULL")
            assert [path.id for path in found.paths] == [data.OpticalPathSequence[0].OpticalPathIdentifier]
            assert found.paths[0].description == data.OpticalPathSequence[0].OpticalPathDescription
            assert found.complaint is None


def test_frames_are_found_by_either_offset_table(tmp_path: Path) -> None:
    from pydicom.encaps import encapsulate, encapsulate_extended, generate_frames

    data = pydicom.dcmread(KIDNEY / "level_1.dcm")
    frames = list(generate_frames(data.PixelData, number_of_frames=int(data.NumberOfFrames)))
    made = {"basic": encapsulate(frames), "none": encapsulate(frames, has_bot=False)}
    made["extended"], offsets, lengths = encapsulate_extended(frames)
    for name, pixels in made.items():
        data.PixelData = pixels
        data["PixelData"].is_undefined_length = True
        if name == "extended":
            data.ExtendedOffsetTable, data.ExtendedOffsetTableLengths = offsets, lengths
        path = tmp_path / f"{name}.dcm"
        data.save_as(path)
        found = instance(path)
        assert found.complaint is None
        assert found.pixels is not None
        with path.open("rb") as file:
            got = [found.pixels.frame(file, index, len(frames)) for index in range(len(frames))]
        padded = [frame + b"\0" * (len(frame) % 2) for frame in frames]
        assert got == ([None] * len(frames) if name == "none" else padded), name


def test_files_in_implicit_little_endian_are_read_by_pydicom(tmp_path: Path, shared_slides: Path) -> None:
    data = pydicom.dcmread(shared_slides / "boxes_dicom" / "boxes_1.dcm")  # its pixels are not compressed
    before = instance(shared_slides / "boxes_dicom" / "boxes_1.dcm")
    data.file_meta.TransferSyntaxUID = IMPLICIT
    data.save_as(tmp_path / "implicit.dcm", implicit_vr=True, little_endian=True)
    found = instance(tmp_path / "implicit.dcm")
    assert (found.series, found.size, found.paths) == (before.series, before.size, before.paths)
    assert found.pixels is None, "frames are decoded then"


def test_several_optical_paths_in_one_image_are_listed_and_not_streamable(tmp_path: Path) -> None:
    folder = changed(tmp_path / "fluorescence", two_paths)
    (one,) = load_slides([folder]).slides
    told = one.metadata()
    assert told["isStreamable"] is False
    assert one.not_streamable_reason is not None
    assert one.not_streamable_reason.startswith("one DICOM image holds 2 optical paths (0, FITC), of which OpenSlide")
    assert told["opticalPaths"][1] == {"id": "FITC", "description": "Fluorescein (grün)"}
    assert len(one.files) == 5


def test_paths_in_instances_of_their_own_are_several_all_the_same(tmp_path: Path) -> None:
    def other(data: Any) -> None:
        data.OpticalPathSequence[0].OpticalPathIdentifier = "other"

    (one,) = load_slides([changed(tmp_path / "a", other, "level_1.dcm")]).slides
    assert {path["id"] for path in one.metadata()["opticalPaths"]} == {"0", "other"}
    assert one.metadata()["isStreamable"] is False


def test_a_manifest_gives_each_path_an_image_but_not_a_mixed_one(tmp_path: Path) -> None:
    changed(tmp_path / "mixed", two_paths)
    changed(tmp_path / "plain", lambda data: None)
    (tmp_path / "cases.yaml").write_text(
        "cases:\n- accessionNumber: S1\n  slides:\n"
        "  - {id: mixed, files: [mixed], isStreamable: true}\n"
        "  - id: split\n    files: [mixed, plain]\n"
        "    opticalPaths: [{id: d, description: DAPI, image: plain}]\n"
    )
    mixed, split = load_folder(tmp_path).slides
    assert mixed.metadata()["isStreamable"] is False
    assert "optical paths" in (mixed.not_streamable_reason or "")
    assert split.metadata()["isStreamable"] is True
    assert split.metadata()["opticalPaths"] == [{"id": "d", "description": "DAPI"}]


def test_what_a_cases_yaml_leaves_out_comes_from_the_dicom_attributes(tmp_path: Path) -> None:
    changed(tmp_path / "slide", lambda data: None)
    (tmp_path / "cases.yaml").write_text(
        "cases:\n- accessionNumber: S1\n  slides:\n  - {id: a, files: [slide], block: C3}\n"
    )
    (one,) = load_folder(tmp_path).slides
    told, data = one.metadata(), pydicom.dcmread(KIDNEY / "level_0.dcm")
    assert (told["accessionNumber"], told["block"]) == ("S1", {"displayName": "C3"})
    assert (told["studyInstanceUid"], told["seriesInstanceUid"]) == (data.StudyInstanceUID, data.SeriesInstanceUID)
    assert told["specimen"]["anatomy"] == "Kidney"
    assert told["lisSlideId"] == data.ContainerIdentifier


@pytest.mark.parametrize(
    ("keyword", "value", "reason"),
    [
        ("TotalPixelMatrixColumns", 2**31, "absurd size: 2147483648 x 1024 px"),
        ("TotalPixelMatrixRows", 0, "absurd size: 2048 x 0 px"),
        ("PhotometricInterpretation", "MONOCHROME2", "OpenSlide reads no grey DICOM slides"),
        ("NumberOfOpticalPaths", 2**32 - 1, "absurd number of optical paths: 4294967295; expected at most 1000"),
        ("TotalPixelMatrixFocalPlanes", 3, "OpenSlide reads no DICOM slides with several focal planes"),
        ("SOPClassUID", "1.2.840.10008.5.1.4.1.1.2", "no whole-slide image: its SOP class is"),
    ],
)
def test_levels_that_openslide_would_refuse_are_told(tmp_path: Path, keyword: str, value: Any, reason: str) -> None:
    folder = changed(tmp_path / "bad", lambda data: setattr(data, keyword, value), "level_0.dcm")
    loaded = load_slides([folder])
    assert not loaded.slides
    assert f"level_0.dcm: {reason}" in loaded.problems[0][1]


def test_a_series_without_levels_is_no_slide(tmp_path: Path) -> None:
    (tmp_path / "label.dcm").write_bytes((KIDNEY / "label.dcm").read_bytes())
    assert "no level of a slide in this DICOM series" in load_slides([tmp_path]).problems[0][1]


def test_no_cut_is_an_exception_or_taken_for_whole(tmp_path: Path) -> None:
    whole = (KIDNEY / "level_2.dcm").read_bytes()
    for keep in [*range(0, 3200, 61), *range(3200, len(whole), 2500), len(whole) - 1]:
        path = tmp_path / "cut.dcm"
        path.write_bytes(whole[:keep])
        try:
            found = read_instance(path)
        except SlideUnreadable:
            continue
        assert found is None or (found.complaint or "").startswith("cut short, or no image"), keep
        assert load_slides([path]).slides == ()


def test_random_lengths_in_a_head_are_no_endless_walk() -> None:
    whole = bytearray((KIDNEY / "label.dcm").read_bytes()[:4000])
    for at in range(140, 3000, 7):
        broken = bytearray(whole)
        broken[at : at + 4] = b"\xff\xff\xff\xff"
        try:
            assert read_header(io.BytesIO(broken)).cut in (True, False)
        except (SlideUnreadable, ValueError, KeyError, NotImplementedError, RecursionError):
            continue  # pydicom's way, when the transfer syntax was hit


def nested(depth: int) -> bytes:
    """The head of a slide with sequences of undefined length in one another, each with one item."""
    raw = (KIDNEY / "level_1.dcm").read_bytes()
    place = raw.index(b"\x08\x00\x08\x00CS")
    inner = b"\x08\x00\x06\x00SQ\0\0\xff\xff\xff\xff\xfe\xff\x00\xe0\xff\xff\xff\xff" * depth
    ends = b"\xfe\xff\x0d\xe0\0\0\0\0\xfe\xff\xdd\xe0\0\0\0\0" * depth
    return raw[:place] + inner + ends + raw[place:]


def test_sequences_in_sequences_take_no_longer_each_level_down(tmp_path: Path) -> None:
    (tmp_path / "deep.dcm").write_bytes(nested(100))  # at twice the work for each, no computer ever ends this
    assert instance(tmp_path / "deep.dcm").complaint is None
    (tmp_path / "deep.dcm").write_bytes(nested(5000))
    with pytest.raises(
        SlideUnreadable, match=r"attributes cannot be read.*: its sequences lie in one another too deep"
    ):
        read_instance(tmp_path / "deep.dcm")


class Asked(io.BytesIO):
    """Bytes that remember how many were asked for at once."""

    most = 0

    def read(self, size: int | None = -1, /) -> bytes:
        self.most = max(self.most, size or 0)
        return super().read(size)


@pytest.mark.parametrize(
    ("offset", "length", "found"),
    [
        (0, 4, b"ABCD"),
        (0, 2**31, None),  # a frame of 2 GiB
        (0, (64 << 20) + 1, None),
        (2**32 - 1, 4, None),  # a frame beyond the end
        (0, 2, None),  # a frame that ends before the next item
    ],
)
def test_a_frame_of_an_absurd_size_or_place_is_not_read(offset: int, length: int, found: bytes | None) -> None:
    item, end = b"\xfe\xff\x00\xe0", b"\xfe\xff\xdd\xe0\0\0\0\0"
    table = item + struct.pack("<LL", 4, offset)
    file = Asked(table + item + struct.pack("<L", length) + b"ABCD" + end)
    assert PixelData(0, None).frame(file, 0, 1) == found
    assert file.most <= 8, "no memory is reserved for what a broken file names"


def test_a_level_that_goes_takes_the_slide_with_it_until_it_is_back(tmp_path: Path) -> None:
    folder = changed(tmp_path / "slide", lambda data: None)
    (one,) = load_slides([folder]).slides
    assert isinstance(one.picture, OpenSlidePicture)
    before = one.picture.tile(8, 0, 0, focal_plane="0", optical_path=None, format="png")
    away = (folder / "level_1.dcm").rename(tmp_path / "away.dcm")
    with pytest.raises(SlideUnreadable, match=r"level_1\.dcm: the file cannot be found any more"):
        one.metadata()
    away.rename(folder / "level_1.dcm")
    assert one.picture.tile(8, 0, 0, focal_plane="0", optical_path=None, format="png") == before
    assert Image.open(io.BytesIO(one.picture.label() or b"")).format == "JPEG"
