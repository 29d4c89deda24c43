"""Runs Schemathesis over one operation, or along the links, and says what it found in the suite's words."""

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import requests
import schemathesis
from schemathesis.config import SchemathesisConfig
from schemathesis.core.deserialization import register_deserializer
from schemathesis.core.parameters import ParameterLocation
from schemathesis.engine import events, from_schema

from ia_api_contract.exchanges import Answer, Exchange
from ia_api_contract.framing import boundary_of, names_of, taken_apart
from ia_api_contract.schema_driven_document import document_for, held, stateful_document_for
from ia_api_contract.target import TIMEOUT, Target
from ia_api_spec import Contract

FEWEST_WALKS, WALKS_FOR_EXAMPLES = 30, 2
"""So many walks along the links at least, and for each example of an operation; each is a few requests."""

STEPS = 6

MOST_SECONDS = 60
"""A target that answers this slowly is not asked any more. (Schemathesis' own `max-time` would be used up, always.)"""

SHOWN = 5
"""So many kinds of failure of one operation are told; the first of each kind is enough to go on."""

NOT_OURS = ("unsupported_method", "allow_header_conformance", "object_level_authorization", "use_after_free")
"""Checks of Schemathesis about what the contract says nothing of."""

ACCEPTED = ("2xx", "3xx", "401", "403", "404", "409", "416", "429", "5xx")
"""Answers to a request that no schema forbids: what it asks for may not be there, be stale, or be out of range."""

Settings = dict[str, Any]


@dataclass(frozen=True)
class Finding:
    """One failure: the phase and the check of Schemathesis that noticed, what it says, and the exchange."""

    name: str
    text: str
    exchange: Exchange | None


class SchemathesisError(RuntimeError):
    """Schemathesis itself could not go on: a defect of the suite, not of the target."""


def examine(target: Target, operation_id: str) -> list[Finding]:
    """What is wrong with an operation's answers to valid and invalid requests."""
    phases = {
        "examples": {"enabled": True},
        "coverage": {"enabled": not target.options.quick, "unexpected-methods": []},
        "fuzzing": {"enabled": True},
        "stateful": {"enabled": False},
    }
    schema = _schema(target, "schema.document", document_for, phases, target.options.max_examples)
    schema.hook(filter_case)
    schema.hook(_with_what_is_held(target))
    return _findings(target, schema.include(operation_id=operation_id))


def walk(target: Target) -> list[Finding]:
    """What is wrong with answers along the contract's links, each request made of an answer before."""
    phases = {
        "examples": {"enabled": False},
        "coverage": {"enabled": False},
        "fuzzing": {"enabled": False},
        "stateful": {"enabled": True, "max-steps": STEPS, "inference": {"algorithms": []}, "link-calibration": False},
    }
    walks = max(FEWEST_WALKS, target.options.max_examples * WALKS_FOR_EXAMPLES)
    schema = _schema(target, "schema.stateful", stateful_document_for, phases, walks, mode="positive")
    schema.hook(_with_what_is_held(target, bodies_only=True))
    return _findings(target, schema)


def _schema(
    target: Target,
    name: str,
    make: Callable[[Target], dict[str, Any]],
    phases: Settings,
    examples: int,
    mode: str = "all",
) -> Any:
    register_deserializer(_multipart, "multipart/related")
    document = target.memory.get(name) or target.memory.setdefault(name, make(target))
    return schemathesis.openapi.from_dict(document, config=_config(target, phases, examples, mode))


def _config(target: Target, phases: Settings, examples: int, mode: str) -> SchemathesisConfig:
    """The configuration of a run; nothing is read from the folder that the user stands in, nothing is written to it."""
    options = target.options
    settings: Settings = {
        "base-url": options.url,
        "headers": {"X-Sectra-ApiVersion": str(options.api_version)},
        "auth": {"openapi": _credentials(target)},
        "cache": {"enabled": False},
        "checks": {
            "positive_data_acceptance": {"expected-statuses": list(ACCEPTED)},
            **{name: {"enabled": False} for name in NOT_OURS},
        },
        "continue-on-failure": True,
        "generation": {
            "deterministic": True,
            "max-examples": examples,
            "allow-extra-parameters": False,
            "database": "none",
            "mode": mode,
            "no-shrink": True,
        },
        "phases": phases,
        "request-timeout": TIMEOUT[1],
        "seed": options.seed,
        "tls-verify": options.verify,
        "workers": 1,
    }
    return SchemathesisConfig.from_dict(settings)


def _credentials(target: Target) -> Settings:
    options = target.options
    found: Settings = {"bearer": {"bearer": options.token}}
    if options.user and options.password:
        found["basic"] = {"username": options.user, "password": options.password}
    return found


def filter_case(context: Any, case: Any) -> bool:
    """Bytes have no schema that they could break: an upload with an invalid body is none."""
    body = case.meta.components.get(ParameterLocation.BODY) if case.meta else None
    return _is_valid(body) or "*/*" not in case.operation.definition.raw.get("requestBody", {}).get("content", {})


