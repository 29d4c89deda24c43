"""How long and how much is sent at most: nothing begins late, nothing is half done."""

from typing import Any

import pytest

from fake_pacs.calling.deliveries import DeliveryPolicy
from fake_pacs.calling.sending import Sender
from fake_pacs.calling.workstation import Workstation
from fake_pacs.refusals import Refusal


@pytest.fixture
def server(run_pacs: Any) -> Any:
    return run_pacs()


def test_what_would_begin_too_late_is_not_sent(server: Any, make_hook: Any):
    hook, now = make_hook(server), [0.0]
    sender = Sender(server.world, lambda seconds: now.__setitem__(0, now[0] + seconds), lambda: now[0])
    station = Workstation(server.world, sender=sender)
    hook.answers = lambda _: now.__setitem__(0, now[0] + 250) or {}
    first = station.start(hook.id, "demo-he-1")
    again = station.resend(first.number, times=5, delay=100)
    assert [one.state for one in again] == ["delivered", "delivered", "failed", "failed", "failed"]
    assert again[-1].answer.trouble == "not sent: 600 s had passed since the first call"
    assert len(hook.invocations) == 3
    with pytest.raises(Refusal, match=r"Nothing was sent again: .*7 times 100 s, expected at most 600 s together"):
        station.resend(first.number, times=7, delay=100)
    assert len(hook.invocations) == 3
    station.policy = DeliveryPolicy(duplicates=5, delay=600)
    assert station.start(hook.id, "demo-he-1").ok, "the policy's delay comes before the first call"
    assert len(hook.invocations) == 6
    assert [one.state for one in station.deliveries()[-6:]] == ["delivered"] * 3 + ["failed"] * 3


def test_retries_end_in_time(server: Any, make_hook: Any, http_answer: Any):
    hook, now = make_hook(server), [0.0]
    sender = Sender(server.world, lambda seconds: now.__setitem__(0, now[0] + seconds), lambda: now[0])
    station = Workstation(server.world, sender=sender)
    hook.answers = lambda _: http_answer(503)
    station.policy = DeliveryPolicy(retries=True, attempts=10, backoff=100)
    station.start(hook.id, "demo-he-1")
    assert (len(hook.invocations), now[0]) == (3, 300.0), "after 100 s and 200 s; not 400 s later"


def test_an_edit_that_can_t_be_sent_changes_nothing(server: Any, make_hook: Any):
    hook = make_hook(server)
    document = {"slideId": "demo-he-1", "displayResult": "2 nuclei", "data": {"context": None}}
    server.world.store.create_result("default", hook.id, "demo-he-1", document, [], "v-1")
    for wrong in (0, -1, 601, float("nan")):
        with pytest.raises(ValueError, match="deadline came as"):
            server.workstation().edit(hook.id, 1, lambda it: it.update(displayResult="3"), deadline=wrong)
    (kept,) = server.get_results(hook.id, "demo-he-1")
    assert (kept.displayResult, kept.versionId) == ("2 nuclei", "v-1")


def test_an_edit_for_which_no_place_is_free_changes_nothing(server: Any, make_hook: Any):
    hook, places = make_hook(server), server.world.deliveries.background
    document = {"slideId": "demo-he-1", "displayResult": "2 nuclei", "data": {"context": None}}
    server.world.store.create_result("default", hook.id, "demo-he-1", document, [], "v-1")
    station, before = server.workstation(wait=False), server.workstation().deliveries()
    assert places.take("default", 64)
    with pytest.raises(Refusal, match="too-many-waiting: Nothing was sent"):
        station.edit(hook.id, 1, lambda it: it.update(displayResult="3"))
    (kept,) = server.get_results(hook.id, "demo-he-1")
    assert (kept.displayResult, kept.versionId, station.deliveries()) == ("2 nuclei", "v-1", before)
    places.leave("default")
    assert station.edit(hook.id, 1, lambda it: it.update(displayResult="3")).state == "waiting"


def test_an_edit_that_fails_gives_its_place_back(server: Any, make_hook: Any, monkeypatch: pytest.MonkeyPatch):
    hook, places = make_hook(server), server.world.deliveries.background
    document = {"slideId": "demo-he-1", "displayResult": "2 nuclei", "data": {"context": None}}
    server.world.store.create_result("default", hook.id, "demo-he-1", document, [], "v-1")
    monkeypatch.setattr(server.world.store, "update_result", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        server.workstation(wait=False).edit(hook.id, 1, lambda it: it.update(displayResult="3"))
    assert places.take("default", 64), "all are free"


def test_more_resends_than_there_are_places_are_refused_before_any_is_sent(server: Any, make_hook: Any):
    hook, station = make_hook(server), server.workstation()
    first = station.start(hook.id, "demo-he-1")
    before = station.deliveries()
    with pytest.raises(Refusal, match=r"too-many-waiting: Nothing was sent: with 65 more"):
        server.workstation(wait=False).resend(first.number, times=65)
    assert (station.deliveries(), len(hook.invocations)) == (before, 1)
    assert len(server.workstation(wait=False).resend(first.number, times=64)) == 64


def test_what_was_fetched_is_not_sent_again(server: Any, make_hook: Any):
    make_hook(server)
    with pytest.raises(Refusal, match=r"The delivery 1 is no invocation, but the app's registration that was fetched"):
        server.workstation().resend(1)
