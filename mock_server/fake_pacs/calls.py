"""What a handler is given and what it gives back: plain values that know no HTTP framework and no version."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO, SupportsIndex


@dataclass(frozen=True)
class Oddity:
    """Something that was accepted though it is suspicious: what sort, where in the request, and in words."""

    name: str
    place: str
    text: str

    def as_json(self) -> dict[str, str]:
        """The oddity as it stands in the journal."""
        return {"name": self.name, "place": self.place, "text": self.text}


@dataclass(frozen=True)
class Caller:
    """Who calls: the tenant, and what the credentials are bound to (None: not bound)."""

    tenant: str
    application: str | None = None
    accession_number: str | None = None
    issuer: str | None = None


class JsonObject(dict[str, Any]):
    """A JSON object with the text that says the same; nobody changes it, and any copy is a plain dict without one."""

    __slots__ = ("text",)

    def __init__(self, members: Mapping[str, Any], text: str) -> None:
        super().__init__(members)
        self.text = text

    def __reduce_ex__(self, protocol: SupportsIndex) -> tuple[type[dict[str, Any]], tuple[dict[str, Any]]]:
        """What `copy` and `pickle` make of it."""
        return dict, (dict(self),)


@dataclass(frozen=True)
class Call:
    """One request, read and validated.

    `parameters` holds every parameter of the operation by its usual name, coerced, None where none came. `body` is
    parsed JSON (an object as `JsonObject`) or a form's members; `upload` any other body, which arrives while it is
    read. `base_url` is how this caller reaches the IA-API, without a trailing slash.
    """

    operation_id: str
    parameters: Mapping[str, Any]
    caller: Caller
    base_url: str
    body: Any = None
    upload: BinaryIO | None = None


@dataclass(frozen=True)
class Reply:
    """One answer, in its newest shape.

    `body` is a JSON value for JSON media types, else bytes or an iterator of bytes with its exact `length`; with no
    `media_type` the answer has no content.
    """

    status: int = 200
    body: Any = None
    media_type: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    length: int | None = None
    oddities: Sequence[Oddity] = ()


def json_reply(body: Any, status: int = 200, oddities: Sequence[Oddity] = ()) -> Reply:
    """An answer of JSON."""
    return Reply(status=status, body=body, media_type="application/json", oddities=oddities)


def stream_reply(
    body: Iterator[bytes], length: int, media_type: str, headers: Mapping[str, str], status: int = 200
) -> Reply:
    """An answer of so many bytes, never held in memory as a whole."""
    return Reply(status, body, media_type, headers, length)
