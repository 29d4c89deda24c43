"""OpenAPI documents as trees: which objects say something, and what refers to what."""

from collections.abc import Iterator
from typing import Any

Document = dict[str, Any]

DATA = frozenset({"examples", "example", "default", "const", "enum"})
"""What these keywords hold are values of the API, not parts of the document, whatever they look like."""

_IN_SCHEMAS = ("properties", "patternProperties", "dependentRequired", "dependentSchemas", "$defs", "mapping")
_IN_COMPONENTS = ("schemas", "parameters", "responses", "headers", "links", "securitySchemes")
MAPS_OF_NAMES = frozenset((*_IN_SCHEMAS, *_IN_COMPONENTS, "paths", "content", "x-introduced-values"))
"""What these keywords hold are maps by names of someone's choice: a name there is no keyword, however it looks."""


def objects(node: Any, pointer: str = "", named: bool = False) -> Iterator[tuple[str, Document]]:
    """Every object below a node that says something, as (JSON Pointer, object), itself first.

    `named` says that the node is a map by names: that isn't an object itself, but each of its values is.
    """
    if isinstance(node, list):
        for index, item in enumerate(node):
            yield from objects(item, f"{pointer}/{index}")
        return
    if not isinstance(node, dict):
        return
    if not named:
        yield pointer, node
    for key, child in node.items():
        if named or key not in DATA:
            step = str(key).replace("~", "~0").replace("/", "~1")
            yield from objects(child, f"{pointer}/{step}", not named and key in MAPS_OF_NAMES)


def references(node: Any, pointer: str = "") -> Iterator[tuple[str, str]]:
    """Every reference below a node as (where it stands, what it refers to): `$ref`s and discriminator mappings."""
    for place, found in objects(node, pointer):
        if isinstance(found.get("$ref"), str):
            yield f"{place}/$ref", found["$ref"]
        if isinstance(found.get("propertyName"), str):
            yield from ((f"{place}/mapping/{value}", target) for value, target in found.get("mapping", {}).items())


def part_of(document: Document, reference: str) -> Any:
    """The part of the document that `#/a/b` refers to, None where there is none."""
    steps = [step.replace("~1", "/").replace("~0", "~") for step in reference.removeprefix("#/").split("/")]
    node: Any = document if reference.startswith("#/") else None
    for step in steps:
        node = node.get(step) if isinstance(node, dict) else None
    return node
