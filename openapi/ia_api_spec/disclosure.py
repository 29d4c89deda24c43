"""What is shown to whom: members that need to be asked for, and members that a version doesn't have."""

from collections.abc import Callable, Collection, Iterator
from typing import Any

from ia_api_spec.marks import is_newer
from ia_api_spec.tree import Document
from ia_api_spec.unions import type_of_value, types_of
from ia_api_spec.versions import ApiVersion

DISCLOSED_WITH = "x-disclosed-with"
Pruner = Callable[[Any], Any]


def asked_for(schema: Document, value: dict[str, Any], asked: Collection[str]) -> dict[str, Any]:
    """The members of an object that its schema shows to a caller who asked for `asked` (of `extended` and `phi`).

    In the schema's order. A member marked `x-disclosed-with: [extended, phi]` needs both. Members that the schema
    doesn't know are never shown.
    """
    return {
        name: value[name]
        for name, member in schema["properties"].items()
        if name in value and set(member.get(DISCLOSED_WITH, ())) <= set(asked)
    }


def pruner(document: Document, schema: Any, version: ApiVersion) -> Pruner | None:
    """A function that drops from an answer exactly the members that narrowing to `version` removed from its schema.

    `document` is the newest one. Returns None where narrowing removed no member, so that such answers aren't walked. An
    enum value that came later can't be dropped: an answer that holds one is for its writer to avoid.
    """
    pruning = _Pruning(document, version)
    if not pruning.concerns(schema, set()):
        return None
    return lambda value: pruning.of(schema, value)


class _Pruning:
    def __init__(self, document: Document, version: ApiVersion) -> None:
        self._schemas = document.get("components", {}).get("schemas", {})
        self._version = version

    def concerns(self, schema: Any, seen: set[str]) -> bool:
        """Whether the schema, or one that it leads to, has a member that is newer."""
        if not isinstance(schema, dict):
            return False
        if any(is_newer(member, self._version) for member in schema.get("properties", {}).values()):
            return True
        name = _named(schema)
        steps = [*_inside(schema), *_branches(schema), *schema.get("allOf", ())]
        if name and name not in seen:
            seen.add(name)
            steps.append(self._schemas[name])
        return any(self.concerns(step, seen) for step in steps)

    def of(self, schema: Any, value: Any) -> Any:
        """The value without the newer members of the schemas that apply to it."""
        if not isinstance(value, (dict, list)):
            return value
        for part in list(self._applied(schema, value)):
            value = self._inside_list(part, value) if isinstance(value, list) else self._inside_object(part, value)
        return self._without_newer(schema, value) if isinstance(value, dict) else value

    def _applied(self, schema: Any, value: Any) -> Iterator[Document]:
        """The schema and all that say something of the same value: by reference, by allOf, as the union's branch."""
        if not isinstance(schema, dict):
            return
        yield schema
        if name := _named(schema):
            yield from self._applied(self._schemas[name], value)
        for part in [*schema.get("allOf", ()), *self._chosen(schema, value)]:
            yield from self._applied(part, value)

    def _chosen(self, schema: Document, value: Any) -> list[Any]:
        """The branches of a union that the value can be of: by its discriminator, else by its JSON type."""
        discriminator = schema.get("discriminator", {})
        if "mapping" in discriminator and isinstance(value, dict):
            target = discriminator["mapping"].get(value.get(discriminator["propertyName"]))
            return [{"$ref": target}] if target else []
        kind = type_of_value(value)
        return [branch for branch in _branches(schema) if kind in types_of(branch, self._schemas)]

    def _inside_list(self, part: Document, value: list[Any]) -> list[Any]:
        return [self.of(part["items"], item) for item in value] if "items" in part else value

    def _inside_object(self, part: Document, value: Document) -> Document:
        properties, others = part.get("properties", {}), part.get("additionalProperties", True)
        return {name: self.of(properties.get(name, others), member) for name, member in value.items()}

    def _without_newer(self, schema: Any, value: Document) -> Document:
        """A member goes where a schema has it as newer and none that applies as well knows it from before."""
        members = [item for part in self._applied(schema, value) for item in part.get("properties", {}).items()]
        known = {name for name, member in members if not is_newer(member, self._version)}
        gone = {name for name, _ in members} - known
        return {name: member for name, member in value.items() if name not in gone}


def _named(schema: Document) -> str:
    """The name of the schema referred to, empty where the schema is no reference."""
    reference: str = schema.get("$ref", "")
    return reference.rpartition("/")[2]


def _inside(schema: Document) -> list[Any]:
    """The schemas of the members and items of a value."""
    return [*schema.get("properties", {}).values(), schema.get("items"), schema.get("additionalProperties")]


def _branches(schema: Document) -> list[Any]:
    return [*schema.get("anyOf", ()), *schema.get("oneOf", ())]
