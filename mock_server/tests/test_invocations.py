"""What the PACS sends to an app: exactly what the contract says, built from values."""

import copy
import dataclasses
from typing import Any

import pytest

from fake_pacs.calling import invocations
from fake_pacs.calling.invocations import BrokenInvocationError, Shared
from ia_api_spec import VERSIONS, Contract

TRIANGLE = [(0.1, 0.1), (0.2, 0.1), (0.2, 0.2)]
POLYGON = {"points": [{"x": 0.1, "y": 0.1}, {"x": 0.2, "y": 0.1}, {"x": 0.2, "y": 0.2}]}
SHARED = Shared("nuclei-hook", "demo-he-1", "http://localhost:8001/v1/", "fJ3kd82mVQ", {"key": 1})
CARRIED = {
    "applicationId": "nuclei-hook",
    "slideId": "demo-he-1",
    "callbackInfo": {"url": "http://localhost:8001/v1", "token": "fJ3kd82mVQ"},
    "context": {"key": 1},
}
METADATA: dict[str, Any] = Contract.of("ia-api").schema("ImageMetadata").node["examples"][0]
CONTRACTS = [Contract.of("ia-app", version) for version in VERSIONS]


@pytest.fixture
def stored(gallery: dict[str, Any]) -> dict[str, Any]:
    return {**gallery, "id": 4, "versionId": "41d0b7a2c6e8f395", "displayProperties": {}, "attachments": []}


def kept(invocation: dict[str, Any]) -> dict[str, Any]:
    """The invocation, which has to keep the contract in every version."""
    for contract in CONTRACTS:
        invocations.check(invocation, contract)
    return invocation


@pytest.mark.parametrize(
    ("started_on", "expected"),
    [
        (invocations.whole_slide(), {"type": "wholeSlide"}),
        (invocations.tagged_polygon(TRIANGLE), {"type": "taggedPolygon", "content": {"polygon": POLYGON}}),
        (
            invocations.tagged_polygon(TRIANGLE, ["tumour", "stroma"], 1),
            {"type": "taggedPolygon", "content": {"polygon": POLYGON, "tags": ["tumour", "stroma"], "tagIndex": 1}},
        ),
        (invocations.tagged_polygon(TRIANGLE, [], 0), {"type": "taggedPolygon", "content": {"polygon": POLYGON}}),
        (invocations.multi_area([TRIANGLE] * 2), {"type": "multiArea", "content": {"polygons": [POLYGON, POLYGON]}}),
    ],
)
def test_a_start_has_one_of_the_three_inputs(started_on: dict[str, Any], expected: dict[str, Any]):
    made = kept(invocations.create(SHARED, "c-1", started_on))
    assert made == {**CARRIED, "action": "create", "cancellationToken": "c-1", "input": expected}


def test_modify_and_delete_carry_the_stored_result(stored: dict[str, Any]):
    modified = {**CARRIED, "action": "modify", "cancellationToken": "c-1", "input": stored}
    assert kept(invocations.modify(SHARED, "c-1", stored)) == modified
    assert kept(invocations.delete(SHARED, stored)) == {**CARRIED, "action": "delete", "input": stored}


def test_cancel_carries_the_token_of_what_it_stops_and_no_input():
    made = kept(invocations.cancel(SHARED, "c-1"))
    assert made == {**CARRIED, "action": "cancel", "cancellationToken": "c-1"}


def test_a_notification_carries_metadata_an_action_and_a_whole_slide():
    made = kept(invocations.new_image_files(SHARED, "c-1", METADATA))
    also = {"cancellationToken": "c-1", "input": {"type": "wholeSlide"}, "imageInfo": METADATA}
    assert made == {**CARRIED, "action": "newImageFiles", **also}


@pytest.mark.parametrize("version", VERSIONS)
def test_image_info_is_basic_and_has_only_what_the_version_knows(version: Any):
    everything = {
        **METADATA,
        "accessionNumber": "S26-1001",
        "lisSlideId": "S26-1001-A1-1",
        "bodyPart": "Colon",
        "qualityControl": {"status": "NotSet", "versionId": "1"},
    }
    info = invocations.image_info(everything, Contract.of("ia-api"), version)
    basic = set(METADATA) - {"qualityControl"}
    assert set(info) == (basic | {"qualityControl"} if str(version) == "1.10" else basic)


def test_context_is_an_object_of_its_own():
    context = {"keys": ["a"]}
    made = invocations.cancel(dataclasses.replace(SHARED, context=context), "c-1")
    made["context"]["keys"].append("b")
    assert context == {"keys": ["a"]}
    none: Any = None
    assert invocations.cancel(dataclasses.replace(SHARED, context=none), "c-1")["context"] == {}


def test_a_pressed_button_has_state_1_and_nothing_else_changes(stored: dict[str, Any]):
    before = copy.deepcopy(stored)
    pressed = invocations.pressed(stored, "verify")
    actions = pressed["data"]["result"]["content"]["actions"]
    assert [action["state"] for action in actions] == [0, 1]
    actions[1]["state"] = 0
    assert pressed == stored == before
    with pytest.raises(LookupError, match="no button 'count'; there are: 'recount', 'verify'"):
        invocations.pressed(stored, "count")


def test_what_is_a_press(stored: dict[str, Any]):
    assert invocations.is_press(invocations.modify(SHARED, "c-1", invocations.pressed(stored, "verify")))
    assert not invocations.is_press(invocations.modify(SHARED, "c-1", stored))
    assert not invocations.is_press(invocations.delete(SHARED, invocations.pressed(stored, "verify")))
    for garbage in ({}, {"action": "modify"}, {"action": "modify", "input": 5}, {"action": "modify", "input": {}}):
        assert not invocations.is_press(garbage)


def test_a_moved_patch_has_another_tag(stored: dict[str, Any]):
    invocations.move(stored, 1, 1)
    assert [patch["tag"] for patch in stored["data"]["result"]["content"]["patches"]] == [0, 1]
    with pytest.raises(LookupError, match="no patch 2: it has 2, counted from 0"):
        invocations.move(stored, 2, 0)
    with pytest.raises(LookupError, match="no tag 2; there are: 0 yes, 1 no"):
        invocations.move(stored, 0, 2)


def test_only_galleries_have_patches_and_buttons(stored: dict[str, Any]):
    for shown in ({}, {"result": None}, {"result": {"type": "primitive", "content": []}}):
        with pytest.raises(LookupError, match="no patchCollection: it has no gallery"):
            invocations.pressed({**stored, "data": shown}, "verify")


def test_a_broken_invocation_is_our_own_defect_and_names_every_place():
    broken = {**invocations.create(SHARED, "c-1", invocations.tagged_polygon(TRIANGLE[:2])), "context": None}
    with pytest.raises(BrokenInvocationError) as raised:
        invocations.check(broken, CONTRACTS[0])
    assert "/context" in str(raised.value)
    assert "/input/content/polygon/points" in str(raised.value)
    for given in ({"tags": ["a"]}, {"tagIndex": 0}):
        half = invocations.create(SHARED, "c-1", invocations.tagged_polygon(TRIANGLE))
        half["input"]["content"] |= given
        with pytest.raises(BrokenInvocationError, match=r"tagIndex|tags"):
            invocations.check(half, CONTRACTS[0])
