"""Which operation of the contract a request was for."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import parse_qsl, unquote, urlsplit

from ia_api_spec import Contract, Operation, Spelling

_PARAMETER = re.compile(r"\{([A-Za-z]+)\}")


@dataclass(frozen=True)
class Located:
    """An operation, the spelling in which it was asked, and the parameters of path and query as they were sent."""

    operation: Operation
    spelling: Spelling
    parameters: Mapping[str, str]


class Locator:
    """Finds the operations of a contract by method and path."""

    def __init__(self, contract: Contract) -> None:
        self._contract = contract

    @cached_property
    def _patterns(self) -> list[tuple[str, re.Pattern[str], Operation, Spelling]]:
        return [
            (operation.method, _pattern(operation, spelling), operation, spelling)
            for operation in self._contract.operations.values()
            for spelling in operation.spellings
        ]

    def locate(self, method: str, url: str, base_path: str) -> Located | None:
        """The operation that a URL below the base path asks for; None where the contract has none."""
        parts = urlsplit(url)
        if not parts.path.startswith(base_path):
            return None
        path = parts.path.removeprefix(base_path)
        for asked, pattern, operation, spelling in self._patterns:
            found = pattern.fullmatch(path) if asked == method else None
            if found:
                in_path = {name: unquote(value) for name, value in found.groupdict().items()}
                return Located(operation, spelling, {**dict(parse_qsl(parts.query, True)), **in_path})
        return None


def _pattern(operation: Operation, spelling: Spelling) -> re.Pattern[str]:
    """The spelling's path as a regular expression with a group for each parameter."""
    patterns = {parameter.name: parameter.node.get("x-path-pattern", "[^/]+") for parameter in operation.parameters}
    pieces = _PARAMETER.split(spelling.path)
    text = "".join(
        f"(?P<{piece}>{patterns[piece]})" if number % 2 else re.escape(piece) for number, piece in enumerate(pieces)
    )
    return re.compile(text)
