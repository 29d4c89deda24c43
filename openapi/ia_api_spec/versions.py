"""IA-API versions: components separated by dots, ordered numerically by component, so 1.10 is newer than 1.9."""

import re
from functools import total_ordering

_FORM = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})*")


@total_ordering
class ApiVersion:
    """An IA-API version that compares as the PACS compares it: `ApiVersion("1.10") > ApiVersion("1.9")`.

    Trailing zeros don't count: 1.9 equals 1.9.0. Raises `ValueError` for anything but digits and dots.
    """

    __slots__ = ("_components", "text")

    def __init__(self, text: str) -> None:
        if not isinstance(text, str) or not _FORM.fullmatch(text):
            raise ValueError(f"{text!r} is not an IA-API version: expected numbers separated by dots, such as 1.9")
        self.text = text
        components = [int(part) for part in text.split(".")]
        while len(components) > 1 and components[-1] == 0:
            components.pop()
        self._components = tuple(components)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ApiVersion) and self._components == other._components

    def __lt__(self, other: object) -> bool:
        return self._components < other._components if isinstance(other, ApiVersion) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._components)

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"ApiVersion({self.text!r})"


VERSIONS = tuple(ApiVersion(text) for text in ("1.8", "1.9", "1.10"))
"""The versions that the contract describes, oldest first."""

OLDEST, NEWEST = VERSIONS[0], VERSIONS[-1]


def effective(asked: ApiVersion | None, server: ApiVersion) -> ApiVersion:
    """The version in which a request is served: the caller's, but never newer than the server nor older than 1.8.

    No version asked means the server's own. A version between two described ones is served as the older of them.
    Evidence: V for falling back to the caller's version, A for the rest.
    """
    wanted = server if asked is None else min(asked, server)
    return max((version for version in VERSIONS if version <= wanted), default=OLDEST)
