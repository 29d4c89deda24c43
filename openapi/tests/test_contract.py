"""The compiled contract: operations, spellings, parameters, validators, and wording."""

import copy
from typing import Any

import pytest

from ia_api_spec import Contract, Violation, shown
from ia_api_spec.wording import expectation


def contract_of(schema: Any, **others: Any) -> Contract:
    """A contract with one operation, whose JSON answer has that schema."""
    content = {"application/json": {"schema": schema}}
    operation = {"operationId": "read", "responses": {"200": {"description": "Done.", "content": content}}}
    document = {"openapi": "3.1.0", "info": {"title": "T", "version": "1.10"}, "paths": {"/a": {"get": operation}}}
    return Contract({**document, "components": {"schemas": others}})


def found(schema: Any, value: Any) -> list[tuple[str, str, str]]:
    """What is wrong with a value, as (pointer, came, expected)."""
    violations = contract_of({}, A=schema).schema("A").violations(value, "body")
    return [(violation.pointer, violation.came, violation.expected) for violation in violations]


# Operations.


def test_an_operation_is_known_by_its_id(contract: Any):
    operation = contract().operations["setQualityControl"]
    assert (operation.id, operation.method, operation.security) == ("setQualityControl", "PUT", ("bearer",))
    assert operation.body_required
    assert operation.bodies["application/json"].pointer == "#/components/schemas/QualityControl"
    assert set(operation.answers) == {200, 400, 401, 403, 404, 409, 413, 415}
    assert operation.answers[200].content == {}


def test_an_operation_that_the_version_lacks_is_not_there(contract: Any):
    assert "setQualityControl" not in contract(version="1.9").operations
    assert "getCaseImages" not in contract(version="1.8").operations


def test_security_is_the_documents_where_the_operation_has_none(contract: Any):
    security = {one.id: one.security for one in contract().operations.values() if one.security != ("bearer",)}
    assert security == {"createToken": ("basic",), "getLaunchData": ("session",)}
    control = contract("fake-pacs").operations
    assert (control["getLive"].security, control["getHospital"].security) == ((), ("control", "bearer"))


def test_spellings_are_data_on_their_operation(contract: Any):
    spellings = {
        (one.id, spelling.name): (spelling.path, dict(spelling.defaults))
        for one in contract().operations.values()
        for spelling in one.spellings
        if spelling.name
    }
    assert spellings == {
        ("getTile", "without-focal-plane"): ("/images/{slideId}_files/{level}/{x}_{y}.{ext}", {"z": "0"}),
        ("createResult", "trailing-slash"): ("/applications/{applicationId}/results/", {}),
        ("createResult", "hooks"): ("/hooks/{applicationId}/results/", {}),
        ("createResult", "hooks-without-slash"): ("/hooks/{applicationId}/results", {}),
        ("updateResult", "hooks"): ("/hooks/{applicationId}/results/{resultId}", {}),
    }
    assert all(one.spellings[0].name is None for one in contract().operations.values())


def test_parameters_say_what_their_text_is_read_as(contract: Any):
    parameters = {parameter.name: parameter for parameter in contract().operations["getTile"].parameters}
    assert [parameters[name].kind for name in ("slideId", "level", "z", "opticalPath")] == [
        "string",
        "integer",
        "string",
        "string",
    ]
    assert (parameters["level"].location, parameters["level"].required) == ("path", True)
    assert (parameters["channels"].location, parameters["channels"].required) == ("query", False)
    assert parameters["channels"].reads_as == parameters["opticalPath"].reads_as == "opticalPath"


def test_parameters_are_validated_by_their_own_schema(contract: Any):
    parameters = {parameter.name: parameter for parameter in contract().operations["getSlideInfo"].parameters}
    (violation,) = parameters["scope"].schema.violations("all", "query")
    assert (violation.pointer, violation.expected) == ("", 'one of "extended"')
    assert parameters["includePHI"].schema.violations(True, "query") == []
    (malformed,) = parameters["X-Sectra-ApiVersion"].schema.violations("1.9 beta", "header")
    assert malformed.expected.startswith("text that matches ^[0-9]")


def test_equal_schemas_of_different_places_each_work(contract: Any):
    for operation in contract().operations.values():
        for parameter in operation.parameters:
            wrong = parameter.schema.violations([], parameter.location)
            assert {violation.came for violation in wrong} == {"[]"}, f"{operation.id} {parameter.name}"


