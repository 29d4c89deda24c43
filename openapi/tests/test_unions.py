"""Rewritten unions accept what the originals accept, and name what is wrong at the place where it is."""

import copy
from collections.abc import Callable
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ia_api_spec import Contract, snapshot
from ia_api_spec.unions import exact, types_of

APP = Contract.of("ia-app")
PACS = Contract.of("ia-api")
NAMES = [("ia-app", name) for name in APP.document["components"]["schemas"]]
NAMES += [("ia-api", name) for name in PACS.document["components"]["schemas"]]

quick = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
texts = st.sampled_from(["", "x", "primitive", "create", "new"])
scalars = st.none() | st.booleans() | st.integers(-2, 2) | st.sampled_from([0.5, 1.0]) | texts
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("abxy"), inner, max_size=2)
)


def originals(name: str) -> Callable[[str], Any]:
    """The validators of a snapshot's schemas as they stand in it."""
    validators = jsonschema_rs.validator_map_for(snapshot(name, "1.10"), validate_formats=True)
    return lambda schema: validators[f"#/components/schemas/{schema}"]


ORIGINAL = {"ia-app": originals("ia-app"), "ia-api": originals("ia-api")}
COMPILED = {"ia-app": APP, "ia-api": PACS}
SCHEMAS_OF_BOTH = [node for one in (APP, PACS) for node in one.document["components"]["schemas"].values()]
PIECES = [example for node in SCHEMAS_OF_BOTH for example in node["examples"]]


def places(value: Any) -> list[tuple[Any, Any]]:
    """Every (container, key) in a JSON value."""
    children = list(value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ())
    return [(value, key) for key, _ in children] + [place for _, child in children for place in places(child)]


@st.composite
def mutated(draw: st.DrawFn, examples: list[Any]) -> Any:
    """An example in which up to three places were dropped, replaced by anything, or by a piece of other examples."""
    holder = [copy.deepcopy(draw(st.sampled_from(examples)))]
    for _ in range(draw(st.integers(0, 3))):
        container, key = draw(st.sampled_from(places(holder)))
        change = draw(st.sampled_from(["drop", "value", "piece", "wrap", "unwrap"]))
        if change == "drop" and container is not holder:
            del container[key]
        elif change == "value":
            container[key] = draw(values)
        elif change == "piece":
            container[key] = copy.deepcopy(draw(st.sampled_from(PIECES)))
        elif change == "wrap":
            container[key] = [container[key]]
        elif isinstance(container[key], list) and container[key]:
            container[key] = container[key][0]
    return holder[0]


@pytest.mark.parametrize(("name", "schema"), NAMES)
def test_the_same_instances_are_accepted(name: str, schema: str):
    node = COMPILED[name].schema(schema)
    original = ORIGINAL[name](schema)

    @quick
    @given(mutated(node.node["examples"]) | values)
    def accepts_the_same(value: Any) -> None:
        assert (node.violations(value, "body") == []) == original.is_valid(value)

    accepts_the_same()


@pytest.mark.parametrize(("name", "schema"), NAMES)
def test_no_union_is_named_where_its_branch_could_be(name: str, schema: str):
    @quick
    @given(mutated(COMPILED[name].schema(schema).node["examples"]))
    def names_no_union(value: Any) -> None:
        for violation in COMPILED[name].schema(schema).violations(value, "body"):
            assert "not valid under any" not in violation.expected
            assert "more than one of the schemas" not in violation.expected

    names_no_union()


# Any union, not only ours.

types = st.sampled_from(["object", "array", "string", "number", "integer", "boolean", "null"])
branches = st.one_of(
    types.map(lambda kind: {"type": kind}),
    st.lists(types, min_size=1, max_size=3, unique=True).map(lambda kinds: {"type": kinds}),
    values.map(lambda value: {"const": value}),
    st.integers(0, 2).map(lambda limit: {"type": "array", "maxItems": limit}),
    st.just({"type": "object", "required": ["a"]}),
    st.sampled_from([{"$ref": "#/components/schemas/Text"}, {"$ref": "#/components/schemas/Either"}, {}, True, False]),
    st.lists(types.map(lambda kind: {"type": kind}), min_size=1, max_size=3).map(lambda parts: {"allOf": parts}),
    st.lists(types.map(lambda kind: {"type": kind}), min_size=1, max_size=3).map(lambda parts: {"anyOf": parts}),
)
SCHEMAS = {"Text": {"type": "string", "minLength": 1}, "Either": {"anyOf": [{"type": "integer"}, {"type": "null"}]}}


def validator(schema: Any) -> Any:
    return jsonschema_rs.validator_map_for({"components": {"schemas": SCHEMAS}, "s": schema})["#/s"]


@settings(quick, max_examples=300)
@given(st.lists(branches, min_size=1, max_size=3), values)
def test_any_union_by_type_accepts_the_same(union: list[Any], value: Any):
    schema = {"anyOf": union, "not": {"const": "x"}}
    assert validator(exact(schema, SCHEMAS)).is_valid(value) == validator(schema).is_valid(value)


