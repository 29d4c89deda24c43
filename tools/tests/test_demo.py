"""`make demo` takes every step, on the demo hospital and on a slide of one's own, and fails when something is wrong."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tools import demo, demo_app, demo_steps
from tools.repository import ROOT, in_ci

from fake_pacs.control_client import ControlClient
from sectra_client import SectraConflictError

SLIDE = ROOT.parent / "shared" / "slides" / "cmu_small_region.svs"


def test_the_demo_takes_every_step_of_the_main_job(capsys: pytest.CaptureFixture[str]) -> None:
    assert demo.main([]) == 0
    said = capsys.readouterr().out
    for line in (
        "version         POST /token?applicationId=tumor-finder",
        "200  IA-API 1.10, software 4.2.0.0",
        "2 slides: demo-he-1 (H&E), demo-ihc-1 (Ki-67)",
        "GET  /slides/demo-he-1/info?scope=extended&includePHI=true",
        "200  JPEG of 360 × 400 px",
        "level 10 of 11, 800 × 600 px: 4 × 3 tiles",
        "3 focal planes of demo-focus-1; 3 optical paths of demo-fluor-1",
        "200  colon_he.svs; 358 KiB, the same bytes as the original",
        "level_0.dcm, level_1.dcm, level_2.dcm, overview.dcm",
        "201  result 1, versionId ",
        "PUT  /applications/tumor-finder/results/1\n",
        "200, 409  refused with 409",
        "NotSet → QualityOk",
        "app registered  GET  http://localhost:",
        "POST /applications/example-nuclei/results\n",
        "fields have many nuclei",
        "gallery button  POST http://localhost:",
        "Everything was as expected: ",
        "make serve",
    ):
        assert line in said
    assert "\033[" not in said


@pytest.mark.parametrize("findings", [[], [{"code": "answer.status", "text": "came 500"}]])
def test_an_app_that_is_found_wrong_fails_the_demo(findings: list[dict[str, str]]) -> None:
    class Control(ControlClient):
        def call(self, method: str, path: str, document: Any = None, *, timeout: float | None = None) -> Any:
            return {"deliveries": [{"ok": False, "findings": findings, "answer": {"trouble": "refused"}}]}

    with pytest.raises(demo_steps.UnexpectedError, match="came 500" if findings else "refused"):
        demo_app.perform(Control("http://localhost:1", "dev-control"), {"action": "start"})


@pytest.mark.skipif(not SLIDE.exists() and not in_ci(), reason=f"{SLIDE} is not there")
def test_the_demo_takes_a_slide_of_your_own(capsys: pytest.CaptureFixture[str]) -> None:
    assert demo.main(["--slides", str(SLIDE)]) == 0
    said = capsys.readouterr().out
    assert "2220 × 2967 px at 0.499 µm" in said
    assert "cmu_small_region.svs; 1.8 MiB, the same bytes as the original" in said
    assert f'make serve ARGS="--slides {SLIDE}"' in said


def test_slides_that_are_not_there_fail_the_demo(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert demo.main(["--slides", str(tmp_path / "none.svs")]) == 1
    said = capfd.readouterr().err
    assert "none.svs" in said
    assert "The demo failed. fake-pacs serve ended with status 1 before it served" in said


def test_a_step_that_finds_something_else_fails_the_demo(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def wrong(trip: demo_steps.Trip) -> str:
        demo_steps.expect(trip.client.version_info.apiVersion == "1.7", "it is not 1.7")
        return "never said"

    monkeypatch.setattr(demo, "STEPS", (("version", wrong),))
    assert demo.main([]) == 1
    said = capsys.readouterr()
    assert "step 1, version: it is not 1.7" in said.err
    assert "never said" not in said.out


def raising(error: Exception) -> Callable[[], object]:
    def action() -> object:
        raise error

    return action


def test_a_write_that_should_be_refused_and_is_not_is_unexpected() -> None:
    with pytest.raises(demo_steps.UnexpectedError, match="old versionId was accepted"):
        demo_steps.refused(lambda: None)
    assert demo_steps.refused(raising(SectraConflictError(409, "no", "/x"))) == "refused with 409, “no”"


@pytest.mark.parametrize(("count", "said"), [(1, "1 byte"), (1536, "2 KiB"), (2**21, "2.0 MiB")])
def test_sizes_are_said_in_units(count: int, said: str) -> None:
    assert demo_steps.size_of(count) == said
