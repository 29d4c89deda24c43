"""Tokens that expire early: counted and remembered by their digest, for each tenant by itself."""

import hashlib
from collections import Counter

MOST_TOKENS = 10_000
"""So many tokens are counted in a tenant; beyond them the oldest are forgotten."""


def digest_of(authorization: str | None) -> str | None:
    """What stands for the bearer token of a header, None where there is none."""
    scheme, _, token = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        return None
    return hashlib.sha256(token.strip().encode("utf-8", "surrogateescape")).hexdigest()


class TokenLives:
    """How much each token was used while there is a fault about tokens, and which are dead.

    The table's lock guards it.
    """

    def __init__(self) -> None:
        self._calls: Counter[tuple[int, str]] = Counter()
        self._bytes: Counter[tuple[int, str]] = Counter()
        self._dead: dict[str, None] = {}

    def used(self, fault: int, token: str) -> tuple[int, int]:
        """Counts a call under that fault; how many calls came before this one, and how many bytes were answered."""
        before = self._calls[fault, token]
        self._calls[fault, token] += 1
        while len(self._calls) > MOST_TOKENS:
            del self._calls[next(iter(self._calls))]
        return before, self._bytes[fault, token]

    def answered(self, fault: int, token: str, count: int) -> None:
        """Counts the bytes of an answer."""
        self._bytes[fault, token] += count
        while len(self._bytes) > MOST_TOKENS:
            del self._bytes[next(iter(self._bytes))]

    def kill(self, token: str) -> None:
        """From now on the token is expired."""
        self._dead[token] = None
        while len(self._dead) > MOST_TOKENS:
            del self._dead[next(iter(self._dead))]

    def revive(self, token: str) -> None:
        """The token is taken again."""
        self._dead.pop(token, None)

    def is_dead(self, token: str) -> bool:
        """Whether the token is expired."""
        return token in self._dead
