"""The commands `fake-pacs apps …` against a running server."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from fake_pacs import cli
from fake_pacs.cli import main
from fake_pacs.cli_server import printable

DOCUMENT = {
    "applicationId": "hook",
    "displayName": "Hook",
    "manufacturer": "Us",
    "url": "http://localhost/hook",
    "inputTemplate": {"type": "wholeSlide"},
}


@pytest.fixture
def app(raw_app: Any, http_answer: Any) -> Callable[..., str]:
    """The URL of an app that can be registered, with these members."""
    return lambda **members: raw_app({"GET /hook": http_answer(200, {**DOCUMENT, **members})}).url


@pytest.fixture
def server(run_pacs: Any) -> Any:
    return run_pacs()


@pytest.fixture
def apps(server: Any) -> Callable[..., Result]:
    """Runs `fake-pacs apps` with these arguments against the server."""

    def run(*arguments: str, **environment: str) -> Result:
        known = {"FAKE_PACS_SERVER": server.root_url, **environment}
        return CliRunner().invoke(main, ["apps", *arguments], env=known)

    return run


def test_an_app_is_added_with_what_is_wrong_with_it(apps: Any, app: Any, server: Any) -> None:
    url = app()
    done = apps("add", url)
    assert done.exit_code == 0, done.output
    first, *findings = done.output.splitlines()
    assert first == f"registered  hook  Hook (Us)  {url}  wholeSlide, enabled, notifications off"
    assert [line.split()[:2] for line in findings] == [
        ["should", "registration.url-differs:"],
        ["should", "info.missing:"],
    ]
    assert [known.application_id for known in server.apps()] == ["hook"]


def test_it_is_listed_switched_and_removed(apps: Any, app: Any) -> None:
    url = app()
    assert "No app is registered" in apps("list").output
    apps("add", url)
    assert apps("disable", "hook").output == f"hook  Hook (Us)  {url}  wholeSlide, disabled, notifications off\n"
    assert "disabled, notifications on" in apps("notifications", "hook", "on").output
    assert "enabled, notifications on" in apps("enable", "hook").output
    assert "notifications off" in apps("notifications", "hook", "off").output
    assert apps("list").output == f"hook  Hook (Us)  {url}  wholeSlide, enabled, notifications off\n"
    assert json.loads(apps("list", "--json").output)[0]["inputTemplate"] == {"type": "wholeSlide"}
    assert apps("remove", "hook").output == "removed  hook\n"
    assert "No app is registered" in apps("list").output


def test_a_context_comes_as_json_or_from_a_file(apps: Any, app: Any, server: Any, tmp_path: Path) -> None:
    apps("add", app())
    assert apps("context", "hook", '{"a": 1}').exit_code == 0
    assert server.apps()[0].context == {"a": 1}
    (tmp_path / "c.json").write_text('{"b": "ä"}', "utf-8")
    assert apps("context", "hook", f"@{tmp_path / 'c.json'}").exit_code == 0
    assert server.apps()[0].context == {"b": "ä"}


@pytest.mark.parametrize(
    ("document", "said"),
    [("{", "holds no JSON"), ("[1]", "holds a list: expected an object"), ("@none.json", "none.json can't be read")],
)
def test_a_context_that_is_none_changes_nothing(apps: Any, document: str, said: str) -> None:
    done = apps("context", "hook", document)
    assert done.exit_code == 1
    assert said in done.output


def test_what_is_refused_ends_with_1_and_says_why(apps: Any, app: Any) -> None:
    for arguments, said in (
        (["add", app(applicationId="a/b")], "/applicationId: came"),
        (["add", "hook"], "expected the URL of an app"),
        (["enable", "none"], "No app 'none' is registered"),
        (["remove", "none"], "fake-pacs apps list lists them"),
        (["list", "--control-token", "other-one"], "The control token is wrong."),
        (["list", "--server", "http://localhost:1"], "does it run?"),
    ):
        done = apps(*arguments)
        assert (done.exit_code, said in done.output) == (1, True), done.output


def test_the_environment_names_the_tenant(apps: Any, app: Any, server: Any) -> None:
    server.world.store.create_tenant("job", "job-token")
    apps("add", app(), FAKE_PACS_TENANT_TOKEN="job-token")
    assert "No app is registered" in apps("list").output
    assert apps("list", "--tenant-token", "job-token").output.startswith("hook")


def test_what_an_app_says_of_itself_is_cut_and_can_t_command_a_terminal(apps: Any, app: Any) -> None:
    done = apps("add", app(displayName="\x1b]0;owned\x07\n\u202e" + "x" * 5000))
    assert done.exit_code == 0
    assert not {"\x1b", "\x07", "\u202e"} & set(done.output)
    assert len(done.output.splitlines()[0]) < 700
    assert "\\x1b]0;owned" in done.output


@pytest.mark.parametrize("given", ["none.pem", "."])
def test_a_ca_file_that_can_t_be_used_ends_serve_at_once(given: str) -> None:
    done = CliRunner().invoke(main, ["serve", "--port", "0", "--app-ca", given])
    assert done.exit_code == 1
    assert f"--app-ca {given} can't be used" in done.output


def test_the_options_of_serve_say_how_apps_are_called(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Any] = []
    monkeypatch.setattr(cli, "_serve", lambda world, *_: told.append(world.settings))
    for arguments in ([], ["--allow-link-local"]):
        assert CliRunner().invoke(main, ["serve", *arguments]).exit_code == 0
    assert [settings.allow_link_local for settings in told] == [False, True]


def test_printable_keeps_what_can_be_read() -> None:
    assert printable("ä\n😀 b") == "ä\n😀 b"
    assert printable("\x1b\ud800") == "\\x1b\\ud800"
    assert printable("abc", 2) == "ab…"
