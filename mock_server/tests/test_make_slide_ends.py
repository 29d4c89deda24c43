"""`fake-pacs make-slide` that is stopped midway leaves nothing."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

STARTED_WITHIN = 60.0  # s
COMMAND = """
import signal
from fake_pacs.cli import main
signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where a shell started the tests in the background
main()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signals that a program could answer")
@pytest.mark.parametrize(("name", "out"), [("SIGINT", "slide"), ("SIGTERM", "slide.svs")])
def test_a_slide_that_is_stopped_midway_leaves_nothing(tmp_path: Path, name: str, out: str) -> None:
    command = [sys.executable, "-c", COMMAND, "make-slide", "--width", "30000", "--height", "30000", tmp_path / out]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as made:
        try:
            give_up = time.monotonic() + STARTED_WITHIN
            while not list(tmp_path.glob(".making-*/*")):
                assert made.poll() is None
                assert time.monotonic() < give_up
                time.sleep(0.02)
            made.send_signal(getattr(signal, name))
            _, told = made.communicate(timeout=60)
        finally:
            made.kill()
    assert made.returncode in (1, 128 + getattr(signal, name))
    assert "Traceback" not in told
    assert not list(tmp_path.iterdir())
