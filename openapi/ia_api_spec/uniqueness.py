"""Lists in which a member tells the items apart: `x-unique-by`, as JSON Schema has no keyword for it."""

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ia_api_spec.violations import Violation, as_step, shown

UNIQUE_BY = "x-unique-by"
"""Beside `type: array`: the member of its items, a string, that no two of them have in common."""


@dataclass(frozen=True)
class Rule:
    """One such list: the member names on the way to it (None: every item of a list), and what tells its items apart."""

    way: tuple[str | None, ...]
    member: str


def rules_of(schema: Any, schemas: Mapping[str, Any]) -> tuple[Rule, ...]:
    """The rules of a schema and of all that it refers to among `schemas`; recursion is followed once."""
    return tuple(dict.fromkeys(_rules(schema, schemas, (), ())))


def repetitions(rules: Sequence[Rule], value: Any, part: str, prefix: str) -> Iterator[Violation]:
    """Every item that has what an earlier one has, at the member that should tell them apart."""
    for rule in rules:
        for pointer, items in _lists(value, rule.way, prefix):
            seen = set()
            for index, item in enumerate(items):
                name = item.get(rule.member) if isinstance(item, dict) else None
                if not isinstance(name, str):
                    continue
                if name in seen:
                    where = f"{pointer}/{index}/{as_step(rule.member)}"
                    yield Violation(part, where, shown(name), f"a {rule.member} that no other item of the list has")
                seen.add(name)


def without_repetitions(rules: Sequence[Rule], value: Any) -> Any:
    """A copy of the value without the items that have what an earlier one has: `repetitions` finds nothing in it."""
    found = copy.deepcopy(value)
    for rule in rules:
        for _, items in _lists(found, rule.way, ""):
            seen: set[str] = set()
            items[:] = [item for item in items if _is_new(item, rule.member, seen)]
    return found


def _is_new(item: Any, member: str, seen: set[str]) -> bool:
    name = item.get(member) if isinstance(item, dict) else None
    if not isinstance(name, str):
        return True
    if name in seen:
        return False
    seen.add(name)
    return True


def _rules(
    schema: Any, schemas: Mapping[str, Any], way: tuple[str | None, ...], under: tuple[str, ...]
) -> Iterator[Rule]:
    if not isinstance(schema, dict):
        return
    if UNIQUE_BY in schema:
        yield Rule(way, schema[UNIQUE_BY])
    name = str(schema.get("$ref", "")).rpartition("/")[2]
    if name and name not in under:
        yield from _rules(schemas[name], schemas, way, (*under, name))
    for member, child in schema.get("properties", {}).items():
        yield from _rules(child, schemas, (*way, member), under)
    yield from _rules(schema.get("items"), schemas, (*way, None), under)
    for branch in (branch for union in ("allOf", "anyOf", "oneOf") for branch in schema.get(union, ())):
        yield from _rules(branch, schemas, way, under)


def _lists(value: Any, way: Sequence[str | None], pointer: str) -> Iterator[tuple[str, list[Any]]]:
    """The lists at the end of the way, with their pointers."""
    if not way:
        if isinstance(value, list):
            yield pointer, value
        return
    step, rest = way[0], way[1:]
    if step is None:
        for index, item in enumerate(value if isinstance(value, list) else ()):
            yield from _lists(item, rest, f"{pointer}/{index}")
    elif isinstance(value, dict) and step in value:
        yield from _lists(value[step], rest, f"{pointer}/{as_step(step)}")
