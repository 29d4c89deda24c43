"""When and after how long a request is sent again: pure decisions, no I/O but the injected sleep."""

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from sectra_client.utils.errors import (
    SectraConnectionError,
    SectraTimeoutError,
    SectraTruncatedDownloadError,
    SectraUncertainWriteError,
)
from sectra_client.wire.messages import Answer, Request

ASK_LATER = frozenset({429, 503})
Failure = SectraConnectionError | SectraTruncatedDownloadError
"""What may be over the next time."""


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

    def may_retry(self, request: Request, error: Failure) -> bool:
        """Whether sending again is right: nothing was sent, or a read whose answer broke off; a slow answer is waited
        for once, but a download that stalls is begun again.
        """
        if error.permanent:
            return False
        if isinstance(error, SectraTruncatedDownloadError):
            return request.may_repeat
        return not error.sent or (request.may_repeat and not isinstance(error, SectraTimeoutError))

    def asked_to_wait(self, request: Request, status: int, headers: Mapping[str, str]) -> float | None:
        """Seconds that the server asks a read to wait before it comes again; None where it doesn't, or for too long."""
        if not request.may_repeat or status not in ASK_LATER:
            return None
        asked = seconds_until(headers.get("retry-after", ""), datetime.now(UTC))
        return asked if asked is not None and asked <= self.patience else None


class Tries:
    """The tries of one request, counted: those that failed before its answer began and those that broke off in it
    share the policy's retries.
    """

    def __init__(self, policy: RetryPolicy, request: Request) -> None:
        self._policy = policy
        self._request = request
        self._failed = 0

    def again(self, error: Failure) -> bool:
        """Waits for the next try; False where there is none: then the error says how often it was tried."""
        self._failed += 1
        if self._failed <= self._policy.retries and self._policy.may_retry(self._request, error):
            self._policy.sleep(self._policy.wait(self._failed - 1))
            return True
        error.attempts = self._failed
        if self._failed > 1 and not isinstance(error, SectraUncertainWriteError):  # that was sent once
            error.args = (f"{error} Tried {self._failed} times.",)
        return False

    def as_asked(self, answer: Answer) -> bool:
        """Waits as long as a busy server asks for; False where it doesn't, or no try is left."""
        wait = self._policy.asked_to_wait(self._request, answer.status, answer.headers)
        if wait is None or self._failed >= self._policy.retries:
            return False
        self._failed += 1
        self._policy.sleep(wait)
        return True


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