def test_only_json_and_forms_have_a_schema(contract: Any):
    answers = contract().operations["getSlideFiles"].answers
    assert answers[200].content == {"multipart/related": None, "application/octet-stream": None}
    assert "Content-Length" in answers[200].required_headers
    form = contract().operations["createToken"].bodies["application/x-www-form-urlencoded"]
    (violation,) = form.violations({"grant_type": "password"}, "body")
    assert (violation.pointer, violation.expected) == ("/grant_type", '"client_credentials"')
    assert contract().operations["putAttachment"].bodies == {"application/octet-stream": None, "*/*": None}


def test_the_base_path_is_that_of_a_real_pacs(contract: Any):
    assert contract().base_path == "/SectraPathologyServer/external/imageanalysis/v1"
    assert contract("fake-pacs").base_path == ""


def test_a_schema_that_the_version_lacks_is_a_key_error(contract: Any):
    assert contract().schema("QualityControl").pointer == "#/components/schemas/QualityControl"
    with pytest.raises(KeyError, match="QualityControl"):
        contract(version="1.9").schema("QualityControl")


@pytest.mark.parametrize("name", ["ia-api", "ia-app", "fake-pacs"])
def test_annotations_change_nothing(name: str, contract: Any):
    document = contract(name).document
    before = copy.deepcopy(document)
    Contract(document)
    assert document == before


def test_members_named_like_annotations_are_validated():
    names = ["example", "examples", "default", "title", "description", "discriminator", "x-ray"]
    schema = {"type": "object", "properties": {name: {"type": "integer"} for name in names}}
    assert [pointer for pointer, _, _ in found(schema, dict.fromkeys(names, "text"))] == [f"/{name}" for name in names]


def test_constants_are_compared_as_they_are():
    assert found({"const": {"x-a": 1, "title": "T"}}, {"x-a": 1, "title": "T"}) == []
    assert len(found({"const": {"x-a": 1}}, {})) == 1


# The app's side.

STORED = {
    "id": 1,
    "versionId": "v",
    "slideId": "s",
    "displayResult": "",
    "applicationVersion": "",
    "displayProperties": {},
    "attachments": [],
    "data": {},
}


def answered(contract: Any, operation: str, value: Any, version: str = "1.10") -> list[tuple[str, str]]:
    """What is wrong with an app's answer, as (pointer, expected)."""
    schema = contract("ia-app", version).operations[operation].answers[200].content["application/json"]
    return [(violation.pointer, violation.expected) for violation in schema.violations(value, "answer")]


@pytest.mark.parametrize("version", ["1.8", "1.9", "1.10"])
@pytest.mark.parametrize("value", [STORED, {}, []])
def test_an_app_answers_an_invocation_with_what_it_stored_or_nothing(contract: Any, version: str, value: Any):
    assert answered(contract, "invoke", value, version) == []


def test_what_is_wrong_with_an_app_s_answer_is_named_at_its_place(contract: Any):
    assert answered(contract, "invoke", {**STORED, "id": "1"}) == [("/id", "a whole number")]
    unstored = {name: member for name, member in STORED.items() if name not in ("id", "versionId")}
    assert [pointer for pointer, _ in answered(contract, "invoke", unstored)] == ["/id", "/versionId"]
    assert answered(contract, "invoke", [STORED]) == [("", "at most 0 items")]
    assert answered(contract, "invoke", "done") == [("", "an object or a list")]
    assert answered(contract, "notifyImage", {}) == []
    assert len(answered(contract, "notifyImage", {"ok": True})) == 1


@pytest.mark.parametrize("version", ["1.8", "1.9", "1.10"])
def test_every_right_answer_of_an_app_carries_both_version_headers(version: str, contract: Any):
    operations_of_apps = contract("ia-app", version).operations
    right = {name: {status for status in one.answers if status < 300} for name, one in operations_of_apps.items()}
    assert right == {name: {200} for name in ("getRegistration", "getAppInfo", "invoke", "notifyImage")}
    for operation in operations_of_apps.values():
        assert operation.answers[200].required_headers == {"X-Sectra-ApiVersion", "X-Sectra-SoftwareVersion"}
        assert operation.security == ()
    assert operations_of_apps["getAppInfo"].answers[404].content == {}


