"""Unions rewritten so that a violation is named at the place where it is, not at the union.

A `oneOf` with a discriminator and an `anyOf` whose branches differ in JSON type become if/then chains that accept the
same instances. Done on a copy when validators are compiled; the documents keep their unions.
"""

from typing import Any

from ia_api_spec.tree import Document

ALL_TYPES = frozenset({"object", "array", "string", "number", "boolean", "null"})
"""Every JSON type; "number" includes "integer"."""


def exact(node: Any, schemas: Document) -> Any:
    """The schema (or any tree of schemas) with its unions rewritten; `schemas` are those of the document, by name."""
    if isinstance(node, list):
        return [exact(item, schemas) for item in node]
    if not isinstance(node, dict):
        return node
    rewritten = {key: exact(value, schemas) for key, value in node.items()}
    if isinstance(rewritten.get("oneOf"), list) and "mapping" in rewritten.get("discriminator", {}):
        return _by_discriminator(rewritten)
    if isinstance(rewritten.get("anyOf"), list):
        return _by_type(rewritten, schemas)
    return rewritten


def _by_discriminator(schema: dict[str, Any]) -> dict[str, Any]:
    name = schema["discriminator"]["propertyName"]
    mapping = schema["discriminator"]["mapping"]
    rest = {key: value for key, value in schema.items() if key not in ("oneOf", "discriminator")}
    named = {"type": "object", "required": [name]}
    known = {**named, "properties": {name: {"enum": list(mapping)}}}
    branches = [
        {"if": {**named, "properties": {name: {"const": value}}}, "then": {"$ref": target}}
        for value, target in mapping.items()
    ]
    return {**rest, "allOf": [*rest.get("allOf", ()), known, *branches]}


def _by_type(schema: dict[str, Any], schemas: Document) -> dict[str, Any]:
    branches = [(types_of(branch, schemas), branch) for branch in schema["anyOf"]]
    allowed = [name for types, _ in branches for name in sorted(types)]
    if len(allowed) != len(set(allowed)) or {"integer", "number"} <= set(allowed):  # they overlap: left as it is
        return schema
    rest = {key: value for key, value in schema.items() if key != "anyOf"}
    telling = [(types, branch) for types, branch in branches if not _is_type_alone(branch)]
    chain = [{"if": {"type": sorted(types)}, "then": branch} for types, branch in telling]
    return {**rest, "allOf": [*rest.get("allOf", ()), {"type": allowed}, *chain]}


def _is_type_alone(branch: Any) -> bool:
    return isinstance(branch, dict) and branch.keys() == {"type"}


def types_of(schema: Any, schemas: Document) -> frozenset[str]:
    """The JSON types that a schema lets through, as far as its `type`, references and unions tell; never too few."""
    if not isinstance(schema, dict):
        return ALL_TYPES
    if "$ref" in schema:
        return types_of(schemas[schema["$ref"].rpartition("/")[2]], schemas)
    if "type" in schema:
        declared = schema["type"]
        return _folded({declared} if isinstance(declared, str) else set(declared))
    if "const" in schema:
        return frozenset([type_of_value(schema["const"])])
    for union in ("oneOf", "anyOf"):
        if union in schema:
            return _folded(set().union(*(types_of(branch, schemas) for branch in schema[union])))
    found = ALL_TYPES
    for part in schema.get("allOf", ()):
        found = _common(found, types_of(part, schemas))
    return found


def _folded(types: set[str]) -> frozenset[str]:
    """The types without "integer" where "number" includes it."""
    return frozenset(types - {"integer"} if "number" in types else types)


def _common(one: frozenset[str], other: frozenset[str]) -> frozenset[str]:
    both = set(one & other)
    if "number" not in both and {"integer", "number"} <= one | other:
        both.add("integer")
    return frozenset(both)


def type_of_value(value: Any) -> str:
    """The JSON type of a value."""
    if value is None:
        return "null"
    for kind, name in ((bool, "boolean"), (int, "integer"), (float, "number"), (str, "string"), (list, "array")):
        if isinstance(value, kind):
            return name
    return "object"
