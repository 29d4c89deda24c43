"""The table of faults: what it refuses to hold, and that it costs nothing while it is empty."""

from collections.abc import Callable
from typing import Any

import pytest

from fake_pacs.calls import Call, Caller

WRONG: list[tuple[str, Callable[[Any], Any]]] = [
    ("expected .* operation of this server; did you mean getInfo", lambda faults: faults.status("getinfo", 500)),
    ("status: came 199, expected 200 to 599", lambda faults: faults.status("getInfo", 199)),
    ("status: came 600", lambda faults: faults.status("getInfo", 600)),
    ("headers: came 'Content-Length'", lambda faults: faults.status("getInfo", 500, headers={"Content-Length": "1"})),
    ("headers: came 'X'", lambda faults: faults.status("getInfo", 500, headers={"X": "a\r\nb"})),
    ("body: an answer with status 204", lambda faults: faults.status("getInfo", 204, body="x")),
    ("body: came 65537 characters", lambda faults: faults.status("getInfo", 500, body="x" * 65537)),
    ("at most 50 headers", lambda faults: faults.status("getInfo", 500, headers={f"X-{n}": "" for n in range(51)})),
    ("at most 50 headers of 4096", lambda faults: faults.status("getInfo", 500, headers={"X": "x" * 4097})),
    ("times: came 0", lambda faults: faults.status("getInfo", 500, times=0)),
    ("after: came -1", lambda faults: faults.status("getInfo", 500, after=-1)),
    ("afterBytes: came -1", lambda faults: faults.truncate("getInfo", after_bytes=-1)),
    ("afterBytes: a request that", lambda faults: faults.reset("getInfo", after_bytes=1, carried_out=False)),
    ("bytesPerSecond: came 0", lambda faults: faults.dribble("getInfo", 0)),
    ("by: came 0", lambda faults: faults.wrong_length("getInfo", 0)),
    ("damage: came 'all'", lambda faults: faults.malformed_multipart("all")),
    ("retryAfter: came -1", lambda faults: faults.too_many_requests("getInfo", -1)),
    ("either afterCalls or afterBytes", lambda faults: faults.expire_token()),
    ("latency.seconds: came nothing", lambda faults: faults.slow("getInfo")),
    ("a fault needs an effect", lambda faults: faults.add("getInfo", None)),
]


@pytest.mark.parametrize(("message", "ask"), WRONG)
def test_what_can_t_be_done_is_refused_with_its_place(pacs: Any, message: str, ask: Callable[[Any], Any]) -> None:
    with pytest.raises(ValueError, match=message):
        ask(pacs.server.faults)
    assert pacs.server.faults.records == ()


def test_the_table_is_bounded(pacs: Any) -> None:
    for _ in range(1000):
        pacs.server.faults.status("getInfo", 500)
    with pytest.raises(ValueError, match="the table holds 1000"):
        pacs.server.faults.status("getInfo", 500)


def test_without_faults_an_exchange_is_looked_at_and_let_go(pacs: Any) -> None:
    table = pacs.server.world.faults
    call = Call("getSlideInfo", {"slideId": "demo-he-1"}, Caller("default"), "")
    assert table.touch(call, "Bearer dev-token", lambda _: None) is None
    assert table.of("default").idle
    pacs.server.faults.status("getInfo", 503)
    assert not table.of("default").idle
    pacs.server.faults.clear()
    assert table.touch(call, "Bearer dev-token", lambda _: None) is None
