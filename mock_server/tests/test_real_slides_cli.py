"""`fake-pacs slides`, and what `serve` does with --slides, --strict-slides and --watch."""

from __future__ import annotations

import json
import queue
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from PIL import Image

import demo_hospital
from fake_pacs.catalog import CatalogError
from fake_pacs.cli import main
from fake_pacs.cli_slides import read_slides
from fake_pacs.imaging.tiff import tiled_tiff


def slide_file(path: Path, colour: str = "pink") -> Path:
    path.write_bytes(tiled_tiff([Image.new("RGB", (300, 200), colour)], microns_per_pixel=0.5))
    return path


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def lines(text: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines()]


def test_the_table_lists_what_is_served_and_what_not(tmp_path: Path) -> None:
    slide_file(tmp_path / "a.tiff")
    (tmp_path / "empty.svs").write_bytes(b"")
    done = run("slides", tmp_path)
    assert done.exit_code == 0
    size = f"{(tmp_path / 'a.tiff').stat().st_size:,}"
    assert lines(done.stdout)[0] == [
        "id",
        "case",
        "size",
        "(px)",
        "µm/px",
        "planes",
        "paths",
        "files",
        "bytes",
        "label",
        "remark",
    ]
    assert lines(done.stdout)[2] == ["a", "a", "300", "x", "200", "0.5", "1", "1", "1", size, "no"]
    assert done.stdout.splitlines()[-1] == f"1 slide, {size} bytes"
    assert "1 not served:" in done.stderr
    assert done.stderr.splitlines()[-1].split(maxsplit=1) == [
        str(tmp_path / "empty.svs"),
        "the file is empty (0 bytes)",
    ]


def test_json_has_the_same_for_machines(tmp_path: Path) -> None:
    slide_file(tmp_path / "a.tiff")
    (tmp_path / "empty.svs").write_bytes(b"")
    done = run("slides", "--json", tmp_path, demo_hospital.folder() / "cases.yaml")
    assert done.exit_code == 0
    told = json.loads(done.stdout)
    one = told["slides"][0]
    assert one == {
        "id": "a",
        "accessionNumber": "a",
        "accessionNumberIssuer": "",
        "imageSize": {"width": 300, "height": 200},
        "micronsPerPixel": pytest.approx(0.5),
        "focalPlanes": ["0"],
        "opticalPaths": ["0"],
        "fileFormat": "image/tiff",
        "files": ["a.tiff"],
        "bytes": (tmp_path / "a.tiff").stat().st_size,
        "label": False,
        "isStreamable": True,
        "notStreamableReason": None,
    }
    by_id = {slide["id"]: slide for slide in told["slides"]}
    assert len(by_id["demo-focus-1"]["focalPlanes"]) == len(by_id["demo-fluor-1"]["opticalPaths"]) == 3
    assert (by_id["demo-ihc-1"]["isStreamable"], by_id["demo-he-1"]["label"]) == (False, True)
    assert told["problems"] == [{"path": str(tmp_path / "empty.svs"), "reason": "the file is empty (0 bytes)"}]


def test_nothing_to_serve_is_an_exit_status(tmp_path: Path) -> None:
    (tmp_path / "empty.svs").write_bytes(b"")
    assert run("slides", tmp_path).exit_code == 1
    assert run("slides", "--json", tmp_path).exit_code == 1
    assert run("slides", tmp_path / "nowhere").exit_code == 1
    assert run("slides").exit_code == 2


def test_a_wrong_cases_yaml_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "cases.yaml").write_text("cases: 1")
    done = run("slides", tmp_path)
    assert done.exit_code == 1
    assert "cases.yaml:1: cases: came the int '1', expected a list" in done.stderr


def test_a_slide_that_opens_but_breaks_is_a_problem(tmp_path: Path) -> None:
    slide_file(tmp_path / "good.tiff")
    data = bytearray((demo_hospital.folder() / "slides" / "breast_he.tiff").read_bytes())
    data[600:100_000] = bytes(99_400)
    (tmp_path / "holes.tiff").write_bytes(data)
    done = run("slides", "--json", tmp_path)
    told = json.loads(done.stdout)
    assert [slide["id"] for slide in told["slides"]] == ["good"]
    assert [Path(problem["path"]).name for problem in told["problems"]] == ["holes.tiff"]


def test_strict_refuses_what_is_otherwise_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    slide_file(tmp_path / "good.tiff")
    assert len(read_slides([tmp_path], strict=True, may_be_empty=False).loaded.slides) == 1
    (tmp_path / "notes.txt").write_text("notes")
    assert len(read_slides([tmp_path], strict=False, may_be_empty=False).loaded.slides) == 1
    with pytest.raises(CatalogError, match="--strict-slides: 1 not served") as refused:
        read_slides([tmp_path], strict=True, may_be_empty=False)
    assert capsys.readouterr().err.count("notes.txt") == 2
    for way_out in ("--slides A.svs", "FOLDER/cases.yaml", "hidden files"):
        assert way_out in str(refused.value)


