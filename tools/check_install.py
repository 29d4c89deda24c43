"""Does the wheel work where nothing else is? `python -m tools.check_install` (uses the package index, as pip does).

In a fresh environment: the base install, with no extra, reads, downloads and writes on a server that this repository
runs in another process; `fake-pacs` and the pytest fixture name the extra that is missing, and other tests run as ever.
With the extra `server`, `fake-pacs` serves the demo hospital, which lies in the wheel, and a small pytest project uses
the plugin with `-n 4`.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import urllib.request
import venv
from pathlib import Path

import demo_hospital
from tools.demo import running
from tools.demo_steps import APPLICATION, digest
from tools.repository import ROOT
from tools.wheel_files import build

SCRIPTS = "Scripts" if os.name == "nt" else "bin"


USE = """
import hashlib, importlib.util, sys
from sectra_client import SectraClient
from sectra_client.schemas import Result

url, application = sys.argv[1:]
with SectraClient.from_credentials(url, application, "dev", "dev", _allow_http=True) as client:
    slide = client.get_image_metadata("demo-he-1")
    (file,) = client.download_slide_files(slide.id, "downloaded")
    stored = client.create_results(application, Result(slideId=slide.id, displayResult="new"))
    stored.displayResult = "changed"
    changed = client.update_results(application, stored.id, stored)
print(slide.id, hashlib.sha256(file.read_bytes()).hexdigest(), changed.displayResult)
print(changed.versionId != stored.versionId, importlib.util.find_spec("flask"))
"""
"""What a user of the base install does: metadata, a download, a new result, an update."""


STRANGERS = """
import sys

def test_other():
    assert not {name for name in sys.modules if name.partition(".")[0] in ("flask", "sectra_client", "ia_api_spec")}

def test_wanted(fake_pacs): pass
"""
"""Tests of somebody who has only the client: one needs nothing of ours, one asks for what isn't installed."""

PROJECT = """
import pytest
from sectra_client.schemas import Result

@pytest.mark.parametrize("number", range(12))
def test_stores(number, fake_pacs, sectra_client):
    stored = sectra_client.create_results("nuclei-counter", Result(slideId="demo-he-1", displayResult=str(number)))
    assert stored.id == 1, "another test's results are in sight"
    fake_pacs.assert_called("createResult", times=1)
    assert [result["displayResult"] for result in fake_pacs.results("nuclei-counter")] == [str(number)]

@pytest.mark.fake_pacs(api_version="1.8")
def test_version(fake_pacs, sectra_client):
    assert sectra_client.version_info.apiVersion == "1.8"

def test_too_few(fake_pacs):
    fake_pacs.assert_called("createResult", times=1)
"""
"""A partner's tests: all pass but the last, whose failure is told in the plugin's words."""


class InstallError(Exception):
    """The installed wheel doesn't do what it should; the text says what it did."""


def run(command: list[str], folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Runs a command in a folder without our sources in reach; its output is kept."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | variables
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=600
    )


