"""A narrowed document, compiled: operations with their spellings, parameters, bodies and answers, ready to validate.

The router, the reading of parameters and the validators of a server come from here; nothing is written a second time.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import quote

import jsonschema_rs

from ia_api_spec.committed import snapshot
from ia_api_spec.naming import at_most, name_violations
from ia_api_spec.narrowing import operations
from ia_api_spec.tree import DATA, MAPS_OF_NAMES, Document
from ia_api_spec.unions import exact
from ia_api_spec.uniqueness import Rule, repetitions, rules_of, without_repetitions
from ia_api_spec.versions import NEWEST, ApiVersion
from ia_api_spec.violations import Violation

JSON_MEDIA_TYPES = ("application/json", "application/problem+json")


_WHOLE = "urn:ia-api-kit:schemas"
"""What the validators call the document that holds all schemas."""


class _Compiled:
    """What all schemas of a document share; compiled when the first value is validated, not at every start."""

    def __init__(self, schemas: Mapping[str, Any], inline: Mapping[str, Any], shared: Mapping[str, str]) -> None:
        self.schemas = schemas
        self._inline = inline
        self._shared = shared
        self._validators: dict[str, Any] = {}

    def validator(self, pointer: str) -> Any:
        """The validator of the schema at that pointer, compiled when it's first asked for: nobody needs all of them."""
        if pointer not in self._validators:
            schema = {"$ref": _WHOLE + quote(pointer, safe="#/~")}
            found = jsonschema_rs.validator_for(schema, registry=self._registry, validate_formats=True)
            self._validators[pointer] = found
        return self._validators[pointer]

    @cached_property
    def _registry(self) -> jsonschema_rs.Registry:
        """All schemas, with unions rewritten for exact pointers."""
        inline = {place: self._inline[place] for place in set(self._shared.values())}
        schemas = _keywords(self.schemas, named=True)
        whole = {
            "components": {"schemas": exact(schemas, schemas)},
            "inline": exact(_keywords(inline, named=True), schemas),
        }
        return jsonschema_rs.Registry([(_WHOLE, whole)])

    @cached_property
    def names(self) -> frozenset[str]:
        """Every member that a schema of the document names."""
        return frozenset(_member_names([self.schemas, self._inline]))


@dataclass(frozen=True)
class Schema:
    """A schema: what it says, and its validator.

    `pointer` is `#/components/schemas/NAME`, or `#/inline/OPERATION.PLACE` for a schema without a name.
    """

    pointer: str
    node: Any
    _compiled: _Compiled
    _compiled_at: str

    @cached_property
    def _validator(self) -> Any:
        return self._compiled.validator(self._compiled_at)

    @cached_property
    def _unique(self) -> tuple[Rule, ...]:
        return rules_of(self.node, self._compiled.schemas)

    def violations(self, value: Any, part: str, prefix: str = "") -> list[Violation]:
        """Everything in the value that breaks the schema, by JSON Pointer; `prefix` stands before each pointer.

        Bounded as by `naming.at_most`; what `x-unique-by` asks for comes last.
        """
        repeated = repetitions(self._unique, value, part, prefix)
        if self._validator.is_valid(value):
            return at_most(repeated, part, prefix)
        return name_violations(self._validator, self._compiled.names, value, part, prefix, also=repeated)

    def without_repetitions(self, value: Any) -> Any:
        """A copy of the value without the items that `x-unique-by` forbids: for values that a generator made."""
        return without_repetitions(self._unique, value)


@dataclass(frozen=True)
class Parameter:
    """A parameter of an operation."""

    name: str
    location: str
    required: bool
    schema: Schema
    node: Mapping[str, Any]

    @property
    def kind(self) -> str:
        """The JSON type that the text on the wire is read as."""
        kind: str = self.schema.node.get("type", "string")
        return kind

    @property
    def reads_as(self) -> str:
        """The parameter that this one is (another spelling of)."""
        name: str = self.node.get("x-spelling-of", self.name)
        return name


@dataclass(frozen=True)
class Spelling:
    """One path at which an operation is served; the usual one has no name."""

    name: str | None
    path: str
    defaults: Mapping[str, str]


@dataclass(frozen=True)
class Answer:
    """What an operation answers with one status: schemas by media type, None where the content is no JSON."""

    status: int
    content: Mapping[str, Schema | None]
    required_headers: frozenset[str]


@dataclass(frozen=True)
class Operation:
    """One operation of the contract."""

    id: str
    method: str
    spellings: tuple[Spelling, ...]
    parameters: tuple[Parameter, ...]
    bodies: Mapping[str, Schema | None]
    body_required: bool
    answers: Mapping[int, Answer]
    security: tuple[str, ...]
    node: Mapping[str, Any]


