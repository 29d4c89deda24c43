"""Where things are in this repository, and what of it is our code."""

import os
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))

PACKAGES = {Path(name).name: ROOT / name for name in PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]}
"""The import packages that the wheel ships, by name; each has its tests beside it."""

FOLDERS = ("openapi", "client", "fixtures", "mock_server", "contract_tests", "tools", "benchmarks")
"""The top-level folders that hold Python of ours."""


def python_files(*folders: str) -> Iterator[Path]:
    """Our Python files in these top-level folders (all where none is named), sorted."""
    for folder in folders or FOLDERS:
        yield from sorted((ROOT / folder).rglob("*.py"))


def relative(path: Path) -> str:
    """The path as it is written in this repository: from its root, with slashes."""
    return path.relative_to(ROOT).as_posix()


def in_ci() -> bool:
    """Whether this is a CI run, where a missing tool fails instead of being skipped."""
    return os.environ.get("CI", "").lower() not in ("", "0", "false")
