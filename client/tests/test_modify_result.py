"""Read, change, write; again on conflict."""

import json
from typing import Any

import pytest

from sectra_client import SectraClient, SectraConflictError, SectraUncertainWriteError
from sectra_client.schemas import AdaptedResult

ONE = "/applications/app/results/1"


def stored(version: str, text: str = "old") -> dict[str, Any]:
    return {
        "id": 1,
        "versionId": version,
        "slideId": "s",
        "displayResult": text,
        "applicationVersion": "",
        "displayProperties": {},
        "attachments": [],
        "data": {"context": None},
        "unknown": {"kept": None},
    }


def rename(result: AdaptedResult) -> None:
    result.displayResult = "new"


def test_members_that_nobody_knows_survive(pacs: Any, client: SectraClient) -> None:
    pacs.on(ONE, pacs.answer(stored("v1")), pacs.answer(stored("v2", "new")))
    assert client.modify_result("app", 1, rename).versionId == "v2"
    sent = json.loads(pacs.asked(ONE)[1].body)
    assert sent == stored("v1", "new")


def test_a_conflict_is_tried_again_with_what_is_stored_now(pacs: Any, client: SectraClient) -> None:
    pacs.on(
        ONE,
        pacs.answer(stored("v1")),
        pacs.answer({}, 409),
        pacs.answer(stored("v2")),
        pacs.answer(stored("v3", "new")),
    )
    assert client.modify_result("app", 1, rename).versionId == "v3"
    assert [json.loads(request.body)["versionId"] for request in pacs.asked(ONE) if request.body] == ["v1", "v2"]


def test_conflicts_without_end_end(pacs: Any, client: SectraClient) -> None:
    pacs.on(ONE, *[pacs.answer(stored("v1")), pacs.answer({}, 409)] * 3)
    with pytest.raises(SectraConflictError):
        client.modify_result("app", 1, rename, attempts=3)
    assert len(pacs.asked(ONE)) == 6
    with pytest.raises(ValueError, match="expected at least 1"):
        client.modify_result("app", 1, rename, attempts=0)


def test_a_change_may_return_another_result_but_not_its_version(pacs: Any, client: SectraClient) -> None:
    pacs.on(ONE, pacs.answer(stored("v1")), pacs.answer(stored("v2")))
    client.modify_result("app", 1, lambda result: AdaptedResult(slideId="s", displayResult="else", versionId="stale"))
    sent = json.loads(pacs.asked(ONE)[1].body)
    assert (sent["displayResult"], sent["versionId"]) == ("else", "v1")


def test_an_uncertain_write_is_not_tried_again(pacs: Any, client: SectraClient) -> None:
    pacs.on(ONE, pacs.answer(stored("v1")), ["close"])
    with pytest.raises(SectraUncertainWriteError):
        client.modify_result("app", 1, rename)
    assert len(pacs.asked(ONE)) == 2


def test_a_failing_change_writes_nothing(pacs: Any, client: SectraClient) -> None:
    pacs.on(ONE, pacs.answer(stored("v1")))
    with pytest.raises(ZeroDivisionError):
        client.modify_result("app", 1, lambda result: 1 // 0)  # type: ignore[arg-type, return-value]
    assert len(pacs.asked(ONE)) == 1
