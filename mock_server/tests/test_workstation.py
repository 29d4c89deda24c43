"""The user's actions: each sends the right invocation, its answer is judged, and the PACS is as it should be after."""

import dataclasses
import threading
from collections.abc import Callable
from typing import Any
from urllib.error import HTTPError

import pytest

from fake_pacs.refusals import Refusal, Refusals

TRIANGLE = [(0.1, 0.1), (0.2, 0.1), (0.2, 0.2)]
POLYGON = {"points": [{"x": 0.1, "y": 0.1}, {"x": 0.2, "y": 0.1}, {"x": 0.2, "y": 0.2}]}
TAGGED = {"type": "taggedPolygon", "content": {"tags": ["tumour", "stroma"]}}


@pytest.fixture
def server(run_pacs: Any) -> Any:
    return run_pacs()


def storing(call_back: Any, result: dict[str, Any]) -> Callable[[dict[str, Any]], Any]:
    """What a good app does: stores a result, or the user's change of it, and answers with what was stored."""

    def answer(invocation: dict[str, Any]) -> Any:
        results = f"/applications/{invocation['applicationId']}/results"
        if invocation["action"] == "create":
            return call_back(invocation, "POST", results, result)
        if invocation["action"] == "modify":
            given = invocation["input"]
            return call_back(invocation, "PUT", f"{results}/{given['id']}", given)
        return {}

    return answer


def refused(kind: Refusals, act: Callable[..., Any], *args: Any, **named: Any) -> Refusal:
    with pytest.raises(Refusal) as raised:
        act(*args, **named)
    assert raised.value.refused is kind, raised.value
    return raised.value


def stored(server: Any, number: int = 1) -> Any:
    return server.world.store.result("default", "hook-app", number)


# Starting.


def test_a_start_lets_the_app_store_a_result_and_answer_with_it(
    server: Any, make_hook: Any, call_back: Any, gallery: dict[str, Any]
):
    hook = make_hook(server, context={"key": "of-the-app"})
    hook.answers = storing(call_back, gallery)
    made = server.workstation().start(hook.id, "demo-he-1")
    assert made.ok, made.findings
    assert made.findings == ()
    assert (made.kind, made.slide_id, made.result_id, made.state, made.url) == (
        "create",
        "demo-he-1",
        None,
        "delivered",
        hook.url,
    )
    sent = hook.invocations[0]
    token, cancellation = sent["callbackInfo"].pop("token"), sent.pop("cancellationToken")
    assert sent == {
        "action": "create",
        "applicationId": "hook-app",
        "slideId": "demo-he-1",
        "callbackInfo": {"url": server.url},
        "context": {"key": "of-the-app"},
        "input": {"type": "wholeSlide"},
    }
    assert token != cancellation
    assert server.get_results("hook-app", "demo-he-1")[0].displayResult == "2 nuclei"


def test_the_callback_token_is_bound_to_the_app_and_lives_as_long_as_the_settings_say(
    server: Any, make_hook: Any, call_back: Any
):
    hook = make_hook(server)
    server.workstation().start(hook.id, "demo-he-1")
    (sent,) = hook.invocations
    with pytest.raises(HTTPError, match="403"):
        call_back(sent, "GET", "/applications/nuclei-counter/results/slide/demo-he-1")
    assert call_back(sent, "GET", "/applications/hook-app/results/slide/demo-he-1") == []
    credential = server.world.store.credential(sent["callbackInfo"]["token"])
    assert (credential.kind, credential.application) == ("callback", "hook-app")
    left = (credential.expires_at - server.world.clock.now()).total_seconds()
    assert server.world.settings.callback_lifetime - 60 < left <= server.world.settings.callback_lifetime


