"""`MockSectraServer` for who writes an app: registering, and `trigger`, `notify`, `get_results` as they were known."""

from typing import Any

import pytest

from fake_pacs.embedding import AppAnswerError, MockSectraServer, Refusal, UrlError
from sectra_client.mock_server import MockSectraServer as OfTheClient
from sectra_client.schemas import CallbackInfo, CreateInvocation, ResultResponse, WholeSlideInput

RESULT = {"slideId": "any-slide", "displayResult": "2 nuclei", "applicationVersion": "1.0", "data": {}}


@pytest.fixture
def server(run_pacs: Any) -> Any:
    return run_pacs()


def test_an_app_is_registered_by_its_url(server: Any, make_hook: Any, raw_app: Any, http_answer: Any):
    hook = make_hook()
    registration = server.register_app(hook.url)
    assert registration.app.application_id == hook.id
    assert server.apps() == [registration.app]
    assert [one.kind for one in server.workstation().deliveries()] == ["registration", "info"]
    with pytest.raises(Refusal):
        server.register_app(raw_app({"GET /hook": http_answer(200, b"<html>", "text/html")}).url)
    with pytest.raises(UrlError):
        server.register_app("ftp://localhost/hook")


def test_a_tenant_registers_its_own(server: Any, make_hook: Any):
    server.world.store.create_tenant("south")
    server.register_app(make_hook().url, tenant="south")
    assert server.apps() == []
    assert [app.application_id for app in server.apps(tenant="south")] == ["hook-app"]


def test_trigger_posts_a_model_and_returns_the_parsed_answer_as_with_the_community_mock(make_hook: Any, call_back: Any):
    with OfTheClient(invent=True).run(port=0) as server:
        hook = make_hook()
        hook.answers = lambda sent: call_back(sent, "POST", "/applications/any-app/results", RESULT)
        invocation = CreateInvocation(
            applicationId="any-app",
            slideId="any-slide",
            callbackInfo=CallbackInfo(url=server.url, token=server.token),
            cancellationToken="c-1",
            input=WholeSlideInput(),
        )
        answer = server.trigger(hook.url, invocation)
        assert answer["id"] == 1
        assert hook.invocations[0] == invocation.model_dump(mode="json")
        (stored,) = server.get_results("any-app", "any-slide")
        assert isinstance(stored, ResultResponse)
        assert stored.displayResult == "2 nuclei"


def test_trigger_posts_a_mapping_as_it_is_whatever_it_is(server: Any, make_hook: Any):
    hook = make_hook()
    for sent in ({"action": "dance"}, {"action": "create", "context": None}, {}):
        assert server.trigger(hook.url, sent) == {}
        assert hook.invocations[-1] == sent
    with pytest.raises((TypeError, ValueError)):
        server.trigger(hook.url, {"a": float("nan")})
    with pytest.raises(UrlError):
        server.trigger("localhost:9000/hook", {})
    with pytest.raises(AppAnswerError, match="address-refused"):
        server.trigger("http://169.254.169.254/hook", {})


def test_notify_sends_an_image_notification_below_the_app_s_url(server: Any, make_hook: Any):
    hook = make_hook()
    assert server.notify(hook.url, "demo-he-1") == {}
    (sent,) = hook.invocations
    assert hook.paths == ["/hook/imagenotification"]
    assert (sent["action"], sent["applicationId"], sent["input"]) == ("newImageFiles", "my-app", {"type": "wholeSlide"})
    assert sent["imageInfo"]["id"] == "demo-he-1"
    assert server.notify(f"{hook.url}/", "demo-he-1", "other-app") == {}
    assert hook.paths == ["/hook/imagenotification"] * 2
    with pytest.raises(Refusal, match="unknown-slide"):
        server.notify(hook.url, "no-such-slide")


def test_notify_agrees_with_what_the_app_then_reads(make_hook: Any, call_back: Any):
    with MockSectraServer(invent=True).run(port=0) as server:
        hook, read = make_hook(), []
        hook.answers = lambda sent: read.append(call_back(sent, "GET", "/slides/any-slide/info")) or {}
        server.notify(hook.url, "any-slide")
        assert read == [hook.invocations[0]["imageInfo"]]


@pytest.mark.parametrize("answer", [(500, b"no"), (200, b"<html>"), (307, b""), (404, {})])
def test_an_answer_that_is_none_is_an_error_that_says_what_came(
    server: Any, make_hook: Any, http_answer: Any, answer: Any
):
    hook = make_hook()
    hook.answers = lambda _: http_answer(*answer)
    with pytest.raises(AppAnswerError, match="the app at http://localhost") as raised:
        server.trigger(hook.url, {"action": "cancel"})
    assert raised.value.delivery.findings
    assert raised.value.delivery.kind == "cancel"


def test_what_stands_in_the_log_of_triggers(server: Any, make_hook: Any, http_answer: Any):
    hook = make_hook()
    hook.answers = lambda _: http_answer(200, b"")
    assert server.trigger(hook.url, {"action": "create", "applicationId": "a", "slideId": "s"}) == {}
    (made,) = server.workstation().deliveries(application_id="a")
    assert (made.kind, made.slide_id, made.ok) == ("create", "s", True)


def test_a_server_that_does_not_run_says_that_apps_cant_call_back(make_hook: Any):
    with pytest.raises(RuntimeError, match="start it first"):
        MockSectraServer().notify(make_hook().url, "demo-he-1")
