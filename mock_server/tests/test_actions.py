"""The user's actions, the delivery log and its policy over the control plane."""

import json
import threading
from collections.abc import Callable
from typing import Any

import pytest

from fake_pacs.handlers.actions import ACTIONS, POLICY_MEMBERS, merge_patch
from ia_api_spec import Contract

POLYGON = {"points": [{"x": 0.1, "y": 0.1}, {"x": 0.2, "y": 0.1}, {"x": 0.2, "y": 0.2}]}
DEFAULT_POLICY = {
    "deadlineSeconds": 30.0,
    "retries": False,
    "attempts": 3,
    "backoffSeconds": 0.5,
    "delaySeconds": 0.0,
    "duplicates": 0,
    "reorder": False,
}

Perform = Callable[..., Any]


@pytest.fixture
def hook(pacs: Any, make_hook: Any) -> Any:
    """An app that is registered, and answers a start with a gallery that it has stored."""
    return make_hook(pacs.server)


@pytest.fixture
def perform(pacs: Any) -> Perform:
    """Performs an action on the hook app, and gives back the one delivery that came of it."""

    def act(action: str, **asked: Any) -> dict[str, Any]:
        answer = pacs.control("POST", "actions", json={"action": action, **asked})
        assert answer.status_code == 200, answer.get_data(as_text=True)
        (delivery,) = answer.json["deliveries"]
        return dict(delivery)

    return act


@pytest.fixture
def with_gallery(pacs: Any, hook: Any, gallery: dict[str, Any]) -> Any:
    pacs.server.world.store.create_result("default", hook.id, "demo-he-1", gallery, [], "v-1")
    return hook


def test_the_actions_are_those_of_the_document():
    schema = Contract.of("fake-pacs").schema("ActionRequest").node
    assert set(schema["discriminator"]["mapping"]) == set(ACTIONS)
    members = Contract.of("fake-pacs").schema("DeliveryPolicy").node["properties"]
    assert set(members) == set(POLICY_MEMBERS)
    assert {name: member["default"] for name, member in members.items()} == DEFAULT_POLICY


def test_a_start_comes_back_judged_and_without_secrets(hook: Any, perform: Perform, http_answer: Any):
    hook.answers = lambda sent: http_answer(200, {"echo": sent["callbackInfo"]["token"]})
    made = perform("start", applicationId=hook.id, slideId="demo-he-1")
    (sent,) = hook.invocations
    token = sent["callbackInfo"]["token"]
    assert token not in json.dumps(made)
    shown = {**sent, "callbackInfo": {**sent["callbackInfo"], "token": "<redacted>"}}
    assert made["invocation"] == shown
    assert sent["callbackInfo"]["url"] == "http://localhost/SectraPathologyServer/external/imageanalysis/v1"
    assert (made["number"], made["kind"], made["state"], made["attempt"], made["ok"]) == (
        3,
        "create",
        "delivered",
        1,
        False,
    )
    assert made["findings"][0]["code"] == "answer.result-not-stored"
    assert made["answer"]["status"] == 200


def test_every_start(pacs: Any, make_hook: Any, perform: Perform):
    tagged = make_hook(pacs.server, {"type": "taggedPolygon", "content": {"tags": ["a", "b"]}})
    perform("start", applicationId=tagged.id, slideId="demo-he-1", polygon=POLYGON, tagIndex=1)
    assert tagged.invocations[0]["input"]["content"]["tagIndex"] == 1
    several = make_hook(pacs.server, {"type": "multiArea"})
    perform("start", applicationId=several.id, slideId="demo-he-1", areas=[POLYGON, POLYGON])
    assert several.invocations[0]["input"]["content"]["polygons"] == [POLYGON, POLYGON]


def test_every_other_action(pacs: Any, with_gallery: Any, perform: Perform):
    on = {"applicationId": with_gallery.id, "resultId": 1}
    change = {"displayResult": "3 nuclei", "data": {"context": {"run": None, "walk": 1}}}
    perform("edit", change=change, **on)
    perform("movePatch", patch=0, tag=1, **on)
    pressed = perform("press", actionId="verify", **on)
    perform("cancel", delivery=pressed["number"])
    perform("delete", **on)
    edit, move, press, cancel, delete = with_gallery.invocations
    assert edit["input"]["displayResult"] == "3 nuclei"
    assert edit["input"]["data"]["context"] == {"walk": 1}
    assert move["input"]["data"]["result"]["content"]["patches"][0]["tag"] == 1
    assert press["input"]["data"]["result"]["content"]["actions"][1]["state"] == 1
    assert cancel["cancellationToken"] == press["cancellationToken"]
    assert delete["input"]["id"] == 1
    assert pacs.get(f"/applications/{with_gallery.id}/results/1").status_code == 404


def test_an_import_tells_who_is_subscribed(pacs: Any, hook: Any, perform: Perform):
    answer = pacs.control("POST", "actions", json={"action": "import", "slideId": "demo-he-1"})
    assert answer.json == {"deliveries": []}
    assert pacs.control("PATCH", f"apps/{hook.id}", json={"notifications": True}).status_code == 200
    assert perform("import", slideId="demo-he-1")["kind"] == "newImageFiles"


def test_without_waiting_it_is_waiting(hook: Any, perform: Perform):
    made = perform("start", applicationId=hook.id, slideId="demo-he-1", wait=False)
    assert (made["state"], made["answer"], made["ok"]) == ("waiting", None, False)


def test_the_deadline_is_that_of_the_request(hook: Any, perform: Perform):
    go = threading.Event()
    hook.answers = lambda _: go.wait(10) and {}
    made = perform("start", applicationId=hook.id, slideId="demo-he-1", deadlineSeconds=0.1)
    go.set()
    assert [finding["code"] for finding in made["findings"]] == ["answer.too-slow"]
    assert (made["state"], made["answer"]["status"]) == ("failed", None)


