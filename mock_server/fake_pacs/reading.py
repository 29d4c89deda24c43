"""From text on the wire to values: parameters and bodies, read as the contract says, with all violations at once."""

import difflib
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, BinaryIO, Protocol
from urllib.parse import unquote_plus

from fake_pacs.calls import JsonObject, Oddity
from fake_pacs.refusals import Refusal, Refusals
from fake_pacs.strict_json import all_wrong, harmless, parse
from ia_api_spec import Operation, Parameter, Schema, Violation, as_step, at_most, shown

PIECE = 2**20
"""Bytes that are read from the wire at a time."""

MAX_PARAMETERS = 1000
"""So many query parameters are read (assumed): no operation has more than ten."""

MAX_MEMBERS = 100
"""So many members of a form are read (assumed): `POST /token` needs one."""

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


class Upload(io.RawIOBase):
    """A body as it arrives, for whoever stores it: nothing is read before they do.

    Reading raises `Refusal` BODY_TOO_LARGE where the body is longer than `limit` bytes, whether it says so or not, and
    whatever the server raises for a body that breaks off.
    """

    def __init__(self, message: Message, limit: int) -> None:
        super().__init__()
        self._pieces = _pieces(message, limit)
        self._piece = memoryview(b"")
        self.received = 0
        """So many bytes were read so far."""

    def readable(self) -> bool:
        """True: this is an input stream."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill `buffer` with what has arrived, waiting for at least one byte; 0 at the end."""
        if not self._piece:
            self._piece = memoryview(next(self._pieces, b""))
            self.received += len(self._piece)
        count = min(len(buffer), len(self._piece))
        buffer[:count] = self._piece[:count]
        self._piece = self._piece[count:]
        return count


def read_parameters(operation: Operation, message: Message) -> Readings:
    """Every parameter of the operation by its usual name, coerced and validated; nothing stops at the first error.

    `values` lacks those that came and could not be read.
    """
    readings = Readings()
    query, unread = _query(operation, message.query_string, readings)
    _carry_over(operation, query, unread, readings)
    for parameter in operation.parameters:
        if parameter.location != "query" or parameter.name not in unread:
            texts = _texts(parameter, message, query)
            _read_one(parameter, texts, readings)
    readings.oddities.extend(_unknown(operation, query))
    return readings


def read_json(schema: Schema, raw: bytes) -> tuple[Any, list[Violation]]:
    """The JSON value of a body and all that is wrong with it, as JSON and against its schema."""
    value, violations = parse(raw)
    if any(not violation.pointer for violation in violations):
        return None, violations
    if isinstance(value, dict) and not violations:
        value = JsonObject(value, raw.decode("utf-8-sig"))
    broken = schema.violations(harmless(value) if violations else value, "body")
    return value, at_most(dict.fromkeys(all_wrong(violations, broken)), "body")


def read_form(schema: Schema, raw: bytes) -> tuple[Any, list[Violation]]:
    """The members of a URL-encoded form and all that is wrong with them; a member sent twice is a violation."""
    pairs = _pairs(raw.decode("utf-8", "surrogateescape"))
    if len(pairs) > MAX_MEMBERS:
        return None, [Violation("body", "", f"{len(pairs)} members", f"at most {MAX_MEMBERS} members")]
    members, faults = _decoded(pairs)
    value = {name: values[-1] for name, values in members.items()}
    violations = [replace(fault, part="body", pointer=_place(fault.pointer)) for fault in faults]
    unread = {violation.pointer for violation in violations}
    for name in sorted(name for name, values in members.items() if len(values) > 1):
        violations.append(Violation("body", _place(name), "the member more than once", "each member once"))
    return value, violations + [found for found in schema.violations(value, "body") if found.pointer not in unread]


def _place(name: str) -> str:
    return f"/{as_step(name)}" if name else ""


