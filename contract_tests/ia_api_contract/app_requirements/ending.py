"""Cancelling and deleting."""

import threading
from collections.abc import Callable
from threading import Thread

from fake_pacs.embedding import invocations
from ia_api_contract.app_pacs import SLIDE, Asked, Meddler, Response
from ia_api_contract.app_requirements.asking import OURS, REGISTERED, STARTED, STORED, in_time, must, should
from ia_api_contract.app_scene import Visit, scene
from ia_api_contract.app_target import AppTarget
from ia_api_contract.check import Check
from ia_api_contract.outcomes import Skipped, expect

CANCELLED, RUNNING = "app.cancel-answered", "app.cancel-while-running"
PATIENCE = 10.0
"""Seconds in which a cancel must be answered while the start that it stops still runs (or the timeout, if less)."""


def cancelled(target: AppTarget) -> None:
    """A cancel of what is over is answered with 200."""
    with scene(target) as made:
        visit = made.start()
        visit.taken("the start")
        before = made.settled()
        made.cancel(visit.invocation["cancellationToken"]).taken("the cancel of a start that is over")
        expect(made.results() == before, "the cancel of a start that is over changed what is stored")


def unknown(target: AppTarget) -> None:
    """A cancel of nothing is no accident."""
    with scene(target) as made:
        answer = in_time(made.cancel("never-given-out"))
        expect(answer.status < 500, f"a cancel with an unknown token was answered with {answer}")


def _held(gate: threading.Event, reached: threading.Event, seconds: float) -> Meddler:
    """Holds the app's second request, so that a start is under way for as long as it takes."""
    held = threading.Lock()

    def meddler(asked: Asked, right: Callable[[], Response]) -> Response:
        if not asked.path.endswith("/info") or "/slides/" in asked.path:
            with held:
                first = not reached.is_set()
                reached.set()
            if first:
                gate.wait(seconds)
        return right()

    return meddler


class _Running:
    """A start that is held while it runs, and the cancel that was sent meanwhile."""

    def __init__(self, target: AppTarget) -> None:
        gate, reached = threading.Event(), threading.Event()
        patience = min(PATIENCE, target.options.timeout)
        with scene(target) as made:
            made.meddle(_held(gate, reached, patience + 1))
            shared, token = made.shared(SLIDE), f"stop-{made.tenant}"
            invocation = invocations.create(shared, token, target.given())
            visits: list[Visit] = []
            thread = Thread(target=lambda: visits.append(made.send(invocation)))
            thread.start()
            try:
                if not reached.wait(patience):
                    raise Skipped("the app asks the PACS nothing while it works: it can't be held")
                self.cancel = made.send(invocations.cancel(shared, token), timeout=patience)
            finally:
                gate.set()
                thread.join()
            self.start = visits[0]
            self.results = made.results()


def while_running(target: AppTarget) -> None:
    """A cancel is answered while the start still runs."""
    _Running(target).cancel.taken("the cancel of a start that still runs")


def stops(target: AppTarget) -> None:
    """A start that was cancelled stores nothing more."""
    running = _Running(target)
    in_time(running.start)
    expect(not running.results, "the start was cancelled before the app had seen the slide, and stored a result")


def deleted(target: AppTarget) -> None:
    """A deletion is answered with 200."""
    with scene(target) as made:
        made.delete(made.started()).taken("the deletion")


def stays_deleted(target: AppTarget) -> None:
    """After a deletion nothing is stored anew."""
    with scene(target) as made:
        result = made.started()
        made.delete(result).needed()
        left = [other["id"] for other in made.results() if other["id"] != result["id"]]
        expect(not left, f"told that the result {result['id']} is removed, the app stored {left}")
        now = made.result(result["id"])
        expect(now["versionId"] == result["versionId"], "told that a result is removed, the app changed it")


def deleted_before(target: AppTarget) -> None:
    """A deletion of what is gone is no accident."""
    with scene(target) as made:
        result = made.started()
        made.remove(result["id"])
        answer = in_time(made.delete(result))
        expect(answer.status < 500, f"the deletion of a result that is gone was answered with {answer}")


CHECKS: tuple[Check, ...] = (
    must(
        CANCELLED,
        "A cancel of a start that is over is answered with 200, and changes nothing.",
        "invoke 200",
        "Users press cancel when they are tired of waiting: often just too late.",
        cancelled,
    ),
    should(
        "app.cancel-unknown",
        "A cancel with a token that was never given out is answered without 5xx.",
        "invoke 200",
        "An app that was restarted doesn't know what it was told before.",
        unknown,
        own=OURS,
    ),
    must(
        RUNNING,
        "A cancel is answered with 200 while the start that it stops still runs.",
        "invoke 200",
        "An app that does one thing at a time can't be stopped, and blocks all users.",
        while_running,
        needs=(REGISTERED, STARTED, CANCELLED),
        own=OURS,
    ),
    should(
        "app.cancel-stops",
        "A start that is cancelled while it runs stores no result.",
        "invoke 200",
        "The user doesn't want it any more.",
        stops,
        needs=(RUNNING, STORED),
        own=OURS,
    ),
    must(
        "app.delete-answered",
        "The deletion of a result is answered with 200, in time.",
        "invoke 200",
        "The user waits for it.",
        deleted,
        needs=(STORED,),
    ),
    must(
        "app.delete-stays",
        "Told of a deletion, the app stores and changes nothing.",
        "invoke 200",
        "What the user removed must not come back.",
        stays_deleted,
        needs=(STORED,),
        own=OURS,
    ),
    should(
        "app.delete-gone",
        "The deletion of a result that is gone already is answered without 5xx.",
        "invoke 200",
        "The PACS may tell of it when it is done, or twice.",
        deleted_before,
        needs=(STORED,),
        own=OURS,
    ),
)
