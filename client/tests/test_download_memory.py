"""A download at constant memory on both sides: the small edition of `benchmarks/download_memory.py` (1 GiB)."""

import os
from pathlib import Path

import pytest
from benchmarks.download_memory import measured

SIZE = 64 << 20
ALLOWED = 80_000_000
"""Bytes; a side that held the slide would have its 67 MB beside the 40 to 65 MB that its libraries take."""


@pytest.mark.skipif(
    not Path("/proc/self/status").exists() and not os.environ.get("CI"),
    reason="the peak of resident memory is read from /proc, as on Linux",
)
@pytest.mark.parametrize("files", [1, 5])
def test_neither_side_holds_the_slide_and_what_comes_is_what_was_served(tmp_path: Path, files: int) -> None:
    found = measured(tmp_path, SIZE, files)
    assert found.is_equal
    assert found.server_peak < ALLOWED
    assert found.client_peak < ALLOWED
    assert len(list((tmp_path / "downloaded").iterdir())) == files
