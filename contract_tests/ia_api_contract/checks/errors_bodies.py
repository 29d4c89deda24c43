"""Errors about bodies: every mistake is named, none is stored, and none makes the server fail."""

import json
import uuid
from collections.abc import Callable, Iterator
from typing import Any

from ia_api_contract.asking import expect_status, json_objects
from ia_api_contract.check import Check
from ia_api_contract.exchanges import Answer
from ia_api_contract.nasty import DEPTH, bodies, expect_no_500
from ia_api_contract.outcomes import expect
from ia_api_contract.target import Target

MISTAKES: dict[str, Any] = {
    "/slideId": 5,
    "/displayResult": ["no text"],
    "/data/result/content/0/labels/0/location/x": "far",
}


TWIN = {"name": "twice.png", "state": "new"}


def all_violations(target: Target) -> None:
    """Three mistakes, three violations."""
    named = {str(violation.get("pointer")) for violation in _violations(target)}
    missing = sorted(MISTAKES.keys() - named)
    expect(not missing, f"of three mistakes, {', '.join(missing)} isn't among the violations {sorted(named)}")


def pointers(target: Target) -> None:
    """Each violation names a place that is wrong."""
    for violation in _violations(target):
        expect(
            violation.get("in") == "body" and str(violation.get("pointer")) in MISTAKES,
            f"a violation names {violation.get('in')} {violation.get('pointer')!r}; wrong were {', '.join(MISTAKES)}",
        )


def _violations(target: Target) -> list[dict[str, Any]]:
    document = target.result()
    document["slideId"] = MISTAKES["/slideId"]
    document["displayResult"] = MISTAKES["/displayResult"]
    document["data"]["result"]["content"][0]["labels"][0]["location"]["x"] = "far"
    answer = _post(target, json.dumps(document).encode())
    found = answer.json.get("violations") if isinstance(answer.json, dict) else None
    right = answer.status // 100 == 4 and isinstance(found, list) and bool(found)
    expect(right, f"a result with three mistakes was answered with {answer}; expected 400 with violations")
    return [violation for violation in found or () if isinstance(violation, dict)]


# Bodies


def _spoilt(target: Target, member: str, raw: bytes) -> Answer:
    """The answer to a valid result in which a member's value is these bytes."""
    text = json.dumps(target.result(**{member: "PLACE"}))
    return _post(target, text.encode().replace(b'"PLACE"', raw))


def malformed_json(target: Target) -> Answer:
    """A result that ends in the middle."""
    return _post(target, json.dumps(target.result()).encode()[:-20])


def wrong_type(target: Target) -> Answer:
    """A number where a text belongs."""
    return _spoilt(target, "displayResult", b"5")


def not_utf8(target: Target) -> Answer:
    """A byte that is no UTF-8."""
    return _spoilt(target, "displayResult", b'"\xff"')


def not_a_number(target: Target) -> Answer:
    """NaN, which JSON hasn't."""
    return _spoilt(target, "displayProperties", b'{"Score": NaN}')


def lone_surrogate(target: Target) -> Answer:
    """Half of a character."""
    return _spoilt(target, "displayResult", b'"\\ud800"')


def deep_nesting(target: Target) -> None:
    """Nesting that would overflow a stack."""
    answer = _spoilt(target, "data", b'{"context": ' + b"[" * DEPTH + b"]" * DEPTH + b"}")
    expect(answer.status // 100 == 4, f"{DEPTH} levels of nesting were answered with {answer}; expected 400")


def changes_nothing(target: Target) -> None:
    """What was refused isn't stored."""
    refused = [marker for marker, answer in _refused_writes(target) if answer.status // 100 == 4]
    answer = target.ask("listResults", applicationId=target.application, slideId=target.slide)
    shown = {str(result.get("displayResult")) for result in json_objects(answer, "the results")}
    expect(bool(refused), "no write that should be refused was")
    expect(not shown & set(refused), f"stored though it was refused: {sorted(shown & set(refused))}")


def _refused_writes(target: Target) -> Iterator[tuple[str, Answer]]:
    """Writes that must be refused, each with a text by which it is found if it was stored."""
    spoils: tuple[Callable[[dict[str, Any]], Answer], ...] = (
        lambda result: _post(target, json.dumps({**result, "displayProperties": "none"}).encode()),
        lambda result: _post(target, json.dumps({**result, "data": {"result": {"type": "none"}}}).encode()),
        lambda result: _post(target, json.dumps({**result, "attachments": [TWIN, TWIN]}).encode()),
        lambda result: _post(target, json.dumps(result).encode(), "text/plain"),
        lambda result: _post(target, json.dumps(result).encode() + b"}"),
    )
    for spoil in spoils:
        marker = f"refused {uuid.uuid4().hex}"
        yield marker, spoil(target.result(displayResult=marker))


def no_500_for_bodies(target: Target) -> None:
    """No body makes a 5xx."""
    expect_no_500(target, bodies(target))


def _post(target: Target, body: bytes, media_type: str = "application/json") -> Answer:
    return target.ask("createResult", applicationId=target.application, body=body, media_type=media_type)


def _refused(name: str, sent: Callable[[Target], Answer], sentence: str, rationale: str) -> Check:
    """A check that what a function sends is refused with 400."""

    def probe(target: Target) -> None:
        expect_status(sent(target), 400, (sent.__doc__ or name).rstrip("."))

    return Check(f"errors.{name}-400", sentence, "createResult 400", rationale, probe, writes=True)


CHECKS = (
    _refused(
        "malformed-json",
        malformed_json,
        "Malformed JSON is refused with 400.",
        "It is the caller's mistake: a 500 makes callers try again for ever.",
    ),
    _refused(
        "wrong-type",
        wrong_type,
        "A member of the wrong type is refused with 400.",
        "What is stored with the wrong type breaks the next reader.",
    ),
    _refused(
        "not-utf8", not_utf8, "JSON that is no UTF-8 is refused with 400.", "Replaced characters are silent damage."
    ),
    _refused(
        "nan",
        not_a_number,
        "NaN in JSON is refused with 400.",
        "What was stored with it can't be read by anybody but Python.",
    ),
    _refused(
        "lone-surrogate",
        lone_surrogate,
        "Text with half a character in it is refused with 400.",
        "No answer could carry it.",
    ),
    Check(
        "errors.all-violations",
        "A request with several mistakes is told all of them.",
        "createResult 400",
        "Else a caller mends one, sends again, and meets the next.",
        all_violations,
        writes=True,
    ),
    Check(
        "errors.pointers",
        "Every violation names the wrong place by JSON Pointer.",
        "createResult 400",
        "A list of a thousand polygons is searched by hand otherwise.",
        pointers,
        writes=True,
    ),
    Check(
        "errors.deep-nesting-refused",
        "JSON that nests thousands of levels is refused.",
        "createResult 400",
        "One such body overflows the stack of a careless parser.",
        deep_nesting,
        writes=True,
    ),
    Check(
        "errors.changes-nothing",
        "A refused write stores nothing.",
        "createResult 400",
        "A caller that is refused sends again: what was stored anyway is then there twice.",
        changes_nothing,
        writes=True,
        needs=("slides.answered", "applications.answered"),
    ),
    Check(
        "errors.no-500-for-bodies",
        "No body makes the server fail.",
        "createResult 400",
        "What one caller can break with a body, every caller suffers from.",
        no_500_for_bodies,
        writes=True,
    ),
)
