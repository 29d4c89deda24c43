"""The law: whatever the contract lets a server say, the models read; whatever they send, the contract allows."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, TypeAdapter, ValidationError

from ia_api_spec import Contract
from sectra_client import schemas
from sectra_client.schemas import results as result_models
from sectra_client.wire.messages import json_body

DOCUMENTS = {"ia-api": Contract.of("ia-api"), "ia-app": Contract.of("ia-app")}
NO_MODEL = {
    "TokenRequest": "a form of one constant member: wire.tokens writes it",
    "QualityControlStatus": "an enum; compared in test_enum_members_are_those_of_the_document",
    "AttachmentState": "an enum, compared there",
    "InputType": "an enum, compared there",
    "InvocationAnswer": "what an app answers: a ResultResponse as it came from the PACS, or nothing",
    "NotificationAnswer": "what an app answers: nothing",
}
SPOKEN_BY_SERVERS = sorted(
    (document, name)
    for document, contract in DOCUMENTS.items()
    for name in contract.document["components"]["schemas"]
    if name not in NO_MODEL
)
SENT = [
    ("ia-api", "Result"),
    ("ia-api", "AdaptedResult"),
    ("ia-api", "QualityControl"),
    ("ia-app", "Registration"),
]


def model(document: str, name: str) -> Any:
    if name == "Action":  # the gallery's button; the exported Action is the invocation's enum
        return result_models.Action
    return getattr(schemas, name)


def test_every_schema_has_a_model_of_its_name() -> None:
    missing = [f"{document} {name}" for document, name in SPOKEN_BY_SERVERS if not _has_model(document, name)]
    assert missing == []


def _has_model(document: str, name: str) -> bool:
    return name == "Action" or hasattr(schemas, name)


@pytest.mark.parametrize(("document", "name"), SPOKEN_BY_SERVERS)
@settings(max_examples=12)
@given(data=st.data())
def test_what_the_contract_allows_is_read_and_kept(
    document: str, name: str, data: st.DataObject, drawn_from: Any
) -> None:
    contract = DOCUMENTS[document]
    value = data.draw(drawn_from({"$ref": f"#/components/schemas/{name}"}, contract))
    if name == "AdaptedResult":  # said by apps only, and never without it by ours
        value.setdefault("versionId", "v")
    assert contract.schema(name).violations(value, "body") == []
    adapter = TypeAdapter(model(document, name))
    read = adapter.validate_json(json.dumps(value))
    assert_kept(value, adapter.dump_python(read, mode="json", by_alias=True), "")


def assert_kept(said: Any, kept: Any, place: str) -> None:
    """Everything said is kept; an absent list or null may have become an empty one."""
    if isinstance(said, Mapping):
        for name, member in said.items():
            absent = member is None and kept.get(name) in (None, [], {})
            if not absent:
                assert name in kept, f"{place}/{name} was lost"
                assert_kept(member, kept[name], f"{place}/{name}")
    elif isinstance(said, list):
        assert len(said) == len(kept), place
        for index, (one, other) in enumerate(zip(said, kept, strict=True)):
            assert_kept(one, other, f"{place}/{index}")
    else:
        assert (said, type(said) is bool) == (kept, type(kept) is bool), place


@pytest.mark.parametrize(("document", "name"), SENT)
@settings(max_examples=40)
@given(data=st.data())
def test_what_is_sent_is_what_the_contract_allows(
    document: str, name: str, data: st.DataObject, drawn_from: Any
) -> None:
    contract = DOCUMENTS[document]
    value = data.draw(drawn_from({"$ref": f"#/components/schemas/{name}"}, contract))
    if name == "AdaptedResult":
        value.setdefault("versionId", "v")
    sent = json.loads(json_body(model(document, name).model_validate(value)))
    assert contract.schema(name).violations(sent, "body") == []
    assert_kept(value, sent, "")


@given(data=st.data())
def test_a_result_read_is_a_result_that_may_be_sent_back(
    data: st.DataObject, drawn_from: Any, contract: Contract
) -> None:
    value = data.draw(drawn_from({"$ref": "#/components/schemas/ResultResponse"}, contract))
    adapted = schemas.ResultResponse.model_validate(value).adapted()
    sent = json.loads(json_body(adapted))
    assert contract.schema("AdaptedResult").violations(sent, "body") == []
    assert_kept(value, sent, "")


MODELS = [
    (document, name)
    for document, name in SPOKEN_BY_SERVERS
    if isinstance(model(document, name), type) and issubclass(model(document, name), BaseModel)
]
MORE_MEMBERS = {("AdaptedResult", "versionId"): "the reference: AdaptedResult carries versionId"}
LENIENT = {
    ("Result", "data"): "has a default, and is always sent",
    ("AdaptedResult", "data"): "the same",
    ("ResultResponse", "applicationVersion"): "null and nothing read as empty text",
    ("ResultResponse", "displayProperties"): "absent reads as empty",
    ("ResultResponse", "attachments"): "absent reads as empty",
    ("ResultResponse", "data"): "the same",
    ("ImageMetadata", "specimen"): "the community models leave it out; `{}` is sent then",
    ("CaseImageInfo", "specimen"): "the same",
    ("InvocationBase", "context"): "the reference: null reads as `{}`, and so does nothing",
    ("InvocationBase", "action"): "each kind of invocation has its own",
    ("NewImageFilesInvocation", "input"): "only the community models have it",
    **{(name, "context"): "the same" for name in schemas.__all__ if name.endswith("Invocation")},
    **{(name, "action"): "has its default" for name in schemas.__all__ if name.endswith("Invocation")},
    **{(f"{name}Input", "type"): "has its default" for name in ("WholeSlide", "TaggedPolygon", "MultiArea")},
    **{(f"{name}ResultContent", "type"): "has its default" for name in ("Primitive", "Patch")},
    **{("Problem", name): "errors are read as far as they can be" for name in ("type", "title", "status", "detail")},
    **{("Violation", name): "the same" for name in ("in", "pointer", "came", "expected")},
}
NOT_HERE = {("InvocationBase", "action"): "each kind of invocation has its own"}
BESIDE = {
    (
        "InvocationBase",
        "cancellationToken",
    ): "the community models have it here; the document on each kind that has one",
    ("DeleteInvocation", "cancellationToken"): "inherited; not required",
}


@pytest.mark.parametrize(("document", "name"), MODELS)
def test_members_are_those_of_the_document(
    document: str,
    name: str,
) -> None:
    described = describe(document, name)
    fields = model(document, name).model_fields
    ours = {field.alias or member: field.is_required() for member, field in fields.items()}
    beside = {member for owner, member in BESIDE if owner == name}
    missing = {member for owner, member in NOT_HERE if owner == name}
    assert set(ours) - beside == set(described["properties"]) - missing - beside
    required = {member for member, is_required in ours.items() if is_required}
    said = set(described["required"])
    assert required - said == {member for owner, member in MORE_MEMBERS if owner == name}
    assert said - required == {
        member for owner, member in LENIENT if owner == name and member in described["properties"]
    }


@pytest.mark.parametrize(("document", "name"), MODELS)
def test_types_are_those_of_the_document(document: str, name: str) -> None:
    described = describe(document, name)
    schema = model(document, name).model_json_schema(by_alias=True)
    schema_of = schema.get("properties", {})
    for member, node in described["properties"].items():
        if member not in schema_of:
            continue
        theirs = json_types(node, DOCUMENTS[document].document["components"]["schemas"])
        ours = json_types(schema_of[member], schema.get("$defs", {}))
        ours = ours - {"null"} if "null" not in theirs else ours | {"null"}
        assert ours == theirs, f"{name}.{member}"


def describe(document: str, name: str) -> dict[str, Any]:
    """The document's own description of an object, its `allOf` laid together."""
    known = DOCUMENTS[document].document["components"]["schemas"]
    parts = [known[name]]
    whole: dict[str, Any] = {"properties": {}, "required": []}
    while parts:
        part = parts.pop(0)
        part = known[part["$ref"].rpartition("/")[2]] if "$ref" in part else part
        parts += part.get("allOf", [])
        whole["properties"] |= part.get("properties", {})
        whole["required"] += part.get("required", [])
    return whole


