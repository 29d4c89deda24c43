"""The contract as Schemathesis is given it: narrowed to the version, with what the target holds to start from."""

import copy
from collections.abc import Iterator, Mapping
from typing import Any

from ia_api_contract.outcomes import Failed, Skipped
from ia_api_contract.target import Target

ATTACHMENT = "ia-api-contract.txt"

LINK_EXTENSION = "x-schemathesis"

VERSION_HEADERS = frozenset({"X-Sectra-ApiVersion", "X-Sectra-SoftwareVersion"})
"""Sent with every request as they are: what other values do is for the checks of versions."""

FIRST_TILE: Mapping[str, Any] = {"level": 0, "x": 0, "y": 0, "z": "0", "ext": "jpg"}
"""A tile that every streamable slide has."""


def document_for(target: Target) -> dict[str, Any]:
    """The narrowed document without the version headers, with examples that the target really has."""
    document = copy.deepcopy(dict(target.contract.document))
    known = held(target)
    for operation in operations(document):
        kept = [_resolved(document, parameter) for parameter in operation.get("parameters", ())]
        operation["parameters"] = [_with_example(node, known) for node in kept if _is_generated(node)]
        _may_be_empty(operation)
    return document


def stateful_document_for(target: Target) -> dict[str, Any]:
    """The document for walks along links: every walk starts from something that the target has."""
    document = document_for(target)
    known = {**held(target), **FIRST_TILE}
    for operation in operations(document):
        for parameter in operation["parameters"]:
            if parameter["name"] in known and parameter["in"] in ("path", "query"):
                parameter["schema"] = {**parameter["schema"], "enum": [known[parameter["name"]]]}
        for answer in operation["responses"].values():
            for link in answer.get("links", {}).values():
                link[LINK_EXTENSION] = {"merge_body": False}  # the linked body as it is, nothing invented beside
    if not target.options.read_only:
        return document
    for item in document["paths"].values():
        for method in [name for name, node in item.items() if isinstance(node, dict) and name != "get"]:
            del item[method]
    _without_dead_links(document)
    return document


def held(target: Target) -> dict[str, Any]:
    """Values of parameters that the target has, by the parameters' names; found out once in a run."""
    known: dict[str, Any] | None = target.memory.get("schema.held")
    if known is None:
        known = target.memory["schema.held"] = _held(target)
    return known


def _held(target: Target) -> dict[str, Any]:
    known: dict[str, Any] = {"slideId": target.slide, "applicationId": target.application, "appId": target.application}
    if cases := target.holdings.cases:
        known |= {"accessionNumber": cases[0].accession_number, "requestId": cases[0].accession_number}
    result = _result(target)
    return known | ({"resultId": result, "name": ATTACHMENT} if isinstance(result, int) else {})


def _result(target: Target) -> Any:
    """The id of a result to ask for; None where the target has none and won't store one, which is not our point."""
    try:
        return target.stored(attachments=[{"name": ATTACHMENT, "state": "new"}]).get("id")
    except Failed:
        return None
    except Skipped:
        listed = target.ask("listResults", applicationId=target.application, slideId=target.slide).json
    last = listed[-1] if isinstance(listed, list) and listed else {}
    return last.get("id") if isinstance(last, dict) else None


def operations(document: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Every operation of the document."""
    for item in document["paths"].values():
        yield from (node for node in item.values() if isinstance(node, dict) and "operationId" in node)


def _resolved(document: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    """A parameter of its own for each operation, so that each can have examples of its own."""
    while "$ref" in node:
        kind, _, name = node["$ref"].removeprefix("#/components/").partition("/")
        node = document["components"][kind][name]
    return copy.deepcopy(node)


def _with_example(parameter: dict[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
    if parameter["name"] in known and parameter["in"] in ("path", "query"):
        parameter.pop("examples", None)
        parameter["example"] = known[parameter["name"]]
    return parameter


def _is_generated(parameter: Mapping[str, Any]) -> bool:
    """Two spellings of one parameter must agree, which no schema says: the usual one is enough here."""
    return parameter["name"] not in VERSION_HEADERS and "x-spelling-of" not in parameter


def _may_be_empty(operation: dict[str, Any]) -> None:
    """No bytes are bytes, too: HTTP can't tell an upload of none from an upload without a body."""
    body = operation.get("requestBody", {})
    if "*/*" in body.get("content", ()):
        body["required"] = False


def _without_dead_links(document: dict[str, Any]) -> None:
    """Drops the links to operations that the document doesn't have any more."""
    alive = {operation["operationId"] for operation in operations(document)}
    for operation in operations(document):
        for answer in operation["responses"].values():
            links = answer.get("links", {})
            for name in [name for name, link in links.items() if link["operationId"] not in alive]:
                del links[name]