@settings(quick, max_examples=200)
@given(branches, values)
def test_the_types_of_a_schema_are_never_too_few(schema: Any, value: Any):
    found = sorted(types_of(schema, SCHEMAS))
    assert not validator(schema).is_valid(value) or validator({"type": found}).is_valid(value)


def test_members_named_like_unions_are_members():
    members = {"anyOf": {"type": "string"}, "oneOf": {"type": "null"}, "discriminator": {"type": "object"}}
    schema = {"type": "object", "properties": members}
    assert exact(schema, {}) == schema


def test_the_argument_is_left_as_it_is():
    schemas = snapshot("ia-app", "1.10")["components"]["schemas"]
    before = copy.deepcopy(schemas)
    assert exact(schemas, schemas) != before
    assert schemas == before


# Pointers.


def result(content: Any, kind: str = "patchCollection") -> dict[str, Any]:
    return {"slideId": "s", "displayResult": "", "data": {"result": {"type": kind, "content": content}}}


def gallery(*patches: Any) -> dict[str, Any]:
    return {"patches": list(patches), "tags": [], "patchSize": 64, "magnification": 20}


PATCH = {"tag": 0, "position": {"x": 0.1, "y": 0.1}, "sortKeyValue": 1}
TRIANGLE = {"points": [{"x": 0, "y": 0}, {"x": 1, "y": 0}, {"x": 1, "y": 1}]}

WRONG_GALLERIES = [
    (gallery(PATCH, PATCH, PATCH, {**PATCH, "position": 7}), "/patches/3/position", "7", "an object"),
    (gallery({**PATCH, "position": {"x": 1}}), "/patches/0/position/y", "nothing", "required"),
    (gallery({"tag": 0, "sortKeyValue": 1}), "/patches/0/position", "nothing", "required"),
    (gallery({**PATCH, "tag": "a"}), "/patches/0/tag", '"a"', "a whole number"),
    ({**gallery(), "patchSize": 0}, "/patchSize", "0", "at least 1"),
    ({**gallery(), "magnification": 0}, "/magnification", "0", "more than 0"),
    ({**gallery(), "statuses": {"a/b": {"value": 1}}}, "/statuses/a~1b/value", "1", "true or false or null"),
    (7, "", "7", "an object"),
]


@pytest.mark.parametrize(("content", "pointer", "came", "expected"), WRONG_GALLERIES)
def test_what_is_wrong_in_a_gallery_is_named_exactly(content: Any, pointer: str, came: str, expected: str):
    (violation,) = PACS.schema("Result").violations(result(content), "body")
    assert (violation.part, violation.pointer, violation.came) == ("body", f"/data/result/content{pointer}", came)
    assert expected in violation.expected


@pytest.mark.parametrize("listed", [True, False])
def test_what_is_wrong_in_a_primitive_is_named_exactly(listed: bool):
    item = {"style": {"size": "big"}, "polygons": [TRIANGLE, {"points": []}], "labels": None}
    value = result([item] if listed else item, "primitive")
    inside = "/data/result/content" + ("/0" if listed else "")
    found = {violation.pointer: violation.expected for violation in PACS.schema("Result").violations(value, "body")}
    assert found == {
        f"{inside}/style/size": "a whole number or null",
        f"{inside}/polygons/1/points": "at least 3 items",
    }


def test_a_primitive_that_is_neither_object_nor_list_is_told_both():
    (violation,) = PACS.schema("Result").violations(result("x", "primitive"), "body")
    assert (violation.pointer, violation.expected) == ("/data/result/content", "an object or a list")


@pytest.mark.parametrize(
    ("discriminator", "came", "expected"),
    [
        ({"type": "circle"}, '"circle"', 'one of "primitive", "patchCollection"'),
        ({}, "nothing", "the member is required"),
    ],
)
def test_an_unknown_sort_of_result_is_told_the_known_ones(discriminator: Any, came: str, expected: str):
    value = {"slideId": "s", "displayResult": "", "data": {"result": {**discriminator, "content": []}}}
    (violation,) = PACS.schema("Result").violations(value, "body")
    assert (violation.pointer, violation.came) == ("/data/result/type", came)
    assert expected in violation.expected


def test_an_invocation_is_read_by_its_action():
    example = APP.document["components"]["schemas"]["CreateInvocation"]["examples"][0]
    wrong = {**example, "input": {"type": "taggedPolygon", "content": {"polygon": TRIANGLE, "tags": ["a"]}}}
    (violation,) = APP.schema("Invocation").violations(wrong, "body")
    assert violation.pointer == "/input/content/tagIndex"


def test_an_answer_of_the_wrong_kind_altogether_is_named_at_its_root():
    (violation,) = APP.schema("Invocation").violations([], "body")
    assert (violation.pointer, violation.came, violation.expected) == ("", "[]", "an object")
