"""What users and administrators do while an app is at work, or before a delivery is out."""

import json
import subprocess
import sys
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from fake_pacs.calling.deliveries import HIDDEN, shown
from fake_pacs.calling.meanwhile import MOST, Meanwhile
from fake_pacs.calling.sending import Sender, side_by_side
from fake_pacs.calling.values import Delivery
from fake_pacs.calling.workstation import Workstation
from fake_pacs.embedding import DeliveryPolicy

APP = "hook-app"


@pytest.fixture
def server(run_pacs: Any) -> Any:
    return run_pacs()


def working(hook: Any, meanwhile: Callable[[dict[str, Any]], None], call_back: Any, result: Any) -> None:
    """Has the app store a result, and answer with it after what happens meanwhile; it answers nothing to others."""

    def answer(invocation: dict[str, Any]) -> Any:
        if invocation["action"] != "create":
            return {}
        stored = call_back(invocation, "POST", f"/applications/{APP}/results", result)
        meanwhile(stored)
        return stored

    hook.answers = answer


def codes(delivery: Delivery) -> list[str]:
    return [finding.code for finding in delivery.findings]


def test_an_answer_is_true_that_was_true_when_the_user_changed_or_removed_the_result(
    server: Any, make_hook: Any, call_back: Any, gallery: dict[str, Any]
):
    hook, station = make_hook(server), server.workstation()

    def edit(stored: dict[str, Any]) -> None:
        assert station.edit(APP, stored["id"], lambda result: result.update(displayResult="mine")).ok

    def delete(stored: dict[str, Any]) -> None:
        assert station.delete(APP, stored["id"]).ok

    for meanwhile in (edit, delete):
        working(hook, meanwhile, call_back, gallery)
        assert codes(station.start(APP, "demo-he-1")) == []
    assert [result.displayResult for result in server.get_results(APP, "demo-he-1")] == ["mine"]


def test_what_the_user_changed_before_is_no_excuse(
    server: Any, make_hook: Any, call_back: Any, gallery: dict[str, Any]
):
    hook, station = make_hook(server), server.workstation()
    working(hook, lambda stored: None, call_back, gallery)
    assert station.start(APP, "demo-he-1").ok
    former = server.get_results(APP, "demo-he-1")[0].versionId
    hook.answers = lambda invocation: {**invocation["input"], "versionId": former}
    assert codes(station.edit(APP, 1, lambda result: result.update(displayResult="mine"))) == ["answer.version-untrue"]


def test_what_another_call_of_the_app_replaced_is_no_lie_and_what_this_one_replaced_is(
    server: Any, make_hook: Any, call_back: Any, gallery: dict[str, Any]
):
    hook, station = make_hook(server), server.workstation()
    both = threading.Barrier(2)

    def twice(invocation: dict[str, Any]) -> Any:
        """Answers with the first of two versions that it stored."""
        first = call_back(invocation, "POST", f"/applications/{APP}/results", gallery)
        call_back(invocation, "PUT", f"/applications/{APP}/results/{first['id']}", first)
        return first

    hook.answers = twice
    assert codes(station.start(APP, "demo-he-1")) == ["answer.version-untrue"]
    hook.answers = lambda invocation: both.wait(10) >= 0 and twice(invocation)
    start = partial(station.start, APP, "demo-he-1")
    assert [codes(made) for made in side_by_side([start, start], 2)] == [[], []]


def test_the_latest_changes_are_remembered():
    meanwhile = Meanwhile()
    meanwhile.user_replaces("t", "a", 1, "before")
    with meanwhile.shift("t", "a") as shift:
        for number in range(MOST):
            meanwhile.user_replaces("t", "a", number % 2, f"v{number}")
        meanwhile.app_stored("t", "a", 1, "of the app")
        meanwhile.user_replaces("other", "a", 1, "of another tenant")
        assert len(meanwhile.over(shift, 1)) == MOST // 2 - 1
        assert f"v{MOST - 1}" in meanwhile.over(shift, 1)
        with meanwhile.shift("t", "b"):
            assert "of the app" not in meanwhile.over(shift, 1)
        with meanwhile.shift("t", "a") as later:
            assert meanwhile.over(later, 1) == frozenset()
    assert "of the app" in meanwhile.over(shift, 1)


