"""Runs a client program once, with what it needs in its environment, and ends it in time."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence

KEPT_OUTPUT = 4000
"""So many of the last characters of a client's output are kept."""


class CommandError(ValueError):
    """The command can't be started: the text says which, and why."""


def run_command(command: Sequence[str], variables: Mapping[str, str], timeout: float) -> tuple[int | None, str]:
    """The exit status, None where it didn't end within `timeout` seconds and was killed, and the end of its output.

    Raises `CommandError` where the program can't be started.
    """
    environment = {**os.environ, **variables, "NO_PROXY": "localhost,127.0.0.1", "no_proxy": "localhost,127.0.0.1"}
    with tempfile.TemporaryFile() as output:
        try:
            process = subprocess.Popen(
                command,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            raise CommandError(f"{command[0]!r} can't be started: {error}") from error
        try:
            status: int | None = process.wait(timeout)
        except subprocess.TimeoutExpired:
            status = None
        finally:
            _kill(process)
        output.seek(0)
        return status, output.read().decode("utf-8", "replace")[-KEPT_OUTPUT:]


def _kill(process: "subprocess.Popen[bytes]") -> None:
    """Ends the program and, where the system can, all that it started."""
    if sys.platform == "win32":
        process.kill()
    else:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            return  # it has ended, and nothing of its session is left
    process.wait()
