"""How much memory a large download takes: `python benchmarks/download_memory.py [--mib 1024] [--folder DIR]`.

Makes a slide of that size, as one file and as five, serves it with `MockSectraServer(slide_files=…)` from a process of
its own, downloads it with `SectraClient` in another, and prints the peak of the resident memory of both (VmHWM of
/proc, so on Linux), the time, and whether what came has the hashes of what was served. Needs twice the size on disk.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

BLOCK = 1 << 20
SLIDE = "large"
MEGABYTE = 1e6


@dataclass(frozen=True)
class Measured:
    """One download: its number of files and bytes, what it took (bytes, seconds), and whether all hashes agree."""

    files: int
    size: int
    server_peak: int
    client_peak: int
    seconds: float
    is_equal: bool


def peak() -> int:
    """The most resident memory that this process ever had, in bytes. Raises `OSError` where there is no /proc."""
    status = Path("/proc/self/status").read_text("ascii")
    return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM:"))


def make_files(folder: Path, size: int, count: int) -> list[Path]:
    """So many files of random bytes, the same on every run, together of that size."""
    source = random.Random(size)
    paths = [folder / f"part_{number}.dcm" for number in range(count)]
    for number, path in enumerate(paths):
        left = size * (number + 1) // count - size * number // count
        with path.open("wb") as file:
            for start in range(0, left, BLOCK):
                file.write(source.randbytes(min(BLOCK, left - start)))
    return paths


def digests(paths: list[Path]) -> dict[str, str]:
    """SHA-256 of each file by its name."""
    found = {}
    for path in paths:
        with path.open("rb") as file:
            found[path.name] = hashlib.file_digest(file, "sha256").hexdigest()
    return found


def serve(files: list[str]) -> None:
    """The process of the server: says where it is, serves until its input ends, says its peak."""
    from fake_pacs.embedding import MockSectraServer

    with MockSectraServer(slide_files={SLIDE: [Path(name) for name in files]}).run(port=0) as pacs:
        print(json.dumps({"url": pacs.url, "token": pacs.token}), flush=True)
        sys.stdin.read()
        print(json.dumps({"peak": peak()}), flush=True)


def download(arguments: list[str]) -> None:
    """The process of the client: downloads, says its peak, the time and the paths."""
    from sectra_client import SectraClient

    url, token, folder = arguments
    with SectraClient(url, token, _allow_http=True) as client:
        began = time.perf_counter()
        paths = client.download_slide_files(SLIDE, folder)
        seconds = time.perf_counter() - began
    print(json.dumps({"peak": peak(), "seconds": seconds, "paths": list(map(str, paths))}))


def measured(folder: Path, size: int, count: int) -> Measured:
    """Serves and downloads so many bytes in so many files; both copies are left in the folder."""
    given = folder / "given"
    given.mkdir()
    files = make_files(given, size, count)
    command = [sys.executable, __file__]
    with subprocess.Popen(
        [*command, "serve", *map(str, files)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        where = json.loads(server.stdout.readline())
        asked = [*command, "download", where["url"], where["token"], str(folder / "downloaded")]
        client = json.loads(subprocess.run(asked, check=True, stdout=subprocess.PIPE, text=True).stdout)
        served = json.loads(server.communicate()[0])
    is_equal = digests(files) == digests([Path(name) for name in client["paths"]])
    return Measured(count, size, served["peak"], client["peak"], client["seconds"], is_equal)


def table(rows: Iterable[Measured]) -> Iterator[str]:
    """The lines of a table in Markdown, as the measurements come."""
    yield "| files | size, MB | peak of the server, MB | peak of the client, MB | seconds | MB/s | hashes |"
    yield "|---|---|---|---|---|---|---|"
    for row in rows:
        peaks = f"{row.server_peak / MEGABYTE:.1f} | {row.client_peak / MEGABYTE:.1f}"
        speed = f"{row.seconds:.2f} | {row.size / MEGABYTE / row.seconds:.0f}"
        hashes = "equal" if row.is_equal else "DIFFERENT"
        yield f"| {row.files} | {row.size / MEGABYTE:.0f} | {peaks} | {speed} | {hashes} |"


def runs(size: int, folder: Path | None) -> Iterator[Measured]:
    """One file, then five; each in a temporary folder, which is gone afterwards."""
    for count in (1, 5):
        with tempfile.TemporaryDirectory(dir=folder) as name:
            yield measured(Path(name), size, count)


def main(arguments: list[str]) -> None:
    """Measures and prints, or plays one of the two roles."""
    if arguments[:1] == ["serve"]:
        return serve(arguments[1:])
    if arguments[:1] == ["download"]:
        return download(arguments[1:])
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition(":")[0])
    parser.add_argument("--mib", type=int, default=1024, help="size of the slide in MiB (default: 1024)")
    parser.add_argument("--folder", type=Path, help="where there is room for twice the size (default: the system's)")
    asked = parser.parse_args(arguments)
    for line in table(runs(asked.mib * BLOCK, asked.folder)):
        print(line, flush=True)
    return None


if __name__ == "__main__":
    main(sys.argv[1:])