def json_types(node: Mapping[str, Any], known: Mapping[str, Any]) -> set[str]:
    if "$ref" in node:
        return json_types(known[node["$ref"].rpartition("/")[2]], known)
    for union in ("anyOf", "oneOf", "allOf"):
        if union in node:
            return {kind for part in node[union] for kind in json_types(part, known)}
    kinds = node.get("type", "object" if "properties" in node else "string")
    return {kinds} if isinstance(kinds, str) else set(kinds)


@pytest.mark.parametrize("name", ["QualityControlStatus", "AttachmentState", "InputType"])
def test_enum_members_are_those_of_the_document(name: str) -> None:
    known = (
        DOCUMENTS["ia-app"].document["components"]["schemas"] | DOCUMENTS["ia-api"].document["components"]["schemas"]
    )
    assert {member.value for member in getattr(schemas, name)} == set(known[name]["enum"])


def test_defaults_are_those_of_the_reference() -> None:
    assert schemas.WholeSlideInput().type == "wholeSlide"
    assert schemas.PrimitiveItem().model_dump() == {"polygons": [], "polylines": [], "labels": []}
    assert schemas.PrimitiveResultContent(content=[]).model_dump() == {"type": "primitive", "content": []}
    gallery = schemas.PatchContent(patches=[], tags=[], patchSize=64, magnification=20)
    assert gallery.model_dump()["statuses"] == {"allowVerify": {"value": True}}
    cancel = schemas.CancelInvocation(
        applicationId="a", slideId="s", callbackInfo={"url": "u", "token": "t"}, context=None, cancellationToken="c"
    )
    assert (cancel.context, cancel.action) == ({}, schemas.Action.CANCEL)


