"""The recipes of docs/recipes: each is parsed, and its shell lines run in their order, as far as that can be done here.

Replaced are: what installs packages (they are installed), the making of an environment of its own (it is this one), and
the services' own expressions by the values that they have.
"""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml
from tools.repository import ROOT, in_ci

FOLDER = ROOT / "docs" / "recipes"
VERSIONS = ["1.8", "1.9", "1.10"]
INSTALLS = re.compile(r"^\s*\S*python3? -m pip install (?P<what>.+)$", re.MULTILINE)
KIT = re.compile(r"ia-api-kit\[server\] @ git\+https://git\.example/ia-api-kit\.git@v[\d.]+")
APP_TEST = """
import json, os, urllib.request

def test_the_pacs_is_there_in_the_version_that_was_asked_for():
    request = urllib.request.Request(os.environ["IA_API_URL"] + "/info")
    request.add_header("Authorization", "Bearer " + os.environ["IA_API_TOKEN"])
    with urllib.request.urlopen(request) as answer:
        found = json.load(answer)["apiVersion"]
    assert found == os.environ.get("EXPECTED_VERSION", found)
    with open("versions.txt", "a") as told:
        told.write(found + "\\n")
"""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not in_ci() and not all(map(shutil.which, ("bash", "curl"))), reason="the recipes need bash and curl"
    ),
]


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """A folder with a small app's tests."""
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_app.py").write_text(APP_TEST, "utf-8")
    return tmp_path


@pytest.fixture
def unused_port() -> int:
    """A port that was free a moment ago."""
    with socket.create_server(("localhost", 0)) as taken:
        port: int = taken.getsockname()[1]
    return port


def environment(**more: str) -> dict[str, str]:
    """That of a CI job: our programs first in the path, nothing of the fake PACS's own in it."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("FAKE_PACS", "IA_API", "PYTEST"))}
    return {**kept, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{kept['PATH']}", **more}


def read(name: str) -> Any:
    return yaml.safe_load((FOLDER / name).read_text("utf-8"))


def without_installs(script: str) -> str:
    """The script without the lines that install packages; there must be nothing unknown among them."""
    for found in INSTALLS.finditer(script):
        assert found["what"] in ('"$IA_API_KIT" pytest', "pytest"), found["what"]
    return INSTALLS.sub("true", script)


def run(script: str, folder: Path, **more: str) -> subprocess.CompletedProcess[str]:
    """Runs a script as a CI service does: in one shell that stops at the first error."""
    command = ["bash", "-eo", "pipefail", "-c", without_installs(script)]
    return subprocess.run(
        command, cwd=folder, env=environment(**more), capture_output=True, text=True, timeout=120, check=False
    )


def went_well(done: subprocess.CompletedProcess[str], folder: Path, report: str = "report.xml") -> None:
    """The script ended well and the report that the recipe publishes is there, with a test in it."""
    assert done.returncode == 0, done.stdout + done.stderr
    suite = ElementTree.parse(folder / report).getroot().find("testsuite")
    assert suite is not None
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("1", "0", "0")


def versions_met(folder: Path) -> list[str]:
    return (folder / "versions.txt").read_text().split()


def test_github_actions(app: Path) -> None:
    recipe = read("github-actions.yml")
    job = recipe["jobs"]["test"]
    assert recipe[True] == ["push", "pull_request"], "YAML 1.1 reads `on` as true"
    assert KIT.fullmatch(recipe["env"]["IA_API_KIT"])
    assert job["strategy"]["matrix"]["api-version"] == VERSIONS
    assert all(re.fullmatch(r"actions/[\w-]+@v\d+", step["uses"]) for step in job["steps"] if "uses" in step)
    assert job["steps"][-1]["with"]["path"] == "report.xml"
    for version in VERSIONS:
        scripts = [step["run"].replace("${{ matrix.api-version }}", version) for step in job["steps"] if "run" in step]
        assert not [script for script in scripts if "${{" in script]
        for script in scripts:
            done = run(script, app, EXPECTED_VERSION=version)
        went_well(done, app)
    assert versions_met(app) == VERSIONS


def test_gitlab(app: Path) -> None:
    recipe = read("gitlab-ci.yml")
    job = recipe["ia-api"]
    assert KIT.fullmatch(recipe["variables"]["IA_API_KIT"])
    assert job["artifacts"]["reports"]["junit"] == "report.xml"
    for version in job["parallel"]["matrix"][0]["API_VERSION"]:
        script = "\n".join([*job["before_script"], *job["script"]])
        went_well(run(script, app, API_VERSION=version, EXPECTED_VERSION=version), app)
    assert versions_met(app) == VERSIONS


def test_azure_pipelines(app: Path) -> None:
    recipe = read("azure-pipelines.yml")
    job = recipe["jobs"][0]
    assert KIT.fullmatch(recipe["variables"]["IA_API_KIT"])
    assert job["steps"][-1]["inputs"]["testResultsFiles"] == "report.xml"
    for values in job["strategy"]["matrix"].values():
        version = values["apiVersion"]
        for step in (step for step in job["steps"] if "bash" in step):
            done = run(step["bash"].replace("$(apiVersion)", version), app, EXPECTED_VERSION=version)
        went_well(done, app)
    assert versions_met(app) == VERSIONS


def jenkins_scripts(text: str) -> list[str]:
    """The shell scripts of a Jenkinsfile, with Groovy's escapes undone."""
    found = re.findall(r"\bsh (?:'''(.*?)'''|'([^'\n]*)')", text, re.DOTALL)
    return [(long or short).replace("\\\\", "\\") for long, short in found]


