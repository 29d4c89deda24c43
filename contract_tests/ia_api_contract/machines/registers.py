"""Concurrent clients on one register with versions, a result or a slide's quality control, and their history judged."""

from collections.abc import Callable
from functools import partial
from random import Random

from ia_api_contract.asking import slide_info
from ia_api_contract.checks.results_asking import AT_ONCE, at_once, create, put, read
from ia_api_contract.exchanges import Answer
from ia_api_contract.histories import Operation, Recorder, Register
from ia_api_contract.linearizability import offence
from ia_api_contract.outcomes import Failed, expect
from ia_api_contract.target import Target

ROUNDS = 6
"""So often each client reads the register and writes it with the version that it read."""

Look = Callable[[], Register]
Write = Callable[[str, str], Answer]


def results_are_linearizable(target: Target) -> None:
    """Some order of what eight clients did with one result explains all that they were told."""
    stored = create(target)

    def look() -> Register:
        shown = read(target, stored["id"])
        return Register(shown.get("displayResult"), shown["versionId"])

    def write(value: str, version: str) -> Answer:
        return put(target, stored["id"], {**stored, "displayResult": value, "versionId": version})

    _judge(target, look, write, lambda client, number: f"{client}.{number}")


def quality_control_is_linearizable(target: Target) -> None:
    """Some order of what eight clients did with one slide's quality control explains all that they were told."""

    def look() -> Register:
        state = slide_info(target, target.slide).get("qualityControl") or {}
        return Register(state.get("status"), state.get("versionId"))

    def write(value: str, version: str) -> Answer:
        body = {"applicationVersion": "1.0", "qualityControl": {"status": value, "versionId": version}}
        return target.ask("setQualityControl", slideId=target.slide, json_body=body)

    statuses = ("NotSet", "QualityOk", "Rejected")
    chosen = Random(target.options.seed)
    drawn = {(client, number): chosen.choice(statuses) for client in range(AT_ONCE) for number in range(ROUNDS)}
    _judge(target, look, write, lambda client, number: drawn[client, number])


def _judge(target: Target, look: Look, write: Write, value: Callable[[int, int], str]) -> None:
    """Raises `Failed` with the shortest history that no register can have told."""
    target.need_writes()
    first, recorder = look(), Recorder()
    at_once([partial(_client, client, recorder, look, write, value) for client in range(AT_ONCE)])
    found = offence(recorder.history, first)
    if found is not None:
        raise Failed(f"no order of these operations explains what {AT_ONCE} clients were told:\n{found}")


def _client(client: int, recorder: Recorder, look: Look, write: Write, value: Callable[[int, int], str]) -> None:
    for number in range(ROUNDS):
        seen = recorder.record(look, partial(_read, client))
        sent, version = value(client, number), seen.version or ""
        recorder.record(partial(write, sent, version), partial(_write, client, sent, version))


def _read(client: int, seen: Register, called: float, returned: float) -> Operation:
    return Operation(client, "read", called, returned, seen.value, seen.version)


def _write(client: int, value: str, version: str, answer: Answer, called: float, returned: float) -> Operation:
    expect(answer.status == 409 or answer.status // 100 == 2, f"a write beside others was answered with {answer}")
    made = answer.json.get("versionId") if isinstance(answer.json, dict) and answer.status != 409 else None
    return Operation(client, "write", called, returned, value, made, version, accepted=answer.status != 409)
