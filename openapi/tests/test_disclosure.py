"""What is shown to whom: what callers ask for, and what older versions don't have."""

import copy
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ia_api_spec import NEWEST, ApiVersion, Contract, asked_for, narrow, pruner

quick = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
TEXT = {"type": "string"}

# Disclosure.

BASIC = (
    "id isStreamable imageSize tileSize micronsPerPixel focalPlanes opticalPaths storedTileFormat availableTileFormats"
)
BASIC = {*BASIC.split(), "fileFormat", "staining", "block", "specimen", "qualityControl"}
EXTENDED = {"bodyPart", "examCode", "examDescription", "stationName", "priority"}
PHI = {"seriesInstanceUid", "lisSlideId"}
BOTH = {"accessionNumber", "accessionNumberIssuer", "studyInstanceUid", "examId", "examDateTime", "examFreeFields"}


@pytest.mark.parametrize(
    ("asked", "shown_members"),
    [
        ([], BASIC),
        (["extended"], BASIC | EXTENDED),
        (["phi"], BASIC | PHI),
        (["extended", "phi"], BASIC | EXTENDED | PHI | BOTH),
    ],
)
def test_slide_info_shows_what_is_asked_for(contract: Any, asked: list[str], shown_members: set[str]):
    node = contract().schema("ImageMetadata").node
    everything = dict.fromkeys([*reversed(list(node["properties"])), "unknown"], 1)
    disclosed = asked_for(node, everything, asked)
    assert set(disclosed) == shown_members
    assert list(disclosed) == [name for name in node["properties"] if name in shown_members], "in the schema's order"


@given(st.sets(st.sampled_from(["extended", "phi"])), st.sets(st.sampled_from(["extended", "phi"])))
def test_asking_for_more_shows_more(some: set[str], more: set[str]):
    node = Contract.of("ia-api").schema("ImageMetadata").node
    everything = dict.fromkeys(node["properties"], 1)
    assert asked_for(node, everything, some).items() <= asked_for(node, everything, some | more).items()


def test_what_is_not_there_is_not_shown(contract: Any):
    node = contract().schema("CaseImageInfo").node
    assert asked_for(node, {"id": "s", "lisSlideId": "l"}, ["phi"]) == {"id": "s", "lisSlideId": "l"}
    assert asked_for(node, {"id": "s", "lisSlideId": "l"}, ["extended"]) == {"id": "s"}


# Pruning: what goes out in an older version.


def json_answers(contract: Contract) -> list[tuple[str, int, Any]]:
    return [
        (one.id, status, answer.content["application/json"])
        for one in contract.operations.values()
        for status, answer in one.answers.items()
        if "application/json" in answer.content
    ]


def example_of(contract: Contract, schema: Any) -> Any:
    if "examples" in schema:
        return copy.deepcopy(schema["examples"][0])
    return [example_of(contract, contract.resolve(schema["items"])) for _ in range(2)]


@pytest.mark.parametrize("version", ["1.8", "1.9", "1.10"])
def test_pruned_answers_keep_the_narrowed_contract_and_lose_nothing_else(version: str, contract: Any):
    newest, narrowed = contract(), contract(version=version)
    for operation, status, schema in json_answers(newest):
        if operation not in narrowed.operations:
            continue
        value = example_of(newest, schema.node)
        step = pruner(newest.document, schema.node, ApiVersion(version))
        pruned = step(copy.deepcopy(value)) if step else value
        own = narrowed.operations[operation].answers[status].content["application/json"]
        assert own.violations(pruned, "answer") == []
        lost = set(value) - set(pruned) if isinstance(value, dict) else set()
        assert lost == ({"qualityControl"} if operation == "getSlideInfo" and version != "1.10" else set())
        assert pruned == ({name: value[name] for name in value if name not in lost} if lost else value)


def test_only_slide_info_is_walked(contract: Any):
    newest = contract()
    walked = {one for one, _, schema in json_answers(newest) if pruner(newest.document, schema.node, ApiVersion("1.9"))}
    assert walked == {"getSlideInfo"}
    assert not any(pruner(newest.document, schema.node, NEWEST) for _, _, schema in json_answers(newest))


def document_with(**schemas: Any) -> dict[str, Any]:
    return {
        "openapi": "3.1.0",
        "info": {"title": "T", "version": "1.10"},
        "paths": {},
        "components": {"schemas": schemas},
    }


def newer(mark: str = "1.10", **more: Any) -> dict[str, Any]:
    return {"type": "string", "x-introduced-in": mark, **more}


INNER = {"type": "object", "properties": {"old": TEXT, "new": newer()}}
VALUE = {"old": "o", "new": "n", "unknown": "u"}
PRUNED = {"old": "o", "unknown": "u"}


