"""When and after how long a request is sent again: pure decisions, no I/O but the injected sleep."""

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from sectra_client.utils.errors import SectraConnectionError, SectraTimeoutError
from sectra_client.wire.messages import Request

ASK_LATER = frozenset({429, 503})


@dataclass(frozen=True)
class RetryPolicy:
    """How often and after how long: `retries` after the first try, waits that double from `first` up to `cap` seconds.

    Each wait is shortened at random by up to a half, so that many clients don't come back at once. A `Retry-After`
    beyond `patience` seconds isn't waited for. `sleep` and `jitter` (0 to 1) can be replaced by tests.
    """

    retries: int = 5
    first: float = 0.5
    cap: float = 10.0
    patience: float = 60.0
    sleep: Callable[[float], None] = time.sleep
    jitter: Callable[[], float] = random.random

    def wait(self, attempt: int) -> float:
        """Seconds to wait after the failed attempt of that number, from 0."""
        longest: float = min(self.cap, self.first * 2.0**attempt)
        return longest * (1 - self.jitter() / 2)

    def may_retry(self, request: Request, error: SectraConnectionError) -> bool:
        """Whether sending again is right: nothing was sent, or a read whose answer broke off; a slow answer is waited
        for once.
        """
        if error.permanent:
            return False
        return not error.sent or (request.may_repeat and not isinstance(error, SectraTimeoutError))

    def asked_to_wait(self, request: Request, status: int, headers: Mapping[str, str]) -> float | None:
        """Seconds that the server asks a read to wait before it comes again; None where it doesn't, or for too long."""
        if not request.may_repeat or status not in ASK_LATER:
            return None
        asked = seconds_until(headers.get("retry-after", ""), datetime.now(UTC))
        return asked if asked is not None and asked <= self.patience else None


def seconds_until(retry_after: str, now: datetime) -> float | None:
    """The seconds that a `Retry-After` asks for, given as a number or as a date; None where it's neither."""
    value = retry_after.strip()
    if value.isascii() and value.isdecimal():
        return float(value)
    try:
        when = parsedate_to_datetime(value)
    except ValueError:
        return None
    when = when if when.tzinfo else when.replace(tzinfo=UTC)
    return max(0.0, (when - now).total_seconds())