def test_jenkins(app: Path) -> None:
    text = (FOLDER / "Jenkinsfile").read_text("utf-8")
    code = re.sub(r"'''.*?'''|'[^'\n]*'|//[^\n]*", "", text, flags=re.DOTALL)
    assert code.count("{") == code.count("}") > 5
    assert KIT.search(text)
    forget, venv, *others = jenkins_scripts(text)
    assert venv == "python3 -m venv .venv"
    stale = app / "report-0.9.xml"
    stale.touch()
    (app / ".venv").mkdir()
    (app / ".venv" / "bin").symlink_to(Path(sys.executable).parent)
    for script in (forget, *others):
        done = run(script, app)
    assert not stale.exists()
    for version in VERSIONS:
        went_well(done, app, f"report-{version}.xml")
    assert versions_met(app) == VERSIONS


@pytest.mark.parametrize("recipe", ["github", "jenkins"])
def test_a_failing_test_fails_the_job(app: Path, recipe: str) -> None:
    (app / "tests" / "test_app.py").write_text("def test_fails():\n    assert False\n")
    steps = read("github-actions.yml")["jobs"]["test"]["steps"]
    script = next(step["run"] for step in steps if step.get("name") == "Test").replace(
        "${{ matrix.api-version }}", "1.10"
    )
    if recipe == "jenkins":
        script = jenkins_scripts((FOLDER / "Jenkinsfile").read_text("utf-8"))[-1].replace(".venv/bin/", "")
    assert run(script, app).returncode == 1


def instructions(text: str) -> list[tuple[str, str]]:
    """The instructions of a Dockerfile, continued lines joined."""
    lines = [line for line in text.replace("\\\n", "").splitlines() if line.strip() and not line.startswith("#")]
    return [(line.partition(" ")[0], line.partition(" ")[2].strip()) for line in lines]


@contextmanager
def container(port: int, **variables: str) -> Iterator[subprocess.Popen[str]]:
    """The container's main process, on a port of our choice."""
    command = json.loads(dict(instructions((FOLDER / "docker" / "Dockerfile").read_text("utf-8")))["ENTRYPOINT"])
    assert command[command.index("--port") + 1] == "8001"
    command[command.index("--port") + 1] = str(port)
    pipe = subprocess.PIPE
    with subprocess.Popen(command, env=environment(**variables), stdout=pipe, stderr=pipe, text=True) as process:
        try:
            yield process
        finally:
            process.terminate()


