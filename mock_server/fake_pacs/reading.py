"""From text on the wire to values: parameters and bodies, read as the contract says, with all violations at once."""

import difflib
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Protocol
from urllib.parse import parse_qsl

from fake_pacs.calls import Oddity
from fake_pacs.refusals import Refusal, Refusals
from fake_pacs.strict_json import harmless, parse
from ia_api_spec import Operation, Parameter, Schema, Violation, shown

PIECE = 2**20
"""Bytes that are read from the wire at a time."""

_INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,400})")
_NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,400})(\.[0-9]{1,400})?([eE][+-]?[0-9]{1,3})?")
_MALFORMED_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")


class Message(Protocol):
    """What reading needs of a request: the parts of an HTTP message, whatever framework it came through."""

    path_values: Mapping[str, str]
    query_string: str
    content_type: str | None
    content_length: int | None
    stream: BinaryIO

    def header(self, name: str) -> str | None:
        """The value of a header, None where it is absent."""
        ...


@dataclass
class Readings:
    """The values read, and everything that was wrong or odd about them."""

    values: dict[str, Any] = field(default_factory=dict)
    violations: list[Violation] = field(default_factory=list)
    oddities: list[Oddity] = field(default_factory=list)


def read_parameters(operation: Operation, message: Message) -> Readings:
    """Every parameter of the operation by its usual name, coerced and validated; nothing stops at the first error."""
    readings = Readings()
    query = _query(message.query_string, readings)
    _carry_over(operation, query, readings)
    for parameter in operation.parameters:
        texts = _texts(parameter, message, query)
        _read_one(parameter, texts, readings)
    readings.oddities.extend(_unknown(operation, query))
    return readings


def read_json(schema: Schema, raw: bytes) -> tuple[Any, list[Violation]]:
    """The JSON value of a body and all that is wrong with it, as JSON and against its schema."""
    value, violations = parse(raw)
    if any(not violation.pointer for violation in violations):
        return None, violations
    named = {violation.pointer for violation in violations}
    readable = harmless(value) if violations else value
    broken = [found for found in schema.violations(readable, "body") if found.pointer not in named]
    return value, list(dict.fromkeys(violations + broken))


def read_form(schema: Schema, raw: bytes) -> tuple[Any, list[Violation]]:
    """The members of a URL-encoded form and all that is wrong with them; a member sent twice is a violation."""
    try:
        pairs = parse_qsl(raw.decode("utf-8"), keep_blank_values=True, errors="strict", max_num_fields=100)
    except ValueError as error:
        return None, [Violation("body", "", str(error), "a URL-encoded form in UTF-8")]
    members = dict(pairs)
    twice = sorted({name for name, _ in pairs if sum(name == other for other, _ in pairs) > 1})
    places = [name.replace("~", "~0").replace("/", "~1") for name in twice]
    violations = [Violation("body", f"/{place}", "the member more than once", "each member once") for place in places]
    return members, violations + schema.violations(members, "body")


def media_type_of(operation: Operation, message: Message) -> str:
    """The operation's media type that the body was sent as. Refused: UNSUPPORTED_MEDIA_TYPE."""
    sent = (message.content_type or "").partition(";")[0].strip().lower()
    accepted = list(operation.bodies)
    charset = re.search(r"charset\s*=\s*\"?([^\s;\"]+)", message.content_type or "", re.IGNORECASE)
    if charset and charset.group(1).lower() not in ("utf-8", "utf8") and "*/*" not in accepted:
        raise _unsupported(f"the charset {charset.group(1)!r}", "application/json in UTF-8")
    if sent in accepted:
        return sent
    if "*/*" in accepted:
        return "*/*"
    raise _unsupported(f"{sent!r}" if sent else "no media type", " or ".join(accepted))


def read_whole(message: Message, limit: int) -> bytes:
    """The whole body. Refused: BODY_TOO_LARGE, before more than `limit` bytes are held."""
    return b"".join(_pieces(message, limit))


def spool(message: Message, limit: int) -> BinaryIO:
    """The body in a temporary file, from its start. Refused: BODY_TOO_LARGE."""
    file: BinaryIO = tempfile.TemporaryFile()  # noqa: SIM115 - the call closes it
    try:
        for piece in _pieces(message, limit):
            file.write(piece)
    except BaseException:
        file.close()
        raise
    file.seek(0)
    return file


