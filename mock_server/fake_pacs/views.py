"""A JSON object whose members can be read as attributes."""

from collections.abc import Iterator
from typing import Any


class AttributeView:
    """A stored result as one reads it in a test: `result.data.result.content`, `result["displayResult"]`.

    Read-only; `model_dump()` gives the plain dict. Raises `AttributeError` that lists the members there are.
    """

    __slots__ = ("_members",)

    def __init__(self, members: dict[str, Any]) -> None:
        object.__setattr__(self, "_members", members)

    def __getattr__(self, name: str) -> Any:
        members: dict[str, Any] = object.__getattribute__(self, "_members")
        if name not in members:
            raise AttributeError(f"no member {name!r}; there are {', '.join(members)}")
        return _viewed(members[name])

    def __getitem__(self, name: str) -> Any:
        return _viewed(self._members[name])

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError("a stored result is changed over the API, not here")

    def __iter__(self) -> Iterator[str]:
        return iter(self._members)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AttributeView) and self._members == other._members

    def __hash__(self) -> int:
        return hash(repr(self._members))

    def __repr__(self) -> str:
        return f"AttributeView({self._members!r})"

    def model_dump(self) -> dict[str, Any]:
        """The members as a plain dict."""
        return dict(self._members)


def _viewed(value: Any) -> Any:
    if isinstance(value, dict):
        return AttributeView(value)
    if isinstance(value, list):
        return [_viewed(item) for item in value]
    return value
