"""Where the bearer token comes from: given once and for all, or fetched and renewed."""

import re
import threading
import time
from collections.abc import Callable
from typing import Protocol

from sectra_client.schemas.tokens import Token

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
    stripped = token.strip()
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

    Threads that need a token at the same time wait for one fetch and share what it brings.
    """

    def __init__(self, fetch: Callable[[], Token], clock: Callable[[], float] = time.monotonic) -> None:
        self._fetch = fetch
        self._clock = clock
        self._lock = threading.Lock()
        self._token: str | None = None
        self._renew_at = 0.0

    def token(self) -> str:
        """The current token, fetched anew where it is about to expire. Raises what fetching raises."""
        with self._lock:
            if self._token is None or self._clock() >= self._renew_at:
                return self._fetched()
            return self._token

    def renewed(self, refused: str) -> str | None:
        """A new token, or the current one where another thread has renewed it meanwhile."""
        with self._lock:
            return self._token if self._token not in (None, refused) else self._fetched()

    def _fetched(self) -> str:
        asked_at = self._clock()
        fetched = self._fetch()
        self._renew_at = asked_at + fetched.expires_in - min(60.0, fetched.expires_in / 2)
        self._token = checked_token(fetched.access_token)
        return self._token
