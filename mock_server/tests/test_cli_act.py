"""`fake-pacs act …` and `fake-pacs deliveries`, against a running server."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from click.testing import CliRunner, Result

from fake_pacs.cli import main

Run = Callable[..., Result]


@pytest.fixture
def server(run_pacs: Any) -> Any:
    return run_pacs()


@pytest.fixture
def hook(server: Any, make_hook: Any) -> Any:
    return make_hook(server)


@pytest.fixture
def run(server: Any) -> Run:
    """Runs a command against the server; its exit status has to be the one given."""

    def invoke(*arguments: str, status: int = 0) -> Result:
        result = CliRunner().invoke(main, arguments, env={"FAKE_PACS_SERVER": server.root_url})
        assert result.exit_code == status, result.output
        return result

    return invoke


def test_a_start_tells_what_came_in_one_line(run: Run, hook: Any):
    told = run("act", "start", hook.id, "demo-he-1").output
    assert told.startswith("#3  create  hook-app  slide demo-he-1  200 in 0.")
    assert told.endswith(" s  ok\n")
    assert hook.invocations[0]["input"] == {"type": "wholeSlide"}


def test_what_is_wrong_is_listed_and_the_exit_status_says_so(run: Run, hook: Any, http_answer: Any):
    hook.answers = lambda _: http_answer(500, b"\x1b[31mno")
    told = run("act", "start", hook.id, "demo-he-1", status=1).output
    assert 'must    answer.status: came 500, expected 200; it said "' in told
    assert "\x1b" not in told
    hook.answers = lambda _: http_answer(201, {})
    assert "should  answer.status: came 201" in run("act", "start", hook.id, "demo-he-1").output


def test_polygons_and_areas(run: Run, server: Any, make_hook: Any):
    tagged = make_hook(server, {"type": "taggedPolygon", "content": {"tags": ["a", "b"]}})
    run("act", "start", tagged.id, "demo-he-1", "--polygon", "0.1,0.1 0.2,0.1 0.2,0.2", "--tag", "1")
    content = tagged.invocations[0]["input"]["content"]
    assert content["polygon"]["points"][2] == {"x": 0.2, "y": 0.2}
    assert content["tagIndex"] == 1
    several = make_hook(server, {"type": "multiArea"})
    area = ("--area", "0.1,0.1 0.2,0.1 0.2,0.2")
    run("act", "start", several.id, "demo-he-1", *area, *area)
    assert len(several.invocations[0]["input"]["content"]["polygons"]) == 2
    for wrong in ("0.1", "0.1,0.2,0.3", "a,b", "0.1,0.1;0.2,0.1"):
        assert "expected corners as x,y" in run("act", "start", "x", "y", "--polygon", wrong, status=2).output


def test_every_other_action(run: Run, server: Any, hook: Any, gallery: dict[str, Any]):
    server.world.store.create_result("default", hook.id, "demo-he-1", gallery, [], "v-1")
    assert "modify  hook-app  result 1  200" in run("act", "edit", hook.id, "1", '{"displayResult": "3"}').output
    run("act", "move-patch", hook.id, "1", "0", "1")
    made = json.loads(run("act", "press", hook.id, "1", "verify", "--json").output)
    run("act", "cancel", str(made[0]["number"]))
    run("act", "delete", hook.id, "1")
    assert [sent["action"] for sent in hook.invocations] == ["modify", "modify", "modify", "cancel", "delete"]
    assert hook.invocations[0]["input"]["displayResult"] == "3"


def test_an_import_that_nobody_hears_says_how_to_subscribe(run: Run, server: Any, hook: Any):
    assert "fake-pacs apps notifications ID on" in run("act", "import", "demo-he-1").output
    run("apps", "notifications", hook.id, "on")
    assert "newImageFiles  hook-app" in run("act", "import", "demo-he-1").output


def test_a_launch_prints_what_the_browser_is_given(run: Run):
    told = run("act", "launch", "dpat-ia-api-external-viewer", "S26-1001", "--issuer", "LAB-NORTH").output
    assert json.loads(told)["requestId"] == "S26-1001"
    assert "accessionNumberIssuer" in run("act", "launch", "dpat-ia-api-external-viewer", "S26-1001", status=1).output


def test_what_is_refused_is_said_in_words(run: Run, hook: Any):
    assert "No app 'x' is registered by its URL" in run("act", "start", "x", "demo-he-1", status=1).output
    assert (
        "is started on a whole slide"
        in run("act", "start", hook.id, "demo-he-1", "--polygon", "0,0 1,0 1,0.5", status=1).output
    )
    assert "holds no JSON" in run("act", "edit", hook.id, "1", "{", status=1).output


def test_without_waiting(run: Run, hook: Any):
    assert run("act", "start", hook.id, "demo-he-1", "--no-wait").output.endswith("  waiting\n")


def test_deliveries_are_listed_and_sent_again(run: Run, hook: Any):
    assert run("deliveries").output.count("\n") == 2
    run("act", "start", hook.id, "demo-he-1")
    lines = run("deliveries").output.splitlines()
    assert [line.partition("  ")[0] for line in lines] == ["#1", "#2", "#3"]
    assert run("deliveries", "resend", "3", "--times", "2").output.startswith("#4 (again: 3)  create")
    assert [one["number"] for one in json.loads(run("deliveries", "--after", "3", "--json").output)] == [4, 5]
    assert run("deliveries", "--app", "another").output == "Nothing was sent to any app.\n"
    assert "There is no delivery 99" in run("deliveries", "resend", "99", status=1).output


def test_the_policy_is_shown_and_changed(run: Run, server: Any):
    assert json.loads(run("deliveries", "policy").output)["retries"] is False
    told = json.loads(run("deliveries", "policy", "--retries", "on", "--backoff", "2", "--duplicates", "1").output)
    assert (told["retries"], told["backoffSeconds"], told["duplicates"]) == (True, 2, 1)
    policy = server.workstation().policy
    assert (policy.retries, policy.backoff, policy.duplicates, policy.deadline) == (True, 2, 1, 30)
    assert json.loads(run("deliveries", "policy", "--retries", "off").output)["duplicates"] == 1