def test_a_start_on_a_polygon_with_a_tag_and_on_areas(server: Any, make_hook: Any):
    hook, station = make_hook(server, TAGGED), server.workstation()
    assert station.start(hook.id, "demo-he-1", polygon=TRIANGLE, tag_index=1).ok
    content = {"polygon": POLYGON, "tags": ["tumour", "stroma"], "tagIndex": 1}
    assert hook.invocations[-1]["input"] == {"type": "taggedPolygon", "content": content}
    for template in ({"type": "taggedPolygon"}, {"type": "taggedPolygon", "content": {"tags": []}}):
        hook = make_hook(server, template)
        assert station.start(hook.id, "demo-he-1", polygon=TRIANGLE).ok
        assert hook.invocations[-1]["input"] == {"type": "taggedPolygon", "content": {"polygon": POLYGON}}
    hook = make_hook(server, {"type": "multiArea"})
    assert station.start(hook.id, "demo-he-1", areas=[TRIANGLE, TRIANGLE]).ok
    assert hook.invocations[-1]["input"] == {"type": "multiArea", "content": {"polygons": [POLYGON, POLYGON]}}


def test_what_the_input_template_does_not_offer_is_refused_and_nothing_is_sent(server: Any, make_hook: Any):
    hook, station = make_hook(server, TAGGED), server.workstation()
    for wrong, text in (
        ({}, "is started on a drawn polygon, not on a whole slide"),
        ({"areas": [TRIANGLE]}, "is started on a drawn polygon, not on several areas"),
        ({"polygon": TRIANGLE}, "wants a tag with the polygon: 0 tumour, 1 stroma"),
        ({"polygon": TRIANGLE, "tag_index": 2}, "has no tag 2 here; there are: 0 tumour, 1 stroma"),
        ({"polygon": TRIANGLE, "areas": [TRIANGLE]}, "not on both"),
    ):
        assert text in refused(Refusals.NOT_OFFERED, station.start, hook.id, "demo-he-1", **wrong).detail
    whole = make_hook(server)
    for wrong in ({"polygon": TRIANGLE}, {"tag_index": 0}):
        refused(Refusals.NOT_OFFERED, station.start, whole.id, "demo-he-1", **wrong)
    assert [one.kind for one in station.deliveries()] == ["registration", "info"] * 2


@pytest.mark.parametrize(
    ("area", "place"),
    [
        ([(0.1, 0.1), (0.2, 0.1)], "/points"),
        ([*TRIANGLE, (1.5, 0.1)], "/points/3/x"),
        ([*TRIANGLE, (0.5, 0.9)], "/points/3/y"),
        ([(512, 300), *TRIANGLE], "/points/0/x"),
        ([(float("nan"), 0.1), *TRIANGLE], "/points/0/x"),
        ([(0.1, -0.1), *TRIANGLE], "/points/0/y"),
        ([("0.1", 0.1), *TRIANGLE], "/points/0/x"),
        ([(0.1, 0.1, 0.1), *TRIANGLE], "/points/0"),
        ([0.1, *TRIANGLE], "/points/0"),
    ],
)
def test_what_nobody_can_draw_on_the_slide_is_refused(server: Any, make_hook: Any, area: Any, place: str):
    hook = make_hook(server, {"type": "multiArea"})
    refusal = refused(Refusals.INVALID_REQUEST, server.workstation().start, hook.id, "demo-he-1", areas=[area])
    assert refusal.violations[0].pointer == f"/areas/0{place}"
    drawn = make_hook(server, {"type": "taggedPolygon"})
    other = refused(Refusals.INVALID_REQUEST, server.workstation().start, drawn.id, "demo-he-1", polygon=area)
    assert other.violations[0].pointer == f"/polygon{place}"
    assert ("pixels" in str(refusal.violations[0])) == (area[0] == (512, 300))
    assert hook.invocations == []


