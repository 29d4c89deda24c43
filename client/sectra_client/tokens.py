"""Where the bearer token comes from: given once and for all, or fetched and renewed."""

import re
import time
from collections.abc import Callable
from typing import Protocol

from sectra_client.schemas.tokens import Token
from sectra_client.single_flight import SingleFlight
from sectra_client.utils.errors import SectraUnreadableAnswerError

LONGEST = 10**9
"""Seconds; a longer lifetime is taken for this one."""

_PRINTABLE = re.compile(r"[!-~]+")


class Credentials(Protocol):
    """A source of tokens. Safe in threads."""

    def token(self) -> str:
        """The token to send."""

    def renewed(self, refused: str) -> str | None:
        """Another token in place of the one that the server refused; None where there is none."""


def checked_token(token: str) -> str:
    """The token without surrounding blanks (files end in a newline). Raises `ValueError`, without showing it, for what
    is no token.
    """
    stripped = token.strip() if isinstance(token, str) else ""  # None, say, from an environment without it
    if not _PRINTABLE.fullmatch(stripped):
        raise ValueError(
            "the token is empty or has characters that no token has: pass what the PACS handed out, unchanged"
        )
    return stripped


class FixedToken:
    """A token that somebody handed out: it can't be renewed."""

    def __init__(self, token: str) -> None:
        self._token = checked_token(token)

    def token(self) -> str:
        """The token."""
        return self._token

    def renewed(self, refused: str) -> str | None:
        """None: whoever handed the token out would have to."""
        return None


class ClientCredentials:
    """Tokens fetched with user and password, renewed min(60, lifetime / 2) seconds before they expire.

    Threads that need a token at the same time wait for one fetch and share what it brings, be it an error.
    """

    def __init__(self, fetch: Callable[[], Token], clock: Callable[[], float] = time.monotonic) -> None:
        self._fetch = fetch
        self._clock = clock
        self._flight = SingleFlight[str]()
        self._held: tuple[str, float] | None = None

    def token(self) -> str:
        """The current token, fetched anew where it is about to expire. Raises what fetching raises."""
        return self._flight.get(self._fresh, self._fetched)

    def renewed(self, refused: str) -> str | None:
        """A new token, or the current one where another thread has renewed it meanwhile."""
        return self._flight.get(lambda: self._other_than(refused), self._fetched)

    def _fresh(self) -> str | None:
        return self._held[0] if self._held and self._clock() < self._held[1] else None

    def _other_than(self, refused: str) -> str | None:
        return self._held[0] if self._held and self._held[0] != refused else None

    def _fetched(self) -> str:
        asked_at = self._clock()
        fetched = self._fetch()
        lifetime = float(max(0, min(fetched.expires_in, LONGEST)))
        token = _usable(fetched.access_token)
        self._held = token, asked_at + lifetime - min(60.0, lifetime / 2)
        return token


def _usable(access_token: str) -> str:
    try:
        return checked_token(access_token)
    except ValueError:
        raise SectraUnreadableAnswerError(
            "the answer to /token can't be used: its access_token is empty or has characters that no token has"
        ) from None
