"""What becomes known of a request on its way, and when its answer is out."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from fake_pacs.calls import Caller, Oddity
from fake_pacs.faults.table import Touch
from fake_pacs.reading import Upload
from fake_pacs.serving.spans import Span, chunks_of
from ia_api_spec import ApiVersion, Violation


@dataclass
class Track:
    """What becomes known of a request on its way, for the journal."""

    began: float
    at: str
    operation_id: str | None = None
    spelling: str | None = None
    version: ApiVersion | None = None
    caller: Caller | None = None
    violations: list[Violation] = field(default_factory=list)
    oddities: list[Oddity] = field(default_factory=list)
    our_error: str | None = None
    request_body: bytes | None = None
    answer_body: bytes | None = None
    touch: Touch | None = None
    upload: Upload | None = None
    done: Callable[[], None] = field(default=lambda: None)


class Watched(Iterator[bytes]):
    """A stream that tells when it's closed, read to its end or not."""

    def __init__(self, stream: Any, closed: Callable[[], None]) -> None:
        self._stream, self._pieces, self._closed = stream, iter(stream), closed

    def __next__(self) -> bytes:
        piece: bytes = next(self._pieces)
        return piece

    def spans(self) -> Iterator[bytes | Span]:
        """The stream as a server sends it that knows spans of files."""
        return iter(chunks_of(self._stream))

    def close(self) -> None:
        """Closes the stream."""
        try:
            getattr(self._stream, "close", lambda: None)()
        finally:
            self._closed()
