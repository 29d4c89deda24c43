"""`make bench`, or `python -m benchmarks.bench [--mib 1024] [--rounds 5] [--only calls,tiles] [--output FILE]`.

Prints the table. A whole run of the full size writes benchmarks/results.json, from which `make generate` takes the
README's table; any other run writes only where --output says.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path

from benchmarks.bench import calls, downloads, many, starts, tiles
from benchmarks.bench.figures import RESULTS, Figure, Run
from benchmarks.bench.measuring import machine
from benchmarks.bench.pages import page
from benchmarks.bench.servers import community

APPLICATION = "nuclei-counter"
MIB, ROUNDS = 1024, 5
PARTS = ("calls", "tiles", "start", "many", "files")


def run(parts: list[str], folder: Path, mib: int, rounds: int) -> Run:
    """Measures those parts; each figure is said as it comes."""
    python = community()
    measured: dict[str, Callable[[], Iterator[Figure]]] = {
        "calls": lambda: calls.figures(rounds, python, APPLICATION),
        "tiles": lambda: tiles.figures(folder, rounds),
        "start": lambda: starts.figures(folder, rounds, python),
        "many": lambda: many.figures(folder),
        "files": lambda: downloads.figures(folder, mib, rounds, python),
    }
    figures = []
    for part in parts:
        for figure in measured[part]():
            print(json.dumps(figure.as_json(), ensure_ascii=False), file=sys.stderr, flush=True)
            figures.append(figure)
    return Run({**machine(), "ia-api-kit": version("ia-api-kit"), "rounds": rounds}, tuple(figures))


def main(arguments: list[str]) -> int:
    """Measures, prints, writes; the exit status says whether every goal was reached."""
    parser = argparse.ArgumentParser(prog="make bench", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--mib", type=int, default=MIB, help=f"size of the downloads in MiB (default: {MIB})")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"turns that each has (default: {ROUNDS})")
    parser.add_argument("--only", default=",".join(PARTS), help=f"some of {','.join(PARTS)}")
    parser.add_argument("--folder", type=Path, help="where there is room for three times the size (default: system's)")
    parser.add_argument("--output", type=Path, help="where the figures go as JSON")
    asked = parser.parse_args(arguments)
    parts = [part for part in asked.only.split(",") if part]
    if unknown := set(parts) - set(PARTS):
        parser.error(f"--only {', '.join(sorted(unknown))}: there are {', '.join(PARTS)}")
    with tempfile.TemporaryDirectory(dir=asked.folder, prefix="ia-api-kit-bench-") as name:
        done = run(parts, Path(name), asked.mib, asked.rounds)
    print(page(done))
    is_whole = set(parts) == set(PARTS) and asked.mib == MIB
    output = asked.output or (RESULTS if is_whole else None)
    if output:
        output.write_text(json.dumps(done.as_json(), indent=2, ensure_ascii=False) + "\n", "utf-8", newline="\n")
    for figure in done.missed:
        print(f"missed: {figure.work}: {figure.against} {figure.target}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
