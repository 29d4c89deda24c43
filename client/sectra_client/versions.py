"""IA-API versions, ordered numerically by component: 1.10 is newer than 1.9."""

import re

NEWEST = "1.10"
"""The newest version that this client speaks; a newer server is asked for this one."""

_NUMBERS = re.compile(r"[0-9]+(\.[0-9]+)*")


def components(version: str) -> tuple[int, ...] | None:
    """The version's components without trailing zeros, (1, 10) for 1.10; what follows the numbers is ignored.

    None where the text doesn't begin with a number: such a version can't be compared.
    """
    found = _NUMBERS.match(version.strip())
    if not found or len(found[0]) > 100:
        return None
    parts = [int(part) for part in found[0].split(".")]
    while len(parts) > 1 and parts[-1] == 0:
        parts.pop()
    return tuple(parts)


def is_older(version: str, needed: str) -> bool:
    """Whether the version is known to be older than the needed one."""
    have, need = components(version), components(needed)
    return have is not None and need is not None and have < need


def spoken_with(server: str) -> str | None:
    """The version in which a server of that version is asked: its own, but at most `NEWEST`; None where it can't be
    told.
    """
    if components(server) is None:
        return None
    return NEWEST if is_older(NEWEST, server) else _numbers(server)


def _numbers(version: str) -> str:
    found = _NUMBERS.match(version.strip())
    return found[0] if found else version
