"""Naming violations in windows: the same violations as the validator's own, bounded in number and memory."""

import json
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ia_api_spec import Contract, Violation, as_step, at_most, naming
from ia_api_spec.naming import MOST, WIDE, name_violations

RESULT = Contract.of("ia-api").operations["createResult"].bodies["application/json"]


def pointers(value: object) -> list[str]:
    assert RESULT is not None
    return [violation.pointer for violation in RESULT.violations(value, "body")]


def document(points: list[object]) -> dict[str, object]:
    content = [{"polygons": [{"points": points}]}]
    return {"slideId": "s", "displayResult": "", "data": {"result": {"type": "primitive", "content": content}}}


@pytest.mark.parametrize("wrong", [0, 1, WIDE - 1, WIDE, WIDE + 1, 3 * WIDE + 7, 4 * WIDE])
def test_a_wrong_item_anywhere_in_a_wide_list_is_named_at_its_own_place(wrong: int):
    points: list[object] = [{"x": 0.1, "y": 0.1}] * (4 * WIDE + 1)
    points[wrong] = {"x": 0.1}
    assert pointers(document(points)) == [f"/data/result/content/0/polygons/0/points/{wrong}/y"]


def test_wide_lists_inside_wide_lists_are_searched_throughout():
    good = {"points": [{"x": 0, "y": 0}] * (2 * WIDE + 5)}
    bad = {"points": [*good["points"][:-1], {"x": 0, "y": "low"}]}
    content = [{"polygons": [good] * (WIDE + 3) + [bad]}]
    whole = {"slideId": "s", "displayResult": "", "data": {"result": {"type": "primitive", "content": content}}}
    assert pointers(whole) == [f"/data/result/content/0/polygons/{WIDE + 3}/points/{2 * WIDE + 4}/y"]


def test_members_that_a_schema_names_are_seen_together_in_a_wide_object():
    noise = {f"extra{number}": number for number in range(5 * WIDE)}
    whole = {**noise, **document([{"x": 1}] * 3)}
    assert pointers(whole) == [f"/data/result/content/0/polygons/0/points/{index}/y" for index in range(3)]
    assert pointers({**whole, "displayProperties": {f"p{number}": [] for number in range(WIDE + 1)}}).count("") == 0


def test_a_wide_list_never_seems_shorter_than_it_is():
    assert pointers(document([{"x": 0, "y": 0}] * (WIDE + 1))) == []


def test_no_more_than_a_thousand_are_named_and_the_rest_is_told():
    found = pointers(document([{}] * 20_000))
    assert len(found) == MOST + 1
    assert found[-1] == ""


@given(
    st.recursive(
        st.none() | st.integers(0, 2) | st.text("ab", max_size=1),
        lambda inner: st.lists(inner, max_size=9) | st.dictionaries(st.sampled_from("abcdefg"), inner, max_size=7),
        max_leaves=60,
    )
)
def test_windows_name_what_the_validator_names_of_the_whole(value: object):
    """With a schema whose members are all known, and windows of two items in place of two hundred."""
    import jsonschema_rs

    schema = {
        "anyOf": [{"type": ["integer", "null"]}, {"type": "array"}, {"type": "object"}, {"const": "a"}],
        "items": {"$ref": "#"},
        "properties": {"a": {"$ref": "#"}, "b": {"type": "integer"}},
        "additionalProperties": {"$ref": "#"},
        "required": ["a"],
    }
    validator = jsonschema_rs.Draft202012Validator(schema)
    whole = {violation.pointer for violation in name_violations(validator, frozenset("ab"), value, "body", "")}
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(naming, "WIDE", 2)
        cut = {violation.pointer for violation in name_violations(validator, frozenset("ab"), value, "body", "")}
    assert cut == whole


def test_a_body_of_many_mistakes_takes_little_memory():
    script = (
        "import json, resource, sys\n"
        "from ia_api_spec import Contract\n"
        "schema = Contract.of('ia-api').operations['createResult'].bodies['application/json']\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "value = json.load(sys.stdin)\n"
        "found = schema.violations(value, 'body')\n"
        "print(len(found), (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)\n"
    )
    if sys.platform == "win32":
        pytest.skip("the resource module is POSIX only; the memory is the same there")
    body = json.dumps(document([{}] * 400_000))
    run = subprocess.run([sys.executable, "-c", script], input=body, capture_output=True, text=True, check=True)
    named, megabytes = map(int, run.stdout.split())
    assert named == MOST + 1
    assert megabytes < 150


def test_what_is_said_does_not_grow_to_many_times_what_came():
    name = "n" * 100_000
    found = RESULT.violations({**document([]), "displayProperties": {f"{name}{n}": [] for n in range(100)}}, "body")  # type: ignore[union-attr]
    assert found[-1].came == f"more than {len(found) - 1} violations"
    assert sum(len(violation.pointer) for violation in found) < naming.LONG + 2 * len(name)


def test_names_with_lone_surrogates_are_shown_escaped():
    (found,) = at_most([Violation("body", f"/{as_step(chr(0xD800) + '/')}", "1", "2")], "body")
    assert found.pointer == "/\\ud800~1"


def test_whatever_is_wide_is_cut_and_nothing_of_it_left_out():
    whole = {
        "numbers": [*range(2 * WIDE + 5)],
        "members": {str(number): number for number in range(WIDE + 1)},
        "one": 1,
    }
    cuts = [cut for cut, _ in naming._cuts(whole, frozenset())]
    assert max(len(cut[name]) for cut in cuts for name in ("numbers", "members")) == WIDE
    assert {number for cut in cuts for number in cut["numbers"]} == {*whole["numbers"]}
    assert {name for cut in cuts for name in cut["members"]} == {*whole["members"]}
