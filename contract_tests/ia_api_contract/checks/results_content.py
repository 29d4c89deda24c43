"""What is in results: `data` comes back exactly as it was sent, what the PACS fills in is never null."""

from functools import partial
from typing import Any

from ia_api_contract.check import Check
from ia_api_contract.checks.results_asking import Document, create, expect_same, read, without
from ia_api_contract.outcomes import expect
from ia_api_contract.target import Target

STYLE = {"strokeStyle": "#FF0000", "fillStyle": "#FF000040", "size": 2}
TRIANGLE = {"points": [{"x": 0.25, "y": 0.125}, {"x": 0.5, "y": 0.125}, {"x": 0.5, "y": 0.25}]}
LINE = {"points": [{"x": 0.25, "y": 0.125}, {"x": 0.5, "y": 0.25}]}
ARC = {"center": {"x": 0.5, "y": 0.25}, "radius": 0.125, "startAngle": 0, "endAngle": 1.5}
LABEL = {"location": {"x": 0.25, "y": 0.125}, "label": "Tumör"}

PRIMITIVE: Document = {
    "style": STYLE,
    "polygons": [TRIANGLE],
    "polylines": [LINE],
    "arcs": [ARC],
    "labels": [LABEL],
}
"""A primitive with every member: nothing that a target could fill in."""

NULLS: Document = {
    "style": {"strokeStyle": None, "fillStyle": None, "size": None},
    "polygons": None,
    "polylines": None,
    "arcs": None,
    "labels": None,
}


def _of(content: Any, kind: str = "primitive") -> Document:
    return {"context": {"run": 7}, "result": {"type": kind, "content": content}}


def _comes_back(target: Target, data: Any) -> None:
    """Raises `Failed` unless `data` is answered as it was sent, by storing and by reading."""
    stored = create(target, target.result(data=data))
    expect_same(data, stored.get("data"), "data in the answer to storing it")
    expect_same(data, read(target, stored["id"]).get("data"), "data as read")


def object_stays_object(target: Target) -> None:
    """Content that was sent as one object comes back as one object."""
    _comes_back(target, _of(PRIMITIVE))


def list_stays_list(target: Target) -> None:
    """Content that was sent as a list comes back as that list, also one of one item and an empty one."""
    for content in ([PRIMITIVE], [], [PRIMITIVE, {**PRIMITIVE, "labels": []}]):
        _comes_back(target, _of(content))


def null_context_stays_null(target: Target) -> None:
    """A null context comes back as null."""
    _comes_back(target, {"context": None, "result": {"type": "primitive", "content": []}})


def context_is_kept(target: Target) -> None:
    """The context comes back with all that is in it."""
    context = {"run": 7, "nested": {"list": [1, "two", None, True, {"deep": [[]]}], "empty": {}}, "text": 'Ä "√" \n'}
    _comes_back(target, {"context": context, "result": {"type": "primitive", "content": []}})


def empty_data_stays_empty(target: Target) -> None:
    """`data: {}` comes back as `{}`."""
    _comes_back(target, {})


def nulls_are_kept(target: Target) -> None:
    """Nulls that callers send come back as nulls."""
    _comes_back(target, _of([NULLS, {**PRIMITIVE, "style": None}]))


def absent_stays_absent(target: Target) -> None:
    """Members that were left out aren't filled in."""
    _comes_back(target, _of([{"labels": [LABEL]}, {"style": {"size": 1}, "polygons": [TRIANGLE]}]))


def numbers_are_exact(target: Target) -> None:
    """Numbers come back with all their digits, pixels far above 1 included."""
    exact = [0.123456789012345, 1e-9, 48213.75, 0, -0.5, 0.1]
    points = [{"x": x, "y": y} for x, y in zip(exact, reversed(exact), strict=True)]
    _comes_back(target, _of([PRIMITIVE, {**PRIMITIVE, "polygons": [{"points": points}]}]))


def patches_keep_their_order(target: Target) -> None:
    """Patches come back in the order in which they were sent, and so do tags, actions and statuses."""
    keys = (0.5, 0.97, 0.1, 0.97, -3)
    patches = [{"tag": at % 2, "position": {"x": key, "y": 0.25}, "sortKeyValue": key} for at, key in enumerate(keys)]
    button = {"state": 0, "name": "Count", "tooltip": "Counts again"}
    content = {
        "description": "Mitoses",
        "polygons": [TRIANGLE],
        "patches": patches,
        "tags": ["other", "mitosis"],
        "patchSize": 64,
        "magnification": 40,
        "actions": [{"id": "second", **button}, {"id": "first", **button}],
        "statuses": {"allowVerify": {"value": True, "message": None}},
    }
    _comes_back(target, _of(content, "patchCollection"))