def test_what_lies_beside_the_slides_can_be_left_alone_strictly(tmp_path: Path) -> None:
    """The ways out that the refusal names."""
    good, notes = slide_file(tmp_path / "good.tiff"), tmp_path / "README.md"
    notes.write_text("about these slides")
    (tmp_path / "cases.yaml").write_text("cases: [{accessionNumber: S1, slides: [{id: good, files: [good.tiff]}]}]")
    for paths in ([good], [tmp_path / "cases.yaml"]):
        assert len(read_slides(paths, strict=True, may_be_empty=False).loaded.slides) == 1
    notes.rename(tmp_path / ".README.md")
    assert len(read_slides([tmp_path], strict=True, may_be_empty=False).loaded.slides) == 1


def test_an_empty_name_of_slides_is_refused_and_one_named_twice_is_served_once(tmp_path: Path) -> None:
    refused = run("serve", "--port", "0", "--slides", "")
    assert refused.exit_code == 2
    assert "--slides" in refused.stderr
    assert "came empty" in refused.stderr
    slide_file(tmp_path / "a.tiff")
    twice = [tmp_path / "a.tiff", tmp_path / ".." / tmp_path.name / "a.tiff"]
    assert len(read_slides(twice, strict=False, may_be_empty=False).loaded.slides) == 1


def test_serve_refuses_strictly_and_without_slides(tmp_path: Path) -> None:
    (tmp_path / "empty.svs").write_bytes(b"")
    slide_file(tmp_path / "good.tiff")
    for options, reason in (
        (("--slides", tmp_path, "--strict-slides"), "--strict-slides: 1 not served"),
        (("--watch",), "--watch needs --slides"),
        (("--strict-slides",), "--strict-slides needs --slides"),
        (("--slides", tmp_path / "nowhere"), "no slide to serve"),
    ):
        done = run("serve", "--port", "0", *options)
        assert done.exit_code == 1, done.output
        assert reason in done.stderr


@pytest.fixture
def told_by(tmp_path: Path) -> Iterator[Callable[..., queue.SimpleQueue[str]]]:
    """Starts a watching server with more options, and gives the lines that it tells."""
    command = [sys.executable, "-m", "fake_pacs", "serve", "--port", "0", "--slides", str(tmp_path), "--watch"]
    started = ExitStack()

    def start(*options: str) -> queue.SimpleQueue[str]:
        server = subprocess.Popen([*command, *options], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        reading = threading.Thread(target=lambda: [lines.put(line) for line in server.stdout or ()])
        reading.start()
        started.callback(reading.join)
        started.callback(server.wait, 10)
        started.callback(server.terminate)
        return lines

    with started:
        yield start


@pytest.fixture
def told(told_by: Callable[..., queue.SimpleQueue[str]]) -> queue.SimpleQueue[str]:
    """The lines that a watching server tells."""
    return told_by()


def test_nothing_but_json_is_said_of_slides_where_the_log_is_json(
    tmp_path: Path, told_by: Callable[..., queue.SimpleQueue[str]]
) -> None:
    (tmp_path / "notes.txt").write_text("notes")
    lines = told_by("--log", "json")
    seen = [json.loads(next_line(lines)), json.loads(next_line(lines))]
    assert [one["event"] for one in seen] == ["not-served", "start"]
    assert seen[0]["path"] == str(tmp_path / "notes.txt")
    assert seen[0]["reason"].startswith("not a slide")
    slide_file(tmp_path / "a.tiff")
    joined = json.loads(next_line(lines))
    assert (joined["event"], joined["slideId"]) == ("slide-joined", "a")
    assert "accession" not in str(joined)
    (tmp_path / "cases.yaml").write_text("cases: 1")
    assert "stay as they are" in json.loads(next_line(lines))["message"]


def next_line(lines: queue.SimpleQueue[str]) -> str:
    return lines.get(timeout=20)


def wait_for(lines: queue.SimpleQueue[str], text: str) -> None:
    ends, seen = time.monotonic() + 20, list[str]()
    while not any(text in line for line in seen):
        assert time.monotonic() < ends, (text, seen)
        try:
            seen.append(lines.get(timeout=1))
        except queue.Empty:
            continue


def test_a_watching_server_tells_what_comes_and_goes(tmp_path: Path, told: queue.SimpleQueue[str]) -> None:
    wait_for(told, "Stop it with Ctrl-C")  # an empty folder may be watched
    slide_file(tmp_path / "a.tiff")
    wait_for(told, "slide joined: a (case a)")
    (tmp_path / "cases.yaml").write_text("cases: 1")
    wait_for(told, "the slides served stay as they are")
    (tmp_path / "cases.yaml").unlink()
    shutil.move(tmp_path / "a.tiff", tmp_path / ".a.tiff")
    wait_for(told, "slide left: a (case a)")
