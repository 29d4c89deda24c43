"""Downloads that break off: asked for again, and what was whole isn't written twice."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sectra_client import (
    RetryPolicy,
    SectraClient,
    SectraConnectionError,
    SectraTruncatedDownloadError,
    SectraUnavailableError,
    SectraUnreadableAnswerError,
)
from sectra_client.folder import Folder

FILES = "/slides/s/files"
ATTACHED = "/applications/app/results/1/attachments"
LISTED = "/applications/app/results/slide/s"
KIND = 'multipart/related; boundary="BOUND"'
UNFRAMED = b"HTTP/1.0 200 OK\r\nContent-Type: multipart/mixed; boundary=BOUND\r\n\r\n"
CONTENTS = {"a.dcm": b"A" * 1000, "b.dcm": b"B" * 3000, "c.dcm": b"C" * 10}


def body(files: dict[str, bytes]) -> bytes:
    parts = [
        f'--BOUND\r\nContent-Disposition: attachment; filename="{name}"\r\n\r\n'.encode() + content + b"\r\n"
        for name, content in files.items()
    ]
    return b"".join(parts) + b"--BOUND--\r\n"


WHOLE = body(CONTENTS)
IN_B = WHOLE.index(b"BBB") + 500
"""A place amid the second file."""


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that were begun under a temporary name."""
    names: list[str] = []
    real = Folder._temporary

    def noted(self: Folder, final: Path) -> Path:
        names.append(final.name)
        return real(self, final)

    monkeypatch.setattr(Folder, "_temporary", noted)
    return names


def cut(pacs: Any, at: int, end: str = "close") -> list[Any]:
    """A script that promises the whole and breaks off."""
    return [pacs.answer(WHOLE[:at], Content_Type=KIND, length=len(WHOLE)), end]


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("end", ["close", "reset"])
def test_a_download_that_broke_off_is_asked_for_again(
    pacs: Any, client: SectraClient, tmp_path: Path, waits: list[float], written: list[str], end: str
) -> None:
    pacs.on(FILES, cut(pacs, IN_B, end), cut(pacs, 5, end), pacs.answer(WHOLE, Content_Type=KIND))
    paths = client.download_slide_files("s", tmp_path)
    assert [path.name for path in paths] == list(CONTENTS)
    assert contents(tmp_path) == CONTENTS
    assert len(waits) == 2
    assert end == "reset" or written == ["a.dcm", "b.dcm", "b.dcm", "c.dcm"]  # a reset may take what came before it


def test_tries_before_the_answer_and_in_it_are_counted_together(
    pacs: Any, client: SectraClient, tmp_path: Path, waits: list[float]
) -> None:
    pacs.on(
        FILES, ["close"], cut(pacs, 5), pacs.answer({}, 503, Retry_After="1"), cut(pacs, IN_B), ["reset"], cut(pacs, 9)
    )
    with pytest.raises(SectraTruncatedDownloadError, match=r"broke off after 9 of \d+ bytes.*Tried 6 times") as caught:
        client.download_slide_files("s", tmp_path)
    assert caught.value.attempts == len(pacs.asked(FILES)) == 6
    assert len(waits) == 5
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("last", ["close", "busy"])
def test_after_the_last_try_the_error_is_the_last_one(
    pacs: Any, client: SectraClient, tmp_path: Path, last: str
) -> None:
    busy = pacs.answer({}, 503, Retry_After="1")
    pacs.on(FILES, *[cut(pacs, 5)] * 5, ["close"] if last == "close" else busy)
    with pytest.raises((SectraConnectionError, SectraUnavailableError)) as caught:
        client.download_slide_files("s", tmp_path)
    assert len(pacs.asked(FILES)) == 6
    assert last == "busy" or getattr(caught.value, "attempts", None) == 6


def test_one_try_is_one_try(pacs: Any, tmp_path: Path) -> None:
    pacs.on(FILES, cut(pacs, 5))
    pacs.on(LISTED, ["close"])
    with SectraClient(pacs.url, "a-token", True, retry=RetryPolicy(retries=0)) as client:
        for call in (lambda: client.download_slide_files("s", tmp_path), lambda: client.get_all_results("s", "app")):
            with pytest.raises((SectraTruncatedDownloadError, SectraConnectionError)) as caught:
                call()
            assert getattr(caught.value, "attempts", None) == 1
            assert "Tried" not in str(caught.value)
    assert (len(pacs.asked(FILES)), len(pacs.asked(LISTED))) == (1, 1)