class Contract:
    """One document in one version; its validators are compiled at first use. Immutable; share it between threads."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self._schemas = document.get("components", {}).get("schemas", {})
        self._inline = {
            place: node for _, _, node in operations(document) for place, node in self._inline_schemas(node)
        }
        self._shared = _first_of_equals(self._inline)
        self._compiled = _Compiled(self._schemas, self._inline, self._shared)
        self._known: dict[str, Schema] = {}
        self.operations: dict[str, Operation] = {
            node["operationId"]: self._operation(path, method, node) for path, method, node in operations(document)
        }

    @classmethod
    def of(cls, name: str, version: str | ApiVersion = NEWEST) -> "Contract":
        """The contract of that name (`ia-api`, `ia-app`, `fake-pacs`) in that version, from its committed snapshot."""
        return cls(snapshot(name, version))

    @cached_property
    def base_path(self) -> str:
        """The path of the document's server URL: where a real PACS serves the API."""
        url: str = self.document["servers"][0]["url"]
        return "/" + url.partition("://")[2].partition("/")[2] if "/" in url.partition("://")[2] else ""

    @property
    def member_names(self) -> frozenset[str]:
        """Every member that a schema of the document names."""
        return self._compiled.names

    def schema(self, name: str) -> Schema:
        """The schema `#/components/schemas/{name}`. Raises `KeyError` where this version has none of that name."""
        known = self._known.get(name)
        if known is None:  # two threads that miss it make the same value
            pointer = f"#/components/schemas/{name}"
            known = self._known[name] = Schema(pointer, self._schemas[name], self._compiled, pointer)
        return known

    def resolve(self, node: Mapping[str, Any]) -> Mapping[str, Any]:
        """The node itself, or what its `$ref` points to."""
        while "$ref" in node:
            kind, _, name = node["$ref"].removeprefix("#/components/").partition("/")
            node = self.document["components"][kind][name]
        return node

    def _inline_schemas(self, operation: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
        name = operation["operationId"]
        for node in operation.get("parameters", ()):
            parameter = self.resolve(node)
            yield f"{name}.{parameter['in']}.{parameter['name']}", parameter["schema"]
        for media_type, content in operation.get("requestBody", {}).get("content", {}).items():
            yield f"{name}.body.{_key(media_type)}", content["schema"]
        for status, node in operation["responses"].items():
            for media_type, content in self.resolve(node).get("content", {}).items():
                yield f"{name}.{status}.{_key(media_type)}", content["schema"]

    def _operation(self, path: str, method: str, node: dict[str, Any]) -> Operation:
        name = node["operationId"]
        others = node.get("x-also-served-at", ())
        body = node.get("requestBody", {})
        security: Any = node.get("security", self.document.get("security", []))
        return Operation(
            id=name,
            method=method.upper(),
            spellings=(
                Spelling(None, path, {}),
                *(Spelling(other["spelling"], other["path"], other.get("defaults", {})) for other in others),
            ),
            parameters=tuple(self._parameter(name, self.resolve(part)) for part in node.get("parameters", ())),
            bodies={kind: self._content(f"{name}.body", kind) for kind in body.get("content", ())},
            body_required=body.get("required", False),
            answers={int(status): self._answer(name, status, part) for status, part in node["responses"].items()},
            security=tuple(scheme for requirement in security for scheme in requirement),
            node=node,
        )

    def _parameter(self, operation: str, node: Mapping[str, Any]) -> Parameter:
        schema = self._inline_schema(f"{operation}.{node['in']}.{node['name']}")
        return Parameter(node["name"], node["in"], node.get("required", False), schema, node)

    def _answer(self, operation: str, status: str, node: Mapping[str, Any]) -> Answer:
        answer = self.resolve(node)
        headers = answer.get("headers", {})
        required = frozenset(name for name, header in headers.items() if self.resolve(header).get("required"))
        content = {kind: self._content(f"{operation}.{status}", kind) for kind in answer.get("content", ())}
        return Answer(int(status), content, required)

    def _content(self, prefix: str, media_type: str) -> Schema | None:
        schema = self._inline_schema(f"{prefix}.{_key(media_type)}")
        is_json = media_type in (*JSON_MEDIA_TYPES, "application/x-www-form-urlencoded")
        return schema if is_json else None

    def _inline_schema(self, place: str) -> Schema:
        node = self._inline[place]
        if _is_reference(node):
            return self.schema(node["$ref"].rpartition("/")[2])
        return Schema(f"#/inline/{place}", node, self._compiled, f"#/inline/{self._shared[place]}")


def _key(media_type: str) -> str:
    """A media type as a key that needs no escaping in a JSON Pointer."""
    return media_type.replace("/", ".").replace("*", "any").replace("+", "-")


def _is_reference(node: Any) -> bool:
    return isinstance(node, dict) and node.keys() == {"$ref"}


def _first_of_equals(inline: Mapping[str, Any]) -> dict[str, str]:
    """For each place the first place that has an equal schema: compiling is the dear part, and most are equal."""
    first: dict[str, str] = {}
    own = {place: json.dumps(node) for place, node in inline.items() if not _is_reference(node)}
    return {place: first.setdefault(text, place) for place, text in own.items()}


def _member_names(node: Any) -> Iterator[str]:
    """Every member that a schema below the node names."""
    if isinstance(node, dict):
        properties = node.get("properties")
        yield from properties if isinstance(properties, dict) else ()
        node = list(node.values())
    for child in node if isinstance(node, list) else ():
        yield from _member_names(child)


_IDLE = frozenset({"examples", "example", "default", "title", "description"})


def _keywords(node: Any, named: bool = False) -> Any:
    """The schema without annotations, which would only cost time; in a map of names, each key is a name."""
    if isinstance(node, list):
        return [_keywords(item) for item in node]
    if not isinstance(node, dict):
        return node
    if named:
        return {name: _keywords(schema) for name, schema in node.items()}
    kept = {key: value for key, value in node.items() if key not in _IDLE and not key.startswith("x-")}
    return {key: value if key in DATA else _keywords(value, key in MAPS_OF_NAMES) for key, value in kept.items()}
