"""`fake-pacs exec`: a program with a fake PACS of its own, its environment, its exit status, its signals."""

import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from fake_pacs import cli, cli_exec

ASKS = """
import json, os, sys, urllib.request
asked = urllib.request.Request(os.environ["IA_API_URL"] + "/info",
                               headers={"Authorization": "Bearer " + os.environ["IA_API_TOKEN"]})
with urllib.request.urlopen(asked) as answer:
    info = json.load(answer)
known = {name: value for name, value in os.environ.items() if name.startswith(("FAKE_PACS", "IA_API", "NO_PROXY"))}
json.dump([info, known], open(sys.argv[1], "w"))
"""

WAITS = """
import signal, sys
def came(number, frame):
    print("came", number, flush=True)
    sys.exit(40 + number)
signal.signal(signal.SIGTERM, came)
signal.signal(signal.SIGINT, came)
print("ready", flush=True)
signal.pause()
"""


def run(*arguments: str, **environment: str) -> tuple[int, str]:
    done = CliRunner().invoke(cli.main, ["exec", *arguments], env=environment, catch_exceptions=False)
    return done.exit_code, done.output


def python(program: str, *arguments: str) -> list[str]:
    return ["--", sys.executable, "-c", program, *arguments]


def test_the_program_finds_a_running_pacs_in_its_environment(tmp_path: Path):
    status, said = run("--api-version", "1.9", *python(ASKS, str(tmp_path / "found.json")))
    assert (status, said) == (0, "")
    info, known = json.loads((tmp_path / "found.json").read_text())
    assert info["apiVersion"] == known["IA_API_VERSION"] == "1.9"
    assert known["FAKE_PACS_URL"] == known["IA_API_URL"]
    assert known["IA_API_URL"].startswith(known["FAKE_PACS_SERVER"] + "/SectraPathologyServer/")
    assert known["IA_API_TOKEN"] == known["FAKE_PACS_TOKEN"] == "dev-token"
    assert known["FAKE_PACS_CONTROL_TOKEN"] == "dev-control"
    assert (known["FAKE_PACS_USER"], known["FAKE_PACS_PASSWORD"]) == ("dev", "dev")
    assert known["IA_API_SLIDE_ID"] == "demo-he-1"
    assert known["IA_API_ACCESSION"] == "S26-1001"
    assert known["IA_API_APP_ID"] == "nuclei-counter"
    assert "localhost" in known["NO_PROXY"]


def test_the_server_is_gone_afterwards(tmp_path: Path):
    run(*python(ASKS, str(tmp_path / "found.json")))
    url = json.loads((tmp_path / "found.json").read_text())[1]["FAKE_PACS_SERVER"]
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(f"{url}/_fake_pacs/live", timeout=5)


def test_options_and_variables_are_those_of_serve(tmp_path: Path):
    found = tmp_path / "found.json"
    status, _ = run("--token", "my-token", *python(ASKS, str(found)), FAKE_PACS_SERVE_CONTROL_TOKEN="my-control")
    known = json.loads(found.read_text())[1]
    assert (status, known["IA_API_TOKEN"], known["FAKE_PACS_CONTROL_TOKEN"]) == (0, "my-token", "my-control")
    serve, own = cli.main.commands["serve"], cli.main.commands["exec"]
    assert [option.name for option in serve.params] == [option.name for option in own.params[:-1]]


def test_a_certificate_comes_with_https():
    program = (
        "import os, ssl, urllib.request\n"
        "context = ssl.create_default_context(cafile=os.environ['FAKE_PACS_CA_FILE'])\n"
        "urllib.request.urlopen(os.environ['FAKE_PACS_SERVER'] + '/_fake_pacs/live', context=context).close()\n"
        "assert os.environ['IA_API_URL'].startswith('https://')"
    )
    assert run("--tls", "self-signed", *python(program)) == (0, "")


@pytest.mark.parametrize("status", [0, 1, 3, 255])
def test_the_exit_status_is_the_program_s(status: int):
    assert run(*python(f"import sys; sys.exit({status})"))[0] == status


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signals")
def test_a_program_that_a_signal_ended_has_128_and_its_number():
    assert run(*python("import os, signal; os.kill(os.getpid(), signal.SIGKILL)"))[0] == 128 + 9


def test_a_program_that_isn_t_there_is_said_as_a_shell_does(tmp_path: Path):
    assert run("--", "no-such-program") == (127, "fake-pacs exec: no-such-program: no such program\n")
    (tmp_path / "text").write_text("no program")
    assert run("--", str(tmp_path / "text"))[0] == 126


def test_a_command_is_needed_and_its_options_are_its_own():
    assert run()[0] == 2
    assert run(sys.executable, "-c", "import sys; sys.exit(len(sys.argv))", "--port", "x")[0] == 3


