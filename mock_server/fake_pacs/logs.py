"""What the server logs: one line for each exchange, as JSON or as text, without tokens and without PHI.

Of an exchange stand here: its operation, status, times and sizes; of its path, the values that name no patient and no
case; of what broke the contract, the places. Bodies and what came there stand in the journal alone.
"""

import json
import logging
import re
import sys
import traceback
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any, Literal, TextIO
from urllib.parse import unquote_plus

from fake_pacs.calling.addresses import place_of
from fake_pacs.calling.values import OPERATIONS, Delivery
from fake_pacs.journal import Exchange
from fake_pacs.world import contract
from ia_api_spec import NEWEST, Contract, Operation

Style = Literal["json", "text"]

EXCHANGES = logging.getLogger("fake_pacs.exchanges")
"""Logs each exchange at INFO."""

SERVER = logging.getLogger("fake_pacs.server")
"""Logs start and stop at INFO."""

SHOWN_PARAMETERS = frozenset(
    (
        *("after", "applicationId", "asset", "channels", "document", "ext", "includePHI", "level", "limit", "number"),
        *("operationId", "opticalPath", "resultId", "scope", "slideId", "version", "x", "y", "z"),
    )
)
"""The parameters whose values are logged: none of them names a patient, a case or a file, and none is a secret."""

HIDDEN = "*"
"""Stands in a path or a pointer where something was left out."""

_NAME_SHOWN = 200
"""So many characters of an app's or a slide's id are logged."""

_METHODS = frozenset(("CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"))
_PARAMETER = re.compile(r"\{(\w+)\}")
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def configure(style: Style | None, stream: TextIO | None = None) -> None:
    """Has the process log to the stream (standard error) in that style; None means warnings and errors only, as text.

    Warnings and errors of any logger are logged, too. A style takes the place of what was configured before.
    """
    handler = logging.StreamHandler(stream or sys.stderr)
    formatters = {"json": JsonFormatter, "text": TextFormatter, None: lambda: logging.Formatter(_PLAIN)}
    handler.setFormatter(formatters[style]())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=style is not None)
    for logger in (EXCHANGES, SERVER):
        logger.setLevel(logging.INFO if style else logging.NOTSET)


_PLAIN = "%(levelname)s %(name)s: %(message)s"


def told() -> bool:
    """Whether exchanges are logged."""
    return EXCHANGES.isEnabledFor(logging.INFO)


def tell(exchange: Exchange, problem: str | None, received: int, answered: int) -> None:
    """Logs an exchange whose secrets are redacted already; `problem` names the refusal, sizes are those of bodies."""
    path, method = shown_path(exchange), exchange.method if exchange.method in _METHODS else HIDDEN
    members = {
        "direction": "in",
        "tenant": exchange.tenant,
        "number": exchange.number,
        "method": method,
        "path": path,
        "operationId": exchange.operation_id,
        "spelling": exchange.spelling,
        "effectiveVersion": exchange.effective_version,
        "status": exchange.status,
        "durationMs": exchange.duration_ms,
        "requestBytes": received,
        "answerBytes": answered,
        "problem": problem,
        "violations": [{"in": it.part, "pointer": shown_pointer(it.pointer)} for it in exchange.violations],
        "oddities": [oddity.name for oddity in exchange.oddities],
        "faults": list(exchange.faults),
        "ownError": exchange.our_error is not None,
    }
    where = f"{method} {path}" if path else "a malformed message"
    because = f" {problem}" if problem else ""
    whose = f"tenant {exchange.tenant}" if exchange.tenant else "nobody known"
    sizes = f"{received} bytes in, {answered} out"
    text = f"{where} {exchange.status}{because}, {exchange.duration_ms} ms, {sizes}, {whose}"
    EXCHANGES.info("%s", text, extra={"event": "exchange", "members": members})


def tell_call(delivery: Delivery, sent: int) -> None:
    """Logs a call of an app and what came back: of its URL only host and port, of its findings only the codes.

    `sent` counts the bytes of the body.
    """
    answer = delivery.answer
    if answer is None or not told():
        return
    peer, milliseconds = place_of(delivery.url).peer, round(answer.seconds * 1000, 3)
    members: dict[str, Any] = {
        "direction": "out",
        "peer": peer,
        "tenant": delivery.tenant,
        "number": delivery.number,
        "method": delivery.method,
        "operationId": OPERATIONS[delivery.kind],
        "kind": delivery.kind,
        "applicationId": delivery.application_id[:_NAME_SHOWN] or None,
        "slideId": delivery.slide_id and delivery.slide_id[:_NAME_SHOWN],
        "resultId": delivery.result_id,
        "attempt": delivery.attempt,
        "resendOf": delivery.resend_of,
        "status": answer.status,
        "trouble": answer.trouble_kind,
        "durationMs": milliseconds,
        "requestBytes": sent,
        "answerBytes": len(answer.body),
        "findings": [finding.code for finding in delivery.findings],
    }
    came = answer.status or answer.trouble_kind or "failed"
    codes = "".join(f" {code}" for code in dict.fromkeys(members["findings"]))
    sizes = f"{sent} bytes out, {len(answer.body)} in"
    text = f"{delivery.kind} to {peer} {came}{codes}, {milliseconds} ms, {sizes}, tenant {delivery.tenant}"
    EXCHANGES.info("%s", text, extra={"event": "exchange", "members": members})