def unknown_members_are_kept(target: Target) -> None:
    """Members that the contract doesn't know come back as they were sent."""
    unknown = {"resultVersion": 3, "x-of-the-app": {"list": [1, None]}}
    stored = create(target, {**target.result(), **unknown})
    for place, shown in (("the answer to storing it", stored), ("the result read", read(target, stored["id"]))):
        kept = {name: shown[name] for name in unknown if name in shown}
        expect_same(unknown, kept, f"unknown members in {place}")


def _filled(target: Target, member: str, expected: Any) -> None:
    """Raises `Failed` unless the member is that value wherever it was left out or null."""
    for how, document in (("left out", without(target.result(), member)), ("null", target.result(**{member: None}))):
        stored = create(target, document)
        for place, shown in (("storing", stored), ("reading", read(target, stored["id"]))):
            came = shown.get(member, "nothing")
            same = type(came) is type(expected) and came == expected
            expect(same, f"{member} was {how}; {place} it answered {came!r}, expected {expected!r}")


def application_version_is_text(target: Target) -> None:
    """Without an applicationVersion it is answered as the empty text."""
    _filled(target, "applicationVersion", "")


def display_properties_are_object(target: Target) -> None:
    """Without displayProperties they are answered as an empty object."""
    _filled(target, "displayProperties", {})


def attachments_are_list(target: Target) -> None:
    """Without attachments they are answered as an empty list."""
    _filled(target, "attachments", [])


def display_properties_are_kept(target: Target) -> None:
    """Texts stay texts and numbers stay numbers in displayProperties."""
    properties = {"Nuclei": 128, "Ki-67": "12 %", "Score": 0.5, "Text": "128", "": ""}
    stored = create(target, target.result(displayProperties=properties))
    expect_same(properties, stored.get("displayProperties"), "displayProperties in the answer to storing them")
    expect_same(properties, read(target, stored["id"]).get("displayProperties"), "displayProperties as read")


_content = partial(Check, writes=True, needs=("results.stores-and-reads",))

CHECKS = (
    _content(
        "results.data-object",
        "Content that was stored as one object comes back as one object.",
        "getResult 200",
        "Callers send both forms and index into what they get: `content.polygons` fails on a list.",
        object_stays_object,
    ),
    _content(
        "results.data-list",
        "Content that was stored as a list comes back as that list.",
        "getResult 200",
        "Callers send both forms and index into what they get: `content[0]` fails on an object.",
        list_stays_list,
    ),
    _content(
        "results.data-null-context",
        "A null context comes back as null.",
        "getResult 200",
        "data comes back exactly as stored; apps tell null from empty.",
        null_context_stays_null,
    ),
    _content(
        "results.data-context",
        "The context comes back with all that the app put into it.",
        "getResult 200",
        "It is the app's own memory of the result.",
        context_is_kept,
    ),
    _content(
        "results.data-empty",
        "Empty data come back empty.",
        "getResult 200",
        "Apps store results that show nothing.",
        empty_data_stays_empty,
    ),
    _content(
        "results.data-nulls-kept",
        "Nulls in primitives come back as nulls.",
        "getResult 200",
        "Typed callers dump absent members as null and read them so.",
        nulls_are_kept,
    ),
    _content(
        "results.data-absent-not-filled",
        "Members of data that were left out aren't filled in.",
        "getResult 200",
        "data comes back exactly as stored.",
        absent_stays_absent,
    ),
    _content(
        "results.data-numbers",
        "Numbers come back with all their digits.",
        "getResult 200",
        "Coordinates are shares of an image that is 100,000 pixels wide: six digits aren't enough.",
        numbers_are_exact,
    ),
    _content(
        "results.data-patch-order",
        "Patches, tags and actions come back in their order.",
        "getResult 200",
        "Apps index into patches; a tag is an index into tags.",
        patches_keep_their_order,
    ),
    _content(
        "results.unknown-members-kept",
        "Members of a new result that the contract doesn't know are kept.",
        "createResult 201",
        "Apps keep members of their own there, such as resultVersion.",
        unknown_members_are_kept,
    ),
    _content(
        "results.application-version-filled",
        "An applicationVersion that was left out or null is answered as the empty text.",
        "getResult 200",
        "Typed callers read a text and fail on null.",
        application_version_is_text,
    ),
    _content(
        "results.display-properties-filled",
        "displayProperties that were left out or null are answered as an empty object.",
        "getResult 200",
        "Callers go through its members and fail on null.",
        display_properties_are_object,
    ),
    _content(
        "results.attachments-filled",
        "Attachments that were left out or null are answered as an empty list.",
        "getResult 200",
        "Callers go through its items and fail on null.",
        attachments_are_list,
    ),
    _content(
        "results.display-properties-kept",
        "displayProperties come back as sent: numbers as numbers, texts as texts.",
        "getResult 200",
        "An app that computes with what it stored fails on a number in quotes.",
        display_properties_are_kept,
    ),
)
