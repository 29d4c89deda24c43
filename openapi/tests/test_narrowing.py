"""The laws of narrowing, over generated annotated documents and over the real ones."""

import copy
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openapi_spec_validator import OpenAPIV31SpecValidator

from ia_api_spec import NEWEST, ApiVersion, narrow
from ia_api_spec.narrowing import operations, parameter_names
from ia_api_spec.tree import part_of, references

MARKS = [None, None, None, "1.5", "1.8", "1.9", "1.9.1", "1.10"]
ASKED = ["1.5", "1.8", "1.9", "1.9.1", "1.10", "1.10.0", "2.0"]
MEMBERS = ["a", "b", "c", "paths", "properties", "required", "enum", "examples", "allOf", "mapping", "$ref"]
"""Some are keywords elsewhere: as names of members they mean nothing."""

asked = st.sampled_from(ASKED)
quick = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
NAMES = ("ia-api", "ia-app", "fake-pacs")


def later(*marks: str | None) -> str | None:
    """The latest of the marks: what holds or needs newer things is as new as they are."""
    return max((mark for mark in marks if mark), key=ApiVersion, default=None)


def marked(node: dict[str, Any], mark: str | None) -> dict[str, Any]:
    return {**node, "x-introduced-in": mark} if mark else node


class Draft:
    """Draws an annotated document piece by piece; `since` remembers how new each component is."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw
        self.since: dict[str, str | None] = {}
        self.components: dict[str, dict[str, Any]] = {"schemas": {}, "parameters": {}, "responses": {}, "links": {}}

    def mark(self) -> str | None:
        return self.draw(st.sampled_from(MARKS))

    def chance(self) -> bool:
        return self.draw(st.booleans())

    def add(self, kind: str, name: str, node: dict[str, Any], mark: str | None) -> None:
        self.components[kind][name] = marked(node, mark)
        self.since[f"#/components/{kind}/{name}"] = mark

    def referred(self, kind: str, mark: str | None) -> tuple[dict[str, Any], str | None]:
        """A reference to one of the components of a kind, and how new it is at least."""
        target = f"#/components/{kind}/{self.draw(st.sampled_from(sorted(self.components[kind])))}"
        return {"$ref": target}, later(mark, self.since[target])

    def member(self, own: str) -> dict[str, Any]:
        mark = self.mark()
        kind = self.draw(st.sampled_from(["text", "enum", "ref", "list", "self", "inside"]))
        if kind == "enum":
            values = {name: self.mark() for name in ("new", "newer", "newest")}
            since = {name: value for name, value in values.items() if value}
            return marked({"enum": ["old", *values], "x-introduced-values": since, "default": "old"}, mark)
        if kind in ("ref", "list") and self.components["schemas"]:
            reference, mark = self.referred("schemas", mark)
            return marked(reference if kind == "ref" else {"type": "array", "items": reference}, mark)
        if kind == "self":
            return marked({"anyOf": [{"$ref": own}, {"type": "null"}]}, mark)
        if kind == "inside":
            inner = {"x": marked({"type": "integer"}, self.mark())}
            return marked({"type": "object", "required": ["x"], "properties": inner}, mark)
        return marked({"type": "string", "description": "Text."}, mark)

    def object(self, name: str) -> dict[str, Any]:
        names = self.draw(st.lists(st.sampled_from(MEMBERS), unique=True, max_size=5))
        node: dict[str, Any] = {"type": "object"}
        node["properties"] = {member: self.member(f"#/components/schemas/{name}") for member in names}
        node["required"] = [member for member in names if self.chance()]
        if len(names) > 1 and self.chance():
            node["dependentRequired"] = {names[0]: names[1:]}
        node["examples"] = [{member: self.example() for member in names}]
        return node

    def example(self) -> Any:
        return self.draw(st.sampled_from(["text", {"x": 1}, [{"x": 1}, {"a": {"x": 1}}], None]))

    def schemas(self) -> None:
        for index in range(self.draw(st.integers(1, 4))):
            self.add("schemas", f"S{index}", self.object(f"S{index}"), self.mark())
        if self.chance():
            branches = [self.referred("schemas", mark) for mark in (None, self.mark())]
            mapping = {f"is{index}": reference["$ref"] for index, (reference, _) in enumerate(branches)}
            union = {
                "oneOf": [marked(reference, mark) for reference, mark in branches],
                "discriminator": {"propertyName": "type", "mapping": mapping},
            }
            self.add("schemas", "Union", union, later(branches[0][1], self.mark()))

    def parameters(self) -> None:
        for index in range(2):
            node = {"name": f"p{index}", "in": "query", "schema": {"type": "string"}}
            self.add("parameters", f"P{index}", node, self.mark())

    def link(self) -> dict[str, Any]:
        passed = {name: "$request.path.id" for name in ("id", "p0", "query.p1") if self.chance()}
        link = {"operationId": f"op{self.draw(st.integers(0, 2))}", "parameters": passed}
        return marked(link, self.mark())

    def links(self) -> dict[str, Any]:
        own = {name: self.link() for name in ("one", "other") if self.chance()}
        if self.chance():
            own["shared"], _ = self.referred("links", None)
        return {"links": own} if own else {}

    def response(self) -> tuple[dict[str, Any], str | None]:
        reference, mark = self.referred("schemas", None)
        content = {"application/json": {"schema": reference}}
        return {"description": "Done.", "content": content, **self.links()}, mark

    def operation(self, index: int) -> dict[str, Any]:
        body, body_mark = self.referred("schemas", self.mark())
        response, response_mark = self.response()
        shared, _ = self.referred("responses", None)
        parameter, _ = self.referred("parameters", None)
        node = {
            "operationId": f"op{index}",
            "tags": [f"tag{index}"],
            "parameters": [
                {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}},
                parameter,
            ],
            "requestBody": marked({"content": {"application/json": {"schema": body}}}, body_mark),
            "responses": {
                "204": {"description": "Nothing."},
                "200": marked(response, response_mark),
                "400": shared,
            },
            "x-also-served-at": [marked({"spelling": "other", "path": f"/q{index}/{{id}}"}, self.mark())],
        }
        return marked(node, self.mark())

    def document(self) -> dict[str, Any]:
        self.schemas()
        self.parameters()
        self.add("links", "L", {"operationId": "op0"}, self.mark())
        response, mark = self.response()
        self.add("responses", "R", response, mark)
        paths: dict[str, Any] = {f"/p{index}/{{id}}": {"get": self.operation(index)} for index in range(2)}
        paths["/p0/{id}"]["put"] = self.operation(2)
        info = {"title": "Generated", "version": self.draw(st.sampled_from(["1.10", "1.9"]))}
        tags = [{"name": f"tag{index}"} for index in range(4)]
        return {"openapi": "3.1.0", "info": info, "tags": tags, "paths": paths, "components": self.components}


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    return Draft(draw).document()


def facts(node: Any, place: str = "") -> set[str]:
    """What a document says there is: operations, parameters, members, enum values, links, spellings."""
    found: set[str] = set()
    if not isinstance(node, (dict, list)):
        return found
    if isinstance(node, list):
        return set().union(*(facts(item, f"{place}/{_name(item, index)}") for index, item in enumerate(node)))
    if isinstance(node.get("enum"), list):
        found |= {f"{place} enum {value}" for value in node["enum"]}
    for key, value in node.items():
        if key not in ("examples", "required", "dependentRequired", "enum", "info", "tags", "components"):
            found |= {f"{place}/{key}"} | facts(value, f"{place}/{key}")
    for kind, parts in node.get("components", {}).items() if not place else ():
        found |= set().union(*(facts(part, f"#{kind}/{name}") for name, part in parts.items()))
    return found


def _name(item: Any, index: int) -> str:
    """List items by what they are, not by where: earlier ones may be gone."""
    keys = ("$ref", "name", "spelling", "type")
    return next((str(item[key]) for key in keys if isinstance(item, dict) and key in item), str(index))


def assert_nothing_dangles(document: dict[str, Any]) -> None:
    assert [target for _, target in references(document) if part_of(document, target) is None] == []
    known = {node["operationId"]: parameter_names(document, path, node) for path, _, node in operations(document)}
    for link in links_of(document):
        target = part_of(document, link["$ref"]) if "$ref" in link else link
        assert target["operationId"] in known
        assert set(link.get("parameters", ())) <= known[target["operationId"]]


def links_of(document: dict[str, Any]) -> list[dict[str, Any]]:
    responses = [node for _, _, one in operations(document) for node in one["responses"].values()]
    responses += document.get("components", {}).get("responses", {}).values()
    return [link for response in responses for link in response.get("links", {}).values()]


def assert_required_is_there(node: Any) -> None:
    if isinstance(node, dict):
        if isinstance(node.get("required"), list) and "properties" in node:
            assert set(node["required"]) <= node["properties"].keys()
        for child in node.values():
            assert_required_is_there(child)


# The same laws over generated and over real documents.


def assert_laws(document: dict[str, Any], one: str, other: str) -> None:
    before = copy.deepcopy(document)
    old, new = sorted((one, other), key=ApiVersion)
    narrow_old, narrow_new = narrow(document, old), narrow(document, new)
    assert document == before, "the argument is left as it is"
    assert narrow(narrow_old, old) == narrow_old, "idempotent"
    assert narrow(narrow(document, one), other) == narrow(document, min(one, other, key=ApiVersion)), "composes"
    assert facts(narrow_old) <= facts(narrow_new) <= facts(document), "monotone"
    for narrowed in (narrow_old, narrow_new):
        assert_nothing_dangles(narrowed)
        assert_required_is_there(narrowed)


@quick
@given(documents(), asked, asked)
def test_the_laws_hold_for_any_document(document: dict[str, Any], one: str, other: str):
    assert_laws(document, one, other)


@quick
@given(documents(), asked)
def test_the_output_is_a_valid_document(document: dict[str, Any], version: str):
    assert list(OpenAPIV31SpecValidator(narrow(document, version)).iter_errors()) == []


@quick
@given(documents())
def test_nothing_newer_is_left_and_nothing_older_is_lost(document: dict[str, Any]):
    every = narrow(document, "999")
    assert narrow(every, "999") == every
    assert {node["operationId"] for _, _, node in operations(every)} == {"op0", "op1", "op2"}
    for _, _, operation in operations(narrow(document, "1.9")):
        assert ApiVersion(operation.get("x-introduced-in", "0")) <= ApiVersion("1.9")


@quick
@given(documents(), asked)
def test_examples_show_no_member_that_is_gone(document: dict[str, Any], version: str):
    before, narrowed = document["components"]["schemas"], narrow(document, version)["components"].get("schemas", {})
    for name, schema in narrowed.items():
        if "properties" not in schema:
            continue
        gone = before[name]["properties"].keys() - schema["properties"].keys()
        assert schema["examples"][0].keys() == before[name]["examples"][0].keys() - gone


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("one", "other"), [("1.8", "1.9"), ("1.10", "1.8"), ("1.10", "1.9"), ("1.9", "1.9"), ("2", "1.9.5")]
)
def test_the_laws_hold_for_our_documents(sources: dict[str, Any], name: str, one: str, other: str):
    assert_laws(sources[name], one, other)


@pytest.mark.parametrize("name", NAMES)
def test_the_newest_version_is_all_of_it(sources: dict[str, Any], name: str):
    narrowed = narrow(sources[name], NEWEST)
    assert facts(narrowed) == facts(sources[name])
    assert [node["operationId"] for _, _, node in operations(narrowed)] == [
        node["operationId"] for _, _, node in operations(sources[name])
    ]


# Single cases, each of which was wrong once or is easily got wrong.


def small(**operation: Any) -> dict[str, Any]:
    node = {"operationId": "read", "responses": {"200": {"description": "Done."}}, **operation}
    return {"openapi": "3.1.0", "info": {"title": "T", "version": "1.10"}, "paths": {"/a": {"get": node}}}


def with_schema(schema: Any, **others: Any) -> dict[str, Any]:
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/A"}}}
    document = small(responses={"200": {"description": "Done.", "content": content}})
    return {**document, "components": {"schemas": {"A": schema, **others}}}


def schema_in(document: dict[str, Any], version: str) -> dict[str, Any]:
    schema: dict[str, Any] = narrow(document, version)["components"]["schemas"]["A"]
    return schema


def test_1_10_is_newer_than_1_9():
    document = small(parameters=[{"name": "q", "in": "query", "schema": {}, "x-introduced-in": "1.10"}])
    assert narrow(document, "1.9")["paths"]["/a"]["get"]["parameters"] == []
    assert len(narrow(document, "1.10")["paths"]["/a"]["get"]["parameters"]) == 1


@pytest.mark.parametrize("mark", [1.10, 1.9, 1, True, None, "", "1.x", "v1.9"])
def test_a_mark_that_is_no_version_in_quotes_is_refused_with_its_place(mark: Any):
    document = small(parameters=[{"name": "q", "in": "query", "schema": {}, "x-introduced-in": mark}])
    with pytest.raises(ValueError, match=r"expected versions in quotes, such as \"1\.10\"") as refused:
        narrow(document, "1.9")
    assert f"/paths/~1a/get/parameters/0/x-introduced-in is {mark!r}" in str(refused.value)


def test_a_mark_of_an_enum_value_that_is_not_quoted_is_refused_with_its_place():
    document = with_schema({"enum": ["a", "b"], "x-introduced-values": {"b": 1.10}})
    with pytest.raises(ValueError, match=r"/components/schemas/A/x-introduced-values/b is 1\.1"):
        narrow(document, "1.9")


def test_an_unquoted_version_of_the_document_is_refused():
    document = small() | {"info": {"title": "T", "version": 1.10}}
    with pytest.raises(ValueError, match=r"1\.1 is not an IA-API version"):
        narrow(document, "1.9")


def test_a_reference_to_something_newer_must_be_marked():
    document = with_schema(
        {"type": "object", "properties": {"b": {"$ref": "#/components/schemas/B"}}},
        B={"type": "object", "x-introduced-in": "1.10"},
    )
    with pytest.raises(ValueError, match=r"in version 1\.9 /components/schemas/A/properties/b/\$ref refers to .*/B"):
        narrow(document, "1.9")
    assert "B" in narrow(document, "1.10")["components"]["schemas"]


@pytest.mark.parametrize("keyword", ["oneOf", "anyOf", "allOf"])
def test_a_union_of_which_nothing_is_left_must_be_marked(keyword: str):
    document = with_schema({keyword: [{"type": "string", "x-introduced-in": "1.9"}]})
    with pytest.raises(ValueError, match=f"nothing is left of /components/schemas/A/{keyword}: mark it"):
        narrow(document, "1.8")


def test_an_enum_of_which_nothing_is_left_must_be_marked():
    document = with_schema({"enum": ["a"], "x-introduced-values": {"a": "1.9"}})
    with pytest.raises(ValueError, match="nothing is left of /components/schemas/A/enum"):
        narrow(document, "1.8")


def test_the_discriminator_follows_the_branches():
    old, new = "#/components/schemas/Old", "#/components/schemas/New"
    union = {
        "oneOf": [{"$ref": old}, {"$ref": new, "x-introduced-in": "1.9"}],
        "discriminator": {"propertyName": "type", "mapping": {"old": old, "new": new}},
    }
    document = with_schema(union, Old={"type": "object"}, New={"type": "object", "x-introduced-in": "1.9"})
    assert schema_in(document, "1.8")["discriminator"]["mapping"] == {"old": old}
    assert schema_in(document, "1.9")["discriminator"]["mapping"] == {"old": old, "new": new}
    assert "New" not in narrow(document, "1.8")["components"]["schemas"]


def test_a_member_that_is_gone_is_required_of_nobody():
    new = {"type": "string", "x-introduced-in": "1.9"}
    schema = {"properties": {"a": {}, "b": new}, "required": ["a", "b"], "dependentRequired": {"a": ["b"], "b": ["a"]}}
    narrowed = schema_in(with_schema(schema), "1.8")
    assert narrowed == {"properties": {"a": {}}, "required": ["a"], "dependentRequired": {"a": []}}


def test_a_member_may_be_called_like_a_keyword():
    names = {name: {"type": "array", "items": {"type": "string"}} for name in ("paths", "enum", "required", "examples")}
    assert schema_in(with_schema({"type": "object", "properties": names}), "1.8")["properties"] == names


def test_a_link_passes_nothing_to_a_parameter_that_is_gone():
    parameters = [{"name": "q", "in": "query", "schema": {}, "x-introduced-in": "1.9"}]
    link = {"operationId": "read", "parameters": {"q": "$response.body#/q"}}
    document = small(parameters=parameters, responses={"200": {"description": "Done.", "links": {"again": link}}})
    assert links_of(narrow(document, "1.8")) == [{"operationId": "read", "parameters": {}}]
    assert links_of(narrow(document, "1.9")) == [link]


def test_a_shared_response_loses_links_to_what_is_gone():
    response = {"description": "Done.", "links": {"next": {"operationId": "next"}}}
    document = small(responses={"200": {"$ref": "#/components/responses/R"}})
    document["paths"]["/b"] = {
        "get": {**small()["paths"]["/a"]["get"], "operationId": "next", "x-introduced-in": "1.9"}
    }
    document["components"] = {"responses": {"R": response}}
    assert links_of(narrow(document, "1.8")) == []
    assert links_of(narrow(document, "1.9")) == [{"operationId": "next"}]


def test_a_reference_into_a_schema_keeps_the_schema():
    document = with_schema(
        {"$ref": "#/components/schemas/B/properties/b"}, B={"type": "object", "properties": {"b": {"type": "string"}}}
    )
    assert set(narrow(document, "1.8")["components"]["schemas"]) == {"A", "B"}


def test_the_document_says_which_version_it_describes():
    assert narrow(small(), "1.9")["info"]["version"] == "1.9"
    assert narrow(small(), "2.0")["info"]["version"] == "1.10"


def test_where_every_operation_is_newer_nothing_is_left_and_schemas_without_paths_stay():
    document = with_schema({"type": "object"})
    document["paths"]["/a"]["get"]["x-introduced-in"] = "1.9"
    assert narrow(document, "1.8")["components"] == {}
    assert narrow({**document, "paths": {}}, "1.8")["components"] == document["components"]
