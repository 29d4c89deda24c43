"""Requests and answers as plain values, and what all operations share: paths, JSON bodies, reading models, refusals."""

import json
import re
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Generic, TypeVar, cast
from urllib.parse import quote

from pydantic import BaseModel, TypeAdapter, ValidationError

from sectra_client.schemas.base import AS_READ
from sectra_client.utils.errors import SectraRequestError, SectraUnreadableAnswerError
from sectra_client.wire.uploads import Upload

T = TypeVar("T")
M = TypeVar("M", bound=BaseModel)
JSON = "application/json"
SECRETS = frozenset({"token", "access_token", "callbackInfo", "cancellationToken", "sessionToken"})
"""Members of which nothing is shown, nor of what is in them."""


@dataclass(frozen=True)
class Request:
    """One operation with its arguments. `path` is percent-encoded and relative to the base URL."""

    operation: str
    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes | Upload | None = field(default=None, repr=False)
    since: str | None = None
    authorised: bool = True
    repeatable: bool = False
    secrets: tuple[str, ...] = field(default=(), repr=False)
    """Credentials in the query or the headers, never to be shown should the server repeat them."""

    @property
    def may_repeat(self) -> bool:
        """Whether sending it twice does no more than sending it once."""
        return self.repeatable or self.method == "GET"


@dataclass(frozen=True)
class Answer:
    """What came back: `headers` by lower-case name, the whole body."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    path: str

    @property
    def is_success(self) -> bool:
        """Whether the status is 2xx."""
        return 200 <= self.status < 300


@dataclass(frozen=True)
class Call(Generic[T]):
    """A request, and how the answer to it is read."""

    request: Request
    read: Callable[[Answer], T]


def segment(name: str, value: str) -> str:
    """A path segment, percent-encoded. Raises `ValueError` for what can't be one; `name` is the argument's, for the
    message.
    """
    if not isinstance(value, str) or value in ("", ".", ".."):
        raise ValueError(f"{name} is {value!r}: a non-empty text is needed, other than '.' and '..'")
    return quote(value, safe="")


def whole(name: str, value: int) -> str:
    """A whole number as a path segment. Raises `ValueError` for anything else."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"{name} is {value!r}: a whole number is needed")
    return str(int(value))


def text(name: str, value: str) -> str:
    """A non-empty query value. Raises `ValueError` for anything else."""
    if not isinstance(value, str) or not value:
        raise ValueError(f"{name} is {value!r}: a non-empty text is needed")
    return value


def json_body(model: BaseModel) -> bytes:
    """The model as JSON, checked once more: a list may have been changed since the model was made.

    Raises `ValueError` (pydantic's where a member is wrong, json's for NaN and infinity in free members).
    """
    return checked(model)[1]


def checked(model: M) -> tuple[M, bytes]:
    """The model as it would be read again, and as JSON; members of it may have been set to anything meanwhile.

    Raises `ValueError` as `json_body` does.
    """
    document = model.model_dump(mode="json", by_alias=True, warnings=False)
    again = type(model).model_validate(document)
    _check_sendable(document, type(model).__name__)
    return again, json.dumps(document, allow_nan=False).encode("ascii")


def _check_sendable(value: Any, place: str) -> None:
    """Raises `ValueError` for what JSON can spell and no PACS can read: lone surrogates, and numbers beyond doubles."""
    if isinstance(value, dict):
        for name, member in value.items():
            _check_sendable(str(name), f"a name in {place}")
            _check_sendable(member, f"{place}.{name}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            _check_sendable(item, f"{place}[{index}]")
    elif isinstance(value, str) and not value.isascii():
        try:
            value.encode("utf-8")
        except UnicodeEncodeError:
            raise ValueError(f"{place!a} is {ascii(value)[:60]}: text without lone surrogates is needed") from None
    elif isinstance(value, int) and value.bit_length() > 1023:
        raise ValueError(f"{place} is a whole number of {value.bit_length()} bits: no double holds it")


def refusal(answer: Answer) -> SectraRequestError:
    """The error that an answer outside 2xx stands for; its `location` is without the query, where tokens are."""
    headers = dict(answer.headers)
    if "location" in headers:
        headers["location"] = re.split("[?#]", headers["location"], maxsplit=1)[0]
    return SectraRequestError.of(answer.status, answer.body.decode("utf-8", "replace"), answer.path, headers)


def reads(kind: type[T], *, secret: bool = False) -> Callable[[Answer], T]:
    """A reader of JSON answers of that kind. It raises `SectraUnreadableAnswerError` naming every place that isn't as
    it should; of a secret answer it shows nothing that came.
    """

    def read(answer: Answer) -> T:
        try:
            value: T = _adapter(cast("Hashable", kind)).validate_json(answer.body, context=AS_READ)
        except ValidationError as error:
            raise unreadable(answer, "; ".join(explained(error, secret=secret))) from None
        return value

    return read


def read_nothing(answer: Answer) -> None:
    """Reads an answer whose success is all it says."""


def unreadable(answer: Answer, why: str) -> SectraUnreadableAnswerError:
    """The error for an answer of success that can't be read."""
    kind = answer.headers.get("content-type", "no content type")
    return SectraUnreadableAnswerError(
        f"the answer to {answer.path} (status {answer.status}, {kind}, {len(answer.body)} bytes) can't be read: {why}"
    )


def explained(error: ValidationError, *, secret: bool = False) -> list[str]:
    """Each wrong place of a model: where, what was expected, what came unless that is secret."""
    return [_explained(detail, secret) for detail in error.errors(include_url=False, include_context=False)]


def _explained(detail: Any, secret: bool) -> str:
    pointer = "".join(f"/{step}" for step in detail["loc"]) or "the whole"
    scalar = isinstance(detail["input"], str | int | float | bool | None) and detail["type"] != "json_invalid"
    hidden = secret or not detail["loc"] or bool(SECRETS & set(detail["loc"]))  # a whole body may be a mere token
    shown = f", came {repr(detail['input'])[:80]}" if scalar and not hidden else ""
    message = re.sub(r"<\w+\.\w+: ('[^']*')>", r"\1", detail["msg"])  # enum members as the wire spells them
    return f"{pointer}: {message}{shown}"


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)
