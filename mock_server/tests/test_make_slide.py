"""`fake-pacs make-slide`: the command, its refusals, its memory, and its slides served by the fake PACS."""

import io
import subprocess
import sys
from pathlib import Path
from typing import Any

import openslide
import pytest
from click.testing import CliRunner, Result
from PIL import Image, ImageChops, ImageStat

import demo_hospital
from fake_pacs.catalog import load_folder
from fake_pacs.cli import main
from fake_pacs.embedding import MockSectraServer

PEAK = """
import re, resource, sys
from pathlib import Path
from fake_pacs.cli import main
try: main(sys.argv[1:])
except SystemExit as end: assert not end.code, end.code
status = Path("/proc/self/status")
if status.exists(): print(int(re.search(r"VmHWM:\\s*(\\d+) kB", status.read_text())[1]) * 1024)
else: print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
"""Runs the command in an interpreter of its own and says its peak resident memory in bytes.

Linux's ru_maxrss won't do: a new program inherits it from the process that started it, here the one with all the tests.
"""


def run(*arguments: str | Path, **environment: str) -> Result:
    return CliRunner().invoke(main, ["make-slide", *map(str, arguments)], env=environment)


def difference(first: Image.Image, second: Image.Image) -> float:
    return max(ImageStat.Stat(ImageChops.difference(first.convert("RGB"), second.convert("RGB"))).mean)


def peak_mib(*arguments: str | Path) -> float:
    command = [sys.executable, "-c", PEAK, "make-slide", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=150, check=False)
    assert done.returncode == 0, done.stderr
    return int(done.stdout.splitlines()[-1]) / (1 << 20)


def test_it_makes_a_slide_and_says_where(tmp_path: Path) -> None:
    out = tmp_path / "slide"
    done = run("--width", "1500", "--height", "1200", "--seed", "4", "--truth", out)
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [str(out), str(tmp_path / "slide.truth.json")]
    with openslide.OpenSlide(out / "level_0.dcm") as slide:
        assert slide.dimensions == (1500, 1200)
    assert demo_hospital.read_truth(tmp_path / "slide.truth.json")["widthPx"] == 1500
    assert run("--width", "1500", "--height", "1200", "--seed", "4", out).exit_code == 1
    assert run("--width", "1500", "--height", "1200", "--seed", "4", "--force", out).exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--width", "2000", "a.svs"], "Missing option '--height'"),
        (["--width", "9", "--height", "2000", "a.svs"], "width came as 9; expected 1024 to 500000"),
        (["--width", "2000", "--height", "2e3", "a.svs"], "'2e3' is not a valid integer"),
        (["--width", "2000", "--height", "2000", "a.jpg"], "a.jpg ends in '.jpg'; expected a file .svs, .tif or .tiff"),
        (["--width", "2000", "--height", "2000", "no/a"], "there is no folder no: make it first"),
        (["--width", "2000", "--height", "2000", "--quality", "100", "a"], "quality came as 100; expected 1 to 95"),
    ],
)
def test_what_makes_no_sense_is_refused(
    arguments: list[str], text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = run(*arguments)
    assert done.exit_code in (1, 2)
    assert text in done.stderr
    assert "Traceback" not in done.output
    assert list(tmp_path.iterdir()) == []


def test_without_tifffile_the_error_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tifffile", None)
    for name in ("demo_hospital.making.tiff_slide", "demo_hospital.drawing.tiff"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    done = run("--width", "2000", "--height", "2000", tmp_path / "a.svs")
    assert done.exit_code == 1
    assert "pip install 'ia-api-kit[make]'" in done.stderr


def test_it_is_listed_and_its_help_says_what_out_may_be() -> None:
    assert "make-slide" in CliRunner().invoke(main, ["--help"]).output
    said = " ".join(run("--help").output.split())
    for part in (".svs or .tiff", "pip install 'ia-api-kit[make]'", "[default: 0.5]", "[default: 75]"):
        assert part in said


@pytest.mark.slow
@pytest.mark.skipif(sys.platform not in ("linux", "darwin"), reason="peak memory is asked of Linux and macOS only")
def test_memory_is_bounded_and_does_not_grow_with_the_height(tmp_path: Path) -> None:
    low = peak_mib("--width", 14_000, "--height", 1400, "--seed", 5, tmp_path / "low")
    high = peak_mib("--width", 14_000, "--height", 14_000, "--seed", 5, tmp_path / "high")
    assert sum(file.stat().st_size for file in (tmp_path / "high").iterdir()) > 30e6
    assert 20 < high < 200
    assert high - low < 30


@pytest.mark.parametrize("name", ["slide", "slide.svs"])
def test_the_fake_pacs_serves_it(name: str, tmp_path: Path) -> None:
    out = tmp_path / name
    assert run("--width", "2300", "--height", "1700", "--seed", "6", out).exit_code == 0
    files = sorted(out.iterdir()) if out.is_dir() else [out]
    server = MockSectraServer(slide_files={"made": files})
    client = server.create_app().test_client()
    root, headers = "/SectraPathologyServer/external/imageanalysis/v1", {"Authorization": f"Bearer {server.token}"}

    def get(path: str) -> Any:
        answer = client.get(root + path, headers=headers)
        assert answer.status_code == 200, answer.data
        return answer

    told = get("/slides/made/info?extended=true").json
    assert told["imageSize"] == {"width": 2300, "height": 1700}
    assert told["micronsPerPixel"] == 0.5
    assert Image.open(io.BytesIO(get("/slides/made/label").data)).size == (360, 400)
    with openslide.OpenSlide(files[0] if out.is_file() else out / "level_0.dcm") as slide:
        for level, place in ((12, (3, 3)), (11, (1, 2)), (10, (1, 1))):
            shift = 12 - level
            tile = Image.open(io.BytesIO(get(f"/images/made_files/{level}/{place[0]}_{place[1]}.png").data))
            corner = (place[0] * 256 << shift, place[1] * 256 << shift)
            assert difference(tile, slide.read_region(corner, shift, tile.size)) < 1


def test_ground_truth_beside_a_slide_is_no_slide_and_is_not_delivered(tmp_path: Path) -> None:
    size = ["--width", "1024", "--height", "1024"]
    made = CliRunner().invoke(main, ["make-slide", *size, "--truth", str(tmp_path / "a.svs")])
    assert made.exit_code == 0, made.output
    assert (tmp_path / "a.truth.json").exists()
    loaded = load_folder(tmp_path)
    assert loaded.problems == ()
    assert [[file.name for file in slide.files] for slide in loaded.slides] == [["a.svs"]]