def test_an_app_that_is_unknown_or_disabled_is_refused(server: Any, make_hook: Any):
    hook, station = make_hook(server), server.workstation()
    refused(Refusals.UNKNOWN_APPLICATION, station.start, "nuclei-counter", "demo-he-1")
    server.world.store.change_app("default", hook.id, enabled=False)
    assert "fake-pacs apps enable" in str(
        refused(Refusals.APPLICATION_DISABLED, station.start, hook.id, "demo-he-1").hint
    )
    refused(Refusals.APPLICATION_DISABLED, station.delete, hook.id, 1)
    server.world.store.change_app("default", hook.id, enabled=True)
    refused(Refusals.UNKNOWN_SLIDE, station.start, hook.id, "no-such-slide")
    for deadline in (0, -1, 601, float("nan")):
        with pytest.raises(ValueError, match="deadline came as"):
            station.start(hook.id, "demo-he-1", deadline=deadline)
    assert hook.invocations == []


def test_each_tenant_has_its_own_apps_and_deliveries(server: Any, make_hook: Any):
    hook = make_hook(server)
    server.world.store.create_tenant("south")
    refused(Refusals.UNKNOWN_APPLICATION, server.workstation("south").start, hook.id, "demo-he-1")
    assert server.workstation("south").deliveries() == []
    refused(Refusals.UNKNOWN_DELIVERY, server.workstation("south").cancel, 1)


# Changing.


@pytest.fixture
def with_gallery(server: Any, make_hook: Any, call_back: Any, gallery: dict[str, Any]) -> Any:
    """An app that has stored a gallery as result 1, and stores what the user changes."""
    hook = make_hook(server)
    hook.answers = storing(call_back, gallery)
    assert server.workstation().start(hook.id, "demo-he-1").ok
    return hook


def test_an_edit_is_stored_and_the_app_is_told_of_the_result_as_it_is_now(server: Any, with_gallery: Any):
    before, seen = stored(server), []
    answer = with_gallery.answers
    with_gallery.answers = lambda invocation: (seen.append(stored(server)), answer(invocation))[1]
    made = server.workstation().edit("hook-app", 1, lambda result: result.update(displayResult="3 nuclei"))
    assert made.ok, made.findings
    assert made.findings == ()
    sent = with_gallery.invocations[-1]
    assert (sent["action"], sent["input"]["displayResult"], made.result_id) == ("modify", "3 nuclei", 1)
    assert sent["input"]["versionId"] == seen[0].version_id != before.version_id
    assert seen[0].document["displayResult"] == "3 nuclei", "stored before the app hears of it"


def test_an_app_that_writes_what_it_read_before_an_edit_gets_a_conflict(server: Any, with_gallery: Any, call_back: Any):
    read = call_back(with_gallery.invocations[0], "GET", "/applications/hook-app/results/1")
    with_gallery.answers = lambda _: {}
    server.workstation().edit("hook-app", 1, lambda result: result.update(displayResult="3 nuclei"))
    with pytest.raises(HTTPError, match="409"):
        call_back(with_gallery.invocations[0], "PUT", "/applications/hook-app/results/1", read)
    assert stored(server).document["displayResult"] == "3 nuclei"


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({"id": 2}, Refusals.IDENTITY_CHANGED),
        ({"versionId": "mine"}, Refusals.IDENTITY_CHANGED),
        ({"slideId": "demo-ihc-1"}, Refusals.IDENTITY_CHANGED),
        ({"displayResult": 5}, Refusals.INVALID_REQUEST),
        ({"displayProperties": {"a": float("nan")}}, Refusals.INVALID_REQUEST),
        ({"displayProperties": {"a": {1, 2}}}, Refusals.INVALID_REQUEST),
    ],
)
def test_an_edit_that_no_user_can_make_changes_nothing(server: Any, with_gallery: Any, change: Any, kind: Refusals):
    before = stored(server)
    refused(kind, server.workstation().edit, "hook-app", 1, lambda result: result.update(change))
    assert stored(server) == before
    assert len(with_gallery.invocations) == 1