def media_type_of(operation: Operation, message: Message) -> str:
    """The operation's media type that the body was sent as. Refused: UNSUPPORTED_MEDIA_TYPE."""
    sent = (message.content_type or "").partition(";")[0].strip().lower()
    accepted = list(operation.bodies)
    expected = " or ".join(accepted)
    charset = re.search(r"charset\s*=\s*\"?([^\s;\"]+)", message.content_type or "", re.IGNORECASE)
    if charset and charset.group(1).lower() not in ("utf-8", "utf8") and "*/*" not in accepted:
        came = f"the charset {charset.group(1)!r}"
        raise _unsupported(f"The body came in {came}.", came, f"{expected} in UTF-8")
    if sent in accepted:
        return sent
    if "*/*" in accepted:
        return "*/*"
    if sent:
        raise _unsupported(f"The body came as {sent!r}.", repr(sent), expected)
    empty = not message.content_length and message.header("Transfer-Encoding") is None
    detail = "Neither a body nor a Content-Type came." if empty else "The body came without a Content-Type."
    raise _unsupported(detail, "nothing", expected)


def read_whole(message: Message, limit: int) -> bytes:
    """The whole body. Refused: BODY_TOO_LARGE, before more than `limit` bytes are held."""
    return b"".join(_pieces(message, limit))


def _pieces(message: Message, limit: int) -> Iterator[bytes]:
    if (message.content_length or 0) > limit:
        raise _too_large(f"The body is {message.content_length} bytes", limit)
    seen = 0
    usual = min(PIECE, message.content_length or PIECE)
    while piece := message.stream.read(min(usual, limit + 1 - seen)):
        seen += len(piece)
        if seen > limit:
            raise _too_large(f"The body is more than {limit} bytes", limit)
        yield piece


def _too_large(detail: str, limit: int) -> Refusal:
    return Refusal(Refusals.BODY_TOO_LARGE, f"{detail}; at most {limit} are taken.", hint="Send less in one request.")


def _unsupported(detail: str, came: str, expected: str) -> Refusal:
    violation = Violation("header", "Content-Type", came, expected)
    hint = f"Send the body as {expected}, and say so in Content-Type."
    return Refusal(Refusals.UNSUPPORTED_MEDIA_TYPE, detail, hint=hint, violations=[violation])


def _query(operation: Operation, text: str, readings: Readings) -> tuple[dict[str, list[str]], set[str]]:
    """The query's values by name, and which parameters came in a form that can't be read: those are named already."""
    pairs = _pairs(text)
    if len(pairs) > MAX_PARAMETERS:
        came = Violation("query", "", f"{len(pairs)} parameters", f"at most {MAX_PARAMETERS} parameters")
        readings.violations.append(came)
        return {}, {parameter.name for parameter in operation.parameters}
    query, faults = _decoded(pairs)
    readings.violations.extend(faults)
    return query, {fault.pointer for fault in faults}


def _pairs(text: str) -> list[tuple[str, str]]:
    """Names and values of a query or a URL-encoded form, not yet decoded."""
    parts = [pair.partition("=") for pair in text.split("&") if pair]
    return [(name, value) for name, _, value in parts]


def _decoded(pairs: Sequence[tuple[str, str]]) -> tuple[dict[str, list[str]], list[Violation]]:
    """The values by name, and what can't be decoded: at its name, at "" where the name itself can't be."""
    values: dict[str, list[str]] = {}
    faults = []
    for raw_name, raw_value in pairs:
        name, fault = _unquoted(raw_name)
        if fault:
            faults.append(Violation("query", "", f"the name {shown(raw_name)}", fault))
            continue
        value, fault = _unquoted(raw_value)
        if fault:
            faults.append(Violation("query", name, shown(raw_value), fault))
        else:
            values.setdefault(name, []).append(value)
    return values, faults


def _unquoted(text: str) -> tuple[str, str | None]:
    """The text without percent-encoding, or what was expected of it."""
    if _MALFORMED_ESCAPE.search(text):
        return "", "percent signs only before two hex digits"
    try:
        return unquote_plus(text.encode("utf-8").decode("utf-8"), errors="strict"), None
    except UnicodeError:
        return "", "percent-encoded UTF-8"


def _carry_over(operation: Operation, query: dict[str, list[str]], unread: set[str], readings: Readings) -> None:
    """Reads `a=x?b=y` as the two parameters that were meant, where the contract says that callers send it so."""
    for parameter in operation.parameters:
        carried = parameter.node.get("x-carries")
        values = query.get(parameter.name, [])
        if carried and parameter.name in unread and carried["parameter"] not in query:
            unread.add(carried["parameter"])  # perhaps it was appended there
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
        readings.violations.append(Violation(parameter.location, name, f"{len(texts)} values", "one value"))
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
