"""docs/migrating.md lists every difference to the community package that can be found by comparing the two.

The package lies in `.venv/community`, where `tools.community` installs it.
"""

import ast
import importlib
import inspect
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tools.community import ENVIRONMENT, NotToBeHadError, interpreter
from tools.repository import ROOT, in_ci

PAGE = (ROOT / "docs" / "migrating.md").read_text("utf-8")
LISTED = set(re.findall(r"^\| `(sectra_client\.[\w.]+)` \|", PAGE, re.MULTILINE))

MEMBERS = """
import enum, importlib, json, pydantic
found = {}
for part in ("common", "image", "info", "invocation", "quality_control", "registration", "results"):
    module = importlib.import_module("sectra_client.schemas." + part)
    for kind in vars(module).values():
        if getattr(kind, "__module__", None) != module.__name__ or not isinstance(kind, type):
            continue
        if issubclass(kind, enum.Enum):
            found.update({f"{kind.__name__}.{member.name}": [member.value, kind.__name__] for member in kind})
        for name, member in getattr(kind, "model_fields", {}).items():
            of = next(base.__name__ for base in reversed(kind.__mro__) if name in vars(base).get("__annotations__", ()))
            try:
                default = repr(member.get_default(call_default_factory=True))
            except pydantic.ValidationError:
                default = "raises"
            found[f"{part}.{kind.__name__}.{name}"] = ["required" if member.is_required() else default, of]
print(json.dumps(found))
"""
"""Prints each member of each model with its default and the class it comes from; enum members with their values."""


@pytest.fixture(scope="module")
def community() -> Path:
    """The folder of the community package; skips, or in CI fails, where it can't be installed."""
    try:
        interpreter()
    except NotToBeHadError as error:
        if in_ci():
            pytest.fail(str(error))
        pytest.skip(str(error))
    folders = ("lib/python*/site-packages", "Lib/site-packages")
    return next(path for folder in folders for path in ENVIRONMENT.glob(f"{folder}/sectra_client"))


def modules(folder: Path) -> Iterator[tuple[str, list[ast.stmt]]]:
    """Each module of a package with its statements."""
    for path in sorted(folder.rglob("*.py")):
        parts = path.relative_to(folder.parent).with_suffix("").parts
        yield ".".join(parts).removesuffix(".__init__"), ast.parse(path.read_text("utf-8")).body


def public(statements: list[ast.stmt]) -> Iterator[str]:
    """The public names that statements bind: definitions, assignments, `__all__`, what `__init__` sets on `self`."""
    for node in statements:
        match node:
            case ast.Assign(targets=[ast.Name(id="__all__")], value=ast.List(elts=names)):
                yield from (name.value for name in names if isinstance(name, ast.Constant))  # type: ignore[misc]
            case ast.ClassDef(name=name) | ast.FunctionDef(name=name) if not name.startswith("_"):
                yield name
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                yield from () if name.startswith("_") or name == "model_config" else (name,)
            case ast.FunctionDef(name="__init__"):
                attributes = re.findall(r"self\.([a-z]\w*)(?:: [^=\n]+)? = ", ast.unparse(node))
                yield from attributes


def names_of(folder: Path) -> Iterator[tuple[str, str, str]]:
    """Module, name, and member ("" for the name itself) of everything public."""
    for module, statements in modules(folder):
        yield from ((module, name, "") for name in public(statements))
        for node in statements:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                yield from ((module, node.name, member) for member in public(node.body))


def is_offered(module: str, name: str, member: str) -> bool:
    """Whether this package has it, too: a name in that module, a member of that class."""
    try:
        owner = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError):
        return False
    if not member or hasattr(owner, member) or member in getattr(owner, "model_fields", {}):
        return True
    source = "".join(
        inspect.getsource(base) for base in inspect.getmro(owner)[:-1] if "sectra" in base.__name__.lower()
    )
    return f"self.{member} = " in source


def test_every_public_name_is_offered_or_listed(community: Path) -> None:
    names = list(names_of(community))
    missing = {".".join(filter(None, name)) for name in names if not is_offered(*name)}
    below_missing = {name for name in missing if name.rpartition(".")[0] in missing}
    assert len(names) > 200
    assert missing - below_missing == LISTED


def methods(community: Path) -> Iterator[tuple[Any, ast.FunctionDef]]:
    """Each public method, and `__init__`, of the community package, with the function of this package."""
    for module, statements in modules(community):
        for node in (node for node in statements if isinstance(node, ast.ClassDef)):
            for member in (member for member in node.body if isinstance(member, ast.FunctionDef)):
                is_public = member.name == "__init__" or not member.name.startswith("_")
                if is_public and is_offered(module, node.name, member.name):
                    yield getattr(getattr(importlib.import_module(module), node.name), member.name), member


def test_every_method_takes_the_same_arguments_in_the_same_order(community: Path) -> None:
    compared = 0
    for ours, theirs in methods(community):
        if not callable(ours):
            continue
        wanted = [argument.arg for argument in theirs.args.args]
        taken = inspect.signature(ours).parameters
        assert list(taken)[: len(wanted)] == wanted, theirs.name
        more = [taken[name] for name in list(taken)[len(wanted) :]]
        assert all(parameter.default is not parameter.empty for parameter in more), theirs.name
        compared += 1
    assert compared > 20


def members(python: str | Path) -> dict[str, list[str]]:
    """What `MEMBERS` prints with that interpreter."""
    done = subprocess.run([python, "-c", MEMBERS], capture_output=True, text=True, check=True, timeout=60)
    found: dict[str, list[str]] = json.loads(done.stdout)
    return found


def test_every_member_whose_default_differs_is_listed(community: Path) -> None:
    python = ENVIRONMENT / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    theirs, ours = members(python), members(sys.executable)
    assert theirs.keys() - ours.keys() == set()
    assert len(theirs) > 150
    models = {name.rpartition(".")[0] for name in theirs}
    for name, (default, of) in ours.items():
        if name.rpartition(".")[0] in models and theirs.get(name, [None])[0] != default:
            _, model, member = name.rsplit(".", 2)
            assert f"`{model}.{member}`" in PAGE or f"`{of}.{member}`" in PAGE, name