def test_a_deletion_from_before_a_reset_removes_nothing_after_it(server: Any, make_hook: Any, gallery: dict[str, Any]):
    hook, store = make_hook(server), server.world.store
    store.create_result("default", APP, "demo-he-1", gallery, [], "v-1")

    def reset_and_store(_: Any) -> Any:
        store.reset_tenant("default")
        server.world.deliveries.forget("default")
        assert store.create_result("default", APP, "demo-he-1", gallery, [], "v-2").id == 1
        return {}

    hook.answers = reset_and_store
    server.workstation().delete(APP, 1)
    assert store.result("default", APP, 1).version_id == "v-2"


def test_a_token_of_another_delivery_that_an_app_repeats_is_not_told(server: Any, make_hook: Any, http_answer: Any):
    hook, station = make_hook(server), server.workstation()
    station.start(APP, "demo-he-1")
    former = hook.invocations[0]["callbackInfo"]["token"]
    hook.answers = lambda _: http_answer(500, f"x{former}y {former}".encode(), X_Echo=former)
    made = station.start(APP, "demo-he-1")
    told = shown(made, server.world.deliveries.tokens("default"))
    assert former not in json.dumps(told)
    assert told["answer"]["body"] == f"x{HIDDEN}y {HIDDEN}"
    assert [former in finding.text for finding in made.findings] == [False]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda store: store.remove_app("default", APP), "is registered at"),
        (lambda store: store.change_app("default", APP, enabled=False), "was disabled meanwhile"),
    ],
)
def test_what_waits_is_not_sent_to_an_app_that_was_removed_or_disabled(
    server: Any, make_hook: Any, change: Callable[[Any], Any], why: str
):
    hook = make_hook(server)
    sender = Sender(server.world, sleep=lambda _: change(server.world.store))
    station = Workstation(server.world, sender=sender)
    station.policy = DeliveryPolicy(delay=1)
    made = station.start(APP, "demo-he-1")
    assert (made.state, made.findings, made.ok) == ("failed", (), False)
    assert made.answer is not None
    assert made.answer.trouble is not None
    assert why in made.answer.trouble
    assert hook.invocations == []


def test_an_app_that_is_disabled_while_it_is_registered_again_stays_disabled(
    server: Any, raw_app: Any, http_answer: Any
):
    store = server.world.store

    def behave(connection: Any, request: bytes) -> None:
        if b"/info" in request:
            if store.app("default", "twice"):
                store.change_app("default", "twice", enabled=False)
            connection.sendall(http_answer(200, {"apiVersion": "1.10", "softwareVersion": "1"}))
            return
        said = {
            "applicationId": "twice",
            "displayName": "",
            "manufacturer": "",
            "inputTemplate": {"type": "wholeSlide"},
        }
        connection.sendall(http_answer(200, {**said, "url": app.url}))

    app = raw_app(behave)
    assert server.register_app(app.url).app.enabled
    assert not server.register_app(app.url).app.enabled
    assert not store.app("default", "twice").enabled


def test_side_by_side_keeps_the_order_and_raises_what_was_raised():
    assert side_by_side([], 3) == []
    both = threading.Barrier(2)
    acts: list[Any] = [lambda: (both.wait(5), 1)[1], lambda: (both.wait(5), 1)[1], lambda: 3]
    assert side_by_side(acts, 2) == [1, 1, 3]

    def fail() -> Any:
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        side_by_side([fail], 2)


HANGING = """
import threading
from fake_pacs.calling.sending import side_by_side
begun = threading.Event()
act = lambda: begun.set() or threading.Event().wait()
threading.Thread(target=side_by_side, args=([act], 1), daemon=True).start()
begun.wait()
"""


def test_an_app_that_hangs_does_not_keep_the_process_from_ending():
    subprocess.run([sys.executable, "-c", HANGING], check=True, timeout=20)