def test_enum_names_are_those_of_the_reference() -> None:
    assert schemas.ResultType.PATCHES == "patchCollection"
    assert schemas.ResultType.PRIMITIVES == "primitive"
    assert [status.name for status in schemas.QualityControlStatus] == ["NOT_SET", "QUALITY_OK", "REJECTED"]
    assert [state.name for state in schemas.AttachmentState] == ["NEW", "UPLOAD_IN_PROGRESS", "STORED"]
    assert [action.name for action in schemas.Action] == ["CREATE", "MODIFY", "CANCEL", "DELETE", "NEW_IMAGE_FILES"]
    assert {kind.name for kind in schemas.InputType} == {"MULTI_AREA", "TAGGED_POLYGON", "WHOLE_SLIDE"}


@pytest.mark.parametrize("wrong", ["5", True, None, [1], float("nan"), float("inf")])
def test_numbers_are_not_guessed(wrong: object) -> None:
    with pytest.raises(ValidationError, match="a finite number is needed"):
        schemas.Point(x=wrong, y=0)
    with pytest.raises(ValidationError, match="a whole number is needed"):
        schemas.Size(width=wrong, height=1)


def test_whole_numbers_may_come_as_floats_and_stay_integers_otherwise() -> None:
    assert repr(schemas.Size(width=2.0, height=1).width) == "2"
    assert repr(schemas.Point(x=1, y=1.0)) == "Point(x=1, y=1.0)"
    with pytest.raises(ValidationError):
        schemas.Size(width=2.5, height=1)


def test_numbers_of_other_libraries_are_taken() -> None:
    numpy = pytest.importorskip("numpy")
    point = schemas.Point(x=numpy.float32(0.5), y=numpy.int64(1))
    assert json.loads(json_body(point)) == {"x": 0.5, "y": 1}
    with pytest.raises(ValidationError):
        schemas.Point(x=numpy.bool_(True), y=numpy.float32("nan"))


