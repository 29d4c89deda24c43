"""From a handler's reply to the answer that goes out: pruned to the version, validated by the contract, rendered."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from fake_pacs.calls import JsonObject, Reply
from fake_pacs.refusals import Refusals, problem
from fake_pacs.world import contract as compiled
from ia_api_spec import NEWEST, ApiVersion, Contract, Violation, pruner
from ia_api_spec.disclosure import Pruner

PROBLEM = "application/problem+json"


@dataclass(frozen=True)
class Answer:
    """What goes out: status, headers, and a body of bytes or an iterator; `broken` says how it breaks the contract."""

    status: int
    headers: Mapping[str, str]
    body: Any
    broken: str | None = None


def answer(
    reply: Reply,
    operation_id: str,
    contract: Contract,
    version: ApiVersion | None,
    headers: Mapping[str, str] = MappingProxyType({}),
) -> Answer:
    """The answer, with those headers, to a request served in that version (None: an operation without versions).

    An answer that breaks the contract is not sent: a 500 that says so goes out in its place.
    """
    step = _pruning(operation_id, reply.status, version) if version not in (None, NEWEST) else None
    pruned = replace(reply, body=step(reply.body)) if step else reply
    sent = {**_headers(pruned), **headers}
    violations = _violations(pruned, sent, operation_id, contract)
    if violations:
        return broken(f"The answer of {operation_id} breaks the contract", violations)
    return Answer(pruned.status, sent, _body(pruned))


def broken(text: str, violations: list[Violation]) -> Answer:
    """A 500 that says in which way the server itself broke the contract."""
    detail = f"{text.rstrip('.')}."
    body = problem(Refusals.CONTRACT_BROKEN, detail, "This is a defect of fake-pacs: please report it.", violations)
    explained = f"{text}: {'; '.join(map(str, violations))}" if violations else detail
    return Answer(500, {"Content-Type": PROBLEM}, render(body), broken=explained)


def render(value: Any) -> bytes:
    """JSON in UTF-8, without blanks but those of a `JsonObject`. Raises `ValueError` for what JSON can't say."""
    if isinstance(value, JsonObject):
        return value.text.encode("utf-8")
    if isinstance(value, list) and any(isinstance(item, JsonObject) for item in value):
        return b"[" + b",".join(map(render, value)) + b"]"
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode("utf-8")


@lru_cache(maxsize=512)
def _pruning(operation_id: str, status: int, version: ApiVersion) -> Pruner | None:
    """What narrowing took out of the operation's answers; made once for each operation, status and version."""
    newest = compiled("ia-api", NEWEST)
    said = newest.operations[operation_id].answers.get(status)
    schema = said.content.get("application/json") if said else None
    return pruner(newest.document, schema.node, version) if schema else None


def _violations(reply: Reply, headers: Mapping[str, str], operation_id: str, contract: Contract) -> list[Violation]:
    said = contract.operations[operation_id].answers.get(reply.status)
    if said is None:
        return [Violation("answer", "status", str(reply.status), "a status that the contract declares")]
    missing = said.required_headers - headers.keys()
    found = [Violation("answer", name, "nothing", "a header that the contract requires") for name in sorted(missing)]
    if reply.media_type is None:
        wrong = bool(said.content)
        return [*found, Violation("answer", "body", "nothing", " or ".join(said.content))] if wrong else found
    kind = reply.media_type.partition(";")[0]
    if kind not in said.content:
        return [*found, Violation("answer", "Content-Type", kind, " or ".join(said.content) or "no content")]
    schema = said.content[kind]
    return found + (schema.violations(reply.body, "answer") if schema else [])


def _headers(reply: Reply) -> dict[str, str]:
    headers = dict(reply.headers)
    if reply.media_type:
        headers["Content-Type"] = reply.media_type
    if reply.length is not None:
        headers["Content-Length"] = str(reply.length)
    return headers


def _body(reply: Reply) -> Any:
    if reply.media_type is None:
        return b""
    kind = reply.media_type.partition(";")[0]
    return render(reply.body) if kind in ("application/json", PROBLEM) else reply.body
