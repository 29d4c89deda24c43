"""The check of sizes and copies finds what it is there to find."""

import ast
from pathlib import Path

import pytest
from tools.check_shape import copied, exceptions, oversized
from tools.repository import ROOT

BODY = "".join(f"    x{number} = {number}\n" for number in range(6))


def test_a_long_function_is_found_by_its_dotted_name() -> None:
    lines = "".join(f"        x = {number}\n" for number in range(40))
    source = f"class A:\n    def long(self):\n{lines}\n    def short(self):\n        return 1\n"
    found = dict(oversized(ROOT / "tools" / "x.py", source, ast.parse(source)))
    assert found == {"tools/x.py::A.long": "41 lines; a function has at most 40"}


def test_a_long_file_is_found() -> None:
    source = "x = 1\n" * 401
    assert [place for place, _ in oversized(ROOT / "tools" / "x.py", source, ast.parse(source))] == ["tools/x.py"]


def test_a_copied_body_is_found_whatever_the_name_and_docstring() -> None:
    trees = {
        ROOT / "a.py": ast.parse(f"def one():\n    'Does.'\n{BODY}"),
        ROOT / "b.py": ast.parse(f"def two():\n    'Does too.'\n{BODY}\ndef other():\n{BODY}    x6 = 6\n"),
    }
    assert list(copied(trees)) == [("b.py::two", "a copy of a.py::one; write it once")]


def test_short_bodies_may_be_equal() -> None:
    tree = ast.parse("def one():\n    return 1\n\ndef two():\n    return 1\n")
    assert list(copied({Path(ROOT / "a.py"): tree})) == []


def test_an_exception_needs_a_reason() -> None:
    assert exceptions("# note\n\na.py::f: a table\n") == {"a.py::f": "a table"}
    with pytest.raises(ValueError, match="has no reason"):
        exceptions("a.py::f\n")
