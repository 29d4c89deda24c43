"""INVARIANTS.md names for each rule what enforces it, and that is there."""

import ast
import re

import pytest
from tools.repository import ROOT

ROWS = [
    [cell.strip() for cell in line.strip("|").split(" | ")]
    for line in (ROOT / "INVARIANTS.md").read_text("utf-8").splitlines()
    if line.startswith("| ") and not line.startswith("| rule ")
]
ENFORCERS = [enforcer for row in ROWS for enforcer in re.findall(r"`([^`]+)`", row[-1])]


def test_every_rule_has_an_enforcer() -> None:
    assert len(ROWS) >= 25
    for row in ROWS:
        assert len(row) == 2, row
        assert re.findall(r"`([^`]+)`", row[1]), row


@pytest.mark.parametrize("enforcer", ENFORCERS)
def test_every_enforcer_is_there(enforcer: str) -> None:
    if enforcer.startswith("make "):
        assert re.search(rf"^{enforcer.removeprefix('make ')}:", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
        return
    path, _, name = enforcer.partition("::")
    tree = ast.parse((ROOT / path).read_text("utf-8"))
    assert name in {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.ClassDef)}
