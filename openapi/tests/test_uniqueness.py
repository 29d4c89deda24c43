"""`x-unique-by`: items of a list that have the member in common are named beside all else."""

from collections.abc import Callable
from typing import Any

import pytest

from ia_api_spec import Contract
from ia_api_spec.tree import objects
from ia_api_spec.uniqueness import UNIQUE_BY, Rule, repetitions, rules_of

RESULT = {"slideId": "s", "displayResult": "", "data": {}}


def names(*given: Any) -> list[dict[str, Any]]:
    return [{"name": name} for name in given]


@pytest.mark.parametrize("operation", ["createResult", "updateResult"])
@pytest.mark.parametrize("version", ["1.8", "1.9", "1.10"])
def test_a_repeated_attachment_is_named_together_with_all_else(operation: str, version: str):
    schema = Contract.of("ia-api", version).operations[operation].bodies["application/json"]
    assert schema is not None
    assert schema.violations({**RESULT, "attachments": names("a", "b")}, "body") == []
    assert schema.violations({**RESULT, "attachments": None}, "body") == []
    twice = {**RESULT, "attachments": names("a", "b", "a", "a")}
    found = schema.violations(twice, "body")
    assert [violation.pointer for violation in found] == ["/attachments/2/name", "/attachments/3/name"]
    assert found[0].came == '"a"'
    broken = {**twice, "displayResult": 7, "attachments": [*twice["attachments"], {"name": ""}]}
    assert {violation.pointer for violation in schema.violations(broken, "body")} == {
        "/displayResult",
        "/attachments/2/name",
        "/attachments/3/name",
        "/attachments/4/name",
    }


def test_answers_are_held_to_it_too():
    schema = Contract.of("ia-api").operations["listResults"].answers[200].content["application/json"]
    assert schema is not None
    stored = {**RESULT, "id": 1, "versionId": "v", "applicationVersion": "", "displayProperties": {}}
    twice = [{"name": "a", "state": "new"}] * 2
    found = schema.violations([{**stored, "attachments": []}, {**stored, "attachments": twice}], "answer")
    assert [violation.pointer for violation in found] == ["/1/attachments/1/name"]


def test_rules_are_found_through_references_unions_and_recursion():
    schemas = {
        "Node": {
            "properties": {
                "children": {"type": "array", UNIQUE_BY: "id", "items": {"$ref": "#/components/schemas/Node"}},
                "a/b": {"anyOf": [{"type": "array", UNIQUE_BY: "x"}, {"type": "null"}]},
            }
        }
    }
    rules = rules_of({"allOf": [{"$ref": "#/components/schemas/Node"}]}, schemas)
    assert Rule(("children",), "id") in rules
    value = {"children": [{"id": "1"}, {"id": "1"}, {"id": 1}, {"id": 1}, 7, {}], "a/b": [{"x": "u"}, {"x": "u"}]}
    assert [found.pointer for found in repetitions(rules, value, "body", "")] == ["/children/1/id", "/a~1b/1/x"]
    assert list(repetitions(rules, [value], "body", "")) == list(repetitions(rules, {"children": 5}, "body", "")) == []


@pytest.mark.parametrize("name", ["ia-api", "ia-app", "fake-pacs"])
def test_the_member_is_a_required_string_of_the_items(name: str, contract: Callable[..., Contract]):
    document = contract(name)
    for _, node in objects(document.document):
        if UNIQUE_BY in node:
            item = node["items"].get("allOf", [node["items"]])[0]
            schema = document.resolve(item)
            assert node["type"] == "array"
            assert node[UNIQUE_BY] in schema["required"]
            assert schema["properties"][node[UNIQUE_BY]]["type"] == "string"


def test_a_copy_without_repetitions_has_none_and_loses_nothing_else():
    schema = Contract.of("ia-api").operations["createResult"].bodies["application/json"]
    assert schema is not None
    twice = {**RESULT, "attachments": [*names("a", "b", "a", 7, 7), "no object"]}
    distinct = schema.without_repetitions(twice)
    assert distinct == {**RESULT, "attachments": [*names("a", "b", 7, 7), "no object"]}
    assert len(twice["attachments"]) == 6
    assert schema.without_repetitions({**RESULT, "attachments": None}) == {**RESULT, "attachments": None}
