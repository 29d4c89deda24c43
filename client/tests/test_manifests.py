"""What is known to be whole of a slide on disk."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from sectra_client.manifests import Entry, Manifest, complete_files, manifest_of


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """The folder of a slide that is complete: two files, and the manifest beside it."""
    folder = tmp_path / "s"
    folder.mkdir()
    manifest = Manifest(folder, "s")
    for name in ("a.dcm", "b.dcm"):
        (folder / name).write_bytes(name.encode())
        manifest.add(folder / name)
    manifest.complete([folder / "a.dcm", folder / "b.dcm"])
    return folder


def test_a_complete_slide_is_known_by_its_manifest(place: Path) -> None:
    assert complete_files(place, "s") == [place / "a.dcm", place / "b.dcm"]
    assert complete_files(place, "other") == []
    assert manifest_of(place) == place.parent / ".s.sectra-client.json"
    said = json.loads(manifest_of(place).read_text())
    assert (said["slide"], said["complete"]) == ("s", True)


def test_a_file_that_was_copied_is_whole_still(place: Path) -> None:
    os.utime(place / "a.dcm", ns=(1, 1))
    assert len(complete_files(place, "s")) == 2


@pytest.mark.parametrize("now", [b"x.dcm", b"a.dc", b"a.dcm+", None])
def test_a_file_that_changed_is_not(place: Path, now: bytes | None) -> None:
    (place / "a.dcm").unlink()
    if now is not None:
        (place / "a.dcm").write_bytes(now)
        os.utime(place / "a.dcm", ns=(1, 1))
    assert complete_files(place, "s") == []


def test_what_is_whole_is_noted_while_files_come_in(tmp_path: Path) -> None:
    now = [0.0]
    manifest = Manifest(tmp_path / "s", "s", clock=lambda: now[0])
    (tmp_path / "s").mkdir()
    for number in range(3):
        path = tmp_path / "s" / f"{number}"
        path.write_bytes(b"x")
        manifest.add(path)
        now[0] += 0.7
    said = json.loads(manifest_of(tmp_path / "s").read_text())
    assert (said["complete"], list(said["files"])) == (False, ["0", "1", "2"])
    assert complete_files(tmp_path / "s", "s") == []
    assert manifest.files == [tmp_path / "s" / f"{number}" for number in range(3)]


def test_what_the_last_answer_does_not_name_is_no_file_of_the_slide(place: Path) -> None:
    manifest = Manifest(place, "s")
    for name in ("a.dcm", "b.dcm"):
        manifest.add(place / name)
    manifest.complete([place / "b.dcm"])
    assert complete_files(place, "s") == [place / "b.dcm"]


ENTRY = {"size": 5, "sha256": "0" * 64, "mtimeNs": 1}


@pytest.mark.parametrize(
    "said",
    [
        "", "[]", "5", '{"files": {}}', {"slide": "s", "complete": True, "files": 5},
        {"slide": "s", "complete": True, "files": {"a.dcm": 5}},
        {"slide": "s", "complete": True, "files": {"a.dcm": {"size": 5}}},
        {"slide": "s", "complete": True, "files": {"../other": ENTRY}},
        {"slide": "s", "complete": True, "files": {}},
        {"slide": "s", "complete": "yes", "files": {"a.dcm": ENTRY}},
    ],
)  # fmt: skip
def test_a_broken_manifest_means_fetching_again(place: Path, said: Any) -> None:
    (place.parent / "other").write_bytes(b"other")
    manifest_of(place).write_text(said if isinstance(said, str) else json.dumps(said))
    assert complete_files(place, "s") == []


def test_a_folder_in_the_manifests_place_is_no_manifest(place: Path) -> None:
    manifest_of(place).unlink()
    assert complete_files(place, "s") == []
    manifest_of(place).mkdir()
    assert complete_files(place, "s") == []


def test_an_entry_is_the_file_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"abc")
    entry = Entry.of(path)
    assert entry.size == 3
    assert entry.sha256 == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert entry.fits(path)
