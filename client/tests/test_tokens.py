"""Tokens: fetched, renewed in time, renewed on refusal; once, whatever many threads do."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from sectra_client import (
    RetryPolicy,
    SectraClient,
    SectraForbiddenError,
    SectraServerError,
    SectraUnauthorisedError,
    SectraUnreadableAnswerError,
    get_launch_data,
)
from sectra_client.schemas import Token
from sectra_client.single_flight import SingleFlight
from sectra_client.tokens import ClientCredentials, FixedToken

LISTED = "/applications/app/results/slide/s"


def grant(name: str, seconds: int = 3600) -> dict[str, object]:
    return {"access_token": name, "token_type": "Bearer", "expires_in": seconds}


class Counting:
    """A fetch that hands out t1, t2, …"""

    def __init__(self, lifetime: int, delay: float = 0) -> None:
        self.count = 0
        self._lifetime, self._delay = lifetime, delay

    def __call__(self) -> Token:
        time.sleep(self._delay)
        self.count += 1
        return Token(access_token=f"t{self.count}", token_type="Bearer", expires_in=self._lifetime)


@pytest.mark.parametrize(("lifetime", "renewed_at"), [(3600, 3540), (120, 60), (60, 30), (1, 0.5)])
def test_a_token_is_renewed_before_it_expires(lifetime: int, renewed_at: float) -> None:
    now = [1000.0]
    source = ClientCredentials(Counting(lifetime), clock=lambda: now[0])
    assert source.token() == "t1"
    now[0] = 1000 + renewed_at - 0.01
    assert source.token() == "t1"
    now[0] = 1000 + renewed_at
    assert source.token() == "t2"


def test_threads_share_one_fetch() -> None:
    fetch = Counting(3600, delay=0.05)
    source = ClientCredentials(fetch)
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(lambda _: source.token(), range(8))) == {"t1"}
        assert set(pool.map(lambda _: source.renewed("t1"), range(8))) == {"t2"}
    assert fetch.count == 2


def test_a_failed_fetch_is_tried_again_by_the_next() -> None:
    answers: list[Any] = [SectraUnreadableAnswerError("no"), Token(access_token="t", token_type="Bearer", expires_in=9)]

    def fetch() -> Token:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer  # type: ignore[no-any-return]

    source = ClientCredentials(fetch)
    with pytest.raises(SectraUnreadableAnswerError):
        source.token()
    assert source.token() == "t"


@pytest.mark.parametrize("unusable", ["", " ", "a b", "tökén", "a\nb"])
def test_an_unusable_token_is_the_servers_fault_and_leaves_nothing_half_set(unusable: str) -> None:
    answers = [unusable, unusable, "good"]
    source = ClientCredentials(lambda: Token(access_token=answers.pop(0), token_type="Bearer", expires_in=3600))
    for ask in (source.token, lambda: source.renewed("old")):
        with pytest.raises(SectraUnreadableAnswerError, match="the answer to /token can't be used") as caught:
            ask()
        assert not unusable.strip() or unusable not in str(caught.value)
    assert source.token() == source.token() == "good"


def test_an_unusable_token_does_not_replace_the_one_that_is_held() -> None:
    answers = ["good", "a b"]
    source = ClientCredentials(lambda: Token(access_token=answers.pop(0), token_type="Bearer", expires_in=3600))
    assert source.token() == "good"
    with pytest.raises(SectraUnreadableAnswerError):
        source.renewed("good")
    assert source.token() == "good"


@pytest.mark.parametrize("seconds", [-(10**400), -5, 0, 10**400])
def test_odd_lifetimes_are_borne(seconds: int) -> None:
    fetch = Counting(seconds)
    source = ClientCredentials(fetch, clock=lambda: 1000.0)
    assert [source.token(), source.token()] == (["t1", "t1"] if seconds > 0 else ["t1", "t2"])


def together(ask: Any, threads: int = 16) -> list[Any]:
    """What the call returned or raised in each of the threads, which begin at the same time."""
    begin = threading.Barrier(threads)

    def one(_: int) -> Any:
        begin.wait()
        try:
            return ask()
        except Exception as error:
            return error

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(one, range(threads)))


def test_threads_share_one_failure() -> None:
    count = []

    def fetch() -> Token:
        count.append(1)
        time.sleep(0.2)
        raise SectraUnreadableAnswerError("no token today")

    errors = together(ClientCredentials(fetch).token)
    assert len(count) == 1
    assert len(set(map(id, errors))) == 1
    assert isinstance(errors[0], SectraUnreadableAnswerError)


@pytest.mark.parametrize("path", ["/token", "/info"])
def test_a_dead_endpoint_is_asked_by_one_thread_for_all(pacs: Any, own: SectraClient, path: str) -> None:
    pacs.on("/token", pacs.answer(grant("t1")))
    pacs.on(path, [0.2, pacs.answer({"detail": "down"}, 500)])
    errors = together(lambda: own.get_all_results("s", "app"))
    assert {type(error) for error in errors} == {SectraServerError}
    assert len(pacs.asked(path)) == 1
    assert pacs.asked(LISTED) == []


def test_who_waited_for_a_stopped_thread_works_instead() -> None:
    flight, began, waits = SingleFlight[str](), threading.Event(), threading.Event()

    def stopped() -> str:
        began.set()
        waits.wait(5)
        raise KeyboardInterrupt

    def first() -> None:
        with pytest.raises(KeyboardInterrupt):
            flight.get(lambda: None, stopped)

    with ThreadPoolExecutor(2) as pool:
        leader = pool.submit(first)
        began.wait(5)
        follower = pool.submit(flight.get, lambda: None, lambda: "mine")
        waits.set()
        leader.result(5)
        assert follower.result(5) == "mine"


def test_a_user_name_with_a_colon_is_refused() -> None:
    with pytest.raises(ValueError, match="the user name has a colon") as caught:
        SectraClient.from_credentials("https://pacs", "app", "us:er", "hidden")
    assert "hidden" not in str(caught.value)


@pytest.mark.parametrize("wrong", ["", " ", "two words", "line\nbreak", "ümlaut"])
def test_what_is_no_token_is_refused_unseen(wrong: str) -> None:
    with pytest.raises(ValueError, match="the token is empty or has characters") as caught:
        FixedToken(wrong)
    assert not wrong.strip() or wrong not in str(caught.value)


def test_what_an_environment_lacks_is_refused_by_name() -> None:
    missing: Any = None
    with pytest.raises(ValueError, match="the token is empty"):
        SectraClient("https://pacs", missing)
    with pytest.raises(ValueError, match="username is no text"):
        SectraClient.from_credentials("https://pacs", "app", missing, "pass")
    with pytest.raises(ValueError, match="password is no text"):
        SectraClient.from_credentials("https://pacs", "app", "user", missing)
    with pytest.raises(ValueError, match="the base URL is None"):
        SectraClient(missing, "token")


@pytest.mark.parametrize("wrong", [(), (1,), (1, 2, 3), (None, 1), "3", True, 0, float("nan")])
def test_what_is_no_timeout_is_refused_with_what_is_expected(wrong: Any) -> None:
    with pytest.raises(ValueError, match=r"expected positive seconds, or a pair \(connect, read\)"):
        SectraClient("https://pacs", "token", timeout=wrong)


def test_a_token_from_a_file_may_end_in_a_newline() -> None:
    assert FixedToken("abc\n").token() == "abc"


@pytest.fixture
def own(pacs: Any, policy: RetryPolicy) -> SectraClient:
    return SectraClient.from_credentials(
        pacs.url, "app", "user", "pass:wörd", _allow_http=True, timeout=2, retry=policy
    )


def test_credentials_become_a_token(pacs: Any, own: SectraClient) -> None:
    pacs.on("/token", pacs.answer(grant("t1")))
    pacs.on(LISTED, pacs.answer([]))
    own.get_all_results("s", "app")
    own.get_all_results("s", "app")
    (asked,) = pacs.asked("/token")
    assert (asked.method, asked.target, asked.body) == (
        "POST",
        "/base/token?applicationId=app",
        b"grant_type=client_credentials",
    )
    assert asked.headers["authorization"] == "Basic dXNlcjpwYXNzOnfDtnJk"
    assert asked.headers["content-type"] == "application/x-www-form-urlencoded"
    assert {request.headers["authorization"] for request in pacs.received} - {asked.headers["authorization"]} == {
        "Bearer t1"
    }


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_token_is_renewed_once(pacs: Any, own: SectraClient, status: int) -> None:
    pacs.on("/token", pacs.answer(grant("t1")), pacs.answer(grant("t2")), pacs.answer(grant("t3")))
    pacs.on(LISTED, pacs.answer({}, status), pacs.answer([]), pacs.answer({}, status))
    assert own.get_all_results("s", "app") == []
    assert [request.headers["authorization"] for request in pacs.asked(LISTED)] == ["Bearer t1", "Bearer t2"]
    with pytest.raises(SectraUnauthorisedError):
        own.get_all_results("s", "app")
    assert len(pacs.asked("/token")) == 3


def test_wrong_credentials_are_named_and_not_tried_again(pacs: Any, own: SectraClient) -> None:
    pacs.on("/token", pacs.answer({"detail": "no such user"}, 401))
    with pytest.raises(SectraUnauthorisedError) as caught:
        _ = own.version_info
    assert caught.value.path == "/token"
    assert "pass" not in str(caught.value)
    assert len(pacs.asked("/token")) == 1


def test_a_given_token_is_not_renewed(pacs: Any, client: SectraClient) -> None:
    pacs.on(LISTED, pacs.answer({}, 403))
    with pytest.raises(SectraForbiddenError):
        client.get_all_results("s", "app")
    assert len(pacs.asked(LISTED)) == 1


def test_many_threads_with_an_expired_token_renew_it_once(pacs: Any, own: SectraClient) -> None:
    valid = ["t1"]
    pacs.on("/token", pacs.answer(grant("t1")), pacs.answer(grant("t2")))

    def script_for(request: Any) -> list[bytes]:
        if request.path == f"/base{LISTED}":
            ok = request.headers["authorization"] == f"Bearer {valid[0]}"
            return [pacs.answer([]) if ok else pacs.answer({}, 401)]
        return original(request)  # type: ignore[no-any-return]

    original, pacs.script_for = pacs.script_for, script_for
    own.get_all_results("s", "app")
    valid[0] = "t2"
    together = threading.Barrier(6)

    def ask(_: int) -> list[Any]:
        together.wait()
        return own.get_all_results("s", "app")

    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(ask, range(6))) == [[]] * 6
    assert len(pacs.asked("/token")) == 2


def test_launch_data_need_no_bearer_token(pacs: Any, policy: RetryPolicy) -> None:
    launched = {
        "callbackInfo": {"url": pacs.url, "token": "t"},
        "blocks": [{"name": "A1", "slides": [{"id": "s", "description": "H&E"}]}],
    }
    pacs.on("/launchdata", pacs.answer(launched))
    data = get_launch_data(pacs.url, "S26-1", "s/e+s sion", "app", _allow_http=True, retry=policy)
    assert data.blocks[0].slides[0].id == "s"
    (asked,) = pacs.received
    assert "authorization" not in asked.headers
    assert asked.target == "/base/launchdata?requestId=S26-1&sessionToken=s%2Fe%2Bs+sion&appId=app"


def test_a_failed_launch_does_not_show_its_session_token(pacs: Any, policy: RetryPolicy) -> None:
    pacs.on("/launchdata", ["close"])
    with pytest.raises(ConnectionError) as caught:
        get_launch_data(pacs.url, "S26-1", "hidden-session", "app", _allow_http=True, retry=policy)
    assert "hidden" not in str(caught.value)
    assert caught.value.__suppress_context__