def event(name: str, **members: Any) -> None:
    """Logs what happens to the server itself, such as its start."""
    said = ", ".join(f"{key} {value}" for key, value in members.items())
    SERVER.info("%s", f"{name}: {said}" if said else name, extra={"event": name, "members": members})


class JsonFormatter(logging.Formatter):
    """One JSON object in ASCII for each record, on one line whatever is in it."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line."""
        said: dict[str, Any] = {"time": _time(record), "level": record.levelname.lower()}
        said |= {"event": getattr(record, "event", "message"), "logger": record.name}
        members = getattr(record, "members", None)
        said |= members if members is not None else {"message": _message(record)}
        if record.exc_info:
            said["error"] = _error(record)
        return json.dumps(_sound(said), allow_nan=False, default=str)


class TextFormatter(logging.Formatter):
    """One line of text for each record, whatever is in it."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line."""
        text = f"{_time(record)} {record.levelname} {record.name}: {_message(record)}"
        if record.exc_info:
            error = _error(record)
            text += f" [{error['type']} at {' < '.join(reversed(error['at']))}]"
        return _UNPRINTABLE.sub(lambda found: ascii(found.group())[1:-1], text)


def shown_path(exchange: Exchange) -> str:
    """The path and query of an exchange, with `*` for every value that isn't known to be harmless."""
    path, mark, query = exchange.path.partition("?")
    template = _template(exchange)
    steps, named = path.split("/"), template.split("/")
    if template and len(steps) == len(named):
        shown = [_shown_step(step, name) for step, name in zip(steps, named, strict=True)]
    else:
        shown = [step if step in _words() else HIDDEN for step in steps]
    return "/".join(shown) + mark + "&".join(_shown_pairs(query, _asked_in_query(exchange)))


def shown_pointer(pointer: str) -> str:
    """A JSON Pointer, or a parameter's name, with `*` for the names that the contract doesn't know."""
    return "/".join(step if step.isdecimal() or step in _names() else HIDDEN for step in pointer.split("/"))


def _shown_step(step: str, template: str) -> str:
    return step if set(_PARAMETER.findall(template)) <= SHOWN_PARAMETERS else HIDDEN


def _asked_in_query(exchange: Exchange) -> frozenset[str]:
    """The parameters that the operation has in its query: any other may name whatever its caller likes."""
    known = [
        it.operations[exchange.operation_id or ""] for it in _contracts() if exchange.operation_id in it.operations
    ]
    return frozenset(it.name for operation in known for it in operation.parameters if it.location == "query")


def _shown_pairs(query: str, asked: frozenset[str]) -> Iterator[str]:
    for pair in query.split("&") if query else ():
        name, equals, value = pair.partition("=")
        known = unquote_plus(name)
        # a value may carry another parameter behind a second `?`
        harmless = known in SHOWN_PARAMETERS & asked and not {"?", ";", "="} & set(value)
        yield (name if known in _names() else HIDDEN) + equals + (value if harmless else HIDDEN if equals else "")


def _template(exchange: Exchange) -> str:
    """The path of the contract at which the exchange was served, "" where it wasn't."""
    for known in _contracts():
        operation = known.operations.get(exchange.operation_id or "")
        if operation:
            spelled = [it.path for it in operation.spellings if it.name == exchange.spelling]
            return known.base_path + spelled[0] if spelled else ""
    return ""


def _message(record: logging.LogRecord) -> str:
    """What is logged; a record that holds what a caller or an answer said has a `plain` text beside it."""
    plain: str | None = getattr(record, "plain", None)
    return record.getMessage() if plain is None else plain


def _error(record: logging.LogRecord) -> dict[str, Any]:
    """Which exception it was and where; its text may quote what callers sent, and stands in the journal."""
    kind, _, trace = record.exc_info or (None, None, None)
    frames = [f"{frame.name} ({frame.filename}:{frame.lineno})" for frame in traceback.extract_tb(trace)]
    return {"type": kind.__name__ if kind else "unknown", "at": frames}


def _time(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")


def _sound(value: Any) -> Any:
    """The value without lone surrogates, which are no JSON text for strict readers."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, Mapping):
        return {_sound(str(name)): _sound(member) for name, member in value.items()}
    if isinstance(value, list | tuple):
        return [_sound(item) for item in value]
    return value if value == value else str(value)


@cache
def _contracts() -> tuple[Contract, ...]:
    return contract("ia-api", NEWEST), contract("fake-pacs", NEWEST)


@cache
def _operations() -> tuple[Operation, ...]:
    return tuple(operation for known in _contracts() for operation in known.operations.values())


@cache
def _words() -> frozenset[str]:
    """The words of the contract's own paths."""
    bases = {step for known in _contracts() for step in known.base_path.split("/")}
    spelled = {step for it in _operations() for spelling in it.spellings for step in spelling.path.split("/")}
    return frozenset(bases | {step for step in spelled if "{" not in step} | {""})


@cache
def _names() -> frozenset[str]:
    """The names of the contract's members and parameters."""
    parameters = {parameter.name for operation in _operations() for parameter in operation.parameters}
    return frozenset(parameters.union({""}, *(known.member_names for known in _contracts())))
