"""What can be imported, and what importing costs."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import sectra_client
from sectra_client import _clash
from sectra_client import schemas as exported_schemas

REFERENCE_MODELS = [
    "CallbackInfo",
    "DisplayedName",
    "InputType",
    "Point",
    "Polygon",
    "Size",
    "CaseImageInfo",
    "FocalPlane",
    "ImageMetadata",
    "OpticalPath",
    "SlideFormat",
    "Specimen",
    "TileFormat",
    "ApplicationInfo",
    "Action",
    "CreateInvocation",
    "ModifyInvocation",
    "CancelInvocation",
    "DeleteInvocation",
    "NewImageFilesInvocation",
    "Invocation",
    "InvocationBase",
    "CreateInput",
    "WholeSlideInput",
    "TaggedPolygonInput",
    "TaggedPolygonContent",
    "MultiAreaInput",
    "MultiAreaContent",
    "QualityControl",
    "QualityControlData",
    "QualityControlStatus",
    "InputTemplate",
    "Registration",
    "TaggedPolygonInputContent",
    "AdaptedResult",
    "Attachment",
    "AttachmentState",
    "DisplayProperties",
    "Label",
    "Patch",
    "PatchContent",
    "PatchResultContent",
    "Polyline",
    "PrimitiveItem",
    "PrimitiveResultContent",
    "Result",
    "ResultContent",
    "ResultData",
    "ResultResponse",
    "ResultType",
    "Status",
    "Style",
]

LOADED = """
import sys
{statement}
print(*sorted({{name.partition('.')[0] for name in sys.modules}} - set(sys.stdlib_module_names)))
"""


def loaded_by(statement: str) -> set[str]:
    command = [sys.executable, "-c", LOADED.format(statement=statement)]
    return set(subprocess.run(command, check=True, capture_output=True, text=True).stdout.split())


def test_the_export_list_is_what_there_is() -> None:
    assert sectra_client.__all__ == sorted(sectra_client.__all__, key=lambda name: (not name.isupper(), name))
    public = {name for name in vars(sectra_client) if not name.startswith("_")}
    modules = {name for name in public if type(getattr(sectra_client, name)).__name__ == "module"}
    assert public - modules == set(sectra_client.__all__)


def test_the_models_of_the_reference_are_exported() -> None:
    assert set(REFERENCE_MODELS) <= set(exported_schemas.__all__)
    assert all(hasattr(exported_schemas, name) for name in exported_schemas.__all__)
    from sectra_client.schemas.image import LabelImage
    from sectra_client.schemas.results import Action

    assert LabelImage(image=b"x").image == b"x"
    assert Action is not exported_schemas.Action


def test_importing_the_client_loads_no_more_third_parties_than_its_dependencies_do() -> None:
    dependencies = loaded_by("import requests, pydantic\nclass M(pydantic.BaseModel): x: int")
    assert loaded_by("from sectra_client import SectraClient") - dependencies == {"sectra_client"}


def test_the_client_imports_nothing_else_of_ours() -> None:
    modules = ["client", "webhooks", "geometry", "cli", "case_download", "operations", "progress", "downloads"]
    statement = "; ".join(f"import sectra_client.{module}" for module in modules)
    assert not loaded_by(statement) & {
        "fake_pacs",
        "ia_api_spec",
        "demo_hospital",
        "flask",
        "click",
        "PIL",
        "tqdm",
        "multipart",
    }


def test_without_the_emulator_the_mock_server_names_the_extra() -> None:
    statement = "import sys; sys.modules['fake_pacs'] = None; import sectra_client.mock_server"
    ended = subprocess.run([sys.executable, "-c", statement], capture_output=True, text=True, check=False)
    assert ended.returncode != 0
    assert "pip install 'ia-api-kit[server]'" in ended.stderr


def test_without_pillow_an_image_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(ImportError, match=r"pip install 'ia-api-kit\[images\]'"):
        exported_schemas.LabelImage(image=b"x").convert_to_pil()


def test_a_clash_with_the_community_package_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not _clash.clashing(tmp_path)
    (tmp_path / "sectra_image_analysis_api-1.6.3.dist-info").mkdir()
    (tmp_path / "sectra_client").mkdir()
    monkeypatch.setattr(_clash, "__file__", str(tmp_path / "sectra_client" / "_clash.py"))
    with pytest.warns(_clash.ClashWarning, match="pip uninstall sectra-image-analysis-api"):
        _clash.warn_of_clash()


def installed(folder: Path) -> Path:
    """A folder of packages that the community package is installed in."""
    info = folder / "sectra_image_analysis_api-1.6.3.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: sectra-image-analysis-api\nVersion: 1.6.3\n")
    return folder


def test_a_clash_with_a_package_elsewhere_on_the_path_is_seen(tmp_path: Path) -> None:
    site = installed(tmp_path / "site")
    statement = f"import sys; sys.path.append({str(site)!r}); import sectra_client"
    ended = subprocess.run([sys.executable, "-c", statement], capture_output=True, text=True, check=True)
    assert f"ClashWarning: The package sectra-image-analysis-api is installed in {site}" in ended.stderr
    assert "pip uninstall sectra-image-analysis-api" in ended.stderr
    quiet = subprocess.run([sys.executable, "-c", "import sectra_client"], capture_output=True, text=True, check=True)
    assert quiet.stderr == ""


def test_our_own_folder_is_not_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert _clash.installed_elsewhere(tmp_path) is None
    site = installed(tmp_path / "site")
    monkeypatch.syspath_prepend(site)
    assert _clash.installed_elsewhere(site) is None
    assert _clash.installed_elsewhere(tmp_path) == site


@pytest.mark.parametrize("module", ["cli", "geometry", "webhooks"])
def test_modules_of_ours_name_the_clash_where_another_package_lies_over_them(tmp_path: Path, module: str) -> None:
    ours = Path(sectra_client.__file__).parent
    folder = shutil.copytree(ours, tmp_path / "sectra_client", ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "__init__.py").write_text("class SectraClient: ...\n")
    command = [sys.executable, "-c", f"import sectra_client.{module}"]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert f"ImportError: {_clash.ADVICE}" in ended.stderr


def test_files_of_another_package_are_an_import_error(monkeypatch: pytest.MonkeyPatch) -> None:
    _clash.require_own_package()
    monkeypatch.delattr(sectra_client, "DISTRIBUTION")
    with pytest.raises(ImportError, match="both own the folder sectra_client"):
        _clash.require_own_package()
