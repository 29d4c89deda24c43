"""What sees the requests that an emulator of ours serves, as they are on the wire: for the client and the app mode."""

import hashlib
import io
import threading
from collections.abc import Callable
from typing import Any

from fake_pacs.embedding import Exchange, Journal


class NotingJournal(Journal):
    """A journal that tells each thread the exchange that it wrote last."""

    def __init__(self) -> None:
        super().__init__()
        self._last = threading.local()

    def write(self, exchange: Exchange, later: Callable[[Exchange], Exchange] | None = None, held: int = 0) -> int:
        """Adds an exchange, and notes it, without its secrets, for the thread that serves it."""
        self._last.exchange = later(exchange) if later else exchange
        return super().write(exchange, later, held)

    def mine(self) -> Exchange | None:
        """The exchange that this thread wrote last, once."""
        found: Exchange | None = getattr(self._last, "exchange", None)
        self._last.exchange = None
        return found


class WatchedBody(io.RawIOBase):
    """A request body that is hashed as it is read; its first `keep` bytes are kept in `beginning`."""

    def __init__(self, body: Any, digest: Any, keep: int = 0) -> None:
        super().__init__()
        self._body, self._digest, self._keep = body, digest, keep
        self.beginning = b""

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Reads on."""
        piece = self._body.read(len(buffer))
        buffer[: len(piece)] = piece
        self._digest.update(piece)
        self.beginning += piece[: self._keep - len(self.beginning)]
        return len(piece)


def request_digest(environ: dict[str, Any]) -> Any:
    """A hash that is equal for requests that are the same but for their bodies, which are to be added."""
    digest = hashlib.sha256()
    for name in ("REQUEST_METHOD", "PATH_INFO", "QUERY_STRING", "CONTENT_TYPE", "HTTP_AUTHORIZATION"):
        digest.update(f"{environ.get(name, '')}\n".encode("utf-8", "surrogateescape"))
    return digest
