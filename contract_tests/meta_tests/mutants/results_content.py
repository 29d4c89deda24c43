"""Mutants of what is in results."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from wsgiref.types import WSGIEnvironment

from fake_pacs.calls import Call, Reply
from fake_pacs.handlers import Handler
from fake_pacs.world import World
from meta_tests.mutant import BrokenHandler, Mutant, Response, Spoiler

Document = dict[str, Any]

AGAINST_SCHEMA = (
    "The member's type is in the contract's schema: the schema-driven checks of each operation see it, too."
)

KNOWN = ("slideId", "displayResult", "displayProperties", "applicationVersion", "attachments", "data")


def shown(change: Callable[[Document], Document]) -> Spoiler:
    """Changes every result in every good answer, on its way out."""

    def spoil(environ: WSGIEnvironment, response: Response) -> Response:
        is_json = response.headers.get("Content-Type") == "application/json"
        if response.status // 100 != 2 or not is_json or not re.search(r"/results", environ["PATH_INFO"]):
            return response
        found = json.loads(response.body)
        changed = [change(result) for result in found] if isinstance(found, list) else change(found)
        return replace(response, body=json.dumps(changed).encode())

    return spoil


def stored_as(change: Callable[[Document], Document]) -> BrokenHandler:
    """A handler that stores something else than what was sent."""

    def broken(call: Call, world: World, right: Handler) -> Reply:
        return right(replace(call, body=change(call.body)), world)

    return broken


def known_only(document: Document) -> Document:
    """The document without the members that the contract doesn't know."""
    return {name: value for name, value in document.items() if name in (*KNOWN, "id", "versionId")}


def _data(change: Callable[[Document], Document]) -> BrokenHandler:
    return stored_as(lambda document: {**document, "data": change(document["data"])})


def _content(change: Callable[[Any], Any]) -> BrokenHandler:
    """A handler that stores other content, where there is some."""

    def changed(data: Document) -> Document:
        result = data.get("result")
        return {**data, "result": {**result, "content": change(result["content"])}} if result else data

    return _data(changed)


def _listed(content: Any) -> Any:
    is_primitive = isinstance(content, dict) and "patches" not in content
    return [content] if is_primitive else content


def _unlisted(content: Any) -> Any:
    return content[0] if isinstance(content, list) and len(content) == 1 else content


def _flat(data: Document) -> Document:
    context = data.get("context") or {}
    flat = {name: json.dumps(value) if isinstance(value, dict) else value for name, value in context.items()}
    return {**data, "context": flat} if context else data


def _without_nulls(content: Any) -> Any:
    if not isinstance(content, list):
        return content
    return [{name: value for name, value in item.items() if value is not None} for item in content]


def _filled(content: Any) -> Any:
    return [{"style": None, **item} for item in content] if isinstance(content, list) else content


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _rounded(member) for name, member in value.items()}
    if isinstance(value, list):
        return [_rounded(item) for item in value]
    return round(value, 6) if isinstance(value, float) else value


def _sorted(content: Any) -> Any:
    if "patches" not in content:
        return content
    return {**content, "patches": sorted(content["patches"], key=lambda patch: -float(patch["sortKeyValue"]))}


def _quoted(document: Document) -> Document:
    properties = document.get("displayProperties") or {}
    return {**document, "displayProperties": {name: str(value) for name, value in properties.items()}}


def _null(member: str) -> Spoiler:
    """Shows the member as null where it is empty."""
    return shown(lambda result: {**result, member: result[member] or None})


def _created(mutant_id: str, what: str, breaks: str, handler: BrokenHandler) -> Mutant:
    return Mutant(f"results-{mutant_id}", what, (f"results.{breaks}",), handlers={"createResult": handler})


MUTANTS = (
    _created("object-listed", "Content that is one object becomes a list.", "data-object", _content(_listed)),
    _created("list-unlisted", "A list of one item becomes that item.", "data-list", _content(_unlisted)),
    _created(
        "null-context-object",
        "A null context becomes an empty object.",
        "data-null-context",
        _data(lambda data: {**data, "context": data["context"] or {}} if "context" in data else data),
    ),
    _created("context-flattened", "Objects in the context become texts.", "data-context", _data(_flat)),
    _created(
        "empty-data-filled",
        "Empty data get a null context.",
        "data-empty",
        _data(lambda data: data or {"context": None}),
    ),
    _created("nulls-dropped", "Nulls in primitives are dropped.", "data-nulls-kept", _content(_without_nulls)),
    _created("nulls-filled", "Primitives get a null style.", "data-absent-not-filled", _content(_filled)),
    _created("numbers-rounded", "Numbers keep six digits.", "data-numbers", _data(_rounded)),
    _created(
        "patches-sorted", "Patches are sorted by what the gallery sorts by.", "data-patch-order", _content(_sorted)
    ),
    _created("unknown-dropped", "Unknown members are dropped.", "unknown-members-kept", stored_as(known_only)),
    _created("properties-quoted", "Numbers become texts.", "display-properties-kept", stored_as(_quoted)),
    Mutant(
        "results-application-version-null",
        "An applicationVersion that wasn't sent is null.",
        ("results.application-version-filled",),
        spoil=_null("applicationVersion"),
        why=AGAINST_SCHEMA,
    ),
    Mutant(
        "results-display-properties-null",
        "displayProperties that weren't sent are null.",
        ("results.display-properties-filled",),
        spoil=_null("displayProperties"),
        why=AGAINST_SCHEMA,
    ),
    Mutant(
        "results-attachments-null",
        "Attachments that weren't declared are null.",
        ("results.attachments-filled",),
        spoil=_null("attachments"),
        why=AGAINST_SCHEMA,
    ),
)
