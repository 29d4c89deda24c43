"""The command `sectra-client`."""

import io
import sys
from pathlib import Path
from typing import Any

import pytest

from sectra_client import cli, progress

CASE = "/requests/S26-1/images/info"
SLIDES = [
    {"id": f"s{n}", "staining": {"displayName": "H&E"}, "block": {"displayName": "A1"}, "specimen": {}} for n in (1, 2)
]


@pytest.fixture
def run(pacs: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs the command on the scripted server with a token from the environment."""
    for name in ("SECTRA_APP_ID", "SECTRA_USER", "SECTRA_PASSWORD", "SECTRA_CA_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SECTRA_URL", pacs.url)
    monkeypatch.setenv("SECTRA_TOKEN", "a-token")
    pacs.on(CASE, pacs.answer(SLIDES))
    for slide in SLIDES:
        disposition = f'attachment; filename="{slide["id"]}.svs"'
        pacs.on(f"/slides/{slide['id']}/files", pacs.answer(b"bytes", Content_Disposition=disposition))
    return lambda *arguments: cli.main(["case", "S26-1", "--allow-http", "--no-progress", *arguments])


def test_a_case_is_listed(run: Any, pacs: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--issuer", "LAB") == 0
    assert capsys.readouterr().out == "s1\tA1\tH&E\ns2\tA1\tH&E\n"
    assert pacs.asked(CASE)[0].target.endswith("?accessionNumberIssuer=LAB")


def test_a_case_is_downloaded_and_complete_slides_are_skipped(run: Any, pacs: Any, tmp_path: Path, capsys: Any) -> None:
    assert run("--out", str(tmp_path), "--threads", "2") == 0
    assert sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.svs")) == [
        str(Path("s1", "s1.svs")),
        str(Path("s2", "s2.svs")),
    ]
    (tmp_path / "s2" / "s2.svs").write_bytes(b"cut")
    assert run("--out", str(tmp_path)) == 0
    assert "2 of 2 slides" in capsys.readouterr().err
    assert (len(pacs.asked("/slides/s1/files")), len(pacs.asked("/slides/s2/files"))) == (1, 2)


def test_one_failed_slide_does_not_stop_the_others(run: Any, pacs: Any, tmp_path: Path, capsys: Any) -> None:
    pacs.on("/slides/s1/files", pacs.answer({"detail": "gone"}, 404))
    assert run("--out", str(tmp_path)) == cli.FAILED
    said = capsys.readouterr().err
    assert "s1: Request /slides/s1/files has failed with status code 404: gone" in said
    assert "1 of 2 slides" in said
    assert (tmp_path / "s2" / "s2.svs").exists()


def test_exit_statuses(run: Any, pacs: Any, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    pacs.on(CASE, pacs.answer({"detail": "no"}, 403))
    assert run() == cli.REFUSED
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    monkeypatch.setattr("sectra_client.retries.time.sleep", lambda seconds: None)
    assert run("--url", "http://exa mple/") == cli.NO_ANSWER
    monkeypatch.setattr(cli, "_case", lambda client, options: (_ for _ in ()).throw(KeyboardInterrupt))
    assert run() == cli.INTERRUPTED
    monkeypatch.delenv("SECTRA_TOKEN")
    assert run() == cli.USAGE
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    assert run("--user", "me", "--app-id", "app") == cli.USAGE
    assert "set SECTRA_PASSWORD" in capsys.readouterr().err


def test_the_password_is_asked_for(run: Any, pacs: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SECTRA_TOKEN")
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr("getpass.getpass", lambda prompt: f"typed at {prompt}")
    pacs.on("/token", pacs.answer({"access_token": "t", "token_type": "Bearer", "expires_in": 60}))
    assert run("--user", "me", "--app-id", "app") == 0
    assert len(pacs.asked("/token")) == 1


@pytest.mark.parametrize("threads", ["0", "x", "65"])
def test_wrong_usage(run: Any, threads: str) -> None:
    with pytest.raises(SystemExit) as caught:
        run("--threads", threads)
    assert caught.value.code == cli.USAGE


def test_no_option_takes_a_password(run: Any, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        run("--help")
    said = capsys.readouterr().out
    assert "--password" not in said
    assert "--token" not in said
    assert "SECTRA_PASSWORD" in said


def test_one_bar_for_several_transfers() -> None:
    out = io.StringIO()
    with progress.ProgressBar("case", file=out) as bar:
        first, second = bar.transfer(), bar.transfer()
        first(10, 100)
        second(50, 300)
        first(100, 100)
        assert (bar._bar.n, bar._bar.total) == (150, 400)
        bar(7, None)
        assert (bar._bar.n, bar._bar.total) == (157, 400)
    assert "case" in out.getvalue()
