"""The delivery log and its policy: numbers, bounds, secrets, retries, duplicates, delay and order."""

import dataclasses
import json
import threading
from collections.abc import Mapping
from typing import Any

import pytest

from fake_pacs.calling import deliveries
from fake_pacs.calling.deliveries import DeliveryLog, DeliveryPolicy, shown
from fake_pacs.calling.sending import Sender
from fake_pacs.calling.values import AppAnswer, Delivery, Finding
from fake_pacs.calling.workstation import Workstation
from fake_pacs.refusals import Refusal

TOKEN = "wJalrXUtnFEMI-callback"


def delivery(tenant: str = "north", app: str = "hook-app", **more: Any) -> Delivery:
    callback = {"url": "http://localhost:8001/v1", "token": TOKEN}
    invocation = {"action": "cancel", "callbackInfo": callback, "context": {}, "cancellationToken": "c-1"}
    fields = {"invocation": invocation, "slide_id": None, "result_id": None, **more}
    return Delivery(0, "2026-01-01", tenant, app, "cancel", "POST", "http://localhost:9000/hook", **fields)


def test_numbers_count_from_1_in_each_tenant_and_are_never_used_again():
    log = DeliveryLog()
    assert [log.add(delivery(tenant)).number for tenant in ("north", "north", "south")] == [1, 2, 1]
    log.forget("north")
    assert log.read("north") == []
    assert log.add(delivery()).number == 3
    assert [one.number for one in log.read("south")] == [1]


def test_a_delivery_is_found_by_number_and_updated():
    log = DeliveryLog()
    first = log.add(delivery())
    log.update(dataclasses.replace(first, state="failed"))
    found = log.get("north", 1)
    assert found is not None
    assert found.state == "failed"
    assert log.get("south", 1) is log.get("north", 2) is log.get("nowhere", 1) is None


def test_reading_is_by_app_and_number_and_the_latest():
    log = DeliveryLog()
    for app in ("a", "b", "a", "a"):
        log.add(delivery(app=app))
    assert [one.number for one in log.read("north", application_id="a")] == [1, 3, 4]
    assert [one.number for one in log.read("north", after=2)] == [3, 4]
    assert [one.number for one in log.read("north", limit=2)] == [3, 4]


def test_it_is_bounded_in_count_and_what_was_forgotten_stays_so():
    log = DeliveryLog(count=2)
    first = log.add(delivery())
    log.add(delivery())
    log.add(delivery())
    log.update(first)
    assert [one.number for one in log.read("north")] == [2, 3]


def test_it_is_bounded_in_bytes_also_when_the_answer_comes():
    log = DeliveryLog(size=50_000)
    for _ in range(3):
        made = log.add(delivery())
        log.update(dataclasses.replace(made, answer=AppAnswer(200, body=b"x" * 20_000)))
    assert [one.number for one in log.read("north")] == [2, 3]
    made = log.add(delivery())
    log.update(dataclasses.replace(made, answer=AppAnswer(200, body=b"x" * 60_000)))
    assert [one.number for one in log.read("north")] == [4], "the last one stays, whatever its size"


def test_all_tenants_together_are_bounded_and_who_has_most_forgets():
    log = DeliveryLog(total=50_000)
    log.add(delivery("south"))
    for _ in range(5):
        made = log.add(delivery())
        log.update(dataclasses.replace(made, answer=AppAnswer(200, body=b"x" * 20_000)))
    assert [one.number for one in log.read("north")] == [4, 5]
    assert len(log.read("south")) == 1


