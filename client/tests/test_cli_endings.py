"""How the command `sectra-client` ends: interrupted, with nobody reading, on an odd terminal; and how it goes on."""

import io
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from sectra_client import cli

CASE = "/requests/S26-1/images/info"
NAMED = {"staining": {"displayName": "H&E"}, "block": {"displayName": "A1"}, "specimen": {}}
FILES = "/slides/s1/files"
KIND = "multipart/related; boundary=BOUND"
WHOLE = b"".join(
    b'--BOUND\r\nContent-Disposition: attachment; filename="%c.dcm"\r\n\r\n' % name + bytes([name]) * 2000 + b"\r\n"
    for name in b"abc"
)
WHOLE += b"--BOUND--\r\n"
IN_B = WHOLE.index(b"bbb") + 1000


@pytest.fixture
def environment(pacs: Any) -> dict[str, str]:
    """What the command needs to ask the scripted server, which has a case of one slide of three files."""
    pacs.on(CASE, pacs.answer([{"id": "s1", **NAMED}]))
    pacs.on(FILES, pacs.answer(WHOLE, Content_Type=KIND))
    return {"SECTRA_URL": pacs.url, "SECTRA_TOKEN": "a-token"}


@pytest.fixture
def run(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs the command in this process, without waiting between tries."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("sectra_client.retries.RetryPolicy.wait", lambda policy, attempt: 0.0)
    return lambda *arguments: cli.main(["case", "S26-1", "--allow-http", "--no-progress", *arguments])


PROGRAM = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may have made the tests deaf to it
from sectra_client.cli import main
sys.exit(main())
"""


def started(environment: dict[str, str], *arguments: str) -> subprocess.Popen[str]:
    """The command in a process of its own."""
    command = [sys.executable, "-c", PROGRAM, "case", "S26-1", "--allow-http", "--no-progress", *arguments]
    pipe, known = subprocess.PIPE, dict(os.environ) | environment
    return subprocess.Popen(command, env=known, text=True, encoding="utf-8", stdout=pipe, stderr=pipe)


def found(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes()[:1] for path in folder.iterdir()}


def test_after_a_cut_whole_files_stay_and_the_next_run_goes_on(
    run: Any, pacs: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pacs.on(FILES, [pacs.answer(WHOLE[:IN_B], Content_Type=KIND, length=len(WHOLE)), "close"])
    assert run("--out", str(tmp_path)) == cli.FAILED
    said = capsys.readouterr().err
    assert "Tried 6 times. Files of it that are whole, and stay: 1." in said
    assert "0 of 1 slides" in said
    assert found(tmp_path / "s1") == {"a.dcm": b"a"}
    manifest = tmp_path / ".s1.sectra-client.json"
    assert json.loads(manifest.read_text())["complete"] is False
    assert list(json.loads(manifest.read_text())["files"]) == ["a.dcm"]
    inode = (tmp_path / "s1" / "a.dcm").stat().st_ino

    pacs.on(FILES, pacs.answer(WHOLE, Content_Type=KIND))
    assert run("--out", str(tmp_path)) == 0
    assert "1 of 1 slides" in capsys.readouterr().err
    assert found(tmp_path / "s1") == {"a.dcm": b"a", "b.dcm": b"b", "c.dcm": b"c"}
    assert (tmp_path / "s1" / "a.dcm").stat().st_ino == inode
    assert json.loads(manifest.read_text())["complete"] is True
    asked = len(pacs.asked(FILES))
    assert run("--out", str(tmp_path)) == 0
    assert "(1 were there before)" in capsys.readouterr().err
    assert len(pacs.asked(FILES)) == asked


def test_one_damaged_file_is_mended_and_the_others_stay(run: Any, tmp_path: Path) -> None:
    assert run("--out", str(tmp_path)) == 0
    slide = tmp_path / "s1"
    inodes = {path.name: path.stat().st_ino for path in slide.iterdir()}
    (slide / "b.dcm").write_bytes(b"damaged")
    assert run("--out", str(tmp_path)) == 0
    assert (slide / "b.dcm").read_bytes() == b"b" * 2000
    assert [path.name for path in slide.iterdir() if path.stat().st_ino == inodes[path.name] and path.name != "b.dcm"]
    assert {name: (slide / name).stat().st_ino for name in ("a.dcm", "c.dcm")} == {
        name: inodes[name] for name in ("a.dcm", "c.dcm")
    }


def test_what_a_killed_process_left_is_swept_once_the_slide_is_complete(run: Any, tmp_path: Path) -> None:
    slide = tmp_path / "s1"
    slide.mkdir()
    left, fresh, other = ".b.dcm.0123456789ab.part", ".b.dcm.abcdef012345.part", ".mine.part"
    for name in (left, fresh, other):
        (slide / name).write_bytes(b"x")
    for name in (left, other):
        os.utime(slide / name, (1, 1))
    assert run("--out", str(tmp_path)) == 0
    assert sorted(found(slide)) == [fresh, other, "a.dcm", "b.dcm", "c.dcm"]


def test_out_must_not_be_a_file(run: Any, pacs: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_bytes(b"mine")
    assert run("--out", str(tmp_path / "file")) == cli.USAGE
    assert "file is a file: name a folder" in capsys.readouterr().err
    assert pacs.received == []


def test_a_file_in_a_slides_place_fails_that_slide(run: Any, tmp_path: Path, capsys: Any) -> None:
    (tmp_path / "s1").write_bytes(b"mine")
    assert run("--out", str(tmp_path)) == cli.FAILED
    assert "s1: " in capsys.readouterr().err
    assert (tmp_path / "s1").read_bytes() == b"mine"


@pytest.mark.skipif(os.name == "nt", reason="a broken pipe is an OSError EINVAL there")
def test_a_reader_that_has_had_enough_is_no_failure(environment: dict[str, str], pacs: Any) -> None:
    pacs.on(CASE, pacs.answer([{"id": f"slide-{n}", **NAMED} for n in range(20_000)]))
    process = started(environment)
    assert process.stdout is not None
    assert process.stdout.readline() == "slide-0\tA1\tH&E\n"
    process.stdout.close()
    assert process.stderr is not None
    assert (process.stderr.read(), process.wait(20)) == ("", 0)
    process.stderr.close()


@pytest.mark.skipif(os.name == "nt", reason="no process of its own can be sent Ctrl-C there")
@pytest.mark.parametrize("stalled", [True, False])
def test_ctrl_c_ends_it_and_leaves_what_is_whole(
    environment: dict[str, str], pacs: Any, tmp_path: Path, stalled: bool
) -> None:
    rest = [60.0] if stalled else [step for byte in range(1000) for step in (b"b", 0.02)]
    pacs.on(FILES, [pacs.answer(WHOLE[:IN_B], Content_Type=KIND, length=len(WHOLE)), *rest])
    process = started(environment, "--out", str(tmp_path))
    slide = tmp_path / "s1"
    waiting = threading.Event()
    while not (slide.is_dir() and any(path.suffix == ".part" and "b.dcm" in path.name for path in slide.iterdir())):
        assert process.poll() is None
        waiting.wait(0.02)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=20)
    assert process.returncode == cli.INTERRUPTED
    assert "interrupted; files that are whole stay" in said
    assert "Traceback" not in said
    assert [name for name in found(slide) if not name.endswith(".part")] == ["a.dcm"]
    assert stalled or sorted(found(slide)) == ["a.dcm"]


def test_a_thread_that_does_not_end_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    left: list[int] = []
    monkeypatch.setattr(cli, "LEAVE_SECONDS", 0.01)
    monkeypatch.setattr("os._exit", left.append)
    assert cli._leave(7) == 7
    assert left == []
    end = threading.Event()
    thread = threading.Thread(target=end.wait)
    thread.start()
    cli._leave(cli.INTERRUPTED)
    end.set()
    thread.join()
    assert left == [cli.INTERRUPTED]


def test_what_a_terminal_cannot_show_is_escaped(run: Any, pacs: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    pacs.on(CASE, pacs.answer([{"id": "s1", **NAMED, "block": {"displayName": "Ä\u2192"}}]))
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="ascii"))
    assert run() == 0
    sys.stdout.flush()
    assert raw.getvalue() == b"s1\t\\xc4\\u2192\tH&E\n"
