"""Does the wheel work where nothing else is? `python -m tools.check_install` (uses the package index, as pip does).

In a fresh environment: the base install imports the client and nothing of the server, and `fake-pacs` names the extra
that is missing; with the extra `server`, `fake-pacs` serves the demo hospital, which lies in the wheel.
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

from tools.repository import ROOT
from tools.wheel_files import build

SCRIPTS = "Scripts" if os.name == "nt" else "bin"


class InstallError(Exception):
    """The installed wheel doesn't do what it should; the text says what it did."""


def run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Runs a command in a folder without our sources in reach; its output is kept."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=600
    )


def succeed(command: list[str], folder: Path) -> str:
    """The output of a command that must succeed. Raises `InstallError`."""
    done = run(command, folder)
    if done.returncode:
        raise InstallError(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


def check_base(scripts: Path, folder: Path) -> None:
    """The base install: the client imports, the server's command says what is missing. Raises `InstallError`."""
    succeed([str(scripts / "python"), "-c", "import sectra_client, sectra_client.schemas"], folder)
    refused = run([str(scripts / "fake-pacs"), "--help"], folder)
    if refused.returncode == 0 or "ia-api-kit[server]" not in refused.stderr:
        raise InstallError(f"fake-pacs without its extra should name ia-api-kit[server], but said:\n{refused.stderr}")


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
            succeed([*pip, str(wheel)], folder)
            check_base(scripts, folder)
            succeed([*pip, f"{wheel}[server]"], folder)
            check_server(scripts, folder)
        except InstallError as error:
            print(error, file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
