"""`make demo`: a whole round trip over HTTP between the fake PACS, the client and the example app, told step by step.

Ends with status 0 only if every answer was as expected. `--slides PATH` does the same with your own slides.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import demo_hospital
from fake_pacs.control_client import ControlClient, ControlError
from sectra_client import SectraClient, SectraError
from tools.demo_app import example_app, steps
from tools.demo_steps import APPLICATION, STEPS, Step, Trip, UnexpectedError, counted

CONTROL_TOKEN = "dev-control"
NAMED = 16
"""Columns for the name of a step."""


@dataclass(frozen=True)
class Pacs:
    """A running fake PACS: its base URL, and the root where the control plane lies."""

    url: str
    root: str

    @property
    def control(self) -> ControlClient:
        """What asks its control plane."""
        return ControlClient(self.root, CONTROL_TOKEN)

    def exchanges(self, after: int) -> list[dict[str, Any]]:
        """The requests since the one of that number."""
        found: list[dict[str, Any]] = self.control.call("GET", f"journal?after={after}&limit=1000")["exchanges"]
        return [exchange for exchange in found if not exchange["path"].startswith("/_fake_pacs")]

    def deliveries(self, after: int) -> list[dict[str, Any]]:
        """The calls of apps since the one of that number."""
        found: list[dict[str, Any]] = self.control.call("GET", f"deliveries?after={after}")["deliveries"]
        return found


class Screen:
    """Prints the steps; colours only where somebody looks."""

    def __init__(self) -> None:
        self._coloured = sys.stdout.isatty() and "NO_COLOR" not in os.environ

    def colour(self, code: int, text: str) -> str:
        """The text in that colour of the terminal, or as it is."""
        return f"\033[{code}m{text}\033[0m" if self._coloured else text

    def step(self, number: int, name: str, asked: Sequence[str], statuses: str, came: str) -> None:
        """One step: its name, what was asked, what came."""
        margin = " " * (NAMED + 5)
        print(f"{number:>3}  {self.colour(1, f'{name:<{NAMED}}')}{self.colour(2, asked[0] if asked else '')}")
        for line in asked[1:]:
            print(margin + self.colour(2, line))
        print(f"{margin}{self.colour(32, statuses)}  {came}", flush=True)


@contextmanager
def running(slides: Path | None) -> Iterator[Pacs]:
    """`fake-pacs serve` on a free port, until the block ends. Raises `UnexpectedError` where it doesn't start."""
    command = [
        sys.executable,
        "-m",
        "fake_pacs",
        "serve",
        "--port",
        "0",
        *(["--slides", str(slides)] if slides else []),
    ]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("FAKE_PACS_")}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True, encoding="utf-8") as server:
        try:
            yield _greeted(server)
        finally:
            server.terminate()


def _greeted(server: subprocess.Popen[str]) -> Pacs:
    assert server.stdout is not None
    for line in server.stdout:
        if match := re.search(r"(https?://[^/\s]+)/\S+", line):
            return Pacs(match[0], match[1])
    raise UnexpectedError(f"fake-pacs serve ended with status {server.wait()} before it served")


def requests_of(pacs: Pacs, exchanges: Sequence[dict[str, Any]]) -> list[str]:
    """The requests of a step in words; of many alike, the first and how many followed. Raises `UnexpectedError`."""
    if errors := [exchange["ourError"] for exchange in exchanges if exchange["ourError"]]:
        raise UnexpectedError(f"the fake PACS went wrong by itself: {errors[0]}")
    kinds: dict[str, list[str]] = {}
    base = pacs.url.removeprefix(pacs.root)
    for exchange in exchanges:
        asked = f"{exchange['method']:<4} {exchange['path'].removeprefix(base)}"
        kinds.setdefault(exchange["operationId"], []).append(asked)
    return [line for alike in kinds.values() for line in _shortened(alike)]


def _shortened(alike: Sequence[str]) -> list[str]:
    return [f"{alike[0]}  … {len(alike)} of these"] if len(alike) > 2 else list(dict.fromkeys(alike))


def round_trip(pacs: Pacs, trip: Trip, screen: Screen, all_steps: Iterable[Step]) -> int:
    """Takes every step and prints it; returns how many requests it took. Raises `UnexpectedError` and `SectraError`."""
    last = called = total = 0
    for number, (name, step) in enumerate(all_steps, 1):
        try:
            came = step(trip)
        except (SectraError, ControlError, UnexpectedError) as error:
            raise UnexpectedError(f"step {number}, {name}: {error}") from error
        exchanges, deliveries = pacs.exchanges(last), pacs.deliveries(called)
        last = max((exchange["number"] for exchange in exchanges), default=last)
        called = max((delivery["number"] for delivery in deliveries), default=called)
        total += len(exchanges) + len(deliveries)
        asked = [f"{delivery['method']:<4} {delivery['url']}" for delivery in deliveries]
        codes = {exchange["status"] for exchange in exchanges}
        codes |= {delivery["answer"]["status"] for delivery in deliveries}
        screen.step(number, name, asked + requests_of(pacs, exchanges), ", ".join(map(str, sorted(codes))), came)
    return total


def originals(slides: Path | None) -> list[Path]:
    """The files that the server hands out, to compare what comes with."""
    source = slides or demo_hospital.folder() / "slides"
    return [source] if source.is_file() else sorted(path for path in source.rglob("*") if path.is_file())


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the demo; the exit status says whether everything was as expected."""
    parser = argparse.ArgumentParser(prog="make demo", description="A whole round trip with the fake PACS.")
    parser.add_argument("--slides", type=Path, metavar="PATH", help="a slide, or a folder of slides, of your own")
    slides = parser.parse_args(arguments).slides
    screen, began = Screen(), time.monotonic()
    try:
        with running(slides) as pacs, example_app() as app_url, tempfile.TemporaryDirectory() as folder:
            print(f"fake-pacs runs at {pacs.url}\nan app runs at    {app_url}\n")
            with (
                SectraClient.from_credentials(pacs.url, APPLICATION, "dev", "dev", _allow_http=True) as client,
                SectraClient(pacs.url, "dev-token", _allow_http=True) as anybody,
            ):
                trip = Trip(client, pacs.control.call("GET", "hospital"), Path(folder), originals(slides))
                with_app = steps(pacs.control, anybody, app_url)
                total = round_trip(pacs, trip, screen, (*STEPS, *with_app))
    except UnexpectedError as error:
        print(f"\n{screen.colour(31, 'The demo failed.')} {error}", file=sys.stderr)
        return 1
    took = f"{counted(total, 'request')}, {time.monotonic() - began:.1f} s"
    again = f'make serve ARGS="--slides {slides}"' if slides else "make serve"
    print(f"\n{screen.colour(32, 'Everything was as expected')}: {took}.")
    print(f"Keep it running with `{again}`; then http://localhost:8001/_fake_pacs/api shows all operations.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
