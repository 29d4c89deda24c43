"""What a made slide of several GB takes: `python benchmarks/make_slide.py [--side 110000] [--kind dicom]`.

Makes it with `fake-pacs make-slide`, serves the folder it lies in with a process of its own, reads tiles spread over
every level, downloads all files with `SectraClient`, compares the hashes, and deletes everything. Prints JSON: seconds,
MB/s, and the peak of the resident memory of each process (VmHWM of /proc and wait4, so on Linux). The disk needs room
for two and a half times the slide; `--folder` says where there is that much.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

MEGABYTE = 1e6
TILES_OF_A_LEVEL = 16


def peak() -> int:
    """The most resident memory that this process ever had, in bytes."""
    status = Path("/proc/self/status").read_text("ascii")
    return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM:"))


def digests(folder: Path) -> dict[str, str]:
    """SHA-256 of each file in and below a folder by its name."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            with path.open("rb") as file:
                found[path.name] = hashlib.file_digest(file, "sha256").hexdigest()
    return found


def make(folder: Path, side: int, kind: str, seed: int) -> dict[str, Any]:
    """Makes the slide in a process of its own."""
    out = folder / ("slide" if kind == "dicom" else f"slide.{kind}")
    command = [sys.executable, "-m", "fake_pacs", "make-slide", "--width", str(side), "--height", str(side)]
    began = time.perf_counter()
    child = os.posix_spawn(sys.executable, [*command, "--seed", str(seed), str(out)], os.environ)
    _, status, used = os.wait4(child, 0)
    seconds = time.perf_counter() - began
    if status:
        raise SystemExit(f"make-slide ended with {os.waitstatus_to_exitcode(status)}")
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    return {
        "MB": round(size / MEGABYTE),
        "seconds": round(seconds, 1),
        "cpu_seconds": round(used.ru_utime + used.ru_stime, 1),
        "MB_per_s": round(size / MEGABYTE / seconds, 1),
        "peak_MB": round(used.ru_maxrss * 1024 / MEGABYTE),
    }


def serve(folder: str) -> None:
    """The process of the server: says where it is, serves until its input ends, says its peak."""
    from fake_pacs.catalog import load_slides
    from fake_pacs.demo import with_applications
    from fake_pacs.embedding import MockSectraServer

    with MockSectraServer(slides={}).run(port=0) as pacs:
        slides = load_slides([Path(folder)]).slides
        pacs.world.replace_hospital(with_applications(slides, []))
        print(json.dumps({"url": pacs.url, "token": pacs.token, "slide": slides[0].id}), flush=True)
        sys.stdin.read()
        print(json.dumps({"peak": peak()}), flush=True)


def ask(url: str, token: str, slide: str, folder: str) -> None:
    """The process of the client: reads tiles of every level, downloads all files, says what that took."""
    from sectra_client import SectraClient

    with SectraClient(url, token, True) as client:
        told = client.get_image_metadata(slide, extended=True)
        spent = []
        size, side = (told.imageSize.width, told.imageSize.height), told.tileSize.width
        top = (max(size) - 1).bit_length()
        for level in range(top + 1):
            columns, rows = (math.ceil(math.ceil(length / 2 ** (top - level)) / side) for length in size)
            for step in range(min(TILES_OF_A_LEVEL, columns * rows)):
                began = time.perf_counter()
                client.get_tile(slide, level, step * 7 % columns, step * columns * rows // TILES_OF_A_LEVEL // columns)
                spent.append(time.perf_counter() - began)
        began = time.perf_counter()
        client.download_slide_files(slide, folder)
        seconds = time.perf_counter() - began
    tiles = {"levels": top + 1, "tiles": len(spent), "median_ms": round(1000 * sorted(spent)[len(spent) // 2], 2)}
    slowest = {"slowest_ms": round(1000 * max(spent), 1)}
    print(json.dumps({"tiles": tiles | slowest, "download_seconds": round(seconds, 2), "peak": peak()}))


def served(folder: Path, downloaded: Path) -> dict[str, Any]:
    """Serves the slide, reads it in two processes, and compares what came."""
    script = [sys.executable, __file__]
    with subprocess.Popen(
        [*script, "serve", str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        where = json.loads(server.stdout.readline())
        asked = [*script, "ask", where["url"], where["token"], where["slide"], str(downloaded)]
        client = json.loads(subprocess.run(asked, check=True, stdout=subprocess.PIPE, text=True).stdout)
        server_peak = json.loads(server.communicate()[0])["peak"]
    return {
        "tiles": client["tiles"],
        "download_seconds": client["download_seconds"],
        "server_peak_MB": round(server_peak / MEGABYTE),
        "client_peak_MB": round(client["peak"] / MEGABYTE),
        "hashes": "equal" if digests(folder) == digests(downloaded) else "DIFFERENT",
    }


def main(arguments: list[str]) -> None:
    """Measures and prints, or plays one of the two roles."""
    if arguments[:1] == ["serve"]:
        return serve(*arguments[1:])
    if arguments[:1] == ["ask"]:
        return ask(*arguments[1:])
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition(":")[0])
    parser.add_argument("--side", type=int, default=110_000, help="width and height in px (default: 110000)")
    parser.add_argument("--kind", choices=["dicom", "svs", "tiff"], default="dicom")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="where there is room (default: the system's temporary folder)")
    asked = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(dir=asked.folder) as name:
        given = Path(name) / "given"
        given.mkdir()
        free = shutil.disk_usage(name).free
        told: dict[str, Any] = {"kind": asked.kind, "side_px": asked.side, "free_GB": round(free / 1e9)}
        told["make"] = make(given, asked.side, asked.kind, asked.seed)
        told |= served(given, Path(name) / "downloaded")
    print(json.dumps(told, indent=2))
    return None


if __name__ == "__main__":
    main(sys.argv[1:])
