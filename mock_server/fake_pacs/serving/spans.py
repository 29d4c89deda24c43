"""Parts of files on their way out, which the operating system can send without this process reading them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, Protocol, cast


@dataclass(frozen=True)
class Span:
    """So many bytes of an open file, from where it stands; where it stands afterwards tells how many were sent."""

    file: BinaryIO
    count: int

    def __len__(self) -> int:
        """How many bytes that is: h11 counts what passes by it."""
        return self.count


class WithSpans(Protocol):
    """A body that is bytes for everybody, and spans of files for a server that knows them; one of the two is used."""

    def spans(self) -> Iterator[bytes | Span]:
        """The body, files as spans. After a span the next element is asked for only when it was sent."""
        ...


def chunks_of(body: Iterable[bytes]) -> Iterable[bytes | Span]:
    """The body as a server best sends it."""
    return cast("WithSpans", body).spans() if hasattr(body, "spans") else body
