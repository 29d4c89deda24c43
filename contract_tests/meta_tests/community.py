"""The suite against the community's mock: `python -m meta_tests.community` makes docs/community-mock.md.

`sectra-image-analysis-api` is installed from the package index into an environment of its own (its import package has
the name of ours), its mock serves there, and the suite runs here: without a hospital endpoint, told only the token.
"""

import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import venv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from tools.check_install import SCRIPTS, succeed
from tools.repository import ROOT

from ia_api_contract import server_mode, suite
from ia_api_contract.given import Given
from ia_api_contract.learning import target_for
from ia_api_contract.outcomes import Outcome
from ia_api_contract.reports import Report
from meta_tests.ports import free_port

VERSION = "1.6.3"
BESIDE = ("fastapi>=0.115", "uvicorn>=0.30")
"""What the mock imports, which the package leaves to its users."""

PAGE = ROOT / "docs" / "community-mock.md"
PATIENCE = 30.0

ABOUT = f"""\
The mock server that comes with `sectra-image-analysis-api` {VERSION}, unmodified, in an environment of its own. It has
no `/_fake_pacs/hospital`, so the suite asks for made-up ids, and the mock invents whatever is asked for. A failure here
is a difference from the contract, which need not be a fault: the mock is made for trying out a client, and refuses
little. Whoever tests an app against it alone doesn't learn of the following."""

SERVE = """
import sys
from sectra_client.mock_server import MockSectraServer
server = MockSectraServer(api_version="1.10", token="dev-token")
server.run(port=int(sys.argv[1]))
sys.stdin.read()
"""


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """The mock's base URL, while the block runs. Raises `RuntimeError` where it doesn't come up."""
    environment = folder / "environment"
    venv.create(environment, with_pip=True)
    python = str(environment / SCRIPTS / "python")
    succeed([python, "-m", "pip", "install", "--quiet", f"sectra-image-analysis-api=={VERSION}", *BESIDE], folder)
    port = free_port()
    log = folder / "mock.log"
    with log.open("w") as output, _started([python, "-c", SERVE, str(port)], output) as server:
        try:
            yield _answering(f"http://localhost:{port}", server, log)
        finally:
            server.kill()


def _started(command: list[str], output: TextIO) -> "subprocess.Popen[str]":
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=output, stderr=subprocess.STDOUT, text=True)


def _answering(url: str, server: "subprocess.Popen[str]", log: Path) -> str:
    """The URL, once something answers there."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if server.poll() is not None:
            raise RuntimeError(f"the mock ended: {log.read_text()}")
        try:
            urllib.request.urlopen(f"{url}/info", timeout=5).close()
        except urllib.error.HTTPError:
            return url
        except OSError:
            time.sleep(0.1)
        else:
            return url
    raise RuntimeError(f"the mock did not answer at {url} within {PATIENCE:g} s")


def examined(url: str) -> Report:
    """What the suite says of the mock."""
    target = target_for(Given(url, api_version="1.10", token="dev-token", quick=True).options())
    header = server_mode.facts(target, suite.CHECKS)
    return server_mode.report(target, header, suite.CHECKS, server_mode.examine(target, suite.CHECKS))


def page(report: Report) -> str:
    """The page: the header, the counts, and every failure by its id."""
    facts = [f"| {name} | {value} |" for name, value in report.facts.items() if name != "target"]
    lines = [
        "<!-- Made by `python -m meta_tests.community`; don't edit. -->",
        "",
        "# The suite against the community's mock",
        "",
        *ABOUT.splitlines(),
        "",
        "| | |",
        "|---|---|",
        *facts,
        f"| result | {report.summary} |",
        "",
        "## What failed",
        "",
        "| check | what must hold | what came |",
        "|---|---|---|",
        *(f"| `{entry.id}` | {_cell(entry.sentence)} | {_came(entry.text)} |" for entry in report.of(Outcome.FAIL)),
        "",
        *_others(report, Outcome.OMIT, "## What an earlier failure made moot"),
        *_others(report, Outcome.SKIP, "## What was not applicable"),
    ]
    return "\n".join(lines).rstrip() + "\n"


def _others(report: Report, outcome: Outcome, title: str) -> Sequence[str]:
    found = report.of(outcome)
    return [title, "", ", ".join(f"`{entry.id}`" for entry in found) + ".", ""] if found else []


def _came(text: str) -> str:
    """What came, in one short line without the mock's port."""
    shown = _cell(text)
    return shown if len(shown) <= 240 else f"{shown[:240]}…"


def _cell(text: str) -> str:
    shown = "".join(letter if letter.isprintable() else " " for letter in text)
    return " ".join(shown.split()).replace("|", "\\|").replace("<", "&lt;")


def main() -> int:
    """Makes the page. A suite that breaks is a failure here, whatever the mock does."""
    with tempfile.TemporaryDirectory(prefix="community mock ") as name, serving(Path(name)) as url:
        report = examined(url)
        made = page(report).replace(url, "http://mock")
    for entry in report.of(Outcome.ERROR):
        print(f"the suite broke in {entry.id}:\n{entry.text}", file=sys.stderr)
    PAGE.write_text(made, "utf-8", newline="\n")
    print(report.summary)
    return 1 if report.of(Outcome.ERROR) else 0


if __name__ == "__main__":
    sys.exit(main())