def _pieces(message: Message, limit: int) -> Iterator[bytes]:
    if (message.content_length or 0) > limit:
        raise _too_large(f"The body is {message.content_length} bytes", limit)
    seen = 0
    while piece := message.stream.read(min(PIECE, limit + 1 - seen)):
        seen += len(piece)
        if seen > limit:
            raise _too_large(f"The body is more than {limit} bytes", limit)
        yield piece


def _too_large(detail: str, limit: int) -> Refusal:
    return Refusal(Refusals.BODY_TOO_LARGE, f"{detail}; at most {limit} are taken.", hint="Send less in one request.")


def _unsupported(came: str, expected: str) -> Refusal:
    violation = Violation("header", "Content-Type", came, expected)
    return Refusal(Refusals.UNSUPPORTED_MEDIA_TYPE, f"The body came as {came}.", violations=[violation])


def _query(text: str, readings: Readings) -> dict[str, list[str]]:
    if found := _MALFORMED_ESCAPE.search(text):
        place = text[found.start() : found.start() + 3]
        readings.violations.append(Violation("query", "", shown(place), "percent signs only before two hex digits"))
    try:
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=1000)
    except ValueError as error:
        readings.violations.append(Violation("query", "", str(error)[:200], "at most 1000 parameters in UTF-8"))
        return {}
    query: dict[str, list[str]] = {}
    for name, value in pairs:
        query.setdefault(name, []).append(value)
    return query


def _carry_over(operation: Operation, query: dict[str, list[str]], readings: Readings) -> None:
    """Reads `a=x?b=y` as the two parameters that were meant, where the contract says that callers send it so."""
    for parameter in operation.parameters:
        carried = parameter.node.get("x-carries")
        values = query.get(parameter.name, [])
        if not carried or len(values) != 1 or carried["separator"] not in values[0]:
            continue
        own, _, other = values[0].partition(carried["separator"])
        query[parameter.name] = [own]
        query.setdefault(carried["parameter"], []).append(other)
        text = f"came with {carried['separator']}… appended; read as the parameter {carried['parameter']}"
        readings.oddities.append(Oddity("appended-parameter", parameter.name, text))


def _texts(parameter: Parameter, message: Message, query: Mapping[str, list[str]]) -> Sequence[str]:
    if parameter.location == "path":
        return [message.path_values[parameter.name]]
    if parameter.location == "query":
        return query.get(parameter.name, [])
    value = message.header(parameter.name)
    return [] if value is None else [value]


def _read_one(parameter: Parameter, texts: Sequence[str], readings: Readings) -> None:
    name, usual = parameter.name, parameter.reads_as
    if not texts:
        if parameter.required:
            readings.violations.append(Violation(parameter.location, name, "nothing", "a value: it is required"))
        readings.values.setdefault(usual, parameter.schema.node.get("default"))
        return
    if len(set(texts)) > 1:
        readings.violations.append(Violation(parameter.location, name, shown(list(texts)), "one value"))
        return
    value, violation = _coerce(parameter, texts[0])
    found = [violation] if violation else parameter.schema.violations(value, parameter.location)
    readings.violations.extend(Violation(item.part, name, item.came, item.expected, item.hint) for item in found)
    if readings.values.get(usual) not in (None, value) and usual != name:
        came = f"{shown(value)} beside {usual}={shown(readings.values[usual])}"
        readings.violations.append(Violation(parameter.location, name, came, f"the same value as {usual}, or only one"))
    readings.values[usual] = value
    if usual != name:
        readings.oddities.append(Oddity("other-spelling", name, f"read as {usual}"))


def _coerce(parameter: Parameter, text: str) -> tuple[Any, Violation | None]:
    """The text as the JSON type that the contract names; booleans are compared without case (V)."""
    kind = parameter.kind
    if kind == "boolean" and text.lower() in ("true", "false"):
        return text.lower() == "true", None
    if kind == "integer" and _INTEGER.fullmatch(text):
        return int(text), None
    if kind == "number" and _NUMBER.fullmatch(text):
        return float(text), None
    if kind == "string":
        return text, None
    expected = {"boolean": "true or false", "integer": "a whole number", "number": "a number"}[kind]
    return None, Violation(parameter.location, parameter.name, shown(text), expected)


def _unknown(operation: Operation, query: Mapping[str, list[str]]) -> Iterator[Oddity]:
    known = [parameter.name for parameter in operation.parameters if parameter.location == "query"]
    for name in query:
        if name in known:
            continue
        close = [other for other in known if other.lower() == name.lower()] or difflib.get_close_matches(name, known)
        meant = f"; was {close[0]} meant?" if close else ""
        yield Oddity("unknown-parameter", name[:200], f"the operation has no such parameter{meant}")
