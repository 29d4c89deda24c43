"""Processes that are measured: this project's, the community package's, the bare server, nginx."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import venv
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tools.check_install import SCRIPTS, InstallError, succeed
from tools.community import NotToBeHadError, interpreter
from tools.repository import ROOT
from tools.wheel_files import build

OURS = sys.executable
BESIDE = ("fastapi>=0.115", "uvicorn>=0.30")
"""What the community's mock imports, which its package leaves to its users."""
PATIENCE = 10.0


class Child:
    """A server in a process of its own, and what it said of itself."""

    def __init__(self, process: subprocess.Popen[str], hello: dict[str, Any]) -> None:
        self._process = process
        self.url: str = hello["url"]

    def ask(self, command: str) -> int:
        """`peak` or `resident`, in bytes."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(f"{command}\n")
        self._process.stdin.flush()
        answered: int = json.loads(self._process.stdout.readline())
        return answered


def community() -> str | None:
    """The interpreter that has the community package and what its mock needs; None, and a word, without one."""
    try:
        python = str(interpreter())
        if subprocess.run([python, "-c", "import fastapi, uvicorn"], capture_output=True, check=False).returncode:
            command = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *BESIDE]
            subprocess.run(command, check=True, timeout=300)
    except (NotToBeHadError, subprocess.SubprocessError) as error:
        print(f"the community package is not measured: {error}", file=sys.stderr)
        return None
    return python


def client_alone(folder: Path) -> str:
    """The interpreter of an environment with this project's base install and nothing else; the community's is like it.

    What else is installed counts: pydantic looks through all of it for plugins. Where the wheel can't be installed, for
    instance without a package index, it is the interpreter of the checkout, and that is said.
    """
    environment = ROOT / ".venv" / "client-alone"
    python = str(environment / SCRIPTS / "python")
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    try:
        wheel = str(build(folder))
        if not environment.exists():
            venv.create(environment, with_pip=True)
            succeed([*pip, wheel], folder)
        succeed([*pip, "--force-reinstall", "--no-deps", wheel], folder)
    except (InstallError, subprocess.SubprocessError) as error:
        print(f"the client's import is measured in the checkout, with all that is there: {error}", file=sys.stderr)
        return OURS
    return python


@contextmanager
def serving(python: str, role: str, files: Iterable[Path] = ()) -> Iterator[Child]:
    """A server of that role, until the block ends. Raises `RuntimeError` where it doesn't start."""
    command = [python, "-m", "benchmarks.bench.roles", role, json.dumps({"files": [str(file) for file in files]})]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin
        assert process.stdout
        line = process.stdout.readline()
        if not line:
            raise RuntimeError(f"{command} said nothing: run it by hand to see why")
        try:
            yield Child(process, json.loads(line))
        finally:
            process.stdin.close()
            try:
                process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()


def played(python: str, role: str, **told: Any) -> Any:
    """What a role that only measures something says."""
    command = [python, "-m", "benchmarks.bench.roles", role, json.dumps(told)]
    return json.loads(subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout)


def tool(name: str) -> str | None:
    """Where a program is; None, and a word, where there is none."""
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")
    if found is None:
        print(f"{name} is missing, its figures are not measured: apt-get install {name}", file=sys.stderr)
    return found


def free_port() -> int:
    """A port of 127.0.0.1 that is free now."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


@contextmanager
def nginx(root: Path, folder: Path) -> Iterator[str | None]:
    """nginx with nginx.conf serving the files of `root`: its URL, None where there is no nginx."""
    program = tool("nginx")
    if program is None:
        yield None
        return
    port = free_port()
    text = (Path(__file__).parent / "nginx.conf").read_text("utf-8")
    for name, value in {"PORT": port, "ROOT": root, "FOLDER": folder}.items():
        text = text.replace(f"@{name}@", str(value))
    if os.name == "posix" and os.geteuid() == 0:
        text = f"user root;\n{text}"  # else the worker may not enter the temporary folder
    config = folder / "nginx.conf"
    config.write_text(text, "utf-8")
    with subprocess.Popen([program, "-p", str(folder), "-e", str(folder / "nginx.log"), "-c", str(config)]) as process:
        try:
            _await(port, process)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def _await(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise RuntimeError(f"nginx did not come up on port {port}: run it by hand with benchmarks/bench/nginx.conf")
