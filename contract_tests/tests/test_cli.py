import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from fake_pacs.embedding import MockSectraServer
from ia_api_contract import cli, suite
from ia_api_contract.given import TOKEN_VARIABLE, Given, UsageError
from ia_api_contract.outcomes import EXIT_FAILED, EXIT_PASSED, EXIT_TOO_FEW, EXIT_USAGE

CLOSED = "http://localhost:9/v1"
SECRET = "very-secret-token"


def _server(*arguments: str) -> Result:
    return CliRunner(env={TOKEN_VARIABLE: None}).invoke(cli.main, ["server", *arguments])


def test_it_runs_from_an_empty_folder_and_leaves_nothing_there(pacs: MockSectraServer, tmp_path: Path):
    command = [sys.executable, "-m", "ia_api_contract", "server", pacs.url, "--only", "schema.getInfo", "--quick"]
    environment = {**os.environ, TOKEN_VARIABLE: pacs.token, "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == EXIT_PASSED, done.stdout + done.stderr
    assert list(tmp_path.iterdir()) == []
    assert SECRET not in done.stdout + done.stderr


def test_the_header_says_what_was_run_against_what(pacs: MockSectraServer):
    said = _server(
        pacs.url, "--token", SECRET, "--api-version", "1.9", "--only", "versions.*", "--seed", "7", "--quick"
    ).output
    for part in (
        f"target    {pacs.url}",
        "asked as  1.9",
        "reports   1.10 (software 4.2.0.0)",
        "seed      7",
        "quick, 5 examples",
    ):
        assert part in said
    assert "7 slides, 3 applications, 3 cases, known from /_fake_pacs/hospital" in said


def test_without_a_version_it_is_checked_as_what_it_reports():
    with MockSectraServer(api_version="1.9").run(port=0) as pacs:
        assert "asked as  1.9" in _server(pacs.url, "--only", "versions.*").output


def test_a_local_fake_pacs_needs_no_credentials():
    with MockSectraServer().run(port=0) as pacs:
        done = _server(pacs.url, "--only", "tokens.*", "--quick")
        assert done.exit_code == EXIT_PASSED, done.output


def test_a_target_that_needs_a_token_is_not_guessed_at():
    done = _server("https://pacs.invalid/v1")
    assert done.exit_code == EXIT_USAGE
    assert TOKEN_VARIABLE in done.output


def test_a_wrong_token_is_told_once(pacs: MockSectraServer):
    done = _server(pacs.url, "--token", "wrong-token", "--only", "slides.*")
    assert done.exit_code == EXIT_FAILED
    assert "is the token right?" in done.output
    assert "Omitted" in done.output
    assert done.output.count("What came") == 1
    assert "wrong-token" not in done.output


def test_a_missing_base_path_is_told(pacs: MockSectraServer):
    done = _server(pacs.root_url, "--token", SECRET, "--only", "slides.*")
    assert done.exit_code == EXIT_FAILED
    assert "is the base path missing" in done.output


def test_an_unreachable_target_fails_and_its_report_says_so(tmp_path: Path):
    path = tmp_path / "r.json"
    done = _server(CLOSED, "--token", SECRET, "--json", str(path))
    assert done.exit_code == EXIT_FAILED
    assert "got no complete answer" in done.output
    made = json.loads(path.read_text())
    assert [check["id"] for check in made["checks"] if check["outcome"] == "fail"] == ["target.reached"]
    assert made["counts"]["omit"] == len(suite.CHECKS)


def test_a_report_that_can_not_be_written_never_changes_the_verdict(pacs: MockSectraServer, tmp_path: Path):
    (tmp_path / "file").write_text("in the way")
    path = str(tmp_path / "file" / "r.xml")
    done = _server(pacs.url, "--token", SECRET, "--only", "versions.*", "--junit", path)
    assert done.exit_code == EXIT_PASSED
    assert "could not be written" in done.stderr


def test_all_reports_of_a_run_hold_no_secret(pacs: MockSectraServer, tmp_path: Path):
    paths = [str(tmp_path / f"r.{kind}") for kind in ("xml", "html", "json")]
    options = [part for pair in zip(("--junit", "--html", "--json"), paths, strict=True) for part in pair]
    record = str(tmp_path / "record")
    done = _server(pacs.url, "--token", SECRET, "--only", "quality-control.*", "--record", record, *options)
    assert done.exit_code == EXIT_PASSED, done.output
    assert [path.name for path in tmp_path.rglob("*") if path.is_file() and SECRET in path.read_text()] == []
    assert len(list(tmp_path.rglob("*"))) > 5


def test_what_is_not_of_the_version_is_skipped_and_skips_alone_are_not_green(pacs: MockSectraServer):
    done = _server(pacs.url, "--token", SECRET, "--api-version", "1.8", "--only", "quality-control.*")
    assert done.exit_code == EXIT_TOO_FEW
    assert "fewer than the mandatory checks ran" in done.output


def test_waivers_turn_a_failure_green_and_are_checked(tmp_path: Path):
    waivers = tmp_path / "w.yaml"
    waivers.write_text("waivers: [{id: slides.nonsense, reason: x, expires: 2099-01-01}]")
    done = _server(CLOSED, "--token", SECRET, "--waivers", str(waivers))
    assert done.exit_code == EXIT_USAGE
    assert "there is no check 'slides.nonsense'" in done.output


@pytest.mark.parametrize(
    "arguments",
    [
        ("ftp://x",),
        ("http://x", "--token", "t", "--user", "nobody"),
        ("http://x", "--token", "t", "--only", "nothing.*"),
        ("http://x", "--token", "t", "--ca", "missing.pem"),
        ("http://x", "--token", "t", "--api-version", "1.7"),
        ("http://x", "--token", "t", "--max-examples", "0"),
    ],
    ids=" ".join,
)
def test_what_can_not_be_meant_is_wrong_usage(arguments: tuple[str, ...]):
    assert _server(*arguments).exit_code == EXIT_USAGE


def test_the_list_needs_no_target():
    done = _server("--list")
    assert done.exit_code == EXIT_PASSED
    assert all(check.id in done.output for check in suite.CHECKS)


def test_insecure_and_an_authority_exclude_each_other(tmp_path: Path):
    with pytest.raises(UsageError, match="only one of them"):
        Given("https://x", token="t", api_version="1.9", insecure=True, ca=tmp_path).options()


def test_the_effort_is_smaller_when_quick():
    quick, full = (Given("https://x", token="t", api_version="1.9", quick=quick).options() for quick in (True, False))
    assert quick.max_examples < full.max_examples
    assert Given("https://x", token="t", api_version="1.9", quick=True, max_examples=3).options().max_examples == 3
