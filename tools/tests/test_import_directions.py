"""Who imports whom: the table of the architecture, and what a base install may load."""

import ast
import importlib.metadata
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from tools.repository import PACKAGES, ROOT, relative

MAY_IMPORT: dict[str, set[str]] = {
    "ia_api_spec": set(),
    "sectra_client": set(),
    "demo_hospital": {"ia_api_spec"},
    "fake_pacs": {"ia_api_spec", "demo_hospital"},
    "ia_api_contract": {"ia_api_spec", "sectra_client", "fake_pacs"},
}

HANDS_ON = "client/sectra_client/mock_server.py"
"""The one exception: hands `MockSectraServer` on from `fake_pacs` where that is installed."""

PYTEST_PLUGIN = "mock_server/fake_pacs/pytest_plugin.py"
"""Loaded by every run of pytest where the client is installed."""

LOADED = """
import fake_pacs.pytest_plugin
new = set(sys.modules) - before
print(*sorted(name for name in new if name.partition(".")[0] not in sys.stdlib_module_names))
"""

ONLY_HERE = {"flask": "mock_server/fake_pacs/app.py"}
"""Libraries that one module alone knows."""

BASE_ONLY = """
import importlib, importlib.abc, pkgutil, sys

class Lacking(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in LACKING:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Lacking())
"""
"""Makes an interpreter in which the libraries of the extras are not installed; `LACKING` is put before it."""


def imported(path: Path, *, whole: bool = False) -> Iterator[str]:
    """The names that a file imports, wherever in it: of the top-level package, or the whole module's."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names = [node.module]
        yield from (name if whole else name.partition(".")[0] for name in names)


def base_closure() -> set[str]:
    """The distributions of a base install."""
    wanted, found = {"ia-api-kit"}, set[str]()
    while wanted:
        name = wanted.pop()
        found.add(name)
        for text in importlib.metadata.requires(name) or ():
            requirement = Requirement(text)
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                wanted |= {canonicalize_name(requirement.name)} - found
    return found


def modules_of_extras() -> set[str]:
    """The top-level modules that are installed here, but not by a base install."""
    base = base_closure()
    return {
        module
        for module, distributions in importlib.metadata.packages_distributions().items()
        if not base & {canonicalize_name(name) for name in distributions}
    }


def without_extras(program: str) -> subprocess.CompletedProcess[str]:
    """Runs a program as if no extra were installed."""
    text = f"LACKING = {modules_of_extras()!r}\n{BASE_ONLY}\n{program}"
    return subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_imports_only_what_it_may(package: str) -> None:
    allowed = MAY_IMPORT[package] | {package}
    for path in sorted(PACKAGES[package].rglob("*.py")):
        extra = {"fake_pacs"} if relative(path) == HANDS_ON else set()
        of_ours = set(imported(path)) & (MAY_IMPORT.keys() | {"tools"})
        assert of_ours <= allowed | extra, relative(path)


def test_the_contract_suite_plays_the_pacs_through_the_embedding_interface_only() -> None:
    folder = PACKAGES.get("ia_api_contract")
    for path in folder.rglob("*.py") if folder else ():
        modules = {name for name in imported(path, whole=True) if name.partition(".")[0] == "fake_pacs"}
        assert modules <= {"fake_pacs", "fake_pacs.embedding"}, relative(path)


@pytest.mark.parametrize("library", ONLY_HERE)
def test_a_library_of_one_module_is_imported_by_no_other(library: str) -> None:
    importing = [
        relative(path) for folder in PACKAGES.values() for path in folder.rglob("*.py") if library in imported(path)
    ]
    assert importing == [ONLY_HERE[library]]


@pytest.mark.parametrize("package", sorted(PACKAGES.keys() - {"ia_api_contract"}))
def test_only_the_contract_suite_needs_test_libraries(package: str) -> None:
    for path in PACKAGES[package].rglob("*.py"):
        own = {"pytest"} if relative(path) == PYTEST_PLUGIN else set()
        assert not set(imported(path)) & {"pytest", "hypothesis", "schemathesis"} - own, relative(path)


def test_the_pytest_plugin_knows_nothing_but_pytest_until_a_fixture_is_asked_for() -> None:
    """What it imports for its annotations alone, and by name when it is asked for a fixture, doesn't count."""
    libraries = set(imported(ROOT / PYTEST_PLUGIN)) - sys.stdlib_module_names
    assert libraries == {"pytest", "fake_pacs"}
    done = subprocess.run(
        [sys.executable, "-c", f"import sys, pytest\nbefore = set(sys.modules)\n{LOADED}"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout.split() == ["fake_pacs", "fake_pacs.pytest_plugin"]


def test_a_base_install_imports_every_module_of_the_client() -> None:
    done = without_extras(
        "import sectra_client\n"
        "names = [m.name for m in pkgutil.walk_packages(sectra_client.__path__, 'sectra_client.')]\n"
        "for name in names:\n"
        "    if name not in ('sectra_client.mock_server', 'sectra_client.__main__'): importlib.import_module(name)\n"
        "print(len(names))"
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 10


def test_the_extras_are_really_out_of_reach_there() -> None:
    done = without_extras("import flask")
    assert done.returncode == 1
    assert "No module named 'flask'" in done.stderr


def test_a_base_install_imports_fake_pacs_and_its_command_names_the_extra() -> None:
    done = without_extras("import fake_pacs, fake_pacs.__main__\nfake_pacs.__main__.main()")
    assert done.returncode == 1
    assert "pip install 'ia-api-kit[server]'" in done.stderr
    assert "Traceback" not in done.stderr