def test_progress_never_goes_back(pacs: Any, client: SectraClient, tmp_path: Path) -> None:
    pacs.on(FILES, cut(pacs, IN_B), cut(pacs, 5), pacs.answer(WHOLE, Content_Type=KIND))
    seen: list[tuple[int, int | None]] = []
    client.download_slide_files("s", tmp_path, progress=lambda done, total: seen.append((done, total)))
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert {total for _, total in seen} == {len(WHOLE)}
    assert seen[-1] == (len(WHOLE), len(WHOLE))
    assert any(done < len(WHOLE) for done, _ in seen)


def test_progress_follows_an_answer_that_became_shorter(pacs: Any, client: SectraClient, tmp_path: Path) -> None:
    shorter = body({"a.dcm": b"A"})
    pacs.on(FILES, cut(pacs, IN_B), pacs.answer(shorter, Content_Type=KIND))
    seen: list[tuple[int, int | None]] = []
    client.download_slide_files("s", tmp_path, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (len(shorter), len(shorter))
    assert contents(tmp_path) == {"a.dcm": b"A"}


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError(28, "No space left on device")])
def test_what_goes_wrong_here_is_not_tried_again(
    pacs: Any, client: SectraClient, tmp_path: Path, error: BaseException, waits: list[float]
) -> None:
    pacs.on(FILES, pacs.answer(WHOLE, Content_Type=KIND))

    def fail(received: int, total: int | None) -> None:
        raise error

    with pytest.raises((KeyboardInterrupt, OSError)):
        client.download_slide_files("s", tmp_path, progress=fail)
    assert (len(pacs.asked(FILES)), waits, list(tmp_path.iterdir())) == (1, [], [])


def test_a_body_that_ends_as_announced_but_early_is_not_asked_for_again(
    pacs: Any, client: SectraClient, tmp_path: Path
) -> None:
    pacs.on(FILES, pacs.answer(WHOLE[:-20], Content_Type=KIND))
    with pytest.raises(SectraTruncatedDownloadError, match="closing delimiter, in part 3") as caught:
        client.download_slide_files("s", tmp_path)
    assert caught.value.permanent
    assert len(pacs.asked(FILES)) == 1


def test_a_body_that_ends_with_the_connection_is(pacs: Any, client: SectraClient, tmp_path: Path) -> None:
    pacs.on(FILES, [UNFRAMED + WHOLE[:IN_B], "close"], [UNFRAMED + WHOLE, "close"])
    client.download_slide_files("s", tmp_path)
    assert contents(tmp_path) == CONTENTS


HEADS: dict[str, Callable[[Any], bytes]] = {
    "length": lambda pacs: pacs.answer(WHOLE, Content_Type=KIND),
    "chunked": lambda pacs: (
        b"HTTP/1.1 200 OK\r\nContent-Type: " + KIND.encode() + b"\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"%x\r\n" % len(WHOLE) + WHOLE + b"\r\n0\r\n\r\n"
    ),
    "single": lambda pacs: pacs.answer(b"x" * 9, Content_Disposition='attachment; filename="a.dcm"'),
    "json": lambda pacs: pacs.answer([]),
}


@pytest.mark.parametrize("kind", HEADS)
def test_an_answer_cut_anywhere_in_its_head_is_asked_for_again(
    pacs: Any, client: SectraClient, tmp_path: Path, kind: str
) -> None:
    whole = HEADS[kind](pacs)
    for at in range(1, whole.index(b"\r\n\r\n") + 5):
        pacs.on(FILES, [whole[:at], "close"], whole)
        pacs.on(LISTED, [whole[:at], "close"], whole)
        if kind == "json":
            assert client.get_all_results("s", "app") == [], whole[:at]
        else:
            out = tmp_path / str(at)
            client.download_slide_files("s", out)
            assert contents(out) == (CONTENTS if kind != "single" else {"a.dcm": b"x" * 9}), whole[:at]


