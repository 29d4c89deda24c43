"""1 GiB, as one file and as five: from client to disk, and out of the server."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks.bench.figures import Figure, Goal
from benchmarks.bench.measuring import Measure, alternating, median
from benchmarks.bench.roles import SLIDE, TOKEN
from benchmarks.bench.servers import OURS, Child, nginx, played, serving, tool
from benchmarks.download_memory import make_files

MEGABYTE = 1e6
PEAK = Goal("value", 80.0)
MEMORY_NEEDED = 5
"""The community client holds so many times the answer in memory, with room to spare."""

FIVE_OF_NGINX = "nginx has no multipart: there curl takes the five files one after the other on one connection."


class Trial:
    """One slide of so many files, everything that serves it, and a folder to download into."""

    def __init__(self, files: Sequence[Path], folder: Path, python: str | None) -> None:
        self.files = files
        self.size = sum(file.stat().st_size for file in files)
        self.folder = folder
        self.community = python
        self.curl = tool("curl")
        self.peaks: list[float] = []

    def client(self, python: str, server: Child) -> Measure:
        """MB/s of a client of Python, from the answer's first byte to the last on disk."""

        def measure() -> float:
            told = played(python, "download", url=server.url, folder=str(self.folder / "to"))
            shutil.rmtree(self.folder / "to")
            if told["size"] != self.size:
                raise RuntimeError(f"{told['size']} bytes came, expected {self.size}")
            if python == OURS:
                self.peaks.append(told["peak"] / MEGABYTE)
            return self.size / MEGABYTE / float(told["seconds"])

        return measure

    def curl_of(self, urls: Sequence[str], to: str | None = None) -> Measure | None:
        """MB/s of `curl -o`; None without curl."""
        if self.curl is None:
            return None
        target = to or "/dev/null"
        command = [self.curl, "--silent", "--fail", "--header", f"Authorization: Bearer {TOKEN}"]
        command += ["--write-out", "%{stderr}%{size_download} %{time_total}\n"]
        for url in urls:
            command += ["--output", target, url]

        def measure() -> float:
            said = subprocess.run(command, check=True, capture_output=True, text=True).stderr.split()
            if to:
                Path(to).unlink()
            if sum(map(int, said[::2])) < self.size:
                raise RuntimeError(f"curl got {said[::2]} bytes, expected {self.size}")
            return self.size / MEGABYTE / sum(map(float, said[1::2]))

        return measure


def figures(folder: Path, mib: int, rounds: int, python: str | None) -> Iterator[Figure]:
    """All figures of downloads; the files are made in the folder and removed again."""
    for count, name in ((1, "one file"), (5, "five files")):
        place = folder / f"files-{count}"
        place.mkdir()
        files = make_files(place, mib << 20, count)
        trial = Trial(files, folder, python)
        with serving(OURS, "serve_mock", files) as ours, serving(OURS, "serve_bare", files) as bare:
            yield from _to_disk(trial, ours, bare, rounds, f"{mib:,} MiB", name)
            yield from _served(trial, ours, bare, rounds, f"{mib:,} MiB", name)
            peak = ours.ask("peak") / MEGABYTE
            yield Figure(
                f"memory.server.{count}",
                f"{mib:,} MiB served, {name}: peak memory of the server",
                "MB",
                peak,
                goal=PEAK,
            )
        shutil.rmtree(place)


def _to_disk(trial: Trial, ours: Child, bare: Child, rounds: int, size: str, name: str) -> Iterator[Figure]:
    count = len(trial.files)
    several = count > 1
    to = str(trial.folder / "curl.out")
    subjects: dict[str, Measure | None] = {
        "here": trial.client(OURS, ours),
        "curl": trial.curl_of([_files(ours)], to),
        "bare": trial.client(OURS, bare),
    }
    taken = alternating(subjects, rounds)
    work = f"{size} from the server to disk, {name}: client"
    yield Figure(
        f"download.{count}.curl",
        work,
        "MB/s",
        taken["here"],
        "`curl -o` from the same server",
        taken["curl"],
        taken["bare"],
        Goal("ratio", 0.9, at_least=True),
    )
    if several:
        there, note = _community_client(trial, ours, rounds)
        goal = Goal("ratio", 6.0, at_least=True)
        yield Figure(
            f"download.{count}.community", work, "MB/s", taken["here"], "community client", there, None, goal, note
        )
    peak = max(trial.peaks)
    yield Figure(f"memory.client.{count}", f"{work}: peak memory", "MB", peak, goal=PEAK)


def _community_client(trial: Trial, ours: Child, rounds: int) -> tuple[float | None, str]:
    """MB/s of the community client from our server, and what is to be said of it."""
    if trial.community is None:
        return None, ""
    if available() < MEMORY_NEEDED * trial.size:
        print("the community client is not measured: it needs five times the slide in memory", file=sys.stderr)
        return None, "The community client holds the answer in memory several times: there was not enough."
    measure = trial.client(trial.community, ours)
    return median(measure() for _ in range(min(rounds, 3))), ""


def available() -> float:
    """Bytes of memory that are free or can be made so; infinite where the system doesn't tell."""
    told = Path("/proc/meminfo")
    if not told.exists():
        return float("inf")
    line = next(line for line in told.read_text("ascii").splitlines() if line.startswith("MemAvailable:"))
    return float(line.split()[1]) * 1024


def _served(trial: Trial, ours: Child, bare: Child, rounds: int, size: str, name: str) -> Iterator[Figure]:
    several = len(trial.files) > 1
    with nginx(trial.files[0].parent, trial.folder) as limit:
        subjects: dict[str, Measure | None] = {
            "here": trial.curl_of([_files(ours)]),
            "bare": trial.curl_of([_files(bare)]),
            "nginx": trial.curl_of([f"{limit}/{file.name}" for file in trial.files]) if limit else None,
        }
        if trial.community is None:
            taken: dict[str, Any] = {**alternating(subjects, rounds), "mock": None}
        else:
            with serving(trial.community, "serve_mock", trial.files) as mock:
                subjects["mock"] = trial.curl_of([_files(mock)])
                taken = alternating(subjects, rounds)
    work, here = f"{size} served, {name}, `curl -o /dev/null`", taken["here"]
    goal = Goal("ratio", 1.0, at_least=True)
    note = FIVE_OF_NGINX if several else ""
    mark = f"serve.{len(trial.files)}"
    yield Figure(f"{mark}.nginx", work, "MB/s", here, "nginx with sendfile", taken["nginx"], taken["bare"], goal, note)
    yield Figure(f"{mark}.community", work, "MB/s", here, "community mock", taken["mock"], taken["bare"])


def _files(server: Child) -> str:
    return f"{server.url}/slides/{SLIDE}/files"