def test_invocations_and_notifications_are_told_apart(contract: Any):
    operations = contract("ia-app").operations
    examples = {one["action"]: one for one in _examples(contract("ia-app").document)}
    invoke = operations["invoke"].bodies["application/json"]
    notify = operations["notifyImage"].bodies["application/json"]
    for action, example in examples.items():
        pointers = [violation.pointer for violation in invoke.violations(example, "body")]
        assert pointers == (["/action"] if action == "newImageFiles" else []), action
        assert (notify.violations(example, "body") == []) == (action == "newImageFiles")
    assert set(examples) == {"create", "modify", "delete", "cancel", "newImageFiles"}


def _examples(document: dict[str, Any]) -> list[dict[str, Any]]:
    schemas = document["components"]["schemas"]
    return [schema["examples"][0] for name, schema in schemas.items() if name.endswith("Invocation")]


# Violations and their words.


@pytest.mark.parametrize(
    ("schema", "value", "expected"),
    [
        ({"type": "object"}, 1, "an object"),
        ({"type": ["array", "object", "null"]}, 1, "an object or a list or null"),
        ({"type": ["number", "string"]}, None, "a string or a number"),
        ({"type": "boolean"}, "true", "true or false"),
        ({"enum": ["a", 1, None]}, 2, 'one of "a", 1, null'),
        ({"const": "a"}, "b", '"a"'),
        ({"minItems": 3}, [], "at least 3 items"),
        ({"maxItems": 0}, [1], "at most 0 items"),
        ({"minLength": 1}, "", "at least 1 characters"),
        ({"maxLength": 1}, "ab", "at most 1 characters"),
        ({"minimum": 1}, 0, "at least 1"),
        ({"maximum": 1}, 2, "at most 1"),
        ({"exclusiveMinimum": 0}, 0, "more than 0"),
        ({"exclusiveMaximum": 0}, 0, "less than 0"),
        ({"pattern": "^a$"}, "b", "text that matches ^a$"),
        ({"format": "uri"}, "no uri", "a valid uri"),
    ],
)
def test_what_was_expected_is_said_in_words(schema: Any, value: Any, expected: str):
    assert found(schema, value) == [("", shown(value), expected)]


def test_keywords_without_words_fall_back_to_the_validators():
    assert expectation("multipleOf", {"multiple_of": 2}, "3 is not a multiple of 2") == "3 is not a multiple of 2"


def test_every_missing_and_every_unknown_member_is_named():
    schema = {"type": "object", "required": ["a", "b"], "properties": {"a": {}, "b": {}}, "additionalProperties": False}
    assert sorted(found(schema, {"c": 1, "d/e": [2]})) == [
        ("/a", "nothing", "a value: the member is required"),
        ("/b", "nothing", "a value: the member is required"),
        ("/c", "1", "no such member"),
        ("/d~1e", "[2]", "no such member"),
    ]


def test_all_violations_are_found_at_once(contract: Any):
    value = {"slideId": "", "displayResult": 1, "data": [], "attachments": [{"name": ""}, {}]}
    pointers = {violation.pointer for violation in contract().schema("Result").violations(value, "body")}
    assert pointers == {"/slideId", "/displayResult", "/data", "/attachments/0/name", "/attachments/1/name"}


def test_a_prefix_stands_before_each_pointer(contract: Any):
    (violation,) = contract().schema("Point").violations({"x": 1}, "body", "/data/0")
    assert violation.pointer == "/data/0/y"


def test_a_violation_reads_as_a_sentence_and_as_json():
    violation = Violation("body", "/a", "1", "a string", "Send text.")
    assert str(violation) == "body /a: came 1, expected a string (Send text.)"
    assert violation.as_json() == {
        "in": "body",
        "pointer": "/a",
        "came": "1",
        "expected": "a string",
        "hint": "Send text.",
    }
    assert "hint" not in Violation("body", "", "1", "a string").as_json()
    assert str(Violation("body", "", "1", "a string")) == "body: came 1, expected a string"


def test_a_violation_is_what_the_contract_says_of_it(contract: Any):
    schema = contract().schema("Violation")
    assert schema.violations(Violation("body", "/a", "1", "a string", "Send text.").as_json(), "answer") == []
    assert schema.node["properties"].keys() == Violation("body", "", "", "", "hint").as_json().keys()


def test_long_values_are_cut_and_odd_ones_are_shown():
    assert shown("a" * 500) == '"' + "a" * 119 + "… (502 characters)"
    assert shown("µ") == '"\\u00b5"'
    assert shown({1, 2}) == "a value of type set"
    nested: list[Any] = []
    nested.append(nested)
    assert shown(nested) == "a value of type list"
