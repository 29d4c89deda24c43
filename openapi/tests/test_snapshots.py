"""The committed snapshots are what the sources make, and each version has what it should have."""

import json
from typing import Any

import pytest

from ia_api_spec import committed, snapshot, snapshots
from ia_api_spec.narrowing import operations

OF_1_8 = {
    "getInfo",
    "getSlideInfo",
    "getSlideLabel",
    "getSlideFiles",
    "getTile",
    "getApplication",
    "createResult",
    "getResult",
    "updateResult",
    "listResults",
    "getAttachment",
    "putAttachment",
    "createToken",
    "getLaunchData",
}
ADDED = {"1.8": OF_1_8, "1.9": {"getCaseImages", "getCaseImagesBySlide"}, "1.10": {"setQualityControl"}}


def ids(document: dict[str, Any]) -> list[str]:
    return [operation["operationId"] for _, _, operation in operations(document)]


def test_the_committed_snapshots_are_current():
    assert snapshots.differences() == []


def test_a_change_of_the_sources_is_noticed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    made = snapshots.make()
    changed = {**made, "ia-api-1.9.json": made["ia-api-1.9.json"] + " ", "new.json": "{}"}
    del changed["fake-pacs.json"]
    monkeypatch.setattr(snapshots, "make", lambda: changed)
    assert snapshots.differences() == ["fake-pacs.json", "ia-api-1.9.json", "new.json"]
    assert snapshots.main(["--check"]) == 1
    assert "ia-api-1.9.json is not what the sources make" in capsys.readouterr().out


def test_writing_makes_what_is_missing_and_removes_what_is_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Any):
    monkeypatch.setattr(snapshots, "FOLDER", tmp_path)
    (tmp_path / "ia-api-0.1.json").write_text("{}")
    assert snapshots.main([]) == 0
    assert snapshots.main(["--check"]) == 0
    assert not (tmp_path / "ia-api-0.1.json").exists()
    assert snapshots.main(["--chekc"]) == 2


def test_each_version_adds_exactly_its_operations():
    expected: set[str] = set()
    for version, added in ADDED.items():
        expected |= added
        found = ids(snapshot("ia-api", version))
        assert sorted(found) == sorted(expected)


@pytest.mark.parametrize("name", ["ia-api", "ia-app"])
@pytest.mark.parametrize("version", ["1.8", "1.9"])
def test_quality_control_is_nowhere_before_1_10(name: str, version: str):
    text = json.dumps(snapshot(name, version))
    assert "qualityControl" not in text
    assert "QualityControl" not in text


@pytest.mark.parametrize("name", ["ia-api", "ia-app"])
def test_quality_control_is_in_1_10(name: str):
    metadata = snapshot(name, "1.10")["components"]["schemas"]["ImageMetadata"]
    assert metadata["properties"]["qualityControl"]["$ref"] == "#/components/schemas/QualityControlData"
    assert metadata["examples"][0]["qualityControl"] == {"status": "NotSet", "versionId": "9f1c3a7e5b2d4860"}


def test_images_in_a_case_are_nowhere_before_1_9():
    assert "CaseImageInfo" not in json.dumps(snapshot("ia-api", "1.8"))
    assert "CaseImageInfo" in snapshot("ia-api", "1.9")["components"]["schemas"]


@pytest.mark.parametrize("version", ADDED)
def test_a_snapshot_says_its_version(version: str):
    assert snapshot("ia-api", version)["info"]["version"] == version
    assert snapshot("ia-app", version)["info"]["version"] == version


@pytest.mark.parametrize("version", ADDED)
def test_the_app_side_has_the_same_four_operations_in_every_version(version: str):
    document = snapshot("ia-app", version)
    assert sorted(ids(document)) == ["getAppInfo", "getRegistration", "invoke", "notifyImage"]
    assert {"Registration", "Invocation"} <= document["components"]["schemas"].keys()


def test_a_snapshot_is_the_callers_own_copy():
    snapshot("ia-api", "1.8")["paths"].clear()
    assert len(ids(snapshot("ia-api", "1.8"))) == len(OF_1_8)


def test_a_snapshot_that_was_never_made_is_refused():
    with pytest.raises(FileNotFoundError, match=r"ia-api-1\.7\.json"):
        snapshot("ia-api", "1.7")


def test_line_ends_are_the_same_everywhere():
    assert all(b"\r" not in path.read_bytes() for path in committed.FOLDER.glob("*.json"))