def filled(variables: dict[str, str], **known: str) -> dict[str, str]:
    """A service's environment, with the variables of the host filled in as compose does."""
    return {name: re.sub(r"\$\{(\w+):\?[^}]*\}", lambda it: known[it[1]], text) for name, text in variables.items()}


def healthy(port: int, seconds: str) -> subprocess.CompletedProcess[str]:
    """The Dockerfile's health check, with more patience than it has where the container is just starting."""
    told = dict(instructions((FOLDER / "docker" / "Dockerfile").read_text("utf-8")))["HEALTHCHECK"]
    command = json.loads(told.partition(" CMD ")[2])
    assert command[-2:] == ["--timeout", "0"]
    command = [*(part.replace(":8001", f":{port}") for part in command[:-1]), seconds]
    return subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=60, check=False)


def test_docker_compose(app: Path, unused_port: int) -> None:
    services = read("docker/compose.yaml")["services"]
    secrets = {"FAKE_PACS_TOKEN": "a-long-random-text", "FAKE_PACS_CONTROL_TOKEN": "another-one"}
    assert services["tests"]["depends_on"] == {"pacs": {"condition": "service_healthy"}}
    assert healthy(unused_port, "0").returncode == 1, "nothing runs yet"
    with container(unused_port, **filled(services["pacs"]["environment"], **secrets)) as pacs:
        assert healthy(unused_port, "30").returncode == 0
        assert healthy(unused_port, "0").returncode == 0
        variables = filled(services["tests"]["environment"], **secrets)
        variables["IA_API_URL"] = variables["IA_API_URL"].replace("pacs:8001", f"localhost:{unused_port}")
        shell, flag, script = services["tests"]["command"]
        assert (shell, flag) == ("sh", "-c")
        done = run(script, app, **variables)
        assert done.returncode == 0, done.stdout + done.stderr
        pacs.terminate()
        out, log = pacs.communicate(timeout=20)
    assert pacs.returncode == 0
    assert out == ""
    events = [json.loads(line)["event"] for line in log.splitlines()]
    assert (events[0], events[-1]) == ("start", "stop")
    assert "exchange" in events


def test_the_container_refuses_to_start_without_secrets(unused_port: int) -> None:
    with container(unused_port) as pacs:
        _, said = pacs.communicate(timeout=30)
    assert pacs.returncode == 1
    assert "--token" in said


def test_the_dockerfile_builds_of_the_wheel_and_runs_as_nobody_special() -> None:
    found = instructions((FOLDER / "docker" / "Dockerfile").read_text("utf-8"))
    assert [name for name, _ in found] == [
        *("FROM", "COPY", "RUN", "RUN", "USER", "EXPOSE", "HEALTHCHECK", "ENTRYPOINT"),
    ]
    assert dict(found)["USER"] == "pacs"
    assert dict(found)["COPY"] == "ia_api_kit-*.whl /tmp/"


def test_prometheus_reads_the_metrics_as_told(unused_port: int) -> None:
    scrape = read("prometheus.yml")["scrape_configs"][0]
    assert scrape["authorization"]["type"] == "Bearer"
    token = "another-one"
    with container(unused_port, FAKE_PACS_SERVE_TOKEN="a-token", FAKE_PACS_SERVE_CONTROL_TOKEN=token) as pacs:
        assert healthy(unused_port, "30").returncode == 0
        command = ["curl", "-sf", "-H", f"Authorization: {scrape['authorization']['type']} {token}"]
        url = f"http://localhost:{unused_port}{scrape['metrics_path']}"
        done = subprocess.run([*command, url], capture_output=True, text=True, timeout=30, check=True)
        pacs.terminate()
        pacs.communicate(timeout=20)
    assert 'fake_pacs_requests_total{operation="getReady",status="200"} 1.0' in done.stdout


def test_every_recipe_is_listed_and_tested() -> None:
    page = (FOLDER / "README.md").read_text("utf-8")
    told = set(re.findall(r"\]\(([\w/.-]+)\)", page)) - {"../cli.md"}
    there = {path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*") if path.is_file()} - {"README.md"}
    assert told == there
    source = Path(__file__).read_text("utf-8")
    assert not [name for name in there if name.rpartition("/")[2] not in source]
