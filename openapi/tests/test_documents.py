"""The documents are whole, readable and valid: what a reader, a linter and the emulator rely on."""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from ia_api_spec import Contract, load, snapshot
from ia_api_spec.documents import bundle
from ia_api_spec.narrowing import operations, parameter_names
from ia_api_spec.tree import objects, part_of, references

NAMES = ("ia-api", "ia-app", "fake-pacs")
SNAPSHOTS = [(name, version) for name in NAMES for version in ("1.8", "1.9", "1.10")]

UNITS = "pixel µm second ms image.width radian degree byte magnification HTTP"
COUNTS = "number how.many count index id identif level column row state priority gallery.sorts version"
UNIT_OR_COUNT = re.compile("|".join(rf"\b{word}" for word in f"{UNITS} {COUNTS}".split()), re.IGNORECASE)


def resolved(document: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    target: dict[str, Any] = part_of(document, node["$ref"]) if "$ref" in node else node
    return target


def members(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every member of every schema, as (where, schema)."""
    for pointer, node in objects(document["components"].get("schemas", {}), "", named=True):
        for name, member in node.get("properties", {}).items():
            yield f"{pointer}/{name}", member


def is_number(kind: str | list[str] | None) -> bool:
    return bool({"integer", "number"} & set([kind] if isinstance(kind, str) else kind or ()))


def properties_of(document: dict[str, Any], schema: dict[str, Any]) -> set[str]:
    """The members that a schema, what it refers to and its allOf know."""
    parts = [*schema.get("allOf", ()), *([resolved(document, schema)] if "$ref" in schema else [])]
    return set(schema.get("properties", ())).union(*(properties_of(document, part) for part in parts))


# Bundling.


@pytest.fixture
def files(tmp_path: Path):
    """Writes YAML files and bundles `api.yaml`."""

    def made(**texts: str) -> dict[str, Any]:
        (tmp_path / "schemas").mkdir()
        for name, text in texts.items():
            place = tmp_path / "api.yaml" if name == "api" else tmp_path / "schemas" / f"{name}.yaml"
            place.write_text(text, "utf-8")
        return bundle(tmp_path / "api.yaml")

    return made


API = "openapi: 3.1.0\ninfo: {title: T, version: '1.9'}\npaths: {}\n"


def test_references_into_files_become_components(files: Any):
    bundled = files(
        api=API + "components:\n  schemas:\n    A: {$ref: 'schemas/one.yaml#/A'}\n",
        one="A: {properties: {b: {$ref: 'two.yaml#/B'}, again: {$ref: '#/A'}}}\nUnused: {}\n",
        two="B: {oneOf: [{$ref: '#/C'}], discriminator: {propertyName: t, mapping: {c: '#/C'}}}\nC: {type: object}\n",
    )
    schemas = bundled["components"]["schemas"]
    assert list(schemas) == ["A", "B", "C"]
    assert schemas["A"]["properties"] == {
        "b": {"$ref": "#/components/schemas/B"},
        "again": {"$ref": "#/components/schemas/A"},
    }
    assert schemas["B"]["discriminator"]["mapping"] == {"c": "#/components/schemas/C"}


def test_examples_and_names_are_no_references(files: Any):
    bundled = files(
        api=API + "components:\n  schemas:\n    A: {$ref: 'schemas/one.yaml#/A'}\n",
        one="A: {properties: {mapping: {type: object}, $ref: {type: string}}, examples: [{$ref: '#/nowhere'}]}\n",
    )
    assert bundled["components"]["schemas"]["A"]["examples"] == [{"$ref": "#/nowhere"}]


@pytest.mark.parametrize("reference", ["schemas/one.yaml#/B", "schemas/none.yaml#/B", "#/components/schemas/B", "B"])
def test_a_dangling_reference_is_refused_and_named(files: Any, reference: str):
    api = API + f"components:\n  schemas:\n    A: {{properties: {{b: {{$ref: '{reference}'}}}}}}\n"
    with pytest.raises(ValueError, match=r"dangling reference .*B|no file .*none\.yaml|no file .*B"):
        files(api=api, one="A: {}\n")


def test_two_schemas_of_one_name_are_refused(files: Any):
    api = API + "components:\n  schemas:\n    B: {$ref: 'schemas/one.yaml#/B'}\n    A: {$ref: 'schemas/two.yaml#/A'}\n"
    with pytest.raises(ValueError, match=r"two schemas named 'A': in one\.yaml and two\.yaml"):
        files(api=api, one="B: {$ref: '#/A'}\nA: {type: string}\n", two="A: {type: integer}\n")


@pytest.mark.parametrize("turned", [False, True])
def test_a_schema_of_the_document_and_one_of_a_file_may_not_share_a_name(files: Any, turned: bool):
    entries = ["A: {type: string}", "B: {$ref: 'schemas/one.yaml#/B'}"]
    lines = "".join(f"    {entry}\n" for entry in (reversed(entries) if turned else entries))
    with pytest.raises(ValueError, match=r"two schemas named 'A'"):
        files(api=f"{API}components:\n  schemas:\n{lines}", one="B: {$ref: '#/A'}\nA: {type: integer}\n")


def test_a_key_that_stands_twice_is_refused_with_its_line(files: Any):
    with pytest.raises(ValueError, match=r"twice in one mapping of one\.yaml: A \(line 2\)"):
        files(api=API + "components: {schemas: {A: {$ref: 'schemas/one.yaml#/A'}}}\n", one="A: {}\nA: {}\n")


def test_an_unquoted_version_is_refused_with_its_place(files: Any):
    with pytest.raises(ValueError, match=r"quotes.*/components/schemas/A/x-introduced-in is 1\.1"):
        files(api=API + "components: {schemas: {A: {x-introduced-in: 1.10}}}\n")


def test_an_unknown_document_is_refused_with_the_names_there_are():
    with pytest.raises(ValueError, match=r"no document 'ia': there are ia-api, ia-app, fake-pacs"):
        load("ia")


# What every document must have.


@pytest.mark.parametrize("name", NAMES)
def test_flow_mappings_lost_nothing_to_a_comma(sources: dict[str, Any], name: str):
    odd = [(pointer, key) for pointer, node in objects(sources[name]) for key in node if node[key] is None]
    assert odd == [], "in {description: a, b} the b is a key: put the text in quotes"


@pytest.mark.parametrize("name", NAMES)
def test_marks_are_text(sources: dict[str, Any], name: str):
    marks = [node["x-introduced-in"] for _, node in objects(sources[name]) if "x-introduced-in" in node]
    assert all(isinstance(mark, str) for mark in marks)
    assert set(marks) <= {"1.9", "1.10"}
    assert name == "fake-pacs" or marks


@pytest.mark.parametrize("name", NAMES)
def test_every_schema_has_a_description_and_an_example(sources: dict[str, Any], name: str):
    schemas = sources[name]["components"]["schemas"]
    assert [schema for schema, node in schemas.items() if not node.get("description") or not node.get("examples")] == []


@pytest.mark.parametrize("name", NAMES)
def test_every_member_has_a_description(sources: dict[str, Any], name: str):
    assert [where for where, member in members(sources[name]) if not member.get("description")] == []


@pytest.mark.parametrize("name", NAMES)
def test_every_number_says_its_unit_or_what_it_counts(sources: dict[str, Any], name: str):
    numbers = [
        (where, member["description"]) for where, member in members(sources[name]) if is_number(member.get("type"))
    ]
    assert numbers
    assert [(where, text) for where, text in numbers if not UNIT_OR_COUNT.search(text.replace(" ", "-"))] == []


@pytest.mark.parametrize(("name", "version"), SNAPSHOTS)
def test_required_members_are_described(name: str, version: str):
    document = snapshot(name, version)
    for pointer, node in objects(document):
        if isinstance(node.get("required"), list) and node.get("properties"):
            assert set(node["required"]) <= properties_of(document, node), pointer


@pytest.mark.parametrize(("name", "version"), SNAPSHOTS)
def test_examples_keep_their_schemas(name: str, version: str, contract: Any):
    compiled = contract(name, version)
    for schema, node in compiled.document["components"]["schemas"].items():
        for example in node["examples"]:
            assert compiled.schema(schema).violations(example, schema) == []


@pytest.mark.parametrize("name", NAMES)
def test_examples_show_only_members_that_are_described(sources: dict[str, Any], name: str):
    document = sources[name]
    for schema, node in document["components"]["schemas"].items():
        known = properties_of(document, node)
        for example in node["examples"] if known else ():
            assert set(example) <= known, schema


@pytest.mark.parametrize("name", NAMES)
def test_parameters_are_described_and_their_examples_keep_their_schemas(name: str, contract: Any):
    for operation in contract(name).operations.values():
        for parameter in operation.parameters:
            assert parameter.node["description"]
            omitted = parameter.node.get("x-example-omitted", False)
            assert omitted != ("example" in parameter.node), f"{operation.id} {parameter.name}: has it an example?"
            if not omitted:
                assert parameter.schema.violations(parameter.node["example"], parameter.location) == []


@pytest.mark.parametrize("name", NAMES)
def test_paths_and_their_parameters_agree(name: str, contract: Any):
    for operation in contract(name).operations.values():
        declared = {parameter.name for parameter in operation.parameters if parameter.location == "path"}
        assert all(parameter.required for parameter in operation.parameters if parameter.location == "path")
        for spelling in operation.spellings:
            named = re.findall(r"{(\w+)}", spelling.path)
            assert len(named) == len(set(named))
            assert set(named) | spelling.defaults.keys() == declared
            assert not set(named) & spelling.defaults.keys()


@pytest.mark.parametrize(("name", "version"), SNAPSHOTS)
def test_other_names_of_parameters_mean_parameters_that_are_there(name: str, version: str, contract: Any):
    for operation in contract(name, version).operations.values():
        names = {parameter.name for parameter in operation.parameters}
        assert len(names) == len(operation.parameters)
        assert {parameter.reads_as for parameter in operation.parameters} <= names
        carried = [parameter.node["x-carries"] for parameter in operation.parameters if "x-carries" in parameter.node]
        assert {one["parameter"] for one in carried} <= names


# Operations and their answers.


@pytest.mark.parametrize("name", NAMES)
def test_operation_ids_are_unique_words(sources: dict[str, Any], name: str):
    ids = [node["operationId"] for _, _, node in operations(sources[name])]
    assert len(ids) == len(set(ids))
    assert all(re.fullmatch(r"[a-z][A-Za-z]+", one) for one in ids)


@pytest.mark.parametrize("name", NAMES)
def test_no_two_operations_are_served_at_one_address(name: str, contract: Any):
    found = Counter(
        (operation.method, re.sub(r"{\w+}", "{}", spelling.path))
        for operation in contract(name).operations.values()
        for spelling in operation.spellings
    )
    assert [address for address, count in found.items() if count > 1] == []


def required_statuses(operation: Any) -> set[int]:
    """The refusals that an operation must declare, from what can go wrong with it."""
    media_types = set(operation.bodies)
    statuses = {400} if operation.parameters or media_types else set()
    statuses |= {401} if operation.security else set()
    statuses |= (
        {403} if set(operation.security) & {"bearer", "session"} and "control" not in operation.security else set()
    )
    statuses |= {404} if any(parameter.location == "path" for parameter in operation.parameters) else set()
    statuses |= {413} if media_types else set()
    return statuses | ({415} if media_types and "*/*" not in media_types else set())


OURS = [(name, version) for name, version in SNAPSHOTS if name != "ia-app"]
"""Documents of which we are the server; how an app refuses is its own affair, and a finding."""


@pytest.mark.parametrize(("name", "version"), OURS)
def test_operations_declare_the_refusals_that_can_occur(name: str, version: str, contract: Any):
    free_of_input = {"getApiPageAsset"}  # a file name: any text is one, so there is nothing to be wrong (400) about it
    for operation in contract(name, version).operations.values():
        must = required_statuses(operation) - ({400} if operation.id in free_of_input else set())
        assert must <= set(operation.answers), operation.id


@pytest.mark.parametrize(("name", "version"), OURS)
def test_every_refusal_is_problem_json_and_every_answer_has_one_success(name: str, version: str, contract: Any):
    for operation in contract(name, version).operations.values():
        assert [status for status in operation.answers if 200 <= status < 300], operation.id
        for status, answer in operation.answers.items():
            if status >= 300:
                assert list(answer.content) == ["application/problem+json"], (operation.id, status)
                assert answer.content["application/problem+json"].pointer == "#/components/schemas/Problem"


def test_every_answer_of_the_pacs_carries_both_version_headers(contract: Any):
    both = {"X-Sectra-ApiVersion", "X-Sectra-SoftwareVersion"}
    for operation in contract().operations.values():
        for status, answer in operation.answers.items():
            assert both <= answer.required_headers, (operation.id, status)
            assert (status == 401) == ("WWW-Authenticate" in answer.required_headers)


def test_every_operation_of_the_pacs_reads_both_version_headers(contract: Any):
    for operation in contract().operations.values():
        headers = {parameter.name for parameter in operation.parameters if parameter.location == "header"}
        assert {"X-Sectra-ApiVersion", "X-Sectra-SoftwareVersion"} <= headers


# Links.


def links(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any], dict[str, Any], dict[str, Any]]]:
    """Every link as (where, operation, response, link)."""
    for _, _, operation in operations(document):
        for status, part in operation["responses"].items():
            response = resolved(document, part)
            for name, link in response.get("links", {}).items():
                yield f"{operation['operationId']} {status} {name}", operation, response, link


@pytest.mark.parametrize("version", ["1.8", "1.9", "1.10"])
def test_links_lead_to_operations_and_pass_parameters_that_are_there(version: str):
    document = snapshot("ia-api", version)
    known = {node["operationId"]: parameter_names(document, path, node) for path, _, node in operations(document)}
    assert len(list(links(document))) >= 12
    for where, _, _, link in links(document):
        assert link["operationId"] in known, where
        assert set(link.get("parameters", ())) <= known[link["operationId"]], where


@pytest.mark.parametrize("version", ["1.8", "1.9", "1.10"])
def test_links_pass_every_parameter_that_is_required(version: str, contract: Any):
    compiled = contract("ia-api", version)
    for where, _, _, link in links(compiled.document):
        target = compiled.operations[link["operationId"]]
        required = {parameter.name for parameter in target.parameters if parameter.required}
        assert required <= set(link.get("parameters", ())), where
        assert bool(target.bodies) == ("requestBody" in link) or target.id == "putAttachment", where


def expressions(node: Any) -> Iterator[str]:
    if isinstance(node, str) and node.startswith("$"):
        yield node
    for child in node.values() if isinstance(node, dict) else ():
        yield from expressions(child)


@pytest.mark.parametrize("version", ["1.8", "1.9", "1.10"])
def test_links_take_values_from_where_there_are_some(version: str, contract: Any):
    document = contract("ia-api", version).document
    for where, operation, response, link in links(document):
        declared = {
            f"$request.{node['in']}.{node['name']}"
            for node in (resolved(document, parameter) for parameter in operation["parameters"])
        }
        for expression in expressions({"parameters": link.get("parameters"), "body": link.get("requestBody")}):
            if expression.startswith("$request."):
                assert expression in declared, where
            else:
                assert value_at(document, response, expression.removeprefix("$response.body")), (where, expression)


def value_at(document: dict[str, Any], response: dict[str, Any], pointer: str) -> bool:
    """Whether the JSON answer's schema describes what the pointer points to."""
    schemas = [response["content"]["application/json"]["schema"]]
    for step in pointer.removeprefix("#").split("/")[1:]:
        whole = [resolved(document, schema) for schema in schemas]
        parts = [part for schema in whole for part in (schema, *schema.get("allOf", ()))]
        parts = [resolved(document, part) for part in parts]
        inner = [part.get("items") if step.isdigit() else part.get("properties", {}).get(step) for part in parts]
        schemas = [schema for schema in inner if schema]
    return bool(schemas)


# Validity as a whole.


@pytest.mark.parametrize(("name", "version"), SNAPSHOTS)
def test_the_snapshots_are_valid_openapi(name: str, version: str):
    document = snapshot(name, version)
    assert document["openapi"] == "3.1.0"
    assert list(OpenAPIV31SpecValidator(document).iter_errors()) == []
    assert [target for _, target in references(document) if part_of(document, target) is None] == []


@pytest.mark.parametrize(("name", "version"), SNAPSHOTS)
def test_every_schema_is_a_valid_json_schema(name: str, version: str):
    document = snapshot(name, version)
    schemas = document["components"]["schemas"]
    for schema in schemas.values():
        jsonschema_rs.meta.validate({**schema, "$schema": "https://json-schema.org/draft/2020-12/schema"})


@pytest.mark.parametrize("version", ["1.8", "1.9", "1.10"])
def test_security_schemes_are_declared_and_used(version: str):
    document = snapshot("ia-api", version)
    declared = set(document["components"]["securitySchemes"])
    used = {scheme for one in Contract(document).operations.values() for scheme in one.security}
    assert used == declared == {"bearer", "basic", "session"}


@pytest.mark.parametrize(("name", "version"), SNAPSHOTS)
def test_tags_are_declared_and_used(name: str, version: str):
    document = snapshot(name, version)
    declared = [tag["name"] for tag in document.get("tags", ())]
    used = {tag for _, _, node in operations(document) for tag in node["tags"]}
    assert set(declared) == used
    assert all(tag.get("description") for tag in document.get("tags", ()))
