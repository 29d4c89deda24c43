"""Narrowing an annotated document to one version: what came later is cut away, and nothing refers to it any more."""

import copy
from collections.abc import Iterator
from typing import Any, TypeGuard

from ia_api_spec.disclosure import pruner
from ia_api_spec.marks import SINCE_OF_VALUES, check_marks, check_remains, is_newer
from ia_api_spec.tree import DATA, MAPS_OF_NAMES, Document, part_of, references
from ia_api_spec.versions import ApiVersion

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")


def narrow(document: Document, version: str | ApiVersion) -> Document:
    """The document as it was in that version: an ordinary OpenAPI 3.1 document; the argument is left as it is.

    Drops every operation, parameter, member, enum value, link and spelling that carries a later `x-introduced-in` (enum
    values: `x-introduced-values`, a map from value to version), then whatever nothing refers to any more. Examples lose
    the members that their schema lost; references to parameters, answers and links go with what they refer to. Raises
    `ValueError` for marks that are no versions in quotes, and for an unmarked schema that refers to a newer one.

    Laws, each a property test: idempotent; `narrow(narrow(d, a), b) == narrow(d, min(a, b))`; monotone in the version;
    the output validates; nothing dangles.
    """
    wanted = version if isinstance(version, ApiVersion) else ApiVersion(version)
    described = ApiVersion(document["info"]["version"])
    check_marks(document)
    narrowed: Document = _Cut(document, wanted).of(document)
    narrowed["paths"] = _with_operations(narrowed.get("paths", {}))
    _follow_operations(narrowed)
    if document.get("paths"):  # schemas without paths are there for their own sake
        _drop_unreferenced(narrowed)
    _drop_unused_tags(narrowed)
    check_remains(narrowed, wanted)
    narrowed["info"]["version"] = str(min(described, wanted))
    return narrowed


def operations(document: Document) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Every operation as (path, method in lower case, operation object)."""
    for path, item in document.get("paths", {}).items():
        for method in METHODS:
            if method in item:
                yield path, method, item[method]


def parameter_names(document: Document, path: str, operation: Document) -> set[str]:
    """The names by which a link may pass parameters to an operation: `slideId`, and `path.slideId` as well."""
    nodes = [*document["paths"][path].get("parameters", ()), *operation.get("parameters", ())]
    found = [part_of(document, node["$ref"]) if "$ref" in node else node for node in nodes]
    parameters = [parameter for parameter in found if parameter]
    return {name for one in parameters for name in (one["name"], f"{one['in']}.{one['name']}")}


class _Cut:
    """The document without what is marked as newer; every node is made anew, so the argument is never touched."""

    def __init__(self, document: Document, version: ApiVersion) -> None:
        self._document = document
        self._version = version

    def of(self, node: Any, named: bool = False) -> Any:
        """The node without what is newer; `named` says that it is a map by names, whose keys are no keywords."""
        if isinstance(node, list):
            return [self.of(item) for item in node if not self._is_newer(item)]
        if not isinstance(node, dict):
            return node
        if named:
            return {name: self.of(part) for name, part in node.items() if not self._is_newer(part)}
        kept = {key: self._keyword(key, value) for key, value in node.items() if not self._is_gone(key, value)}
        self._follow_properties(node, kept)
        self._follow_enum(kept)
        self._follow_union(kept)
        self._follow_examples(node, kept)
        return kept

    def _keyword(self, key: str, value: Any) -> Any:
        return copy.deepcopy(value) if key in DATA else self.of(value, named=key in MAPS_OF_NAMES)

    def _is_gone(self, key: str, value: Any) -> bool:
        return key not in DATA and key not in MAPS_OF_NAMES and self._is_newer(value)

    def _is_newer(self, node: Any) -> bool:
        """By its own mark; a reference to anything but a schema can't carry one, and is as new as what it refers to."""
        if is_newer(node, self._version):
            return True
        target = node.get("$ref") if isinstance(node, dict) else None
        if not isinstance(target, str) or target.startswith("#/components/schemas/"):
            return False
        return is_newer(part_of(self._document, target), self._version)

    def _follow_properties(self, before: Document, kept: Document) -> None:
        """A member that is gone can't be required any more."""
        properties = before.get("properties")
        gone = (
            {name for name, schema in properties.items() if is_newer(schema, self._version)}
            if _is_map(properties)
            else set()
        )
        if not gone:
            return
        if isinstance(kept.get("required"), list):
            kept["required"] = [name for name in kept["required"] if name not in gone]
            if not kept["required"]:
                del kept["required"]
        if _is_map(kept.get("dependentRequired")):
            rules = {name: names for name, names in kept["dependentRequired"].items() if name not in gone}
            kept["dependentRequired"] = {
                name: [other for other in names if other not in gone] for name, names in rules.items()
            }

    def _follow_enum(self, kept: Document) -> None:
        since = kept.get(SINCE_OF_VALUES)
        if not _is_map(since) or not isinstance(kept.get("enum"), list):
            return
        gone = [value for value, introduced in since.items() if ApiVersion(introduced) > self._version]
        kept["enum"] = [value for value in kept["enum"] if value not in gone]
        kept[SINCE_OF_VALUES] = {value: introduced for value, introduced in since.items() if value not in gone}
        if not kept[SINCE_OF_VALUES]:
            del kept[SINCE_OF_VALUES]

    def _follow_union(self, kept: Document) -> None:
        """A branch that is gone can't be chosen by the discriminator any more."""
        discriminator, branches = kept.get("discriminator"), kept.get("oneOf")
        if not _is_map(discriminator) or not isinstance(branches, list) or "mapping" not in discriminator:
            return
        targets = [branch.get("$ref") for branch in branches]
        mapping = {value: target for value, target in discriminator["mapping"].items() if target in targets}
        kept["discriminator"] = {**discriminator, "mapping": mapping}

    def _follow_examples(self, before: Document, kept: Document) -> None:
        """An example can't show a member that is gone."""
        if isinstance(before.get("examples"), list) and (step := pruner(self._document, before, self._version)):
            kept["examples"] = [step(example) for example in before["examples"]]


