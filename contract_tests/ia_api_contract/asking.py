"""What several checks ask for: slide info, lists, and what to make of an answer that is no JSON."""

from typing import Any

from ia_api_contract.exchanges import Answer
from ia_api_contract.outcomes import Failed, expect
from ia_api_contract.target import Target
from ia_api_spec import Violation

MANY_SLIDES = 8
"""So many of the target's slides are looked at where a sentence is about every slide."""

NOWHERE = "ia-api-contract-unknown"
"""An id that no target has."""

BOTH: dict[str, Any] = {"scope": "extended", "includePHI": "true"}
"""The query that asks for all there is."""


def slides(target: Target) -> tuple[str, ...]:
    """The slides that stand for all of the target's."""
    return target.holdings.slides[:MANY_SLIDES]


def slide_info(target: Target, slide: str, **query: Any) -> dict[str, Any]:
    """Slide info as an object. Raises `Failed` for any other answer."""
    return json_object(target.ask("getSlideInfo", slideId=slide, **query), f"slide info of {slide}")


def json_object(answer: Answer, what: str) -> dict[str, Any]:
    """The object in a good answer. Raises `Failed` for any other answer."""
    if answer.status // 100 != 2 or not isinstance(answer.json, dict):
        raise Failed(f"{what} was answered with {answer}; expected a JSON object")
    return answer.json


def json_objects(answer: Answer, what: str) -> list[dict[str, Any]]:
    """The list of objects in a good answer. Raises `Failed` for any other answer."""
    listed = answer.json
    if answer.status // 100 != 2 or not isinstance(listed, list) or not all(isinstance(item, dict) for item in listed):
        raise Failed(f"{what} was answered with {answer}; expected a JSON list of objects")
    return listed


def violations(target: Target, operation_id: str, answer: Answer) -> list[Violation]:
    """Everything in a JSON answer that breaks the contract's schema for that operation and status."""
    said = target.contract.operations[operation_id].answers.get(answer.status)
    schema = said.content.get("application/json") if said else None
    if schema is None:
        raise Failed(f"{operation_id} was answered with {answer}, which the contract doesn't know")
    return schema.violations(answer.json, "answer")


def expect_to_fit(target: Target, operation_id: str, answer: Answer) -> None:
    """Raises `Failed`, naming every place, unless a JSON answer is as the contract says."""
    found = violations(target, operation_id, answer)
    expect(not found, f"{operation_id} breaks the contract: {'; '.join(map(str, found[:10]))}")


def expect_status(answer: Answer, status: int, what: str) -> None:
    """Raises `Failed` unless the answer has that status."""
    expect(answer.status == status, f"{what} was answered with {answer}; expected {status}")