def _with_what_is_held(target: Target, bodies_only: bool = False) -> Callable[[Any, Any], Any]:
    """Puts ids that the target has into the valid parts of a request, so that its invalid part is what is refused."""
    known = held(target)

    def map_case(context: Any, case: Any) -> Any:
        parts = case.meta.components if case.meta else {}
        for location, values in (
            (ParameterLocation.PATH, case.path_parameters),
            (ParameterLocation.QUERY, case.query),
        ):
            if values and not bodies_only and _is_valid(parts.get(location)):
                values.update({name: known[name] for name in values if name in known})
        if isinstance(case.body, dict) and _is_valid(parts.get(ParameterLocation.BODY)):
            case.body = _valid_body(case, known, target.contract)
        return case

    return map_case


def _valid_body(case: Any, known: Mapping[str, Any], contract: Contract) -> dict[str, Any]:
    """The generated body with ids that the target has, and as the contract wants it where JSON Schema has no words."""
    if case.media_type == "application/x-www-form-urlencoded":
        return {"grant_type": case.body.get("grant_type")}  # members of a list would be sent as members given twice
    body = {**case.body, **({"slideId": known["slideId"]} if "slideId" in case.body else {})}
    operation = contract.operations[case.operation.definition.raw["operationId"]]
    schema = operation.bodies.get(case.media_type)
    distinct: dict[str, Any] = schema.without_repetitions(body) if schema else body
    return distinct


def _is_valid(part: Any) -> bool:
    return part is None or bool(part.mode.is_positive)


def _findings(target: Target, schema: Any) -> list[Finding]:
    """Everything that failed, the first of each kind; every exchange is kept for the report, failed ones last.

    Raises `SchemathesisError` where nothing failed and Schemathesis could not go on: answers that break the contract
    can confuse it, and then they are what is told.
    """
    found: dict[tuple[str, str], Finding] = {}
    troubles: list[Exception] = []
    for event in _events(schema):
        if isinstance(event, events.NonFatalError) and isinstance(event.value, requests.RequestException):
            finding = Finding("network", f"No complete answer came to {event.label}: {event.value}", None)
            found.setdefault((finding.name, event.label), finding)
        elif isinstance(event, events.NonFatalError | events.FatalError):
            troubles.append(event.value if isinstance(event, events.NonFatalError) else event.exception)
        elif isinstance(event, events.ScenarioFinished):
            _keep_what_passed(target, event)
            for finding in _failures(event):
                found.setdefault((finding.name, finding.text.partition("\n")[0]), finding)
    if troubles and not found:
        raise SchemathesisError(repr(troubles[0])) from troubles[0]
    for finding in found.values():
        if finding.exchange:
            target.keep(finding.exchange)
    return list(found.values())


def _keep_what_passed(target: Target, event: events.ScenarioFinished) -> None:
    failing = set(event.recorder.failing_case_ids())
    for case_id, interaction in event.recorder.interactions.items():
        if case_id not in failing:
            target.keep(_exchange(interaction))


def _events(schema: Any) -> Iterator[events.EngineEvent]:
    """What Schemathesis says, for a while."""
    stream = from_schema(schema).execute()
    timer = threading.Timer(MOST_SECONDS, stream.stop)
    timer.daemon = True
    timer.start()
    try:
        yield from stream
    finally:
        timer.cancel()


def _failures(event: events.ScenarioFinished) -> Iterator[Finding]:
    for case_id, checks in event.recorder.checks.items():
        interaction = event.recorder.interactions.get(case_id)
        for check in checks:
            if check.failure_info:
                text = str(check.failure_info.failure)
                exchange = _exchange(interaction) if interaction else None
                yield Finding(f"{event.phase.value}, {check.name}", text, exchange)


def _exchange(interaction: Any) -> Exchange:
    """An exchange of Schemathesis as one of ours."""
    request, response = interaction.request, interaction.response
    headers = {name: values[0] for name, values in request.headers.items() if not name.startswith("X-Schemathesis")}
    body = request.body or b""
    if response is None:
        return Exchange(request.method, request.uri, headers, body, None, 0.0, "no complete answer came")
    answered = {name.lower(): ", ".join(values) for name, values in response.headers.items()}
    answer = Answer(response.status_code, answered, response.content or b"")
    return Exchange(request.method, request.uri, headers, body, answer, response.elapsed)


def _multipart(context: Any, response: Any) -> str:
    """The names of the files in a multipart answer. Raises `ValueError` where it can't be taken apart."""
    content_type = next(iter(response.headers.get("content-type", [""])))
    boundary = boundary_of(content_type)
    framing = taken_apart(response.content, boundary) if boundary else None
    if framing is None or not framing.parts or framing.tail is None:
        raise ValueError(f"an answer of {content_type!r} without parts, or without its closing delimiter")
    return ", ".join(names_of(framing.parts))