def _is_map(node: Any) -> TypeGuard[Document]:
    return isinstance(node, dict)


def _with_operations(paths: Document) -> Document:
    return {path: item for path, item in paths.items() if any(method in item for method in METHODS)}


def _follow_operations(document: Document) -> None:
    """Drops links to operations that are gone, and from the others what they passed to parameters that are gone."""
    known = {
        operation["operationId"]: parameter_names(document, path, operation)
        for path, _, operation in operations(document)
    }
    components = document.get("components", {})
    responses = [response for _, _, operation in operations(document) for response in operation["responses"].values()]
    for holder in [*responses, *components.get("responses", {}).values(), components]:
        if "links" not in holder:
            continue
        followed = {name: _followed(document, link, known) for name, link in holder["links"].items()}
        holder["links"] = {name: link for name, link in followed.items() if link is not None}
        if not holder["links"]:
            del holder["links"]


def _followed(document: Document, link: Document, known: dict[str, set[str]]) -> Document | None:
    target = part_of(document, link["$ref"]) if "$ref" in link else link
    if target is None or target["operationId"] not in known:
        return None
    if "parameters" not in link:
        return link
    names = known[target["operationId"]]
    return {**link, "parameters": {name: value for name, value in link["parameters"].items() if name in names}}


def _drop_unreferenced(document: Document) -> None:
    """Cuts components that nothing reaches from the paths."""
    components = document.get("components", {})
    reached: set[tuple[str, str]] = set()
    waiting = [_component(target) for _, target in references(document["paths"])]
    while waiting:
        kind, name = found = waiting.pop()
        if found in reached or name not in components.get(kind, {}):
            continue
        reached.add(found)
        waiting.extend(_component(target) for _, target in references(components[kind][name]))
    for kind in [kind for kind in components if kind != "securitySchemes"]:
        components[kind] = {name: part for name, part in components[kind].items() if (kind, name) in reached}
        if not components[kind]:
            del components[kind]


def _component(reference: str) -> tuple[str, str]:
    """Kind and name of the component that holds what is referred to, which may lie deeper in it."""
    kind, _, rest = reference.removeprefix("#/components/").partition("/")
    return kind, rest.partition("/")[0]


def _drop_unused_tags(document: Document) -> None:
    if "tags" not in document:
        return
    used = {tag for _, _, operation in operations(document) for tag in operation.get("tags", ())}
    document["tags"] = [tag for tag in document["tags"] if tag["name"] in used]