@pytest.mark.parametrize(
    ("schema", "value", "pruned"),
    [
        (INNER, VALUE, PRUNED),
        (INNER, ["not", "an object"], ["not", "an object"]),
        ({"$ref": "#/components/schemas/Inner"}, VALUE, PRUNED),
        ({"$ref": "#/components/schemas/Inner", "description": "D"}, VALUE, PRUNED),
        ({"type": "array", "items": {"$ref": "#/components/schemas/Inner"}}, [VALUE, 7, VALUE], [PRUNED, 7, PRUNED]),
        ({"properties": {"in": {"$ref": "#/components/schemas/Inner"}}}, {"in": VALUE}, {"in": PRUNED}),
        ({"additionalProperties": {"$ref": "#/components/schemas/Inner"}}, {"any": VALUE}, {"any": PRUNED}),
        (
            {"allOf": [{"$ref": "#/components/schemas/Inner"}, {"properties": {"b": newer()}}]},
            {**VALUE, "b": 1},
            PRUNED,
        ),
        ({"allOf": [INNER, {"properties": {"new": TEXT}}]}, VALUE, VALUE),
        ({"anyOf": [{"$ref": "#/components/schemas/Inner"}, {"type": "null"}]}, VALUE, PRUNED),
        ({"anyOf": [{"$ref": "#/components/schemas/Inner"}, {"type": "array", "items": INNER}]}, [VALUE], [PRUNED]),
        ({"$ref": "#/components/schemas/Tree"}, {"new": 1, "in": [{"new": 1, "in": []}]}, {"in": [{"in": []}]}),
    ],
)
def test_pruning_follows_the_schema(schema: Any, value: Any, pruned: Any):
    tree = {"properties": {"new": newer(), "in": {"type": "array", "items": {"$ref": "#/components/schemas/Tree"}}}}
    document = document_with(Inner=INNER, Tree=tree, Outer=schema)
    step = pruner(document, schema, ApiVersion("1.9"))
    assert step is not None
    assert step(copy.deepcopy(value)) == pruned
    assert pruner(document, schema, NEWEST) is None


def test_pruning_goes_by_the_branch_that_a_value_is_of():
    one = {"type": "object", "properties": {"type": {"const": "one"}, "a": newer()}}
    two = {"type": "object", "properties": {"type": {"const": "two"}, "a": TEXT}}
    mapping = {"one": "#/components/schemas/One", "two": "#/components/schemas/Two"}
    branches = [{"$ref": target} for target in mapping.values()]
    union = {"oneOf": branches, "discriminator": {"propertyName": "type", "mapping": mapping}}
    step = pruner(document_with(One=one, Two=two, U=union), union, ApiVersion("1.9"))
    assert step is not None
    assert step({"type": "one", "a": "x"}) == {"type": "one"}
    assert step({"type": "two", "a": "x"}) == {"type": "two", "a": "x"}
    assert step({"type": "three", "a": "x"}) == {"type": "three", "a": "x"}


def since(mark: str | None) -> dict[str, str]:
    return {"x-introduced-in": mark} if mark else {}


marks = st.sampled_from([None, "1.8", "1.9", "1.10"])


@st.composite
def shapes(draw: st.DrawFn, depth: int = 2) -> tuple[dict[str, Any], Any]:
    """A schema with marked members, and a value of its newest shape."""
    kind = draw(st.sampled_from(["object", "object", "array", "text"])) if depth else "text"
    if kind == "text":
        return {"type": "string"}, "text"
    if kind == "array":
        items, value = draw(shapes(depth - 1))
        return {"type": "array", "items": items}, [value] * draw(st.integers(0, 2))
    members = {name: (*draw(shapes(depth - 1)), draw(marks)) for name in draw(st.sets(st.sampled_from("abc")))}
    properties = {
        name: {**part, "x-introduced-in": mark} if mark else part for name, (part, _, mark) in members.items()
    }
    schema = {"type": "object", "properties": properties, "required": sorted(members), "additionalProperties": False}
    return schema, {name: value for name, (_, value, _) in members.items()}


@quick
@given(shapes(), st.sampled_from(["1.8", "1.9", "1.10"]))
def test_pruned_values_of_any_shape_keep_the_narrowed_contract(shape: tuple[Any, Any], version: str):
    schema, value = shape
    document = document_with(A=schema)
    assert Contract(document).schema("A").violations(value, "answer") == []
    narrowed = Contract(narrow(document, version)).schema("A")
    step = pruner(document, schema, ApiVersion(version))
    pruned = step(copy.deepcopy(value)) if step else value
    assert narrowed.violations(pruned, "answer") == [], "the schemas are closed: what is left over would be named"
    assert (step is None) == (narrow(document, version)["components"] == document["components"])
    assert pruned == (step(copy.deepcopy(pruned)) if step else value), "pruning twice is pruning once"
