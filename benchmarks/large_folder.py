"""How long a large folder takes until it is served: `python benchmarks/large_folder.py [--count 10000] [--kind tiff]`.

Makes a folder of links to (copies of) one small slide each, reads it as `fake-pacs serve --slides` does, and prints how
long that took, how many slides were opened (none), and how much memory grew. Kinds: tiff, svs, dicom (a folder each),
mixed (each a third).
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

import openslide

import demo_hospital
from fake_pacs.catalog import SlideSource
from fake_pacs.watching import snapshot

SLIDES = demo_hospital.folder() / "slides"
KINDS = {"tiff": SLIDES / "breast_he.tiff", "svs": SLIDES / "colon_he.svs", "dicom": SLIDES / "kidney_he"}


def fill(folder: Path, count: int, kinds: list[Path]) -> None:
    """Puts so many slides into the folder: hard links where the file system has them, else copies."""
    for number in range(count):
        source = kinds[number % len(kinds)]
        if source.is_dir():
            target = folder / f"{source.name}_{number:05}"
            target.mkdir()
            for file in source.iterdir():
                link(file, target / file.name)
        else:
            link(source, folder / f"{source.stem}_{number:05}{source.suffix}")


def link(source: Path, target: Path) -> None:
    """A hard link, or a copy across file systems."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy(source, target)


def resident_mib() -> float:
    """Resident memory of this process in MiB; 0 where the system has no /proc."""
    statm = Path("/proc/self/statm")
    return int(statm.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20 if statm.exists() else 0.0


def measured(folder: Path) -> dict[str, Any]:
    """Reads the folder twice, as at the start and as after a change on disk, and says what that took."""
    opened: list[Path] = []

    class Counted(openslide.OpenSlide):  # type: ignore[misc]
        def __init__(self, path: Path) -> None:
            opened.append(path)
            super().__init__(path)

    openslide.OpenSlide = Counted
    before = resident_mib()
    source = SlideSource([folder])
    began, began_cpu = time.perf_counter(), time.process_time()
    loaded = source.load()
    first = time.perf_counter()
    busy = time.process_time()
    source.load()
    second = time.perf_counter()
    snapshot([folder])
    return {
        "slides": len(loaded.slides),
        "problems": len(loaded.problems),
        "opened": len(opened),
        "first_load_s": round(first - began, 2),
        "first_load_cpu_s": round(busy - began_cpu, 2),
        "load_again_s": round(second - first, 2),
        "one_poll_s": round(time.perf_counter() - second, 3),
        "memory_growth_mib": round(resident_mib() - before, 1),
    }


def main() -> None:
    """Makes the folder, measures, prints JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--kind", choices=[*KINDS, "mixed"], default="mixed")
    asked = parser.parse_args()
    kinds = list(KINDS.values()) if asked.kind == "mixed" else [KINDS[asked.kind]]
    with tempfile.TemporaryDirectory(dir=Path.cwd() / "benchmarks") as folder:
        fill(Path(folder), asked.count, kinds)
        print(json.dumps({"kind": asked.kind, **measured(Path(folder))}))


if __name__ == "__main__":
    main()
