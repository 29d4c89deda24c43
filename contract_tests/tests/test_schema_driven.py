import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from ia_api_contract import schema_driven
from ia_api_contract.outcomes import Outcome
from ia_api_contract.recording import Recorder
from ia_api_contract.runner import run_one
from ia_api_contract.schema_driven_document import document_for, held, operations, stateful_document_for
from ia_api_contract.suite import BY_ID
from ia_api_contract.target import Target
from ia_api_spec import NEWEST, Contract


def _requests(target: Target, check_id: str) -> tuple[Outcome, list[tuple[str, str, int | None, bytes]]]:
    """What a check asks, and what became of it."""
    seen = []
    target.heard = lambda exchange: seen.append(
        (exchange.method, exchange.url, exchange.answer.status if exchange.answer else None, exchange.body)
    )
    return run_one(BY_ID[check_id], target).outcome, seen


def test_every_operation_has_a_check_from_its_own_version_on():
    operations_of = Contract.of("ia-api", NEWEST).operations
    checks = {check.id: check for check in schema_driven.CHECKS}
    assert set(checks) == {f"schema.{name}" for name in operations_of} | {"schema.stateful"}
    assert checks["schema.setQualityControl"].since == "1.10"
    assert checks["schema.getCaseImages"].since == "1.9"
    assert {name for name, check in checks.items() if check.writes} == {
        f"schema.{name}" for name in ("createResult", "updateResult", "putAttachment", "setQualityControl")
    }


def test_valid_and_invalid_requests_are_sent_to_what_is_held(target: Target):
    target.options = replace(target.options, quick=False, max_examples=5)  # --quick has no time for wrong ones
    outcome, seen = _requests(target, "schema.createResult")
    assert outcome is Outcome.PASS
    statuses = Counter(status for _, _, status, _ in seen)
    assert statuses[201] > 0
    assert statuses[400] > 0


def test_the_same_seed_asks_the_same(target: Target):
    held(target)  # what is found out once in a run is found out before
    first, again = (_requests(target, "schema.getSlideInfo")[1] for _ in range(2))
    assert first == again


def test_walks_follow_the_links_and_reach_updates(target: Target):
    outcome, seen = _requests(target, "schema.stateful")
    assert outcome is Outcome.PASS
    updates = Counter(status for method, url, status, _ in seen if method == "PUT" and "attachments" not in url)
    assert updates[200] > 0


def test_a_read_only_run_sends_nothing_that_writes(target: Target):
    target.options = replace(target.options, read_only=True)
    outcome, seen = _requests(target, "schema.stateful")
    assert outcome is Outcome.PASS
    assert {method for method, *_ in seen} == {"GET"}


def test_every_exchange_is_heard_for_the_record(target: Target, tmp_path: Path):
    target.heard = recorder = Recorder(target.contract, target.redactor)
    run_one(BY_ID["schema.getApplication"], target)
    recorder.write(tmp_path)
    text = (tmp_path / "getApplication.json").read_text()
    assert json.loads(text)["made"] > 3
    assert target.options.token not in text


def test_the_document_is_the_contract_with_what_is_held(target: Target):
    document = document_for(target)
    parameters = {
        (operation["operationId"], parameter["name"]): parameter
        for operation in operations(document)
        for parameter in operation["parameters"]
    }
    assert parameters["getSlideInfo", "slideId"]["example"] == target.slide
    assert ("getSlideInfo", "X-Sectra-ApiVersion") not in parameters
    assert ("getTile", "channels") not in parameters
    assert "X-Sectra-ApiVersion" in json.dumps(target.contract.document), "the contract itself stays as it is"


@pytest.mark.parametrize("read_only", [False, True])
def test_no_link_leads_nowhere(target: Target, read_only: bool):
    target.options = replace(target.options, read_only=read_only)
    document = stateful_document_for(target)
    alive = {operation["operationId"] for operation in operations(document)}
    linked = {
        link["operationId"]
        for operation in operations(document)
        for answer in operation["responses"].values()
        for link in answer.get("links", {}).values()
    }
    assert linked
    assert linked <= alive
    assert ("createResult" in alive) is not read_only


def test_slide_files_that_are_large_are_not_asked_for_again_and_again(target: Target, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(schema_driven, "LARGEST", 1000)
    result = run_one(BY_ID["schema.getSlideFiles"], target)
    assert result.outcome is Outcome.SKIP
    assert "name a smaller slide" in result.text


def test_no_operation_is_asked_with_a_method_that_it_does_not_have(target: Target):
    seen: list[str] = []
    target.heard = lambda exchange: seen.append(exchange.method)
    whole = replace(target, options=replace(target.options, quick=False, max_examples=1))
    assert run_one(BY_ID["schema.getApplication"], whole).outcome is Outcome.PASS
    assert set(seen) == {"GET", "POST"}
    assert seen.count("POST") == 1, "one result is stored, to have something to ask for"
