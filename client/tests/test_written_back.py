"""What was read goes back as it came, and what no PACS could read is refused before it is sent."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sectra_client.schemas import AdaptedResult, Attachment, Result, ResultData, ResultResponse
from sectra_client.schemas.base import AS_READ
from sectra_client.wire import results
from sectra_client.wire.messages import json_body

STORED: dict[str, Any] = {
    "id": 7,
    "versionId": "v1",
    "slideId": "s",
    "displayResult": "",
    "applicationVersion": "",
    "displayProperties": {},
    "attachments": [],
    "data": {},
}
PATCH = {"tag": 0, "position": {"x": 0, "y": 0}, "sortKeyValue": 1}
GALLERY: dict[str, Any] = {"patches": [PATCH], "tags": ["a"], "patchSize": 64, "magnification": 20}


def read(**members: Any) -> ResultResponse:
    return ResultResponse.model_validate({**STORED, **members}, context=AS_READ)


def sent_back(result: ResultResponse) -> dict[str, Any]:
    return dict(json.loads(json_body(result.adapted())))


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"statuses": None},
        {"statuses": {}},
        {"statuses": {"allowVerify": {}}},
        {"statuses": {"allowVerify": {"message": "wait"}}},
        {"statuses": {"allowVerify": {"value": None}}},
        {"polygons": None, "actions": None, "description": None},
        {"polygons": [], "extra": None, "actions": []},
    ],
)
def test_a_gallery_goes_back_as_it_came(content: dict[str, Any]):
    whole = {"result": {"type": "patchCollection", "content": {**GALLERY, **content}}}
    assert sent_back(read(data=whole)) == {**STORED, "data": whole}


@given(
    st.sampled_from([{}, {"context": None}, {"context": {}}, {"result": None}, {"context": {"a": None}, "x": [None]}])
)
def test_data_goes_back_as_they_came(data: dict[str, Any]):
    assert sent_back(read(data=data)) == {**STORED, "data": data}


def test_what_was_changed_in_place_goes_back():
    result = read(data={"result": {"type": "patchCollection", "content": GALLERY}}).adapted()
    result.data.context = {"run": 2}
    result.data.result.content.tags.append("b")  # type: ignore[union-attr]
    result.attachments.append(Attachment(name="a.txt"))
    said = json.loads(json_body(result))
    assert said["data"]["context"] == {"run": 2}
    assert said["data"]["result"]["content"] == {**GALLERY, "tags": ["a", "b"]}
    assert said["attachments"] == [{"name": "a.txt"}]


def test_new_results_have_the_defaults_of_the_reference():
    made = json.loads(json_body(Result(slideId="s", displayResult="")))
    assert made["data"] == {"context": {}}
    assert made["attachments"] == []


def test_models_are_equal_whether_read_or_made():
    assert ResultData.model_validate({"context": {}}, context=AS_READ) == ResultData(context={})
    assert read() == ResultResponse(**STORED)
    assert read() != read(displayResult="other")


@pytest.mark.parametrize(
    ("members", "text"),
    [
        ({"displayResult": "\ud800"}, r"\.displayResult"),
        ({"displayProperties": {"a": 10**400}}, r"\.displayProperties\.a"),
        ({"data": {"context": {"a": ["\udc00"]}}}, r"\.data\.context\.a\[0\]"),
        ({"attachments": [{"name": "a"}, {"name": "a"}]}, "the attachment 'a' is declared twice"),
    ],
)
def test_what_no_pacs_could_read_is_not_sent(members: dict[str, Any], text: str):
    result = Result.model_validate({"slideId": "s", "displayResult": "", **members})
    with pytest.raises(ValueError, match=text):
        results.create_result("app", result)
    with pytest.raises(ValueError, match=text):
        results.update_result("app", 1, AdaptedResult.model_validate({**result.model_dump(), "versionId": "v"}))
