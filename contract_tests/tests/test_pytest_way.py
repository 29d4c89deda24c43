"""The checks as somebody else's CI runs them: pytest with the options plugin, in a folder of its own."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from fake_pacs.embedding import MockSectraServer
from ia_api_contract import pytest_options, suite
from ia_api_contract.outcomes import EXIT_PASSED, EXIT_TOO_FEW
from ia_api_contract.server_mode import pytest_line
from ia_api_contract.target import Target

TAKEN = frozenset(
    """
    --base-url --url --token --user --headed --browser --browser-channel --device --slowmo --tracing --video
    --screenshot --output --driver --capability --host --port --ds --dc --reuse-db --create-db --no-migrations
    --nomigrations --liveserver --cov --cov-report --cov-config --no-cov --cov-fail-under --cov-branch -n
    --numprocesses --dist --maxprocesses --tx --html --self-contained-html --css --json-report --json-report-file
    --junitxml --junit-xml --junit-prefix --timeout --timeout-method --session-timeout --reruns --reruns-delay
    --only-rerun --randomly-seed --random-order --count --seed --hypothesis-seed --hypothesis-profile
    --hypothesis-show-statistics --benchmark-only --benchmark-skip --alluredir --record-mode --block-network
    --snapshot-update --asyncio-mode --ff --lf --nf --sw --flakes --mypy --ruff --waivers --app --app-id
    --insecure --ca --quick --api-version --sanic --docker-compose --schema --max-examples --integration
    """.split()  # noqa: SIM905 - a list of a hundred words, to be read
)
"""Options of common plugins: base-url, playwright, selenium, django, cov, xdist, html, timeout, rerunfailures …"""


def _pytest(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Runs pytest in that folder, which has no configuration but an empty one."""
    (folder / "pytest.ini").write_text("[pytest]\n")
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments]
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=120, env={**os.environ, "CI": ""}
    )


def _checks(pacs: MockSectraServer, *more: str) -> list[str]:
    options = ["--ia-url", pacs.url, "--ia-token", pacs.token, *more]
    return ["-p", "ia_api_contract.pytest_options", "--pyargs", "ia_api_contract.pytest_checks", *options]


def test_there_is_one_test_for_each_check(pacs: MockSectraServer, tmp_path: Path):
    done = _pytest(tmp_path, "--collect-only", "-q", *_checks(pacs))
    assert re.findall(r"test_check\[(.+)\]", done.stdout) == [check.id for check in suite.CHECKS]


def test_the_line_of_a_failure_makes_that_check_alone(target: Target, pacs: MockSectraServer, tmp_path: Path):
    line = pytest_line(
        target.options, suite.BY_ID["versions.info" if "versions.info" in suite.BY_ID else suite.CHECKS[0].id]
    )
    assert pacs.token not in line
    for name, secret in (("TOKEN", pacs.token), ("PASSWORD", "dev"), ("CONTROL_TOKEN", "dev-control")):
        line = line.replace(f'"${name}"', secret)
    done = _pytest(tmp_path, *shlex.split(line)[1:])
    assert "1 passed" in done.stdout, done.stdout


def test_a_failure_tells_what_the_report_tells(tmp_path: Path):
    with MockSectraServer(missing_version="accept").run(port=0) as pacs:
        done = _pytest(tmp_path, *_checks(pacs, "--ia-quick"), "-k", "missing")
    assert "The contract: updateResult 409" in done.stdout
    assert "curl -i -X PUT" in done.stdout
    assert pacs.token not in done.stdout.replace("--ia-token dev-token", "")


def test_a_waived_failure_is_an_expected_one(tmp_path: Path):
    with MockSectraServer(missing_version="accept").run(port=0) as pacs:
        done = _pytest(tmp_path, *_checks(pacs, "--ia-quick"), "-k", "missing", "-rf")
        ids = re.findall(r"FAILED .*test_check\[(.+?)\]", done.stdout)
        entries = ", ".join(f"{{id: {name}, reason: known, expires: 2099-01-01}}" for name in ids)
        (tmp_path / "w.yaml").write_text(f"waivers: [{entries}]")
        done = _pytest(tmp_path, *_checks(pacs, "--ia-quick", "--ia-waivers", "w.yaml"), "-k", "missing")
    assert ids
    assert done.returncode == EXIT_PASSED, done.stdout
    assert f"{len(ids)} xfailed" in done.stdout


def test_options_are_needed_and_workers_are_refused(pacs: MockSectraServer, tmp_path: Path):
    one = "ia_api_contract.pytest_checks::test_check[schema.getInfo]"
    done = _pytest(tmp_path, "--pyargs", one)
    assert "add -p ia_api_contract.pytest_options" in done.stdout
    done = _pytest(tmp_path, "-p", "ia_api_contract.pytest_options", "--pyargs", one)
    assert "give --ia-url URL" in done.stdout
    done = _pytest(tmp_path, "-n", "1", *_checks(pacs), "-k", "schema.getInfo")
    assert "run without -n" in done.stdout


def test_a_whole_run_of_skips_is_not_green(pacs: MockSectraServer, tmp_path: Path):
    (tmp_path / "conftest.py").write_text(
        "import ia_api_contract.runner as runner\n"
        "from ia_api_contract.outcomes import CheckResult, Outcome\n"
        "runner.run_after = lambda check, target, became: CheckResult(check.id, Outcome.SKIP, 'not here')\n"
    )
    done = _pytest(tmp_path, *_checks(pacs))
    assert done.returncode == EXIT_TOO_FEW, done.stdout
    assert "this run is not green" in done.stdout


def test_options_collide_with_no_common_plugin():
    parser = pytest.Parser(_ispytest=True)
    common = parser.getgroup("common plugins")
    for option in TAKEN:
        if option not in ("-n", "--ff", "--lf", "--nf", "--sw"):
            common.addoption(option, dest=option.strip("-").replace("-", "_"))
    pytest_options.pytest_addoption(parser)
    ours = [name for option in parser.getgroup("ia-api-contract").options for name in option.names()]
    assert len(ours) == len(set(ours)) > 10
    assert all(name.startswith("--ia-") for name in ours)


def test_destinations_are_ours_too():
    taken = {option.strip("-").replace("-", "_") for option in TAKEN}
    ours = {pytest_options.destination(name) for name in pytest_options.TEXTS}
    assert not ours & taken