def test_eight_threads_lose_nothing():
    log = DeliveryLog(count=10_000)
    threads = [threading.Thread(target=lambda: [log.add(delivery()) for _ in range(100)]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [one.number for one in log.read("north")] == list(range(1, 801))


# What is shown.


def test_nothing_secret_is_shown():
    answer = AppAnswer(
        200,
        {"set-cookie": "session=abc", "authorization": "Bearer s3cr3t-of-the-app", "x-echo": TOKEN},
        json.dumps({"echo": f"got {TOKEN}", "password": "hunter-22", "again": "hunter-22"}).encode(),
        trouble=f"came {TOKEN}",
    )
    invocation = {
        "callbackInfo": {"url": "http://localhost/v1", "token": TOKEN},
        "context": {"note": f"it is {TOKEN}", "clientSecret": "of-the-app", "list": [{"password": "pw-of-the-app"}]},
        "cancellationToken": "c-1",
    }
    finding = Finding("answer.body", "must", f"came {TOKEN}", f"/{TOKEN}")
    made = delivery(invocation=invocation, answer=answer, findings=(finding,))
    text = json.dumps(shown(made))
    for secret in (TOKEN, "s3cr3t-of-the-app", "hunter-22", "of-the-app", "pw-of-the-app", "session=abc"):
        assert secret not in text
    assert '"cancellationToken": "c-1"' in text, "a cancellation token opens nothing"
    assert TOKEN not in repr(delivery())


def test_a_long_body_is_cut():
    shown_body = shown(delivery(answer=AppAnswer(200, body=b"x" * 100_000)))["answer"]["body"]
    assert len(shown_body) < 10_000


def test_findings_quote_no_token_wherever_they_are_printed(run_pacs: Any, make_hook: Any, http_answer: Any):
    server = run_pacs()
    hook = make_hook(server)
    hook.answers = lambda invocation: http_answer(400, {"came": invocation["callbackInfo"]})
    made = server.workstation().start(hook.id, "demo-he-1")
    assert "came" in str(made.findings[0])
    assert hook.invocations[0]["callbackInfo"]["token"] not in str(made.findings[0])


# The policy.


@pytest.mark.parametrize(
    "wrong",
    [
        {"deadline": 0},
        {"deadline": 601},
        {"deadline": float("nan")},
        {"attempts": 0},
        {"attempts": 11},
        {"backoff": -1},
        {"delay": 601},
        {"duplicates": -1},
        {"duplicates": 101},
    ],
)
def test_a_policy_out_of_bounds_is_refused(wrong: Mapping[str, Any]):
    with pytest.raises(ValueError, match=f"{next(iter(wrong))} came as"):
        DeliveryPolicy(**wrong)


class Desk:
    """A workstation over a running server, whose pauses are noted and not made."""

    def __init__(self, server: Any, wait: bool = True) -> None:
        self.slept: list[float] = []
        self.station = Workstation(server.world, wait=wait, sender=Sender(server.world, self.slept.append))

    def log(self) -> list[tuple[int, int | None, int, str]]:
        """Number, what it repeats, attempt and state of each create."""
        found = [one for one in self.station.deliveries() if one.kind == "create"]
        return [(one.number, one.resend_of, one.attempt, one.state) for one in found]


@pytest.fixture
def server(run_pacs: Any) -> Any:
    return run_pacs()


def failing(hook: Any, http_answer: Any, *statuses: int) -> None:
    left = list(statuses)
    hook.answers = lambda _: http_answer(left.pop(0) if left else 200)


def test_nothing_is_retried_unless_told(server: Any, make_hook: Any, http_answer: Any):
    hook, desk = make_hook(server), Desk(server)
    failing(hook, http_answer, 500)
    assert not desk.station.start(hook.id, "demo-he-1").ok
    assert desk.slept == []
    assert len(hook.invocations) == 1


def test_5xx_is_retried_with_growing_pauses_and_each_call_stands_in_the_log(
    server: Any, make_hook: Any, http_answer: Any
):
    hook, desk = make_hook(server), Desk(server)
    failing(hook, http_answer, 503, 500)
    desk.station.policy = DeliveryPolicy(retries=True, backoff=1.5)
    last = desk.station.start(hook.id, "demo-he-1")
    assert last.ok
    assert desk.slept == [1.5, 3.0]
    assert desk.log() == [(3, None, 1, "delivered"), (4, 3, 2, "delivered"), (5, 3, 3, "delivered")]
    assert last.number == 5
    assert hook.invocations[0] == hook.invocations[1] == hook.invocations[2], "it is the same invocation again"


def test_retries_end(server: Any, make_hook: Any, http_answer: Any):
    hook, desk = make_hook(server), Desk(server)
    failing(hook, http_answer, *[500] * 9)
    desk.station.policy = DeliveryPolicy(retries=True, attempts=2, backoff=0)
    assert not desk.station.start(hook.id, "demo-he-1").ok
    assert len(hook.invocations) == 2


def test_a_cut_connection_is_retried_and_a_refusal_or_a_slow_answer_is_not(
    server: Any, make_hook: Any, http_answer: Any
):
    hook, desk = make_hook(server), Desk(server)
    desk.station.policy = DeliveryPolicy(retries=True, attempts=2, backoff=0)
    hook.answers = lambda _: b""
    cut = desk.station.start(hook.id, "demo-he-1")
    assert (cut.state, cut.attempt, len(hook.invocations)) == ("failed", 2, 2)
    for answer in (http_answer(400), http_answer(200, b"<html>")):
        hook.answers = lambda _, answer=answer: answer
        assert desk.station.start(hook.id, "demo-he-1").attempt == 1
    gone = threading.Event()
    hook.answers = lambda _: gone.wait(10) and b""
    slow = desk.station.start(hook.id, "demo-he-1", deadline=0.2)
    gone.set()
    assert [finding.code for finding in slow.findings] == ["answer.too-slow"]
    assert slow.attempt == 1


def test_delay_and_duplicates(server: Any, make_hook: Any):
    hook, desk = make_hook(server), Desk(server)
    desk.station.policy = DeliveryPolicy(delay=7, duplicates=2)
    first = desk.station.start(hook.id, "demo-he-1")
    assert desk.slept == [7]
    assert desk.log() == [(3, None, 1, "delivered"), (4, 3, 1, "delivered"), (5, 3, 1, "delivered")]
    assert first.number == 3
    assert hook.invocations[0] == hook.invocations[2]


def test_reordered_deliveries_change_places_in_pairs(server: Any, make_hook: Any):
    hook, desk = make_hook(server), Desk(server)
    desk.station.policy = DeliveryPolicy(reorder=True)
    held = desk.station.start(hook.id, "demo-he-1")
    assert (held.state, held.ok, hook.invocations) == ("waiting", False, [])
    second = desk.station.start(hook.id, "demo-ihc-1")
    assert second.ok
    assert [invocation["slideId"] for invocation in hook.invocations] == ["demo-ihc-1", "demo-he-1"]
    assert [state for *_, state in desk.log()] == ["delivered", "delivered"]
    third = desk.station.start(hook.id, "demo-he-1")
    desk.station.policy = DeliveryPolicy()
    assert len(hook.invocations) == 3, "what is held back goes out when order is back"
    assert desk.log()[-1] == (third.number, None, 1, "delivered")


def test_a_reset_forgets_deliveries_policy_and_what_is_held_back(server: Any, make_hook: Any):
    hook, desk = make_hook(server), Desk(server)
    desk.station.policy = DeliveryPolicy(reorder=True)
    desk.station.start(hook.id, "demo-he-1")
    server.world.deliveries.forget("default")
    assert desk.station.deliveries() == []
    assert desk.station.policy == DeliveryPolicy()
    assert desk.station.start(hook.id, "demo-he-1").ok
    assert len(hook.invocations) == 1


def test_with_a_seed_answers_take_no_time_as_two_runs_tell_the_same(run_pacs: Any, make_hook: Any):
    for options, told in (({"seed": 1}, True), ({}, False)):
        server = run_pacs(**options)
        hook = make_hook(server)
        answer = server.workstation().start(hook.id, "demo-he-1").answer
        assert (answer.seconds == 0) is told


# Sending again.


def test_resent_is_what_was_sent(server: Any, make_hook: Any):
    hook, desk = make_hook(server), Desk(server)
    first = desk.station.start(hook.id, "demo-he-1")
    again = desk.station.resend(first.number, times=2, delay=3)
    assert [(one.number, one.resend_of, one.ok) for one in again] == [(4, 3, True), (5, 3, True)]
    assert desk.slept == [3, 3]
    assert hook.invocations[0] == hook.invocations[1] == hook.invocations[2]


def test_only_invocations_are_resent_and_only_to_where_the_app_is(server: Any, make_hook: Any):
    hook, desk = make_hook(server), Desk(server)
    first = desk.station.start(hook.id, "demo-he-1")
    with pytest.raises(Refusal, match="not-offered"):
        desk.station.resend(1)
    with pytest.raises(Refusal, match="unknown-delivery"):
        desk.station.resend(99)
    make_hook(server)  # the same id at another URL
    with pytest.raises(Refusal, match=r"not-offered: .* went to"):
        desk.station.resend(first.number)
    server.world.store.remove_app("default", hook.id)
    with pytest.raises(Refusal, match="unknown-application"):
        desk.station.resend(first.number)
    for wrong in ({"times": 0}, {"times": 1001}, {"delay": -1}):
        with pytest.raises((ValueError, Refusal)):
            desk.station.resend(first.number, **wrong)


# In the background.


def test_without_waiting_the_delivery_comes_back_at_once(server: Any, make_hook: Any):
    hook, desk = make_hook(server), Desk(server, wait=False)
    go, done = threading.Event(), threading.Event()
    hook.answers = lambda _: {} if go.wait(10) else None
    first = desk.station.start(hook.id, "demo-he-1")
    assert first.state == "waiting"
    update = server.world.deliveries.update

    def noting(made: Delivery) -> Delivery:
        result: Delivery = update(made)
        if made.state == "delivered":
            done.set()
        return result

    server.world.deliveries.update = noting
    go.set()
    assert done.wait(10)
    found = server.world.deliveries.get("default", first.number)
    assert found.ok


def test_too_many_at_once_are_refused(server: Any, make_hook: Any):
    hook, desk = make_hook(server), Desk(server, wait=False)
    places = server.world.deliveries.background = deliveries.Places(1, 2)
    go = threading.Event()
    hook.answers = lambda _: {} if go.wait(10) else None
    desk.station.start(hook.id, "demo-he-1")
    with pytest.raises(Refusal, match="too-many-waiting"):
        desk.station.start(hook.id, "demo-he-1")
    assert desk.log()[-1] == (4, None, 0, "failed")
    assert [places.take("other"), places.take("third")] == [True, False], "another tenant has a place of its own"
    go.set()


@pytest.mark.parametrize("free", [2, 3])
def test_an_import_that_too_many_apps_are_to_be_told_of_is_told_to_all_or_nobody(
    server: Any, make_hook: Any, free: int
):
    hook, desk, store = make_hook(server), Desk(server, wait=False), server.world.store
    places = server.world.deliveries.background = deliveries.Places(free, 9)
    app = store.app("default", hook.id)
    for name in (hook.id, "second", "third"):
        store.put_app("default", dataclasses.replace(app, application_id=name, notifications=True))
    before = desk.log()
    if free < 3:
        with pytest.raises(Refusal, match="with 3 more, too many deliveries"):
            desk.station.import_slide("demo-he-1")
        assert desk.log() == before
        assert places.take("default", free), "no place was lost"
    else:
        assert len(desk.station.import_slide("demo-he-1")) == 3


def test_a_failure_of_our_own_in_the_background_is_logged_and_shown_and_counts(
    make_pacs: Any, make_hook: Any, caplog: pytest.LogCaptureFixture
):
    server = make_pacs(may_break=True, public_url="http://pacs.example").server
    hook = make_hook(server)
    done = threading.Event()

    class Broken(Sender):
        def carry_out(self, *_: Any) -> Delivery:
            raise RuntimeError("no luck")

        def _behind(self, *given: Any) -> None:
            super()._behind(*given)
            done.set()

    station = Workstation(server.world, wait=False, sender=Broken(server.world))
    made = station.start(hook.id, "demo-he-1")
    assert done.wait(10)
    assert server.world.deliveries.get("default", made.number).state == "failed"
    assert "no luck" in caplog.text
    (error,) = server.world.journal.our_errors
    assert error.startswith("delivery 3, create: Traceback")


def test_the_bounds_are_those_that_are_documented():
    assert deliveries.DEFAULT_DEADLINE == DeliveryPolicy().deadline == 30
    assert DeliveryPolicy().as_json()["retries"] is False
