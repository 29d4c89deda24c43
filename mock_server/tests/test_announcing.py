"""Slides that join while the server runs are announced to who is subscribed, in a thread of its own."""

import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import demo_hospital
from fake_pacs.calling.announcing import Announcer
from fake_pacs.cli_slides import read_slides, watching


class Told(list[str]):
    """What was told; `came` is set with each text."""

    def __init__(self) -> None:
        super().__init__()
        self.came = threading.Event()

    def __call__(self, text: str) -> None:
        self.append(text)
        self.came.set()


@pytest.fixture
def server(run_pacs: Any) -> Any:
    return run_pacs()


@pytest.fixture
def subscribed(server: Any, make_hook: Any) -> Any:
    hook = make_hook(server)
    server.world.store.change_app("default", hook.id, notifications=True)
    return hook


def answering(hook: Any, answer: Callable[[], Any]) -> threading.Semaphore:
    """Has the app answer so, and counts."""
    count = threading.Semaphore(0)

    def answered(_: Any) -> Any:
        count.release()
        return answer()

    hook.answers = answered
    return count


def test_announced_slides_reach_the_subscribed_apps(server: Any, subscribed: Any):
    told, count = Told(), answering(subscribed, dict)
    with Announcer(server.world, told) as announcer:
        announcer.announce(["demo-he-1", "demo-ihc-1"])
        assert count.acquire(timeout=10)
        assert count.acquire(timeout=10)
    assert [sent["slideId"] for sent in subscribed.invocations] == ["demo-he-1", "demo-ihc-1"]
    assert told == []


def test_what_goes_wrong_is_told_and_the_next_slide_announced(server: Any, subscribed: Any, http_answer: Any):
    told, count = Told(), answering(subscribed, lambda: http_answer(500))
    with Announcer(server.world, told) as announcer:
        announcer.announce(["gone-slide", "demo-he-1"])
        assert count.acquire(timeout=10)
        assert wait_for(lambda: len(told) == 2)
    assert told[0].startswith("no app is told of slide gone-slide: unknown-slide")
    assert told[1].startswith("told hook-app of slide demo-he-1 (delivery 3): answer.status (must): came 500")


def test_what_apps_answer_has_no_place_in_a_log(server: Any, subscribed: Any, http_answer: Any):
    told, count = Told(), answering(subscribed, lambda: http_answer(500))
    with Announcer(server.world, told, tell_answers=False) as announcer:
        announcer.announce(["demo-he-1", "gone-slide"])  # one after the other
        assert count.acquire(timeout=10)
        assert told.came.wait(10)
    assert [text.split(":")[0] for text in told] == ["no app is told of slide gone-slide"]


def test_an_app_that_hangs_holds_nobody_up(server: Any, subscribed: Any):
    go = threading.Event()
    count = answering(subscribed, lambda: go.wait(10) and {})
    announcer = Announcer(server.world, Told())
    with announcer:
        announcer.announce(["demo-he-1"])
        assert count.acquire(timeout=10)
        began = time.monotonic()
    assert time.monotonic() - began < 2, "it doesn't wait for the app when it stops"
    go.set()


def test_more_than_the_queue_holds_are_told_and_left_out(server: Any):
    told = Told()
    announcer = Announcer(server.world, told, most=2)
    announcer.announce(["a", "b", "c", "d"])
    assert told == ["no app is told of 2 new slides: 2 others wait to be announced"]


def test_a_slide_that_joins_a_watched_folder_is_announced(run_pacs: Any, make_hook: Any, tmp_path: Path):
    server = run_pacs()
    hook = make_hook(server)
    server.world.store.change_app("default", hook.id, notifications=True)
    count = answering(hook, dict)
    slide = demo_hospital.folder() / "slides" / "colon_he.svs"
    shutil.copy(slide, tmp_path / "first.svs")
    reading = read_slides([tmp_path], strict=False, may_be_empty=False)
    with watching(reading, server.world, interval=0.01):
        shutil.copy(slide, tmp_path / "second.svs")
        assert count.acquire(timeout=20)
    assert [sent["slideId"] for sent in hook.invocations] == ["second"]


def wait_for(holds: Callable[[], bool]) -> bool:
    until = time.monotonic() + 10
    while not holds() and time.monotonic() < until:
        time.sleep(0.01)
    return holds()
