"""The wheel: what is in it, and that its version is the changelog's."""

import email
import re
import zipfile
from pathlib import Path

import pytest
from tools import wheel_files
from tools.repository import PACKAGES, PROJECT, ROOT


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built anew."""
    return wheel_files.build(tmp_path_factory.mktemp("wheel"))


def test_the_wheel_holds_the_listed_files(wheel: Path) -> None:
    listed = wheel_files.LIST.read_text("utf-8").splitlines()
    assert wheel_files.difference(listed, wheel_files.names(wheel)) == [], "run `make generate`"


def test_the_wheel_holds_every_file_of_the_packages(wheel: Path) -> None:
    there = {
        path.relative_to(folder.parent).as_posix()
        for folder in PACKAGES.values()
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert there == {name for name in wheel_files.names(wheel) if ".dist-info/" not in name}


@pytest.mark.parametrize(
    "pattern",
    [
        r"ia_api_spec/documents/ia-api\.yaml",
        r"ia_api_spec/documents/schemas/results\.yaml",
        r"ia_api_spec/snapshots/ia-api-1\.9\.json",
        r"demo_hospital/cases\.yaml",
        r"demo_hospital/slides/.*\.svs",
        r"demo_hospital/slides/.*\.dcm",
        r"demo_hospital/examples/.*\.json",
        r"\w+/py\.typed",
    ],
)
def test_the_wheel_ships_data(wheel: Path, pattern: str) -> None:
    assert any(re.fullmatch(pattern, name) for name in wheel_files.names(wheel))


def test_the_wheel_ships_no_tests_and_no_tools(wheel: Path) -> None:
    folders = {name.partition("/")[0] for name in wheel_files.names(wheel)}
    assert folders == {*PACKAGES, "ia_api_kit.dist-info"}
    assert not [name for name in wheel_files.names(wheel) if "/tests/" in name or re.search(r"/test_\w+\.py$", name)]


def test_one_version_in_the_wheel_the_project_and_the_changelog(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        name = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        metadata = email.message_from_bytes(archive.read(name))
    newest = re.search(r"^## \[([^\]]+)\]", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
    assert newest
    assert metadata["Version"] == PROJECT["project"]["version"] == newest[1]


def test_a_difference_names_what_was_lost_and_gained() -> None:
    assert wheel_files.difference(["a", "b"], ["b", "c"]) == ["- a", "+ c"]