@pytest.mark.parametrize("wrong", [1, 0, "true", "yes"])
def test_booleans_are_not_guessed(wrong: object) -> None:
    with pytest.raises(ValidationError):
        schemas.Status(value=wrong)


def test_unknown_enum_values_are_read_and_sent_back() -> None:
    answer = {
        "id": 1,
        "versionId": "v",
        "slideId": "s",
        "displayResult": "",
        "applicationVersion": "",
        "displayProperties": {},
        "attachments": [{"name": "a", "state": "quarantined"}],
        "data": {"result": {"type": "heatmap", "content": {"cells": [1, 2]}, "scale": 3}},
    }
    read = schemas.ResultResponse.model_validate(answer)
    assert read.attachments[0].state == "quarantined"
    assert isinstance(read.data.result, schemas.UnknownResultContent)
    assert_kept(answer, json.loads(json_body(read.adapted())), "")
    verdict = schemas.QualityControlData(status="Pending", versionId="1")
    assert verdict.status == "Pending"


def test_an_unknown_verdict_cannot_be_set() -> None:
    with pytest.raises(ValidationError, match="'Pending' can't be set: known are NotSet, QualityOk, Rejected"):
        schemas.QualityControl(applicationVersion="1", qualityControl={"status": "Pending", "versionId": "1"})


@pytest.mark.parametrize("half", [{"tags": ["a"]}, {"tagIndex": 0}, {"tags": []}])
def test_tags_and_tag_index_come_together(half: dict[str, Any]) -> None:
    polygon = {"points": [{"x": 0, "y": 0}, {"x": 1, "y": 0}, {"x": 0, "y": 1}]}
    with pytest.raises(ValidationError, match="a tagged polygon has both or neither"):
        schemas.TaggedPolygonContent(polygon=polygon, **half)


def test_content_keeps_the_form_in_which_it_came() -> None:
    one = schemas.PrimitiveResultContent(content={"labels": None})
    many = schemas.PrimitiveResultContent(content=[{"labels": None}])
    assert isinstance(one.model_dump()["content"], dict)
    assert isinstance(many.model_dump()["content"], list)
    assert one.primitives == many.primitives


def test_a_mistake_in_a_list_is_named_at_its_place() -> None:
    with pytest.raises(ValidationError) as caught:
        schemas.PrimitiveResultContent(content=[{}, {"polygons": [{"points": [{"x": 0, "y": 0}]}]}])
    assert [error["loc"][-4:] for error in caught.value.errors()] == [(1, "polygons", 0, "points")]


def test_nothing_unsaid_is_said() -> None:
    assert schemas.Style(size=None).model_dump() == {"size": None}
    assert schemas.Style().model_dump() == {}
    assert schemas.ResultData(context=None).model_dump() == {"context": None}
    assert schemas.Specimen(anatomy=None).model_dump() == {}
    assert "id" not in schemas.AdaptedResult(slideId="s", displayResult="", versionId="v").model_dump()


def test_what_changed_after_it_was_made_is_checked_before_it_is_sent() -> None:
    result = schemas.Result(slideId="s", displayResult="x")
    result.displayResult = 5  # type: ignore[assignment]
    with pytest.raises(ValidationError):
        json_body(result)
    result = schemas.Result(slideId="s", displayResult="x", data={"context": {"score": float("nan")}})
    with pytest.raises(ValueError, match="JSON"):
        json_body(result)


def test_secrets_are_not_in_reprs() -> None:
    callback = schemas.CallbackInfo(url="https://pacs", token="hidden")
    token = schemas.Token(access_token="hidden", token_type="Bearer", expires_in=3600)
    assert "hidden" not in f"{callback!r}{callback}{token!r}{token}"


@settings(max_examples=10, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers() | st.floats(allow_nan=False, allow_infinity=False))
def test_any_number_is_read_as_itself(number: float) -> None:
    assert schemas.Point.model_validate_json(json.dumps({"x": number, "y": 0})).x == number
