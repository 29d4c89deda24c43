"""Runs a client program once, with what it needs in its environment, and ends it in time."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence

KEPT_OUTPUT = 4000
"""So many of the last characters of a client's output are kept."""

LAST_WORDS = 1.0
"""Seconds in which the output ends after the program has."""


class CommandError(ValueError):
    """The command can't be started: the text says which, and why."""


def run_command(command: Sequence[str], variables: Mapping[str, str], timeout: float) -> tuple[int | None, str]:
    """The exit status, None where it didn't end within `timeout` seconds and was killed, and the end of its output.

    Raises `CommandError` where the program can't be started.
    """
    environment = {**os.environ, **variables, "NO_PROXY": "localhost,127.0.0.1", "no_proxy": "localhost,127.0.0.1"}
    try:
        process = subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        raise CommandError(f"{command[0]!r} can't be started: {error}") from error
    output = _Output(process)
    try:
        status: int | None = process.wait(timeout)
    except subprocess.TimeoutExpired:
        status = None
    finally:
        _kill(process)
    return status, output.end()


class _Output:
    """Reads what a program says, however much, and keeps the end of it."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self._kept = b""
        self._process = process
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        pipe = self._process.stdout
        with contextlib.suppress(OSError, ValueError):
            while pipe and (piece := os.read(pipe.fileno(), 2**16)):
                self._kept = (self._kept + piece)[-4 * KEPT_OUTPUT :]
            if pipe:
                pipe.close()

    def end(self) -> str:
        """The end of it all. What has left the program's session and still holds the pipe isn't waited for."""
        self._reader.join(LAST_WORDS)
        return self._kept.decode("utf-8", "replace")[-KEPT_OUTPUT:]


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
