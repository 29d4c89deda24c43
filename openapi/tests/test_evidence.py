"""Every statement says why it stands there, and every quote is on the facts page under the code that it claims."""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ia_api_spec.narrowing import operations
from ia_api_spec.tree import objects, part_of

FACTS = Path(__file__).parents[3] / "shared" / "ia-api-facts.md"

PAGE = """
# Heading

A paragraph that goes on
over two lines (V).

Callers send this, and all of it occurs (C):
- one `member`,
  or none;
- another (S)

| operation | evidence |
|---|---|
| `GET /a` | V |
| `GET /b` | S, C |
"""


def blocks(page: str) -> Iterator[tuple[str, str]]:
    """Every paragraph, bullet and table row with white space folded, and the text that its codes are looked for in.

    Those are the block's own, and for the bullets under a paragraph that ends with a colon also the paragraph's.
    """
    lead, block = "", ""
    for line in [*page.splitlines(), ""]:
        is_bullet, is_alone = line.lstrip().startswith("- "), line.startswith(("|", "#"))
        if block and (not line.strip() or is_bullet or is_alone or block.startswith(("|", "#"))):
            yield block, f"{lead} {block}"
            lead = block if block.endswith(":") and is_bullet else lead if is_bullet else ""
            block = ""
        if line.strip():
            block = f"{block} {' '.join(line.split())}".strip()


def holds(text: str, code: str) -> bool:
    """Whether the code stands in the text as a word of its own."""
    return re.search(rf"(?<!\w){code}(?!\w)", text) is not None


def faults(evidence: Any, page: str) -> Iterator[str]:
    """What is wrong with an `x-evidence`."""
    if not isinstance(evidence, list) or not evidence:
        yield f"{evidence!r} is no list of evidence"
        return
    for entry in evidence:
        yield from entry_faults(entry, page)


def entry_faults(entry: dict[str, Any], page: str) -> Iterator[str]:
    code, quote = entry.get("code"), " ".join(str(entry.get("quote", "")).split())
    if code == "A":
        if set(entry) != {"code", "why"} or not str(entry["why"]).strip():
            yield f"{entry}: an assumption says why, and quotes nothing"
        return
    if code not in ("S", "V", "C"):
        yield f"{entry}: the code is none of S, V, C and A"
        return
    if set(entry) != {"code", "quote"} or len(quote) < 10:
        yield f"{entry}: {code} quotes the line that it rests on, at least ten characters of it"
        return
    found = [codes for block, codes in blocks(page) if quote in block]
    if not found:
        yield f"{quote!r} is not on the facts page"
    elif not any(holds(codes, code) for codes in found):
        yield f"{quote!r} is on the facts page, but not with the code {code}"


# The checker itself.


def test_blocks_are_paragraphs_bullets_and_rows():
    assert [block for block, _ in blocks(PAGE)] == [
        "# Heading",
        "A paragraph that goes on over two lines (V).",
        "Callers send this, and all of it occurs (C):",
        "- one `member`, or none;",
        "- another (S)",
        "| operation | evidence |",
        "|---|---|",
        "| `GET /a` | V |",
        "| `GET /b` | S, C |",
    ]


@pytest.mark.parametrize(
    ("code", "quote"),
    [
        ("V", "goes on over two lines"),
        ("C", "one `member`, or none"),
        ("S", "- another (S)"),
        ("C", "- another (S)"),
        ("V", "`GET /a` | V"),
        ("S", "`GET /b` | S"),
    ],
)
def test_a_true_quote_is_found(code: str, quote: str):
    assert list(faults([{"code": code, "quote": quote}], PAGE)) == []


@pytest.mark.parametrize(
    ("entry", "fault"),
    [
        ({"code": "V", "quote": "goes on over three lines"}, "is not on the facts page"),
        ({"code": "V", "quote": "two lines (V). Callers send"}, "is not on the facts page"),
        ({"code": "V", "quote": "`GET /a` | V | | `GET /b`"}, "is not on the facts page"),
        ({"code": "C", "quote": "goes on over two lines"}, "not with the code C"),
        ({"code": "C", "quote": "`GET /a` | V"}, "not with the code C"),
        ({"code": "V", "quote": "one `member`, or none"}, "not with the code V"),
        ({"code": "V", "quote": "two lines"}, "at least ten characters"),
        ({"code": "V", "quote": ""}, "at least ten characters"),
        ({"code": "V"}, "at least ten characters"),
        ({"code": "V", "why": "It is so."}, "quotes the line"),
        ({"code": "A"}, "says why"),
        ({"code": "A", "why": " "}, "says why"),
        ({"code": "A", "why": "So.", "quote": "goes on over two lines"}, "quotes nothing"),
        ({"code": "X", "quote": "goes on over two lines"}, "none of S, V, C and A"),
        ({"code": "VC", "quote": "goes on over two lines"}, "none of S, V, C and A"),
        ({"quote": "goes on over two lines"}, "none of S, V, C and A"),
    ],
)
def test_a_false_quote_and_a_wrong_code_are_caught(entry: dict[str, Any], fault: str):
    (found,) = faults([entry], PAGE)
    assert fault in found


@pytest.mark.parametrize("evidence", [None, [], {}, "V"])
def test_evidence_that_is_none_is_caught(evidence: Any):
    assert len(list(faults(evidence, PAGE))) == 1


# The documents.


@pytest.fixture(scope="module")
def page() -> str:
    if FACTS.exists():
        return FACTS.read_text("utf-8")
    if os.environ.get("CI") == "true":
        pytest.fail(f"{FACTS} is missing, and CI=true: quotes can't be checked")
    pytest.skip(f"{FACTS} is missing: quotes can't be checked")


def marked(document: dict[str, Any]) -> dict[str, Any]:
    return {pointer: node["x-evidence"] for pointer, node in objects(document) if "x-evidence" in node}


@pytest.mark.parametrize("name", ["ia-api", "ia-app", "fake-pacs"])
def test_every_mark_is_true(sources: dict[str, Any], page: str, name: str):
    marks = marked(sources[name])
    assert len(marks) > 20
    wrong = [f"{pointer}: {fault}" for pointer, evidence in marks.items() for fault in faults(evidence, page)]
    assert wrong == []


@pytest.mark.parametrize("name", ["ia-api", "ia-app", "fake-pacs"])
def test_every_operation_answer_and_spelling_carries_evidence(sources: dict[str, Any], name: str):
    document, without = sources[name], []
    for _, _, operation in operations(document):
        parts = {"": operation, **operation["responses"]}
        parts |= {other["spelling"]: other for other in operation.get("x-also-served-at", ())}
        for place, part in parts.items():
            resolved = part_of(document, part["$ref"]) if "$ref" in part else part
            if "x-evidence" not in resolved:
                without.append(f"{operation['operationId']} {place}")
    assert without == []


@pytest.mark.parametrize("name", ["ia-api", "ia-app"])
def test_every_schema_carries_evidence(sources: dict[str, Any], name: str):
    schemas = sources[name]["components"]["schemas"]
    assert [schema for schema in schemas if "x-evidence" not in schemas[schema]] == []


def test_other_names_of_parameters_carry_evidence(sources: dict[str, Any]):
    others = [node for _, node in objects(sources["ia-api"]) if "x-spelling-of" in node or "x-carries" in node]
    assert len(others) == 3
    assert all("x-evidence" in node for node in others)
