import sys
import time

import pytest

from ia_api_contract.client_mode_command import KEPT_OUTPUT, CommandError, run_command

FLOOD = "import os\nwhile True: os.write(1, b'x' * 65536)"
GONE = (
    "import subprocess, sys\n"
    "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(8)'], start_new_session=True)\n"
    "print('done')"
)


def _run(program: str, timeout: float = 20.0) -> tuple[int | None, str]:
    return run_command([sys.executable, "-c", program], {}, timeout)


def test_of_a_flood_of_output_only_the_end_is_kept():
    status, output = _run(FLOOD, 0.5)
    assert status is None
    assert output == "x" * KEPT_OUTPUT


def test_the_last_words_of_a_program_are_heard():
    status, output = _run("import sys; print('a' * 100_000); print('the end', file=sys.stderr); sys.exit(7)")
    assert status == 7
    assert output.endswith("the end\n")


@pytest.mark.skipif(sys.platform == "win32", reason="sessions are POSIX")
def test_a_program_whose_daemon_holds_the_pipe_is_not_waited_for():
    began = time.monotonic()
    assert _run(GONE) == (0, "done\n")
    assert time.monotonic() - began < 6


def test_a_command_that_can_not_be_named_is_no_command():
    with pytest.raises(CommandError, match="can't be started"):
        run_command(["a\x00b"], {}, 1.0)
