"""Are files and functions of readable size, and is no function written twice? `python -m tools.check_shape`.

What is larger for a good reason stands with it in tools/larger.txt; an exception that is needed no longer fails, too.
"""

import ast
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from tools.repository import ROOT, python_files, relative

FILE_LINES = 400
FUNCTION_LINES = 40
COPY_LINES = 6
"""Bodies of fewer lines may be equal by chance."""

EXCEPTIONS = ROOT / "tools" / "larger.txt"

Function = ast.FunctionDef | ast.AsyncFunctionDef


def exceptions(text: str) -> dict[str, str]:
    """Reasons by place; a line is `PLACE: reason`, a place is a path or `path::function`."""
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    split = [line.partition(": ") for line in lines]
    if bad := [place for place, _, reason in split if not reason.strip()]:
        raise ValueError(f"{relative(EXCEPTIONS)}: {bad[0]!r} has no reason; expected `PLACE: reason`")
    return {place: reason for place, _, reason in split}


def functions(tree: ast.AST, prefix: str = "") -> Iterator[tuple[str, Function]]:
    """Every function with its dotted name, methods and inner functions included."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, Function):
            yield f"{prefix}{node.name}", node
        inner = f"{prefix}{node.name}." if isinstance(node, Function | ast.ClassDef) else prefix
        yield from functions(node, inner)


def oversized(path: Path, source: str, tree: ast.AST) -> Iterator[tuple[str, str]]:
    """Places in a file that are too large, and what is to be said of them."""
    lines = source.count("\n")
    if lines > FILE_LINES:
        yield relative(path), f"{lines} lines; a file has at most {FILE_LINES}"
    for name, node in functions(tree):
        length = (node.end_lineno or node.lineno) - node.lineno + 1
        if length > FUNCTION_LINES:
            yield f"{relative(path)}::{name}", f"{length} lines; a function has at most {FUNCTION_LINES}"


def copied(trees: dict[Path, ast.Module]) -> Iterator[tuple[str, str]]:
    """Functions whose bodies are the same, whatever they are called."""
    places: dict[str, list[str]] = defaultdict(list)
    for path, tree in trees.items():
        for name, node in functions(tree):
            body = node.body[1:] if ast.get_docstring(node, clean=False) else node.body
            if body and (body[-1].end_lineno or 0) - body[0].lineno + 1 >= COPY_LINES:
                places["\n".join(map(ast.dump, body))].append(f"{relative(path)}::{name}")
    for same in places.values():
        for place in same[1:]:
            yield place, f"a copy of {same[0]}; write it once"


def findings() -> dict[str, str]:
    """Everything that is too large or written twice, by place."""
    found: dict[str, str] = {}
    trees: dict[Path, ast.Module] = {}
    for path in python_files():
        source = path.read_text("utf-8")
        trees[path] = ast.parse(source, str(path))
        found |= dict(oversized(path, source, trees[path]))
    return found | dict(copied({path: tree for path, tree in trees.items() if "tests" not in path.parts}))


def main() -> int:
    """Prints what is neither small nor excused; the exit status says whether there was any."""
    found, excused = findings(), exceptions(EXCEPTIONS.read_text("utf-8"))
    listed = relative(EXCEPTIONS)
    new, old = found.keys() - excused.keys(), excused.keys() - found.keys()
    complaints = [f"{place}: {found[place]}, or give a reason in {listed}" for place in new]
    complaints += [f"{listed}: {place} needs no exception any more" for place in old]
    print("\n".join(sorted(complaints)), file=sys.stderr, end="\n" if complaints else "")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
