"""Faults as JSON, for the control plane: a document to a fault, and the records back to documents."""

import dataclasses
import re
from collections.abc import Mapping
from typing import Any

from fake_pacs.faults.effects import EFFECTS, ONLY_LATENCY, Effect
from fake_pacs.faults.fault import Fault, Match, Record
from fake_pacs.faults.latency import Latency
from fake_pacs.faults.slides import BAD_SLIDES

_OF_EVERY_FAULT = {"operationId", "kind", "times", "after", "match", "latency"}
_UPPER = re.compile(r"(?<=[a-z])[A-Z]")
_LOWER = re.compile(r"_([a-z])")


def read_fault(document: Mapping[str, Any]) -> Fault:
    """The fault of a document that the contract allows. Raises `ValueError` that begins with the member at fault."""
    kind = document["kind"]
    rest = {name: value for name, value in document.items() if name not in _OF_EVERY_FAULT}
    latency = Latency(**_snaked(document["latency"])) if "latency" in document else None
    if kind == ONLY_LATENCY and latency is None:
        raise ValueError("latency: came nothing, expected how long, as the kind is latency")
    return Fault(
        document["operationId"],
        _effect(kind, rest),
        latency,
        document.get("times", 1),
        document.get("after", 0),
        Match(**_snaked(document.get("match", {}))),
    )


def members_of(kind: str) -> dict[str, bool]:
    """The members that a kind has besides those of every fault, and whether each has to be given."""
    effect = EFFECTS.get(kind)
    if effect is None:
        return {}
    missing = dataclasses.MISSING
    return {
        _camel(member.name): member.default is missing and member.default_factory is missing
        for member in dataclasses.fields(effect)
    }


def _effect(kind: str, members: Mapping[str, Any]) -> Effect | None:
    known = members_of(kind)
    if unknown := sorted(members.keys() - known.keys()):
        takes = ", ".join(known) or "no members of its own"
        raise ValueError(f"{unknown[0]}: expected none: a fault of the kind {kind} takes {takes}")
    if missing := [name for name, needed in known.items() if needed and name not in members]:
        raise ValueError(f"{missing[0]}: came nothing, expected one: a fault of the kind {kind} needs it")
    return None if kind == ONLY_LATENCY else EFFECTS[kind](**_snaked(members))


def record_document(record: Record) -> dict[str, Any]:
    """A fault of the table: what was asked, what it met and took, what is left, which exchanges consumed it."""
    return {
        "number": record.number,
        "fault": fault_document(record.fault),
        "met": record.met,
        "taken": record.taken,
        "left": record.left,
        "exchanges": [taken.as_json() for taken in tuple(record.exchanges)],
    }


def fault_document(fault: Fault) -> dict[str, Any]:
    """The fault as it would be asked for; members that say nothing are left out."""
    document: dict[str, Any] = {"operationId": fault.operation_id, "kind": fault.kind, "times": fault.times}
    if fault.after:
        document["after"] = fault.after
    match = _said(fault.match)
    if match:
        document["match"] = match
    if fault.latency:
        document["latency"] = _said(fault.latency)
    return document | (_said(fault.effect) if fault.effect else {})


def slide_documents() -> list[dict[str, Any]]:
    """The slides that misbehave without any set-up."""
    return [{"id": bad.id, "what": bad.what, "operations": sorted(bad.operations)} for bad in BAD_SLIDES.values()]


def _said(value: Any) -> dict[str, Any]:
    """The members that differ from their defaults, by their names in JSON."""
    said = {}
    for member in dataclasses.fields(value):
        found = getattr(value, member.name)
        default = {} if member.default_factory is dict else member.default
        if found != default:
            said[_camel(member.name)] = found
    return said


def _snaked(members: Mapping[str, Any]) -> dict[str, Any]:
    return {_UPPER.sub(lambda found: f"_{found[0].lower()}", name): value for name, value in members.items()}


def _camel(name: str) -> str:
    return _LOWER.sub(lambda found: found[1].upper(), name)
