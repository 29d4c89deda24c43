"""A month of token renewals in about a second: the emulator's clock is moved, and the client copes."""

import time
from collections.abc import Iterator
from typing import Any

import pytest

from sectra_client import SectraClient
from sectra_client.tokens import ClientCredentials

mock_server = pytest.importorskip("sectra_client.mock_server", reason="needs the extra [server]")
DAY = 86400
APP = "nuclei-counter"


@pytest.fixture
def server() -> Iterator[Any]:
    with mock_server.MockSectraServer().run(port=0) as running:
        yield running


def statuses(server: Any, operation_id: str) -> list[int]:
    journal = server.world.journal
    found = journal.read("default", with_strangers=True, operation_id=operation_id, after=None, limit=None)
    return [exchange.status for exchange in found]


def test_a_client_whose_clock_stood_still_renews_each_token_that_is_refused(server: Any) -> None:
    """The client's clock is the machine's: to it no time has passed, so it learns by 401, once each time."""
    with SectraClient.from_credentials(server.url, APP, "dev", "dev", _allow_http=True) as client:
        for _ in range(30):
            assert client.get_all_results("demo-he-1", APP) == []
            server.clock.advance(DAY)
    assert statuses(server, "createToken") == [200] * 30
    assert statuses(server, "listResults") == [200] + [401, 200] * 29


def test_a_client_whose_clock_moves_along_renews_before_any_token_expires(server: Any) -> None:
    """The client's clock is the emulator's: a month passes for both, and nothing is ever refused."""
    with SectraClient.from_credentials(server.url, APP, "dev", "dev", _allow_http=True) as client:
        own = client._caller._credentials
        assert isinstance(own, ClientCredentials)
        assert own._clock is time.monotonic
        own._clock = lambda: server.clock.now().timestamp()
        for _ in range(30):
            assert client.get_all_results("demo-he-1", APP) == []
            server.clock.advance(DAY)
    assert statuses(server, "createToken") == statuses(server, "listResults") == [200] * 30