@pytest.mark.parametrize("kind", ["single", "chunked"])
def test_a_head_that_is_always_cut_leaves_nothing(pacs: Any, tmp_path: Path, kind: str) -> None:
    whole = HEADS[kind](pacs)
    with SectraClient(pacs.url, "a-token", True, retry=RetryPolicy(retries=0)) as client:
        for at in range(1, whole.index(b"\r\n\r\n") + 4):
            pacs.on(FILES, [whole[:at], "close"])
            with pytest.raises((SectraTruncatedDownloadError, SectraConnectionError)):
                client.download_slide_files("s", tmp_path)
            assert list(tmp_path.iterdir()) == [], whole[:at]


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ({"status": 206}, "status 206"),
        ({"status": 204}, "status 204"),
        ({"Content_Encoding": "gzip"}, "Content-Encoding 'gzip'"),
        ({"Content_Type": "multipart/related"}, "names no boundary"),
        ({"Content_Type": "text/html; charset=utf-8"}, "answered with text/html"),
        ({"Content_Type": "application/problem+json"}, "no slide is such a text"),
    ],
)
def test_an_answer_that_is_not_the_whole_body_plainly_is_no_download(
    pacs: Any, client: SectraClient, tmp_path: Path, answer: dict[str, Any], why: str
) -> None:
    pacs.on(FILES, pacs.answer(b"x" if answer.get("status") != 204 else b"", **answer))
    with pytest.raises(SectraUnreadableAnswerError, match=why):
        client.download_slide_files("s", tmp_path)
    assert len(pacs.asked(FILES)) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_folder_in_a_files_place_is_named_before_anything_is_replaced(
    pacs: Any, client: SectraClient, tmp_path: Path
) -> None:
    pacs.on(FILES, pacs.answer(WHOLE, Content_Type=KIND))
    (tmp_path / "a.dcm").write_bytes(b"older")
    (tmp_path / "b.dcm").mkdir()
    with pytest.raises(IsADirectoryError, match=r"b\.dcm is a folder"):
        client.download_slide_files("s", tmp_path)
    assert (tmp_path / "a.dcm").read_bytes() == b"older"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.dcm", "b.dcm"]


def test_an_attachment_that_broke_off_is_asked_for_again(pacs: Any, client: SectraClient, tmp_path: Path) -> None:
    pacs.on(ATTACHED, [pacs.answer(b"012", length=10), "close"], pacs.answer(b"0123456789"))
    client.download_attachment("app", 1, "n", tmp_path / "n")
    assert contents(tmp_path) == {"n": b"0123456789"}


def test_an_attachment_asked_for_in_part_is_asked_for_again(pacs: Any, client: SectraClient) -> None:
    part = pacs.answer(b"23", 206, Content_Range="bytes 2-3/10")
    pacs.on(ATTACHED, [part[:-1], "close"], part)
    assert client.get_attachment("app", 1, "n", 2, 4) == b"23"


def test_a_token_that_expired_meanwhile_is_renewed_for_the_next_try(
    pacs: Any, policy: RetryPolicy, tmp_path: Path
) -> None:
    tokens = [{"access_token": f"token-{n}", "token_type": "Bearer", "expires_in": 3600} for n in (1, 2)]
    pacs.on("/token", *map(pacs.answer, tokens))
    pacs.on(FILES, cut(pacs, IN_B), pacs.answer({}, 401), pacs.answer(WHOLE, Content_Type=KIND))
    with SectraClient.from_credentials(pacs.url, "app", "u", "p", _allow_http=True, retry=policy) as client:
        client.download_slide_files("s", tmp_path)
    sent = [request.headers["authorization"][-1] for request in pacs.asked(FILES)]
    assert (sent, contents(tmp_path)) == (["1", "1", "2"], CONTENTS)


def test_with_resume_whole_files_stay_and_are_not_written_again(
    pacs: Any, tmp_path: Path, written: list[str], policy: RetryPolicy
) -> None:
    pacs.on(FILES, cut(pacs, IN_B))
    named: list[str] = []
    with SectraClient(pacs.url, "a-token", True, retry=RetryPolicy(retries=0)) as client:
        with pytest.raises(SectraTruncatedDownloadError):
            client.download_slide_files("s", tmp_path, resume=True, on_file=lambda path: named.append(path.name))
        assert contents(tmp_path) == {"a.dcm": CONTENTS["a.dcm"]}
        before = (tmp_path / "a.dcm").stat()
        pacs.on(FILES, pacs.answer(WHOLE, Content_Type=KIND))
        client.download_slide_files("s", tmp_path, resume=True, on_file=lambda path: named.append(path.name))
    after = (tmp_path / "a.dcm").stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)
    assert contents(tmp_path) == CONTENTS
    assert written == ["a.dcm", "b.dcm", "b.dcm", "c.dcm"]
    assert named == ["a.dcm", "a.dcm", "b.dcm", "c.dcm"]


@pytest.mark.parametrize("there", [b"", b"A" * 999, b"A" * 1001, b"A" * 500 + b"x" * 500, b"other"])
def test_with_resume_a_file_that_is_there_and_differs_is_replaced(
    pacs: Any, client: SectraClient, tmp_path: Path, there: bytes
) -> None:
    (tmp_path / "a.dcm").write_bytes(there)
    pacs.on(FILES, cut(pacs, WHOLE.index(b"AAA") + 700), pacs.answer(WHOLE, Content_Type=KIND))
    client.download_slide_files("s", tmp_path, resume=True)
    assert contents(tmp_path) == CONTENTS
