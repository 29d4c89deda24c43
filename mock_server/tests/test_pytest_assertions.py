"""What the plugin's assertions say: near misses, by real calls."""

import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from http import HTTPStatus

import pytest

from fake_pacs.testing import FakePacs, Servers, Wanted, wanted

RESULT = b'{"slideId": "demo-he-1", "displayResult": "2 nuclei", "data": {}}'
RESULTS = "/applications/nuclei-counter/results"


@pytest.fixture(scope="module")
def servers() -> Iterator[Servers]:
    """The servers of these tests."""
    servers = Servers()
    yield servers
    servers.close()


@pytest.fixture
def pacs(servers: Servers) -> Iterator[FakePacs]:
    """A fresh tenant."""
    pacs = servers.tenant(Wanted())
    yield pacs
    pacs.close()
    assert pacs.new_errors() == []


def ask(pacs: FakePacs, path: str, body: bytes | None = None, token: str | None = None) -> int:
    headers = {"Authorization": f"Bearer {token or pacs.token}", "Content-Type": "application/json"}
    try:
        with urllib.request.urlopen(urllib.request.Request(pacs.url + path, body, headers), timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code


def failure(pacs: FakePacs, operation: str, **expected: int) -> str:
    with pytest.raises(AssertionError) as caught:
        pacs.assert_called(operation, **expected)
    return str(caught.value)


def test_calls_that_came_are_returned(pacs: FakePacs):
    for _ in range(2):
        ask(pacs, RESULTS, RESULT)
    assert [call.status for call in pacs.assert_called("createResult", times=2)] == [201, 201]
    assert [call.operation_id for call in pacs.calls()] == ["createResult"] * 2


def test_nothing_at_all_asks_for_the_url(pacs: FakePacs):
    assert "Nothing was called at all: does the program under test have fake_pacs.url" in failure(pacs, "getInfo")


def test_too_many_calls_are_listed(pacs: FakePacs):
    for _ in range(2):
        ask(pacs, RESULTS, RESULT)
    text = failure(pacs, "createResult", times=1)
    assert text.startswith("expected createResult once without being refused; it was called 2 times so")
    assert text.count("-> 201 (createResult)") == 2


def test_a_refused_body_names_its_places(pacs: FakePacs):
    ask(pacs, RESULTS, b'{"slideId": 3, "data": {"result": 5}}')
    text = failure(pacs, "createResult")
    assert "-> 400 (createResult)" in text
    assert "breaks the contract in 3 places" in text
    assert text.count("expected") >= 3


def test_a_refused_call_counts_where_its_status_is_asked_for(pacs: FakePacs):
    ask(pacs, RESULTS, b"{}")
    assert len(pacs.assert_called("createResult", status=400)) == 1
    assert "it was called 0 times so" in failure(pacs, "createResult", status=409)


def test_an_unknown_path_comes_with_a_hint(pacs: FakePacs):
    ask(pacs, "/application/nuclei-counter/results", RESULT)
    text = failure(pacs, "createResult")
    assert "Calls that are no operation:" in text
    assert "/application/nuclei-counter/results -> 404" in text
    assert "/applications/" in text


def test_a_caller_that_nobody_knows_is_a_near_miss(pacs: FakePacs):
    ask(pacs, RESULTS, RESULT, token="wrong")
    text = failure(pacs, "createResult")
    assert "-> 401 (createResult), by a caller that nobody knows" in text
    assert "wrong" not in text


def test_a_fault_on_purpose_is_told(pacs: FakePacs):
    from fake_pacs.faults.effects import Status
    from fake_pacs.faults.fault import Fault

    pacs.faults.put(Fault("getInfo", Status(503)))
    assert ask(pacs, "/info") == HTTPStatus.SERVICE_UNAVAILABLE
    assert "on purpose: " in failure(pacs, "getInfo")
    assert ask(pacs, "/info") == HTTPStatus.OK


def test_no_call_means_no_refused_one_either(pacs: FakePacs):
    pacs.assert_not_called("createResult")
    ask(pacs, RESULTS, b"{}")
    with pytest.raises(AssertionError, match="createResult was called, expected no call"):
        pacs.assert_not_called("createResult")


def test_a_call_may_still_come(pacs: FakePacs):
    later = threading.Timer(0.05, ask, (pacs, "/info"))
    later.start()
    pacs.assert_called("getInfo", within=20)
    later.join()


def test_an_operation_of_a_newer_version_is_not_there(servers: Servers):
    old = servers.tenant(Wanted(api_version="1.8"))
    with pytest.raises(ValueError, match=r"IA-API 1\.8 has no operation 'setQualityControl'"):
        old.assert_called("setQualityControl")
    old.close()


def test_one_test_sees_nothing_of_another(servers: Servers, pacs: FakePacs):
    other = servers.tenant(Wanted())
    ask(other, RESULTS, RESULT)
    assert pacs.calls() == []
    assert pacs.results("nuclei-counter") == []
    assert (other.url, other.token == pacs.token) == (pacs.url, False)
    other.close()
    assert other.calls() == []


def test_many_calls_are_counted_and_the_last_are_shown(pacs: FakePacs):
    for _ in range(25):
        ask(pacs, "/info")
    pacs.assert_called("getInfo", times=25)
    assert pacs.story().startswith("(5 earlier calls)")


def test_settings_and_markers_add_up():
    given = {"api_version": "1.9", "slides": [], "applications": ["a"], "forced_version": None}
    found = wanted(given, [{"api_version": "1.8", "applications": "b"}, {"applications": ["c"], "invent": True}])
    assert found == Wanted(api_version="1.8", applications=("a", "b", "c"), invent=True)
    assert wanted({**given, "forced_version": "1.10"}, [{"api_version": "1.8"}]).api_version == "1.10"
    with pytest.raises(ValueError, match="no 'slide'"):
        wanted({}, [{"slide": 1}])
