"""The community package in an environment of its own, `.venv/community`: made once, whoever asks first."""

import os
import subprocess
import sys
import time
import venv
from pathlib import Path

PACKAGE = "sectra-image-analysis-api==1.6.3"
ENVIRONMENT = Path(__file__).parents[1] / ".venv" / "community"
PATIENCE = 170.0
"""Seconds that another process has to make it."""


class NotToBeHadError(Exception):
    """The package can't be installed here; the text says why."""


def interpreter() -> Path:
    """The Python of an environment that has the community package and nothing of ours.

    Raises `NotToBeHadError` where it can't be installed, for instance without a package index.
    """
    python = ENVIRONMENT / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    ready, lock = ENVIRONMENT / ".ready", ENVIRONMENT.with_name("community.lock")
    deadline = time.monotonic() + PATIENCE
    while not ready.exists():
        try:
            os.close(os.open(lock, os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            if time.monotonic() > deadline:
                lock.unlink(missing_ok=True)  # whoever made it is gone
            time.sleep(0.2)
            continue
        try:
            _install(python)
            ready.touch()
        finally:
            lock.unlink(missing_ok=True)
    return python


def _install(python: Path) -> None:
    venv.create(ENVIRONMENT, with_pip=True, clear=True)
    command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", PACKAGE, "pillow"]
    installed = subprocess.run(command, capture_output=True, text=True, timeout=150, check=False)
    if installed.returncode:
        raise NotToBeHadError(f"{PACKAGE} can't be installed: {installed.stderr.strip()[-300:]}")
