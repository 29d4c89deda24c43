"""The command line of the app mode among files that are missing, broken or in the way, and users who leave."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from html import escape
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from demo_hospital import folder
from example_app.app import create_app
from ia_api_contract import app_mode, cli
from ia_api_contract.cli_reporting import EXIT_INTERRUPTED
from ia_api_contract.outcomes import EXIT_FAILED, EXIT_PASSED, EXIT_USAGE
from meta_tests.apps.bad_app import serving

QUICK = ("--api-version", "1.10", "--timeout", "10")
MANDATORY = ("app.registration-answered", "app.registration-members", "app.create-answered")


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """The example app."""
    with serving(create_app().wsgi_app) as served:
        yield served


@pytest.fixture
def nothing() -> str:
    """A URL at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return f"http://127.0.0.1:{free.getsockname()[1]}/hook"


def _app(*arguments: str) -> Result:
    return CliRunner().invoke(cli.main, ["app", *arguments])


def _only(*names: str) -> list[str]:
    return [word for name in names for word in ("--only", name)]


@pytest.mark.parametrize("option", ["--html", "--json", "--junit", "--write-expected"])
def test_a_folder_in_the_place_of_a_report_is_told_and_the_run_is_made(url: str, tmp_path: Path, option: str):
    done = _app(url, *QUICK, *_only(*MANDATORY), option, str(tmp_path))
    assert done.exit_code == EXIT_PASSED
    assert "3 pass" in done.output
    assert "the verdict stays as it is" in done.output


@pytest.mark.parametrize("option", ["--html", "--json", "--junit", "--write-expected", "--expected", "--waivers"])
def test_a_dash_is_no_file(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, option: str):
    monkeypatch.chdir(tmp_path)
    done = _app(url, *QUICK, *_only(*MANDATORY), option, "-")
    assert (done.exit_code, [*tmp_path.iterdir()]) == (EXIT_USAGE, [])
    assert f"'{option}': '-' names no file here" in done.output


def test_a_failure_stays_one_where_its_report_can_not_be_written(nothing: str, tmp_path: Path):
    done = _app(nothing, *QUICK, *_only("app.registration-answered"), "--junit", str(tmp_path))
    assert done.exit_code == EXIT_FAILED
    assert "the verdict stays as it is" in done.output


def _waiving(tmp_path: Path, *names: str, until: str = "2099-01-01") -> str:
    file = tmp_path / "waivers.yaml"
    entries = [{"id": name, "reason": "it is known", "expires": until} for name in names]
    file.write_text(json.dumps({"waivers": entries}))
    return str(file)


def test_a_waived_failure_is_told_and_fails_nothing(nothing: str, tmp_path: Path):
    chosen = [nothing, *QUICK, *_only("app.registration-answered")]
    waived = _app(*chosen, "--waivers", _waiving(tmp_path, "app.registration-answered"))
    expired = _app(*chosen, "--waivers", _waiving(tmp_path, "app.registration-answered", until="2020-01-01"))
    assert "1 waived of 1 check" in waived.output
    assert waived.exit_code == EXIT_PASSED
    assert expired.exit_code == EXIT_FAILED
    assert "Its waiver expired on 2020-01-01" in expired.output


def test_a_waiver_that_is_not_used_is_told(url: str, tmp_path: Path):
    done = _app(url, *QUICK, *_only(*MANDATORY), "--waivers", _waiving(tmp_path, "app.create-answered"))
    assert done.exit_code == EXIT_PASSED
    assert "The waiver of app.create-answered is not used: it passed." in done.output


@pytest.mark.parametrize("content", [b'{"waivers": [{"id": "app.nope"}]}', b"[" * 100_000, b"\xff"])
def test_waivers_that_are_none_are_a_usage_error(url: str, tmp_path: Path, content: bytes):
    file = tmp_path / "waivers.yaml"
    file.write_bytes(content)
    assert _app(url, *QUICK, "--waivers", str(file)).exit_code == EXIT_USAGE


def test_a_missing_file_of_expected_results_is_a_usage_error(url: str, tmp_path: Path):
    done = _app(url, "--expected", str(tmp_path / "none.json"))
    assert done.exit_code == EXIT_USAGE
    assert "--write-expected FILE makes one" in done.output
    assert "Errno" not in done.output


@pytest.mark.parametrize("seconds", ["nan", "inf", "0", "soon"])
def test_a_time_that_is_none_is_a_usage_error(url: str, seconds: str):
    done = _app(url, "--timeout", seconds)
    assert done.exit_code == EXIT_USAGE
    assert "--timeout" in done.output


def test_a_slide_that_is_none_is_a_usage_error(url: str, tmp_path: Path):
    file = tmp_path / "slide.svs"
    file.write_text("no slide")
    done = _app(url, *QUICK, "--slide", str(file))
    assert done.exit_code == EXIT_USAGE
    assert "is no slide that can be read" in done.output


def test_a_slide_of_the_user_s_is_shown_and_there_is_no_corner_slide(url: str, tmp_path: Path):
    slide = folder() / "slides" / "breast_he.tiff"
    page = tmp_path / "report.html"
    shown = ("--slide", str(slide), "--html", str(page))
    done = _app(url, *QUICK, *shown, *_only(*MANDATORY, "app.result-coordinates"))
    assert done.exit_code == EXIT_PASSED, done.output
    assert "4 pass" in done.output
    note = "with --slide the app isn't shown the corner slide"
    assert note in " ".join(done.output.split())
    assert escape(note) in page.read_text("utf-8")
    assert note not in _app(url, *QUICK, *_only(*MANDATORY, "app.result-coordinates")).output


def test_ctrl_c_ends_it_without_a_verdict(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def interrupted(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(app_mode, "run", interrupted)
    done = _app(url, *QUICK, "--html", str(tmp_path / "r.html"))
    assert done.exit_code == EXIT_INTERRUPTED
    assert "there is no verdict" in done.output
    assert not (tmp_path / "r.html").exists()


def test_a_reader_who_leaves_changes_nothing(url: str, tmp_path: Path):
    file = tmp_path / "r.json"
    command = [sys.executable, "-m", "ia_api_contract", "app", url, *QUICK, *_only(*MANDATORY), "--json", str(file)]
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as out:
        ended = subprocess.run(command, stdout=out, stderr=subprocess.PIPE, timeout=60, check=False)
    assert ended.returncode == EXIT_PASSED, ended.stderr
    assert json.loads(file.read_text())["exitStatus"] == EXIT_PASSED
