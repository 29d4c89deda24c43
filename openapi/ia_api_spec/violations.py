"""One place at which a message breaks the contract, said so that its sender can mend it."""

import json
from dataclasses import dataclass
from typing import Any

SHOWN = 120
"""So many characters of what came are shown; the rest is cut, the sender knows it."""


@dataclass(frozen=True)
class Violation:
    """One broken rule: where (`part` of the message and JSON `pointer`), what `came`, what was `expected`, a `hint`."""

    part: str
    pointer: str
    came: str
    expected: str
    hint: str | None = None

    def as_json(self) -> dict[str, str]:
        """The violation as a member of a problem's `violations`."""
        shown = {"in": self.part, "pointer": self.pointer, "came": self.came, "expected": self.expected}
        return shown | ({"hint": self.hint} if self.hint else {})

    def __str__(self) -> str:
        where = f"{self.part} {self.pointer}".strip()
        return f"{where}: came {self.came}, expected {self.expected}" + (f" ({self.hint})" if self.hint else "")


def as_step(name: str | int) -> str:
    """A member's name or an item's index as one step of a JSON Pointer (RFC 6901); lone surrogates escaped."""
    escaped = str(name).replace("~", "~0").replace("/", "~1")
    return escaped.encode("utf-8", "backslashreplace").decode("utf-8")


def shown(value: Any) -> str:
    """A value as JSON, cut to a readable length: what `came` says."""
    try:
        text = json.dumps(value, ensure_ascii=True)
    except (TypeError, ValueError, RecursionError):
        text = f"a value of type {type(value).__name__}"
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}… ({len(text)} characters)"
