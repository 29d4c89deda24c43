"""Every operation of the contract is served, described and offered; of the control plane, served and tested."""

import ast
import re
from collections import Counter
from pathlib import Path

import pytest
from tools import generate_docs
from tools.client_docs import methods_table
from tools.repository import PACKAGES, ROOT

from fake_pacs.handlers import CONTROL_HANDLERS, HANDLERS
from ia_api_spec import Contract, load
from sectra_client import SectraClient
from sectra_client.operations import METHODS

API = Contract(load("ia-api")).operations
CONTROL = Contract(load("fake-pacs")).operations

WIRE = PACKAGES["sectra_client"] / "wire"


def requests_of_the_client() -> Counter[str]:
    """How often each operationId is written as the first argument of a `Request(…)` in the client's wire modules."""
    found = Counter[str]()
    for path in WIRE.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            match node:
                case ast.Call(func=ast.Name(id="Request"), args=[ast.Constant(value=str(operation)), *_]):
                    found[operation] += 1
    return found


def control_paths(folder: Path) -> set[str]:
    """The paths of the control plane that the tests of a folder ask, up to the first part that is put in later."""
    found = set()
    for path in folder.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            match node:
                case ast.Constant(value=str(text)) if text.startswith("/_fake_pacs/"):
                    found.add(text)
                case ast.Call(func=ast.Attribute(attr="control"), args=[_, ast.Constant(value=str(text)), *_]):
                    found.add(f"/_fake_pacs/{text}")
                case ast.Call(
                    func=ast.Attribute(attr="control"),
                    args=[_, ast.JoinedStr(values=[ast.Constant(value=str(text)), *_]), *_],
                ):
                    found.add(f"/_fake_pacs/{text}")
    return {text.partition("?")[0] for text in found}


def test_every_operation_has_exactly_one_handler() -> None:
    assert set(HANDLERS) == set(API)
    assert len(set(HANDLERS.values())) == len(HANDLERS)


def test_every_operation_has_exactly_one_request_of_the_client() -> None:
    assert requests_of_the_client() == Counter(dict.fromkeys(API, 1))


def test_every_operation_has_exactly_one_method_of_the_client() -> None:
    assert set(METHODS) == set(API)
    assert len(set(METHODS.values())) == len(METHODS)
    assert [method for method in METHODS.values() if not hasattr(SectraClient, method)] == []


def test_every_operation_has_exactly_one_row_in_the_readme() -> None:
    rows = re.findall(r"^\| `(\w+)` \|", (ROOT / "README.md").read_text("utf-8"), re.MULTILINE)
    assert Counter(rows) == Counter(dict.fromkeys(API, 1))


def test_every_operation_of_the_control_plane_has_exactly_one_handler() -> None:
    assert set(CONTROL_HANDLERS) == set(CONTROL)
    assert len(set(CONTROL_HANDLERS.values())) == len(CONTROL_HANDLERS)


@pytest.mark.parametrize("operation", CONTROL)
def test_every_operation_of_the_control_plane_is_asked_by_a_test(operation: str) -> None:
    path = CONTROL[operation].spellings[0].path.partition("{")[0]
    assert path in control_paths(ROOT / "mock_server" / "tests"), "no test in mock_server/tests asks it"


def test_the_generated_documents_are_current() -> None:
    stale = [path.name for path, text in generate_docs.documents().items() if path.read_text("utf-8") != text]
    assert stale == [], "run `make generate`"


def test_every_operation_has_exactly_one_row_in_the_page_of_the_client() -> None:
    rows = re.findall(r"^\| `\w+` \|.*\| `(\w+)` \| [\d.–]+ \|$", methods_table(), re.MULTILINE)
    assert Counter(rows) == Counter(dict.fromkeys(API, 1))


def test_a_document_without_markers_is_an_error() -> None:
    with pytest.raises(ValueError, match="needs the markers <!-- methods: made by"):
        generate_docs.with_part("no markers", "methods", "| a |\n")
