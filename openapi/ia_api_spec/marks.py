"""The marks of an annotated document that say which version brought a thing, and the references that must resolve."""

from collections.abc import Iterator
from typing import Any

from ia_api_spec.tree import Document, objects, part_of, references
from ia_api_spec.versions import ApiVersion

SINCE = "x-introduced-in"
SINCE_OF_VALUES = "x-introduced-values"


def is_newer(node: Any, version: ApiVersion) -> bool:
    """Whether a node of the document is marked as introduced after that version."""
    return isinstance(node, dict) and SINCE in node and ApiVersion(node[SINCE]) > version


def check_marks(document: Document) -> None:
    """Raises `ValueError` naming every mark that is no version in quotes (unquoted, 1.10 is the number 1.1)."""
    wrong = [f"{pointer} is {value!r}" for pointer, value in _marks(document) if not _is_version(value)]
    if wrong:
        raise ValueError(
            f'expected versions in quotes, such as "1.10" (unquoted it is the number 1.1): {"; ".join(wrong)}'
        )


def check_remains(narrowed: Document, version: ApiVersion) -> None:
    """Raises `ValueError` where narrowing left a reference without its target, or an empty union or enum.

    Each means that a mark is missing: what refers to, or consists of, nothing but newer things is newer itself.
    """
    dangling = [
        f"{pointer} refers to {target}" for pointer, target in references(narrowed) if part_of(narrowed, target) is None
    ]
    left = dangling + [f"nothing is left of {pointer}" for pointer in _empty(narrowed)]
    if left:
        raise ValueError(f"in version {version} {'; '.join(left)}: mark it {SINCE}, too")


def _marks(document: Document) -> Iterator[tuple[str, Any]]:
    """Every mark with its place; the values of `x-introduced-values` are marks each."""
    for pointer, node in objects(document):
        if SINCE in node:
            yield f"{pointer}/{SINCE}", node[SINCE]
        for value, since in node.get(SINCE_OF_VALUES, {}).items():
            yield f"{pointer}/{SINCE_OF_VALUES}/{value}", since


def _empty(document: Document) -> Iterator[str]:
    for pointer, node in objects(document):
        yield from (f"{pointer}/{key}" for key in ("oneOf", "anyOf", "allOf", "enum") if node.get(key) == [])


def _is_version(value: Any) -> bool:
    try:
        ApiVersion(value)
    except ValueError:
        return False
    return True