def succeed(command: list[str], folder: Path, **variables: str) -> str:
    """The output of a command that must succeed. Raises `InstallError`."""
    done = run(command, folder, **variables)
    if done.returncode:
        raise InstallError(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


def check_client(scripts: Path, folder: Path) -> None:
    """The base install against a server elsewhere: the client and its command do their work. Raises `InstallError`."""
    original = digest(demo_hospital.folder() / "slides" / "colon_he.svs")
    with running(None) as pacs:
        said = succeed([str(scripts / "python"), "-W", "error", "-c", USE, pacs.url, APPLICATION], folder)
        case = [str(scripts / "sectra-client"), "case", "S26-1001", "--issuer", "LAB-NORTH", "--allow-http"]
        named = ["--url", pacs.url, "--user", "dev", "--app-id", APPLICATION]
        listed = succeed([*case, *named], folder, SECTRA_PASSWORD="dev")
    if said.split() != ["demo-he-1", original, "changed", "True", "None"]:
        raise InstallError(f"the installed client should download {original} and store, but said:\n{said}")
    if not listed.startswith("demo-he-1\t"):
        raise InstallError(f"sectra-client should list the slides of the case, but said:\n{listed}")


def check_base(scripts: Path, folder: Path) -> None:
    """The base install: the server's command says what is missing. Raises `InstallError`."""
    refused = run([str(scripts / "fake-pacs"), "--help"], folder)
    if refused.returncode == 0 or "ia-api-kit[server]" not in refused.stderr:
        raise InstallError(f"fake-pacs without its extra should name ia-api-kit[server], but said:\n{refused.stderr}")


def check_pytest_without_extra(scripts: Path, folder: Path) -> None:
    """The base install beside pytest: no harm is done, and the fixture says what is missing. Raises `InstallError`."""
    _pytest(scripts, folder, STRANGERS, ["1 passed, 1 error", "ia-api-kit[server]"])


def check_pytest(scripts: Path, folder: Path) -> None:
    """With the extra: a project outside the repository uses the plugin, on four workers. Raises `InstallError`."""
    _pytest(scripts, folder, PROJECT, ["1 failed, 13 passed", "Nothing was called at all"], "-n", "4")


def _pytest(scripts: Path, folder: Path, tests: str, said: list[str], *options: str) -> None:
    project = folder / "a project"
    project.mkdir(exist_ok=True)
    (project / "pytest.ini").write_text(
        "[pytest]\naddopts = --strict-markers --strict-config\nfilterwarnings = error\n"
    )
    (project / "test_it.py").write_text(tests)
    done = run([str(scripts / "python"), "-m", "pytest", "-p", "no:cacheprovider", *options], project)
    if missing := [text for text in said if text not in done.stdout]:
        raise InstallError(f"pytest should say {missing[0]!r}, but said:\n{done.stdout}{done.stderr}")


def check_server(scripts: Path, folder: Path) -> None:
    """With the extra: `fake-pacs serve` answers, and holds the demo hospital. Raises `InstallError`."""
    command = [str(scripts / "fake-pacs"), "serve", "--port", "0"]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True) as server:
        try:
            hospital = _hospital(server)
        finally:
            server.terminate()
    if not hospital["cases"] or not hospital["applications"]:
        raise InstallError(f"the installed server's demo hospital is empty: {hospital}")


def _hospital(server: subprocess.Popen[str]) -> dict[str, list[object]]:
    assert server.stdout
    said = ""
    for line in server.stdout:
        said += line
        if match := re.search(r"hospital\s+(http\S+)", line):
            asked = urllib.request.Request(match[1], headers={"X-Fake-Pacs-Control": "dev-control"})
            with urllib.request.urlopen(asked, timeout=30) as answer:
                found: dict[str, list[object]] = json.load(answer)
                return found
    raise InstallError(f"fake-pacs serve ended, having said:\n{said}")


def main() -> int:
    """Builds, installs and tries the wheel; the exit status says whether all was well."""
    with tempfile.TemporaryDirectory(prefix="ia-api-kit install ") as name:  # the blank is meant: paths may have them
        folder = Path(name)
        wheel = build(folder)
        venv.create(folder / "venv", with_pip=True)
        scripts = folder / "venv" / SCRIPTS
        lock = str(ROOT / "requirements.lock")
        pip = [str(scripts / "python"), "-m", "pip", "install", "--quiet", "--constraint", lock]
        try:
            succeed([*pip, str(wheel), "pytest", "pytest-xdist"], folder)
            check_base(scripts, folder)
            check_pytest_without_extra(scripts, folder)
            check_client(scripts, folder)
            succeed([*pip, f"{wheel}[server]"], folder)
            check_server(scripts, folder)
            check_pytest(scripts, folder)
        except InstallError as error:
            print(error, file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
