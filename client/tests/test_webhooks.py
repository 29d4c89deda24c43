"""The app's side: what came, and what is answered."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ia_api_spec import Contract
from sectra_client import SectraClient, SectraInvocationError, SectraUnreadableAnswerError, webhooks
from sectra_client.schemas import (
    AdaptedResult,
    ApplicationInfo,
    CancelInvocation,
    CreateInvocation,
    NewImageFilesInvocation,
    Registration,
    Result,
    ResultResponse,
    TaggedPolygonInput,
)
from sectra_client.schemas.base import AS_READ

BASE: Mapping[str, Any] = {
    "applicationId": "app",
    "slideId": "s",
    "callbackInfo": {"url": "http://pacs/v1", "token": "hidden"},
    "context": {"a": 1},
    "cancellationToken": "c",
}
POLYGON = {"points": [{"x": 0, "y": 0}, {"x": 1, "y": 0}, {"x": 0, "y": 1}]}


@given(data=st.data())
def test_every_invocation_of_the_contract_is_parsed(
    data: st.DataObject, drawn_from: Any, app_contract: Contract
) -> None:
    value = data.draw(drawn_from({"$ref": "#/components/schemas/Invocation"}, app_contract))
    text = json.dumps(value)
    parsed = webhooks.parse_invocation(text.encode())
    assert parsed.action == value["action"]
    assert parsed == webhooks.parse_invocation(text) == webhooks.parse_invocation(value)


def test_inputs_have_their_types() -> None:
    create = webhooks.parse_invocation(
        {**BASE, "action": "create", "input": {"type": "taggedPolygon", "content": {"polygon": POLYGON}}}
    )
    assert isinstance(create, CreateInvocation)
    assert isinstance(create.input, TaggedPolygonInput)
    cancel = webhooks.parse_invocation({**BASE, "action": "cancel", "context": None})
    assert isinstance(cancel, CancelInvocation)
    assert cancel.context == {}


@pytest.mark.parametrize(
    ("body", "place"),
    [
        (b"", "the whole: Invalid JSON"),
        (b"[]", "the whole"),
        ({**BASE, "action": "archive"}, "'create', 'modify', 'cancel', 'delete', 'newImageFiles'"),
        ({**BASE, "action": "create", "input": {"type": "circle"}}, "/create/input"),
        (
            {
                **BASE,
                "action": "create",
                "input": {"type": "taggedPolygon", "content": {"polygon": POLYGON, "tags": ["a"]}},
            },
            "tags came without tagIndex",
        ),
        ({**BASE, "action": "cancel", "callbackInfo": {"url": "u", "token": 123456}}, "/cancel/callbackInfo/token"),
    ],
)
def test_what_is_no_invocation_says_where(body: Any, place: str) -> None:
    with pytest.raises(SectraInvocationError) as caught:
        webhooks.parse_invocation(body)
    assert place in str(caught.value)
    assert "hidden" not in str(caught.value)
    assert "123456" not in str(caught.value)
    refused = webhooks.refusal(caught.value)
    assert (refused.status, refused.body.decode()) == (400, str(caught.value))


def test_a_notification_needs_no_action(app_contract: Contract) -> None:
    example = app_contract.document["components"]["schemas"]["NewImageFilesInvocation"]["examples"][0]
    body = {name: member for name, member in example.items() if name not in ("action", "input")}
    assert isinstance(webhooks.parse_image_notification(body), NewImageFilesInvocation)


def test_answers_carry_the_servers_versions(pacs: Any, client: SectraClient) -> None:
    stored = ResultResponse(id=1, versionId="v", slideId="s", displayResult="x", new={"kept": None})
    answer = webhooks.answer(client, stored)
    assert answer.status == 200
    assert answer.headers == {
        "Content-Type": "application/json",
        "X-Sectra-ApiVersion": "1.10",
        "X-Sectra-SoftwareVersion": "4.2.0.0",
    }
    assert json.loads(answer.body)["new"] == {"kept": None}
    assert webhooks.answer(client).body == b"{}"


@pytest.mark.parametrize(
    "unstored",
    [
        Result(slideId="s", displayResult="x"),
        AdaptedResult(slideId="s", displayResult="x", versionId="v"),
        ResultResponse(id=0, versionId="v", slideId="s", displayResult="x"),
        ResultResponse(id=1, versionId="", slideId="s", displayResult="x"),
    ],
)
def test_a_result_that_was_not_stored_is_no_answer(client: SectraClient, unstored: Result) -> None:
    with pytest.raises(ValueError, match="answer with what create_results or update_results returned"):
        webhooks.answer(client, unstored)


def test_an_answer_has_all_members_of_a_stored_result(client: SectraClient, app_contract: Contract) -> None:
    said = {"id": 1, "versionId": "v", "slideId": "s", "displayResult": "x", "attachments": [{"name": "a"}]}
    answer = json.loads(webhooks.answer(client, ResultResponse.model_validate(said, context=AS_READ)).body)
    assert app_contract.schema("InvocationAnswer").violations(answer, "body") == []
    assert answer["attachments"] == [{"name": "a", "state": "new"}]


def test_an_empty_version_is_no_answer() -> None:
    with pytest.raises(ValueError, match="apiVersion is empty"):
        webhooks.info_answer(ApplicationInfo(apiVersion="", softwareVersion=""))


def test_a_client_calls_back_as_the_invocation_says() -> None:
    invocation = webhooks.parse_invocation({**BASE, "action": "cancel"})
    with webhooks.client_for(invocation, timeout=5) as client:
        assert repr(client) == "<SectraClient https://pacs/v1>"
    with webhooks.client_for(invocation, _allow_http=True) as client:
        assert repr(client) == "<SectraClient http://pacs/v1>"


def test_registration_and_info(app_contract: Contract) -> None:
    versions = ApplicationInfo(apiVersion="1.10", softwareVersion="1.0")
    registration = Registration(
        applicationId="app",
        displayName="App",
        manufacturer="M",
        url="https://app",
        inputTemplate={"type": "wholeSlide"},
    )
    answer = webhooks.registration_answer(registration, versions)
    said = json.loads(answer.body)
    assert app_contract.schema("Registration").violations(said, "body") == []
    assert said["inputTemplate"] == {"type": "wholeSlide"}
    assert answer.headers["X-Sectra-SoftwareVersion"] == "1.0"
    assert json.loads(webhooks.info_answer(versions).body) == {"apiVersion": "1.10", "softwareVersion": "1.0"}


@pytest.mark.parametrize("version", ["4.2\r\nSet-Cookie: a=b", "4\x00", "4\x85", "версия"])
def test_versions_that_are_no_headers_are_not_forwarded(pacs: Any, client: SectraClient, version: str) -> None:
    pacs.on("/info", pacs.answer({"apiVersion": "1.10", "softwareVersion": version}))
    with pytest.raises(SectraUnreadableAnswerError, match="X-Sectra-SoftwareVersion would be"):
        webhooks.answer(client)
    with pytest.raises(SectraUnreadableAnswerError):
        _ = client.response_headers
    with pytest.raises(ValueError, match="X-Sectra-SoftwareVersion would be"):
        webhooks.info_answer(ApplicationInfo(apiVersion="1.10", softwareVersion=version))


@pytest.mark.parametrize(
    "body",
    [
        '"hidden"',
        {**BASE, "action": "cancel", "callbackInfo": "hidden"},
        {**BASE, "action": "cancel", "callbackInfo": {"url": 5, "token": ["hidden"]}},
        {**BASE, "action": "cancel", "callbackInfo": ["hidden"]},
    ],
)
def test_a_misplaced_token_is_not_shown(body: Any) -> None:
    with pytest.raises(SectraInvocationError) as caught:
        webhooks.parse_invocation(body)
    assert "hidden" not in str(caught.value)