def test_a_moved_patch_has_another_tag_in_the_invocation_and_in_the_store(server: Any, with_gallery: Any):
    station = server.workstation()
    made = station.move_patch("hook-app", 1, 0, 1)
    assert made.ok, made.findings
    for result in (with_gallery.invocations[-1]["input"], stored(server).document):
        assert [patch["tag"] for patch in result["data"]["result"]["content"]["patches"]] == [1, 0]
    assert "no patch 2" in refused(Refusals.NOT_OFFERED, station.move_patch, "hook-app", 1, 2, 1).detail.lower()
    assert "no tag 2" in refused(Refusals.NOT_OFFERED, station.move_patch, "hook-app", 1, 0, 2).detail.lower()
    refused(Refusals.UNKNOWN_RESULT, station.move_patch, "hook-app", 9, 0, 1)


def test_a_pressed_button_has_state_1_in_the_invocation_alone(server: Any, with_gallery: Any):
    before, station = stored(server), server.workstation()
    with_gallery.answers = lambda invocation: {**invocation["input"], "displayResult": "recounted"}
    made = station.press("hook-app", 1, "recount")
    assert made.ok, made.findings
    assert made.findings == (), "the changed input may come back unstored"
    sent = with_gallery.invocations[-1]
    assert sent["action"] == "modify"
    assert [action["state"] for action in sent["input"]["data"]["result"]["content"]["actions"]] == [1, 0]
    assert sent["input"]["versionId"] == before.version_id
    assert stored(server) == before
    assert "'recount', 'verify'" in refused(Refusals.NOT_OFFERED, station.press, "hook-app", 1, "count").detail


@pytest.mark.parametrize("status", [200, 500])
def test_a_deleted_result_is_there_while_the_app_is_told_and_gone_after(
    server: Any, with_gallery: Any, http_answer: Any, call_back: Any, status: int
):
    seen = []

    def answer(invocation: dict[str, Any]) -> bytes:
        seen.append(call_back(invocation, "GET", "/applications/hook-app/results/1"))
        return bytes(http_answer(status, {}))

    with_gallery.answers = answer
    made = server.workstation().delete("hook-app", 1)
    assert made.ok == (status == 200)
    assert with_gallery.invocations[-1]["input"] == seen[0]
    assert "cancellationToken" not in with_gallery.invocations[-1]
    refused(Refusals.UNKNOWN_RESULT, stored, server)
    refused(Refusals.UNKNOWN_RESULT, server.workstation().delete, "hook-app", 1)


def test_a_result_that_goes_while_its_deletion_is_told_is_gone_all_the_same(server: Any, with_gallery: Any):
    def answer(_: Any) -> Any:
        server.world.store.delete_result("default", "hook-app", 1)
        return {}

    with_gallery.answers = answer
    assert server.workstation().delete("hook-app", 1).ok


# Cancelling.


def test_cancel_carries_the_token_of_what_it_stops_while_that_is_under_way(server: Any, make_hook: Any):
    hook, station = make_hook(server), server.workstation()
    started, cancelled = threading.Event(), threading.Event()

    def answer(invocation: dict[str, Any]) -> Any:
        if invocation["action"] == "create":
            started.set()
            return {} if cancelled.wait(10) else None
        cancelled.set()
        return {}

    hook.answers = answer
    thread = threading.Thread(target=station.start, args=(hook.id, "demo-he-1"))
    thread.start()
    assert started.wait(10)
    (waiting,) = [one for one in station.deliveries() if one.state == "waiting"]
    made = station.cancel(waiting.number)
    thread.join(10)
    assert made.ok
    create, cancel = hook.invocations
    assert (cancel["action"], cancel["slideId"]) == ("cancel", "demo-he-1")
    assert cancel["cancellationToken"] == create["cancellationToken"]
    assert "input" not in cancel
    refused(Refusals.NOT_OFFERED, station.cancel, made.number)
    refused(Refusals.NOT_OFFERED, station.cancel, 1)
    refused(Refusals.UNKNOWN_DELIVERY, station.cancel, 99)


# Importing.