def test_options_that_can_t_be_are_refused_before_the_program_runs(tmp_path: Path):
    status, said = run("--token", "a b", *python(f"open({str(tmp_path / 'ran')!r}, 'w')"))
    assert status == 1
    assert "printable ASCII" in said
    assert not (tmp_path / "ran").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signals")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_are_passed_on_and_the_program_says_how_it_ends(number: signal.Signals):
    command = [sys.executable, "-m", "fake_pacs", "exec", *python(WAITS)]
    # a session of its own: without a terminal, whose Ctrl-C would reach the program anyway
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        process.send_signal(number)
        assert process.communicate(timeout=30)[0] == f"came {number.value}\n"
    assert process.returncode == 40 + number


def test_handlers_are_as_before_afterwards():
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    run(*python("pass"))
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


@pytest.mark.parametrize(("status", "expected"), [(0, 70), (3, 3)])
def test_a_defect_of_the_pacs_is_never_green(status: int, expected: int, monkeypatch: pytest.MonkeyPatch):
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("a defect")

    monkeypatch.setattr("fake_pacs.sql_store.SqlStore.results", broken)
    program = (
        "import os, sys, urllib.request, urllib.error\n"
        "known = {'Authorization': 'Bearer dev-token'}\n"
        "results = os.environ['IA_API_URL'] + '/applications/nuclei-counter/results/slide/demo-he-1'\n"
        "asked = urllib.request.Request(results, headers=known)\n"
        "try: urllib.request.urlopen(asked)\n"
        f"except urllib.error.HTTPError as error: sys.exit({status} if error.code == 500 else 1)"
    )
    found, said = run(*python(program))
    assert found == expected
    assert "fake-pacs went wrong by itself" in said
    assert "RuntimeError: a defect" in said


def test_a_server_for_all_addresses_is_named_by_one_that_can_be_asked(monkeypatch: pytest.MonkeyPatch):
    from fake_pacs.cli import Listening
    from fake_pacs.embedding import MockSectraServer

    with MockSectraServer() as server:
        for address, named in (("http://0.0.0.0:81", "http://127.0.0.1:81"), ("http://[::]:81", "http://[::1]:81")):
            server.world.address = address
            found = cli_exec.variables(server.world, Listening("0.0.0.0", 81, None))
            assert found["FAKE_PACS_SERVER"] == named


IN_A_TERMINAL = """
import fcntl, os, sys, termios
os.setsid()
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""

TELLS = "from fake_pacs import cli_exec; print(cli_exec._terminal_sends_it())"


@pytest.fixture
def terminal() -> Iterator[tuple[int, Callable[..., "subprocess.Popen[str]"]]]:
    """A terminal's other end, and what runs Python with arguments in it."""
    pty = pytest.importorskip("pty", reason="Windows has no pseudo-terminals")
    ours, theirs = pty.openpty()

    def run(*arguments: str) -> "subprocess.Popen[str]":
        command = [sys.executable, "-c", IN_A_TERMINAL, *arguments]
        return subprocess.Popen(command, stdin=theirs, stdout=subprocess.PIPE, text=True)

    yield ours, run
    os.close(ours)
    os.close(theirs)


def test_ctrl_c_in_a_terminal_reaches_the_program(terminal: tuple[int, Callable[..., "subprocess.Popen[str]"]]):
    ours, run_there = terminal
    with run_there("-m", "fake_pacs", "exec", *python(WAITS)) as process:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        os.write(ours, b"\x03")
        assert process.communicate(timeout=30)[0] == "came 2\n"
    assert process.returncode == 42


def test_what_the_terminal_sends_is_not_sent_twice(
    terminal: tuple[int, Callable[..., "subprocess.Popen[str]"]], monkeypatch: pytest.MonkeyPatch
):
    with terminal[1]("-c", TELLS) as inside:
        assert inside.communicate(timeout=30)[0] == "True\n"
    outside = subprocess.run(
        [sys.executable, "-c", TELLS], stdout=subprocess.PIPE, text=True, check=True, start_new_session=True, timeout=30
    )
    assert outside.stdout == "False\n"

    class Program:
        def __init__(self) -> None:
            self.sent: list[int] = []

        def send_signal(self, number: int) -> None:
            self.sent.append(number)

    for in_terminal, expected in ((True, [signal.SIGTERM]), (False, [signal.SIGINT, signal.SIGTERM])):
        monkeypatch.setattr(cli_exec, "_terminal_sends_it", lambda answer=in_terminal: answer)
        program, forwarding = Program(), cli_exec._Forwarding()
        forwarding._came(signal.SIGINT, None)  # before the program runs
        forwarding.to(program)  # type: ignore[arg-type]
        forwarding._came(signal.SIGTERM, None)
        assert program.sent == expected
