"""Requests and answers as plain values, and what all operations share: paths, JSON bodies, reading models, refusals."""

import json
import re
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Generic, TypeVar, cast
from urllib.parse import quote

from pydantic import BaseModel, TypeAdapter, ValidationError

from sectra_client.utils.errors import SectraRequestError, SectraUnreadableAnswerError
from sectra_client.wire.uploads import Upload

T = TypeVar("T")
JSON = "application/json"
SECRETS = frozenset({"token", "access_token"})


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
    document = model.model_dump(mode="json", by_alias=True, warnings=False)
    type(model).model_validate(document)
    return json.dumps(document, allow_nan=False).encode("ascii")


def refusal(answer: Answer) -> SectraRequestError:
    """The error that an answer outside 2xx stands for."""
    return SectraRequestError.of(answer.status, answer.body.decode("utf-8", "replace"), answer.path, answer.headers)


def reads(kind: type[T]) -> Callable[[Answer], T]:
    """A reader of JSON answers of that kind. It raises `SectraUnreadableAnswerError` naming every place that isn't as
    it should.
    """

    def read(answer: Answer) -> T:
        try:
            value: T = _adapter(cast("Hashable", kind)).validate_json(answer.body)
        except ValidationError as error:
            raise unreadable(answer, "; ".join(explained(error))) from None
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


def explained(error: ValidationError) -> list[str]:
    """Each wrong place of a model: where, what was expected, what came; secrets are not shown."""
    return [_explained(detail) for detail in error.errors(include_url=False, include_context=False)]


def _explained(detail: Any) -> str:
    pointer = "".join(f"/{step}" for step in detail["loc"]) or "the whole"
    scalar = isinstance(detail["input"], str | int | float | bool | None) and not SECRETS & set(detail["loc"])
    shown = f", came {repr(detail['input'])[:80]}" if scalar and detail["type"] != "json_invalid" else ""
    message = re.sub(r"<\w+\.\w+: ('[^']*')>", r"\1", detail["msg"])  # enum members as the wire spells them
    return f"{pointer}: {message}{shown}"


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)