def test_every_enabled_subscribed_app_is_told_of_an_import_and_no_other(server: Any, make_hook: Any, raw_app: Any):
    hook, station = make_hook(server), server.workstation()
    assert station.import_slide("demo-he-1") == []
    app = server.world.store.app("default", hook.id)
    for name, enabled, notifications in (("b", True, True), ("c", False, True), ("d", True, False)):
        other = dataclasses.replace(app, application_id=name, enabled=enabled, notifications=notifications)
        server.world.store.put_app("default", other)
    server.world.store.change_app("default", hook.id, notifications=True)
    made = station.import_slide("demo-he-1")
    assert [(one.application_id, one.kind, one.ok) for one in made] == [
        ("b", "newImageFiles", True),
        ("hook-app", "newImageFiles", True),
    ]
    assert hook.paths == ["/hook/imagenotification"] * 2
    tokens = {sent["callbackInfo"]["token"] for sent in hook.invocations}
    assert len(tokens) == 2
    info = hook.invocations[0]["imageInfo"]
    assert info["id"] == "demo-he-1"
    assert info["qualityControl"]["status"] == "NotSet"
    assert "accessionNumber" not in info
    refused(Refusals.UNKNOWN_SLIDE, station.import_slide, "no-such-slide")


@pytest.mark.parametrize("version", ["1.8", "1.9"])
def test_an_older_server_tells_only_what_its_version_knows(run_pacs: Any, make_hook: Any, version: str):
    server = run_pacs(api_version=version)
    hook = make_hook(server)
    server.world.store.change_app("default", hook.id, notifications=True)
    (made,) = server.workstation().import_slide("demo-he-1")
    assert made.ok
    assert "qualityControl" not in hook.invocations[0]["imageInfo"]


def test_apps_are_told_at_the_same_time(server: Any, make_hook: Any):
    hook = make_hook(server)
    app = server.world.store.app("default", hook.id)
    for name in "abc":
        server.world.store.put_app("default", dataclasses.replace(app, application_id=name, notifications=True))
    together = threading.Barrier(3, timeout=10)
    hook.answers = lambda _: {} if together.wait() >= 0 else None
    assert all(one.ok for one in server.workstation().import_slide("demo-he-1"))


# Apps that do what no app should.


def test_an_app_that_is_slow_costs_no_more_than_the_deadline_and_holds_nobody_up(server: Any, make_hook: Any):
    hook, station = make_hook(server), server.workstation()
    go = threading.Event()
    hook.answers = lambda _: go.wait(10) and {}
    made = station.start(hook.id, "demo-he-1", deadline=0.2)
    assert (made.state, [finding.code for finding in made.findings]) == ("failed", ["answer.too-slow"])
    go.set()


def test_an_app_that_answers_with_what_isnt_its_own_is_told_so(
    server: Any, make_hook: Any, call_back: Any, gallery: dict[str, Any]
):
    hook, station = make_hook(server), server.workstation()
    kept = server.world.store.create_result("default", "nuclei-counter", "demo-he-1", gallery, [], "v-other")

    def codes(answer: Any) -> list[str]:
        hook.answers = answer if callable(answer) else lambda _: answer
        return [finding.code for finding in station.start(hook.id, "demo-he-1").findings]

    mine = storing(call_back, gallery)
    whole = {"applicationVersion": "", "displayProperties": {}, "attachments": [], **gallery}
    assert codes(gallery)[0] == "answer.result-not-stored"
    assert codes({**whole, "id": kept.id, "versionId": "v-other"}) == ["answer.result-of-other-app"]
    assert codes({**whole, "id": 77, "versionId": "v"}) == ["answer.result-not-stored"]
    assert codes(lambda sent: {**mine(sent), "versionId": "v"}) == ["answer.version-untrue"]
    assert codes(lambda sent: {**mine(sent), "displayResult": "9"}) == ["answer.result-differs"]
    assert codes(storing(call_back, {**gallery, "slideId": "demo-ihc-1"})) == ["answer.result-of-other-slide"]
    assert codes(mine) == []
