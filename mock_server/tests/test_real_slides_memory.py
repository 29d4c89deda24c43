"""Forty slides read by eight threads: resident memory stays within what the caches and open slides are allowed."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import demo_hospital

GROWTH_ALLOWED_MIB = 160
"""OpenSlide's cache 64, tiles 32, 32 open slides of about 1 each, and what eight threads hold while they work."""

READING = """
import itertools, json, os, sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from fake_pacs.imaging import pyramid
from fake_pacs.imaging.openslide_picture import Layer, OpenSlidePicture
from fake_pacs.imaging.slide_reader import SlideReader

SIZE, SIDE = (1600, 1200), 512  # another tile size than the stored one: every tile is decoded
reader = SlideReader()
pictures = [OpenSlidePicture(reader, [Layer(path)], tile_size=SIDE) for path in sorted(Path(sys.argv[1]).iterdir())]
columns, rows = pyramid.tile_grid(SIZE, 11, SIDE)

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20

def read(job):
    picture, x, y = job
    picture.tile(11, x, y, focal_plane="0", optical_path=None, format="jpeg")
    width, height = pyramid.tile_box(SIZE, 11, x, y, SIDE).size
    return 4 * width * height

pictures[0].properties()
before = resident()
with ThreadPoolExecutor(8) as threads:
    decoded = sum(threads.map(read, itertools.product(pictures, range(columns), range(rows))))
growth = resident() - before
print(json.dumps({"slides": len(pictures), "decoded": decoded / 2**20, "growth": growth, "open": reader.open_count}))
"""


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="resident memory is read from /proc, as on Linux")
def test_resident_memory_is_bounded(tmp_path: Path) -> None:
    for number in range(40):
        shutil.copy(demo_hospital.folder() / "slides" / "colon_he.svs", tmp_path / f"{number}.svs")
    done = subprocess.run(
        [sys.executable, "-c", READING, str(tmp_path)], capture_output=True, text=True, check=True, timeout=120
    )
    told = json.loads(done.stdout)
    assert told["slides"] == 40
    assert told["open"] <= 32
    assert told["decoded"] > 280, "MiB: far more than may be kept"
    assert told["growth"] < GROWTH_ALLOWED_MIB, told
