"""Every violation of a value named, without ever holding more than a few hundred of them at a time.

The validator collects all errors of a value, each with a copy of its instance, before it gives the first: a small body
full of mistakes could fill the memory. So wide lists and objects are looked at in windows, and after `MOST` violations
nobody reads on.
"""

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any

from ia_api_spec.violations import Violation, as_step, shown
from ia_api_spec.wording import expectation

MOST = 1000
"""So many violations of one value are named; one more says that there are others."""

LONG = 2**20
"""So many characters of what is said about one value: after that, too, one more says that there are others."""

WIDE = 200
"""Items of a list, or members of an object that no schema knows, that are looked at together."""

Offsets = dict[tuple[str | int, ...], int]
Cut = tuple[Any, Offsets]


def name_violations(
    validator: Any, known: frozenset[str], value: Any, part: str, prefix: str, also: Iterable[Violation] = ()
) -> list[Violation]:
    """Every violation of the value by JSON Pointer, and then those found elsewhere (`also`), bounded as by `at_most`.

    `known` are the members that schemas name.
    """
    return at_most(chain(_distinct(validator, known, value, part, prefix), also), part, prefix)


def at_most(violations: Iterable[Violation], part: str, prefix: str = "") -> list[Violation]:
    """The first `MOST` violations, or fewer where they are long; one more says so where there are others.

    Nobody reads on after that: an answer must not grow to many times what was sent.
    """
    named: list[Violation] = []
    length = 0
    for violation in violations:
        if len(named) == MOST or length > LONG:
            rest = Violation(part, prefix, f"more than {len(named)} violations", "none; the others aren't named")
            return [*named, rest]
        named.append(violation)
        length += len(violation.pointer) + len(violation.came)
    return named


def _distinct(validator: Any, known: frozenset[str], value: Any, part: str, prefix: str) -> Iterator[Violation]:
    """The violations of all cuts; what one of them has in common with an earlier one comes once."""
    seen: set[tuple[str, str]] = set()
    for cut, offsets in _cuts(value, known):
        for error in validator.iter_errors(cut):
            for violation in _of_error(error, offsets, part, prefix):
                if (place := (violation.pointer, violation.expected)) not in seen:
                    seen.add(place)
                    yield violation


def _cuts(value: Any, known: frozenset[str]) -> Iterator[Cut]:
    """Cut-down copies of the value in which every item stands at least once, and how far each list was moved."""
    if isinstance(value, list):
        for start in _starts(len(value)):
            keys: list[Any] = list(range(start, min(start + WIDE, len(value))))
            for items, offsets in _together([(key - start, value[key]) for key in keys], known):
                yield list(items.values()), ({(): start} | offsets if start else offsets)
    elif isinstance(value, dict):
        fixed = [name for name in value if name in known]
        others = [name for name in value if name not in known]
        for start in _starts(len(others)):
            names = chain(fixed, others[start : start + WIDE])
            yield from _together([(name, value[name]) for name in names], known)
    else:
        yield value, {}


def _starts(length: int) -> list[int]:
    """Where windows begin; the last is as long as the others, so that no list seems shorter than `WIDE`."""
    starts = list(range(0, max(length, 1), WIDE))
    starts[-1] = max(0, min(starts[-1], length - WIDE))
    return starts


def _together(children: list[tuple[Any, Any]], known: frozenset[str]) -> Iterator[tuple[dict[Any, Any], Offsets]]:
    """All cuts of several children at once: as many as the child with the most has; the others repeat their last."""
    running = {key: _cuts(child, known) for key, child in children if not _is_small(child)}
    current: dict[Any, Cut] = {key: next(running[key]) if key in running else (child, {}) for key, child in children}
    while True:
        offsets = {(key, *path): moved for key, (_, own) in current.items() for path, moved in own.items()}
        yield {key: cut for key, (cut, _) in current.items()}, offsets
        fresh = {key: cut for key, cuts in running.items() if (cut := next(cuts, None)) is not None}
        if not fresh:
            return
        current |= fresh


def _is_small(value: Any) -> bool:
    """Whether there is nothing to cut: no list or object inside, and no more members than are looked at together.

    Nearly all of a large result are points; a generator for each of them would take most of the time.
    """
    if not isinstance(value, list | dict):
        return True
    items = value.values() if isinstance(value, dict) else value
    return len(value) <= WIDE and not any(isinstance(item, list | dict) for item in items)


def _of_error(error: Any, offsets: Offsets, part: str, prefix: str) -> Iterator[Violation]:
    pointer = prefix + _pointer(error.instance_path, offsets)
    kind, said = error.kind.name, error.kind.as_dict()
    if kind == "required":
        yield Violation(part, f"{pointer}/{as_step(said['property'])}", "nothing", "a value: the member is required")
    elif kind == "additionalProperties":
        for name in said["unexpected"]:
            yield Violation(part, f"{pointer}/{as_step(name)}", shown(error.instance[name]), "no such member")
    else:
        yield Violation(part, pointer, shown(error.instance), expectation(kind, said, error.message))


def _pointer(path: list[str | int], offsets: Offsets) -> str:
    """The JSON Pointer of a place in a cut, as it is in the whole value."""
    if not offsets:
        return "".join(f"/{as_step(step)}" for step in path)
    steps = [
        step + offsets.get(tuple(path[:index]), 0) if isinstance(step, int) else step for index, step in enumerate(path)
    ]
    return "".join(f"/{as_step(step)}" for step in steps)