@pytest.mark.parametrize(
    ("asked", "status", "kind"),
    [
        ({"action": "start", "applicationId": "no-app", "slideId": "demo-he-1"}, 404, "unknown-application"),
        ({"action": "start", "applicationId": "hook-app", "slideId": "no-slide"}, 404, "unknown-slide"),
        (
            {"action": "start", "applicationId": "hook-app", "slideId": "demo-he-1", "areas": [POLYGON]},
            409,
            "not-offered",
        ),
        ({"action": "press", "applicationId": "hook-app", "resultId": 7, "actionId": "x"}, 404, "unknown-result"),
        ({"action": "press", "applicationId": "hook-app", "resultId": 2**70, "actionId": "x"}, 404, "unknown-result"),
        ({"action": "cancel", "delivery": 99}, 404, "unknown-delivery"),
        ({"action": "cancel", "delivery": 1}, 409, "not-offered"),
        ({"action": "dance"}, 400, "invalid-request"),
        ({"action": "start"}, 400, "invalid-request"),
        ({"action": "import", "slideId": "demo-he-1", "deadlineSeconds": 0}, 400, "invalid-request"),
        ({"action": "import", "slideId": "demo-he-1", "colour": 1}, 400, "invalid-request"),
    ],
)
def test_what_cant_be_done_is_refused(pacs: Any, hook: Any, asked: dict[str, Any], status: int, kind: str):
    pacs.problem(pacs.control("POST", "actions", json=asked), status, kind)
    assert hook.invocations == []


def test_a_disabled_app_is_refused(pacs: Any, hook: Any):
    pacs.control("PATCH", f"apps/{hook.id}", json={"enabled": False})
    asked = {"action": "start", "applicationId": hook.id, "slideId": "demo-he-1"}
    pacs.problem(pacs.control("POST", "actions", json=asked), 409, "application-disabled")


def test_an_edit_that_breaks_the_contract_is_refused(pacs: Any, with_gallery: Any):
    asked = {"action": "edit", "applicationId": with_gallery.id, "resultId": 1}
    for change, status, kind in (
        ({"displayResult": 5}, 400, "invalid-request"),
        ({"slideId": None}, 409, "identity-changed"),
    ):
        pacs.problem(pacs.control("POST", "actions", json={**asked, "change": change}), status, kind)


def test_deliveries_are_listed_and_sent_again(pacs: Any, hook: Any, perform: Perform):
    first = perform("start", applicationId=hook.id, slideId="demo-he-1")
    answer = pacs.control("POST", f"deliveries/{first['number']}/resend", json={"times": 2})
    assert [one["resendOf"] for one in answer.json["deliveries"]] == [first["number"]] * 2
    assert pacs.control("POST", f"deliveries/{first['number']}/resend").status_code == 200
    assert len(hook.invocations) == 4

    def numbers(query: str = "") -> list[int]:
        return [one["number"] for one in pacs.control("GET", f"deliveries{query}").json["deliveries"]]

    assert numbers() == [1, 2, 3, 4, 5, 6]
    assert numbers("?after=4") == [5, 6]
    assert numbers(f"?app={hook.id}&limit=1") == [6]
    assert numbers("?app=another") == []
    pacs.problem(pacs.control("POST", "deliveries/99/resend"), 404, "unknown-delivery")
    pacs.problem(pacs.control("POST", "deliveries/1/resend"), 409, "not-offered")
    pacs.problem(pacs.control("POST", "deliveries/3/resend", json={"times": 0}), 400, "invalid-request")


def test_the_policy_is_read_and_changed(pacs: Any, hook: Any, perform: Perform):
    assert pacs.control("GET", "delivery-policy").json == DEFAULT_POLICY
    changed = {**DEFAULT_POLICY, "duplicates": 2}
    assert pacs.control("PUT", "delivery-policy", json={"duplicates": 2}).json == changed
    assert pacs.control("GET", "delivery-policy").json == changed
    perform("start", applicationId=hook.id, slideId="demo-he-1")
    assert len(hook.invocations) == 3
    pacs.problem(pacs.control("PUT", "delivery-policy", json={"duplicates": 101}), 400, "invalid-request")
    pacs.problem(pacs.control("PUT", "delivery-policy", json={"deadlineSeconds": 0}), 400, "invalid-request")


def test_a_reset_forgets_deliveries_and_policy_and_keeps_the_app(pacs: Any, hook: Any, perform: Perform):
    pacs.control("PUT", "delivery-policy", json={"retries": True})
    assert pacs.control("POST", "reset").status_code == 200
    assert pacs.control("GET", "deliveries").json == {"deliveries": []}
    assert pacs.control("GET", "delivery-policy").json == DEFAULT_POLICY
    assert perform("start", applicationId=hook.id, slideId="demo-he-1")["ok"]


def test_another_tenant_sees_nothing_of_it(pacs: Any, hook: Any, perform: Perform):
    perform("start", applicationId=hook.id, slideId="demo-he-1")
    made = pacs.control("POST", "tenants", json={"tenant": "job-17"}).json
    other = pacs.with_token(made["token"])
    assert other.control("GET", "deliveries").json == {"deliveries": []}
    asked = {"action": "start", "applicationId": hook.id, "slideId": "demo-he-1"}
    other.problem(other.control("POST", "actions", json=asked), 404, "unknown-application")


@pytest.mark.parametrize(
    ("value", "patch", "merged"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        (["a"], {"a": 1}, {"a": 1}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
    ],
)
def test_a_merge_patch_does_what_rfc_7396_says(value: Any, patch: Any, merged: Any):
    assert merge_patch(value, patch) == merged
