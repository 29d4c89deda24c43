"""20 clients read 20 slides, tile by tile, at the same time: how much memory the server takes for it."""

from __future__ import annotations

import http.client
import json
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.bench.figures import Figure, Goal
from benchmarks.bench.roles import TOKEN, memory_of
from benchmarks.bench.servers import OURS, free_port
from tools.repository import ROOT

import demo_hospital
from fake_pacs.world import contract
from ia_api_spec import NEWEST

COUNT = 20
ROUNDS = 3
"""Each client reads its slide so often: what grows with the work would show."""
BOUND = 400.0
"""MB: the process with its libraries (some 100), its caches (96 MiB), 20 open slides, and what is on its way."""
SHARED = ROOT.parent / "shared" / "slides"


def figures(folder: Path) -> Iterator[Figure]:
    """Resident memory before, at most and after; and how many tiles a second that made."""
    slides = folder / "slides"
    slides.mkdir()
    fill(slides)
    port = free_port()
    command = [str(Path(OURS).parent / "fake-pacs"), "serve", "--slides", str(slides), "--port", str(port)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            while "Ctrl-C" not in (line := process.stdout.readline()):
                if not line:
                    raise RuntimeError(f"{command} does not serve: run it by hand to see why")
            before = memory_of(process.pid)
            tiles, seconds = read_all(port)
            after = memory_of(process.pid)
        finally:
            process.kill()
    megabytes = {"before": before["resident"] / 1e6, "after": after["resident"] / 1e6, "peak": after["peak"] / 1e6}
    note = (
        f"Resident before: {megabytes['before']:.0f} MB, after: {megabytes['after']:.0f} MB; "
        f"{tiles:,} tiles in {seconds:.1f} s."
    )
    work = f"{COUNT} clients reading {COUNT} slides, {ROUNDS} times: peak memory of the server"
    yield Figure("many.memory", work, "MB", megabytes["peak"], goal=Goal("value", BOUND), note=note)


def fill(folder: Path) -> None:
    """Puts that many slides into the folder: copies of real ones where they are at hand, else of drawn ones."""
    drawn = demo_hospital.folder() / "slides"
    sources = [SHARED / "cmu_small_region.svs", drawn / "breast_he.tiff", drawn / "colon_he.svs", drawn / "kidney_he"]
    there = [source for source in sources if source.exists()]
    for number in range(COUNT):
        source = there[number % len(there)]
        target = folder / f"{source.stem}_{number:02}{source.suffix}"
        (shutil.copytree if source.is_dir() else shutil.copy)(source, target)


def read_all(port: int) -> tuple[int, float]:
    """Every client reads every tile of its slide, all at once: how many tiles, and seconds."""
    held = json.loads(_Reader(port).get("/_fake_pacs/hospital", control=True))
    ids = [slide["id"] for case in held["cases"] for slide in case["slides"]]
    counts: list[int] = []
    errors: list[BaseException] = []

    def read(slide_id: str) -> None:
        try:
            counts.append(sum(_Reader(port).slide(slide_id) for _ in range(ROUNDS)))
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=read, args=(slide_id,)) for slide_id in ids[:COUNT]]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors or len(counts) != COUNT:
        raise RuntimeError(f"{len(counts)} of {COUNT} clients read their slide") from next(iter(errors), None)
    return sum(counts), time.perf_counter() - began


class _Reader:
    """One client on one connection."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("localhost", port)
        self._base = contract("ia-api", NEWEST).base_path

    def get(self, path: str, *, control: bool = False) -> bytes:
        """The body of an answer of success."""
        credential = {"X-Fake-Pacs-Control": "dev-control"} if control else {"Authorization": f"Bearer {TOKEN}"}
        self._connection.request("GET", path if control else f"{self._base}{path}", headers=credential)
        answer = self._connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{path} was answered with {answer.status}: {body[:300]!r}")
        return body

    def slide(self, slide_id: str) -> int:
        """Reads every tile of a slide; how many there are."""
        info: dict[str, Any] = json.loads(self.get(f"/slides/{slide_id}/info"))
        width, height = info["imageSize"]["width"], info["imageSize"]["height"]
        side, top = info["tileSize"]["width"], (max(width, height) - 1).bit_length()
        count = 0
        for level in range(top, -1, -1):
            scale = 1 << (top - level)
            across, down = -(-width // (scale * side)), -(-height // (scale * side))
            for x in range(across):
                for y in range(down):
                    self.get(f"/images/{slide_id}_files/{level}/{x}_{y}.jpeg")
                    count += 1
        return count
