"""The command `fake-pacs exec`: a fake PACS for as long as one program runs."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, Self

import click

from fake_pacs.serving import HttpServer
from fake_pacs.world import World, contract

NOT_FOUND, NOT_EXECUTABLE, OUR_FAULT = 127, 126, 70
"""Exit statuses, as shells and sysexits.h have them: no such program, it can't be started, fake-pacs went wrong."""

Serving = Callable[[str, int, dict[str, Any], Callable[[World, HttpServer, Any], None]], None]
"""`fake_pacs.cli.serving`."""


def exec_command(serve: click.Command, serving: Serving) -> click.Command:
    """The command, with all options of `serve`; the port is any free one unless it is given."""

    def run(command: tuple[str, ...], host: str, port: int, **options: Any) -> None:
        status = 0

        def work(world: World, server: HttpServer, listening: Any) -> None:
            nonlocal status
            status = run_program(command, variables(world, listening))
            status = _with_our_fault(world, status)

        serving(host, port, options, work)
        sys.exit(status)

    return click.Command(
        "exec",
        # the options are those of `serve`, and so are their environment variables
        context_settings={"auto_envvar_prefix": "FAKE_PACS_SERVE", "allow_interspersed_args": False},
        params=[*map(_own, serve.params), click.Argument(["command"], nargs=-1, required=True, type=str)],
        callback=run,
        short_help="Run a program with a fake PACS of its own.",
        help=HELP,
        options_metavar="[OPTIONS OF SERVE] --",
    )


HELP = """Run a program with a fake PACS of its own: start it, run, stop.

    \b
    fake-pacs exec --api-version 1.9 -- pytest tests

    The program finds in its environment where the fake PACS is: FAKE_PACS_URL and IA_API_URL (the base URL of the
    IA-API), FAKE_PACS_TOKEN and IA_API_TOKEN, FAKE_PACS_USER and FAKE_PACS_PASSWORD for /token, FAKE_PACS_SERVER and
    FAKE_PACS_CONTROL_TOKEN for the control plane, FAKE_PACS_CA_FILE with https; and IA_API_VERSION, IA_API_APP_ID,
    IA_API_SLIDE_ID, IA_API_ACCESSION of something that is there.

    The exit status is the program's, 128 + n where signal n ended it. SIGINT, SIGTERM and SIGHUP are passed on.

    The options are those of `fake-pacs serve`, with the same variables (FAKE_PACS_SERVE_TOKEN)."""


def _own(parameter: click.Parameter) -> click.Parameter:
    if parameter.name != "port":
        return parameter
    port = copy(parameter)
    port.default = 0
    assert isinstance(port, click.Option)
    port.help, port.show_default = "Port; 0 is any free one.  [default: 0]", False
    return port


def variables(world: World, listening: Any) -> dict[str, str]:
    """What the program finds in its environment beside what is there."""
    settings, hospital = world.settings, world.hospital
    root = (world.address or "").replace("//0.0.0.0:", "//127.0.0.1:").replace("//[::]:", "//[::1]:")
    url = root + contract("ia-api", settings.version).base_path
    found = {
        "FAKE_PACS_URL": url,
        "FAKE_PACS_TOKEN": settings.token,
        "FAKE_PACS_SERVER": root,
        "FAKE_PACS_CONTROL_TOKEN": settings.control_token,
        "IA_API_URL": url,
        "IA_API_TOKEN": settings.token,
        "IA_API_VERSION": settings.api_version,
    }
    if settings.users:
        found["FAKE_PACS_USER"], found["FAKE_PACS_PASSWORD"] = settings.users[0]
    if listening.tls:
        found["FAKE_PACS_CA_FILE"] = str(listening.tls.certificate)
    if hospital.applications:
        found["IA_API_APP_ID"] = hospital.applications[0].applicationId
    if hospital.slides:
        slide = hospital.slides[0]
        found |= {"IA_API_SLIDE_ID": slide.id, "IA_API_ACCESSION": slide.case.accession_number}
    for name in ("NO_PROXY", "no_proxy"):  # a proxy knows another localhost
        found[name] = ",".join(filter(None, [os.environ.get(name), "localhost,127.0.0.1,::1"]))
    return found


def run_program(command: Sequence[str], more: Mapping[str, str]) -> int:
    """Runs a program to its end and answers the exit status as a shell does: 128 + n after signal n, 127 not found."""
    program = shutil.which(command[0])
    if program is None:
        there = Path(command[0]).exists()
        click.echo(f"fake-pacs exec: {command[0]}: {'not executable' if there else 'no such program'}", err=True)
        return NOT_EXECUTABLE if there else NOT_FOUND
    with _Forwarding() as forwarding:
        try:
            process = subprocess.Popen([program, *command[1:]], env={**os.environ, **more})
        except OSError as error:
            click.echo(f"fake-pacs exec: {command[0]} can't be started: {error}", err=True)
            return NOT_EXECUTABLE
        forwarding.to(process)
        status = process.wait()
    return 128 - status if status < 0 else status


def _with_our_fault(world: World, status: int) -> int:
    """The program's exit status; where it saw nothing wrong and fake-pacs itself went wrong, another than 0."""
    errors = world.journal.our_errors
    if errors:
        told = "\n".join(errors)
        click.echo(f"fake-pacs exec: fake-pacs went wrong by itself (please report it):\n{told}", err=True)
    return OUR_FAULT if errors and status == 0 else status


class _Forwarding:
    """Passes signals on to the program, also those that come before it runs."""

    NAMES = ("SIGINT", "SIGTERM", "SIGHUP")

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._early: list[int] = []
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        for name in self.NAMES:
            if number := getattr(signal, name, None):
                self._before[number] = signal.signal(number, self._came)
        return self

    def to(self, process: "subprocess.Popen[bytes]") -> None:
        """From now on to this one."""
        self._process = process
        for number in self._early:
            self._send(number)

    def _came(self, number: int, frame: FrameType | None) -> None:
        if self._process is None:
            self._early.append(number)
        else:
            self._send(number)

    def _send(self, number: int) -> None:
        if self._process is not None and not (number == signal.SIGINT and _terminal_sends_it()):
            self._process.send_signal(number)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)


def _terminal_sends_it() -> bool:
    """Whether Ctrl-C reaches the program without us: a terminal sends it to all of the group in its foreground.

    A second SIGINT would tell the program to hurry, and pytest to show nothing.
    """
    if sys.platform == "win32":
        return True
    try:
        terminal = os.open("/dev/tty", os.O_RDONLY)
    except OSError:
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return False
    finally:
        os.close(terminal)
