"""Asking for faults from Python: a method for each kind, so that an editor shows what it takes."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TypedDict, Unpack

from fake_pacs.faults.effects import (
    Damage,
    Dribble,
    Effect,
    ExpireToken,
    MalformedMultipart,
    Reset,
    Status,
    TooManyRequests,
    Truncate,
    WrongLength,
)
from fake_pacs.faults.fault import ANY, Fault, Match, Record
from fake_pacs.faults.latency import Distribution, Latency


class Which(TypedDict, total=False):
    """Which exchanges a fault takes: `times` of them (None: all) after the first `after`, about these ids only.

    `latency` holds each of them back besides.
    """

    times: int | None
    after: int
    slide_id: str | None
    application_id: str | None
    result_id: int | None
    latency: Latency | None


class Spread(TypedDict, total=False):
    """How waiting times are spread, as `Latency` says."""

    distribution: Distribution
    deviation: float | None
    minimum: float
    maximum: float
    seed: int | None


class Asking(ABC):
    """The methods that put faults into a table; `operation_id` is an operation of the IA-API, or `*` for all.

    Each raises `ValueError` for what can't be done, naming the member.
    """

    @abstractmethod
    def put(self, fault: Fault) -> Record:
        """Adds a fault at the end of the table."""

    def add(self, operation_id: str, effect: Effect | None, **which: Unpack[Which]) -> Record:
        """A fault with any effect, or with none and a latency."""
        match = Match(which.get("slide_id"), which.get("application_id"), which.get("result_id"))
        times, after = which.get("times", 1), which.get("after", 0)
        return self.put(Fault(operation_id, effect, which.get("latency"), times, after, match))

    def status(
        self,
        operation_id: str,
        status: int,
        *,
        headers: Mapping[str, str] | None = None,
        body: str | None = None,
        media_type: str | None = None,
        carried_out: bool = False,
        **which: Unpack[Which],
    ) -> Record:
        """Answers with that status, declared or not; what was asked is not carried out unless told so."""
        return self.add(operation_id, Status(status, headers or {}, body, media_type, carried_out), **which)

    def too_many_requests(
        self, operation_id: str, retry_after: int = 1, *, http_date: bool = False, **which: Unpack[Which]
    ) -> Record:
        """Answers 429 with `Retry-After`, in seconds or as HTTP-date."""
        return self.add(operation_id, TooManyRequests(retry_after, http_date), **which)

    def slow(
        self, operation_id: str, seconds: float | None = None, *, times: int | None = None, **how: Unpack[Spread]
    ) -> Record:
        """Holds requests back before they are carried out, all of them unless `times` says how many."""
        return self.add(operation_id, None, times=times, latency=Latency(seconds, **how))

    def reset(
        self,
        operation_id: str,
        *,
        after_bytes: int | None = None,
        carried_out: bool = True,
        **which: Unpack[Which],
    ) -> Record:
        """Resets the connection before the answer, or after so many bytes of its body."""
        return self.add(operation_id, Reset(after_bytes, carried_out), **which)

    def truncate(self, operation_id: str, *, after_bytes: int | None = None, **which: Unpack[Which]) -> Record:
        """Closes the connection after so many bytes of the body, half of it where none are named."""
        return self.add(operation_id, Truncate(after_bytes), **which)

    def dribble(self, operation_id: str, bytes_per_second: float, **which: Unpack[Which]) -> Record:
        """Sends the body at so many bytes per second."""
        return self.add(operation_id, Dribble(bytes_per_second), **which)

    def malformed_multipart(self, damage: Damage, **which: Unpack[Which]) -> Record:
        """Answers the files of a slide as multipart that breaks its own framing."""
        return self.add("getSlideFiles", MalformedMultipart(damage), **which)

    def wrong_length(self, operation_id: str, by: int, **which: Unpack[Which]) -> Record:
        """Declares a `Content-Length` that is wrong by so many bytes."""
        return self.add(operation_id, WrongLength(by), **which)

    def expire_token(
        self,
        *,
        after_calls: int | None = None,
        after_bytes: int | None = None,
        times: int | None = 1,
        application_id: str | None = None,
        operation_id: str = ANY,
    ) -> Record:
        """Lets tokens expire, `times` of them, each after so many calls or bytes."""
        effect = ExpireToken(after_calls, after_bytes)
        return self.add(operation_id, effect, times=times, application_id=application_id)
