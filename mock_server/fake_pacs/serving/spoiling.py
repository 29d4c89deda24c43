"""Answers that go out wrong on purpose: broken off, dribbled, reset, of another length than they say."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from fake_pacs.serving.wsgi import Answer

STEP_SECONDS = 0.05
"""A pause looks this often whether the server stops; a dribble sends this often."""

Headers = Sequence[tuple[str, str]]
Stopping = Callable[[], bool]
Rewrite = Callable[[Headers, Iterable[bytes]], tuple[Headers, Iterable[bytes]]]
"""Makes other headers and another body, which still keep HTTP: `Content-Length` has to be right."""


@dataclass(frozen=True)
class WireFault:
    """What is wrong with one answer on the wire.

    `reset` ends the connection with a TCP reset, before the answer unless `cut` is set. With `cut` the body ends early:
    after `after_bytes`, at half of it where that is None. `length_off` is added to the `Content-Length` that is
    declared. `rate` is in bytes per second.
    """

    reset: bool = False
    cut: bool = False
    after_bytes: int | None = None
    length_off: int = 0
    rate: float | None = None
    rewrite: Rewrite | None = None

    def kept(self, length: int) -> int:
        """How many bytes of a body of that length are sent."""
        if not self.cut:
            return length
        return length // 2 if self.after_bytes is None else min(self.after_bytes, length)


def pause(seconds: float, stopping: Stopping) -> None:
    """Waits so long, in real time; no longer than it takes the server to stop."""
    deadline = time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > 0 and not stopping():
        time.sleep(min(left, STEP_SECONDS))


def send_spoiled(answer: Answer, chunks: Iterable[bytes], fault: WireFault, stopping: Stopping) -> bool:
    """Sends the answer with its fault; True where the connection has to be reset now.

    An answer without a body can only be reset: there is nothing in it to cut or to dribble.
    """
    if fault.reset and not fault.cut:
        return True
    if answer.length is None:
        answer.send(chunks)
        return fault.reset
    if fault.rewrite:
        headers, chunks = fault.rewrite(answer.headers, chunks)
        answer.replace_headers(headers)
    if fault.rate:
        chunks = paced(chunks, fault.rate, stopping)
    if not fault.cut and not fault.length_off:
        answer.send(chunks)
        return False
    length = answer.length
    if fault.length_off:
        answer.replace_headers(_with_length(answer.headers, max(length + fault.length_off, 0)))
    answer.send_past_http(first_bytes(chunks, fault.kept(length)))
    return fault.reset


def first_bytes(chunks: Iterable[bytes], count: int) -> Iterator[bytes]:
    """The first bytes of the chunks, no more of which are asked for than needed."""
    left = count
    for chunk in chunks if left else ():
        yield chunk[:left]
        left -= len(chunk)
        if left <= 0:
            return


def paced(chunks: Iterable[bytes], rate: float, stopping: Stopping) -> Iterator[bytes]:
    """The same bytes at `rate` bytes per second; at full speed once the server stops."""
    piece = max(1, int(rate * STEP_SECONDS))
    began, sent = time.monotonic(), 0
    for chunk in chunks:
        for start in range(0, len(chunk), piece):
            part = chunk[start : start + piece]
            yield part
            sent += len(part)
            pause(began + sent / rate - time.monotonic(), stopping)


def _with_length(headers: Headers, length: int) -> Headers:
    others = [(name, value) for name, value in headers if name.lower() != "content-length"]
    return [*others, ("Content-Length", str(length))]
