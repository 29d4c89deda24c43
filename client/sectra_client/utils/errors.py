"""What can go wrong, named for the caller's next step.

SectraError
├── SectraRequestError              the server answered outside 2xx (status_code, text, path, problem)
│   ├── SectraInvalidRequestError   400, 405, 413–416, 422: mend the request, `problem` says where
│   ├── SectraUnauthorisedError     401: get a valid token
│   │   └── SectraForbiddenError    403: the token is for something else
│   ├── SectraNotFoundError         404, 410: there is no such thing, or not in this version
│   ├── SectraConflictError         409, 412: read again, change again (`modify_result` does)
│   ├── SectraUnavailableError      429, 502, 503, 504: try later (retry_after)
│   ├── SectraRedirectError         3xx: use the URL it points to (location); redirects are never followed
│   └── SectraServerError           other 5xx: tell the server's maintainer
├── SectraConnectionError           no answer (also a builtin ConnectionError)
│   ├── SectraTimeoutError          not in time (also a builtin TimeoutError)
│   └── SectraUncertainWriteError   a write may have reached the server: look before sending it again
├── SectraTruncatedDownloadError    the answer ended before it was complete
├── SectraNoLabelError              the slide has no label
├── SectraVersionError              not in this server's version, nothing was sent (needed, server)
├── SectraUnreadableAnswerError     the server answered 2xx with something that isn't the API's
└── SectraInvocationError           what came to the webhook is no invocation (also a ValueError)
"""

import re
from collections.abc import Mapping
from functools import cached_property

from pydantic import ValidationError

from sectra_client.schemas.problems import Problem

PROBLEM = "application/problem+json"
SHOWN = 1000
"""So many characters of an answer are shown in a message; `text` has all of it."""


class SectraError(Exception):
    """Above all errors of this client."""


class SectraRequestError(SectraError):
    """The server answered outside 2xx.

    `status_code` and `text` are the answer's; `path` is relative to the base URL, without the query; `headers` are the
    answer's, by lower-case name, `location` without its query; `problem` is the parsed `application/problem+json`, None
    where the answer is something else.
    """

    def __init__(self, status_code: int, text: str, path: str, headers: Mapping[str, str] | None = None) -> None:
        self.status_code = status_code
        self.text = text
        self.path = path
        self.headers = dict(headers or {})
        super().__init__(status_code, text, path, self.headers)

    @classmethod
    def of(cls, status_code: int, text: str, path: str, headers: Mapping[str, str]) -> "SectraRequestError":
        """The error of the class that the status stands for."""
        by_default = SectraServerError if status_code >= 500 else SectraRequestError
        by_default = SectraRedirectError if 300 <= status_code < 400 else by_default
        return _BY_STATUS.get(status_code, by_default)(status_code, text, path, headers)

    @cached_property
    def problem(self) -> Problem | None:
        """The parsed problem with its violations; None where the answer is no problem document: neither called one,
        nor with a `detail` or `title`.
        """
        try:
            problem = Problem.model_validate_json(self.text)
        except ValidationError:
            return None
        kind = self.headers.get("content-type", "").partition(";")[0].strip().lower()
        return problem if kind == PROBLEM or problem.detail or problem.title else None

    def __str__(self) -> str:
        said = (str(self.problem).strip() if self.problem else "") or self.text
        shown = said if len(said) <= SHOWN else f"{said[:SHOWN]}… ({len(said)} characters)"
        return f"Request {self.path} has failed with status code {self.status_code}: {shown}"


class SectraInvalidRequestError(SectraRequestError):
    """The request breaks the contract: `problem.violations` says where."""


class SectraUnauthorisedError(SectraRequestError):
    """The server doesn't accept the token."""


class SectraForbiddenError(SectraUnauthorisedError):
    """The token is for another application."""


class SectraNotFoundError(SectraRequestError):
    """What the path names isn't there, or the operation isn't in the server's version."""


class SectraConflictError(SectraRequestError):
    """The `versionId` isn't the current one: nothing was changed. Read again and repeat the change."""


class SectraUnavailableError(SectraRequestError):
    """The server can't answer now: try later."""

    @property
    def retry_after(self) -> float | None:
        """In how many seconds the server wants to be asked again, as far as it says so as a number."""
        value = self.headers.get("retry-after", "").strip()
        return float(value) if value.isdecimal() else None


class SectraRedirectError(SectraRequestError):
    """The server points elsewhere; the token isn't carried there: use the right base URL."""

    @property
    def location(self) -> str | None:
        """Where the server points to, without the query; None where it doesn't say."""
        return re.split("[?#]", self.headers.get("location", ""), maxsplit=1)[0] or None

    def __str__(self) -> str:
        return (
            f"Request {self.path} was redirected (status code {self.status_code}) to {self.location or 'nowhere'}: "
            "redirects are not followed, so that no other host gets the token. Use the server's real base URL."
        )


class SectraServerError(SectraRequestError):
    """The server failed."""


_BY_STATUS: Mapping[int, type[SectraRequestError]] = {
    **dict.fromkeys((400, 405, 413, 414, 415, 416, 422), SectraInvalidRequestError),
    **dict.fromkeys((404, 410), SectraNotFoundError),
    **dict.fromkeys((409, 412), SectraConflictError),
    **dict.fromkeys((429, 502, 503, 504), SectraUnavailableError),
    401: SectraUnauthorisedError,
    403: SectraForbiddenError,
}


class SectraConnectionError(SectraError, ConnectionError):
    """No answer came. `sent`: the request may have reached the server; `permanent`: trying again is of no use;
    `attempts`: how often it was tried.
    """

    sent = False
    permanent = False
    attempts = 1


class SectraTimeoutError(SectraConnectionError, TimeoutError):
    """The server could not be reached, or didn't answer, in time."""


class SectraUncertainWriteError(SectraConnectionError):
    """A write may have reached the server, its answer didn't come: it isn't sent again by itself."""

    sent = True


class SectraTruncatedDownloadError(SectraError):
    """The answer ended before it was complete; nothing that isn't whole looks whole. `permanent`: the server means it
    so, and trying again is of no use; `attempts`: how often it was tried.
    """

    permanent = False
    attempts = 1


class SectraNoLabelError(SectraError):
    """The slide has no label."""


class SectraVersionError(SectraError):
    """The operation came with a later version of IA-API than the server has; nothing was sent."""

    def __init__(self, operation: str, needed: str, server: str) -> None:
        self.operation = operation
        self.needed = needed
        self.server = server
        super().__init__(operation, needed, server)

    def __str__(self) -> str:
        return f"{self.operation} needs IA-API {self.needed}, the server has {self.server}: nothing was sent"


class SectraUnreadableAnswerError(SectraError):
    """The server answered with success, and with something that the contract doesn't let it say."""


class SectraInvocationError(SectraError, ValueError):
    """What came to the webhook is no invocation: answer 400 with this text."""
