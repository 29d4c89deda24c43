"""Files on their way to disk, and attachments both ways."""

import io
from pathlib import Path
from typing import Any

import pytest

from sectra_client import (
    RetryPolicy,
    SectraClient,
    SectraNotFoundError,
    SectraTruncatedDownloadError,
    SectraUnreadableAnswerError,
)

FILES = "/slides/s/files"
ATTACHED = "/applications/app/results/1/attachments"
KIND = 'multipart/related; boundary="BOUND"'


def body(*files: tuple[str, bytes]) -> bytes:
    whole = b""
    for number, (disposition, content) in enumerate(files):
        start = b"\r\n" if number else b""
        whole += start + b"--BOUND\r\nContent-Disposition: " + disposition.encode() + b"\r\n\r\n" + content
    return whole + b"\r\n--BOUND--\r\n"


def named(name: str) -> str:
    return f'attachment; filename="{name}"'


TWO = body((named("a.dcm"), b"A" * 1000), (named("b.dcm"), b"B" * 3000))


def test_several_files(pacs: Any, client: SectraClient, tmp_path: Path) -> None:
    pacs.on(FILES, pacs.answer(TWO, Content_Type=KIND))
    seen: list[tuple[int, int | None]] = []
    out = tmp_path / "new" / "folder"
    paths = client.download_slide_files("s", str(out), progress=lambda done, total: seen.append((done, total)))
    assert paths == [out / "a.dcm", out / "b.dcm"]
    assert [path.read_bytes() for path in paths] == [b"A" * 1000, b"B" * 3000]
    assert sorted(out.iterdir()) == paths
    assert seen[-1] == (len(TWO), len(TWO))


@pytest.mark.parametrize(
    ("headers", "name"),
    [({"Content_Disposition": named("x.svs")}, "x.svs"), ({}, "s"), ({"Content_Type": "image/tiff"}, "s")],
)
def test_a_single_file(pacs: Any, client: SectraClient, tmp_path: Path, headers: dict[str, str], name: str) -> None:
    pacs.on(FILES, pacs.answer(b"bytes", **headers))
    assert client.download_slide_files("s", tmp_path) == [tmp_path / name]
    assert (tmp_path / name).read_bytes() == b"bytes"


def test_an_answer_without_a_length_ends_with_the_connection(pacs: Any, client: SectraClient, tmp_path: Path) -> None:
    pacs.on(FILES, [b"HTTP/1.0 200 OK\r\nContent-Type: multipart/mixed; boundary=BOUND\r\n\r\n" + TWO, "close"])
    assert len(client.download_slide_files("s", tmp_path)) == 2


def test_a_download_in_odd_pieces(pacs: Any, client: SectraClient, tmp_path: Path) -> None:
    whole = pacs.answer(TWO, Content_Type=KIND)
    pacs.on(FILES, [step for place in range(0, len(whole), 501) for step in (whole[place : place + 501], 0.001)])
    assert [path.stat().st_size for path in client.download_slide_files("s", tmp_path)] == [1000, 3000]


@pytest.mark.parametrize("end", ["close", "reset"])
@pytest.mark.parametrize("cut", [1, 100, 1100, len(TWO) - 10, len(TWO) - 1])
def test_a_truncated_download_leaves_nothing(
    pacs: Any, client: SectraClient, tmp_path: Path, cut: int, end: str
) -> None:
    pacs.on(FILES, [pacs.answer(TWO[:cut], Content_Type=KIND, length=len(TWO)), 0.05, end])
    (tmp_path / "a.dcm").write_bytes(b"older")
    with pytest.raises(SectraTruncatedDownloadError, match=r"broke off after|closing delimiter"):
        client.download_slide_files("s", tmp_path)
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("a.dcm", b"older")]


def test_a_missing_closing_delimiter_leaves_nothing(pacs: Any, client: SectraClient, tmp_path: Path) -> None:
    pacs.on(FILES, pacs.answer(TWO[:-15], Content_Type=KIND))
    with pytest.raises(SectraTruncatedDownloadError, match="closing delimiter, in part 2"):
        client.download_slide_files("s", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_truncated_single_file_leaves_nothing(pacs: Any, client: SectraClient, tmp_path: Path) -> None:
    pacs.on(FILES, [pacs.answer(b"x" * 500, length=501), "close"])
    with pytest.raises(SectraTruncatedDownloadError, match="broke off after 500 of 501 bytes"):
        client.download_slide_files("s", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_truncated_chunked_file_leaves_nothing(pacs: Any, client: SectraClient, tmp_path: Path) -> None:
    pacs.on(FILES, [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n", "close"])
    with pytest.raises(SectraTruncatedDownloadError):
        client.download_slide_files("s", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_stalled_download_is_given_up(pacs: Any, policy: RetryPolicy, tmp_path: Path) -> None:
    pacs.on(FILES, [pacs.answer(b"x", length=100), 1.0, "close"])
    client = SectraClient(pacs.url, "a-token", True, timeout=0.05, retry=policy)
    with client, pytest.raises(SectraTruncatedDownloadError, match=r"ReadTimeoutError\. Tried 6 times"):
        client.download_slide_files("s", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_an_interrupted_download_leaves_nothing(pacs: Any, client: SectraClient, tmp_path: Path) -> None:
    pacs.on(FILES, pacs.answer(TWO, Content_Type=KIND))

    def interrupt(received: int, total: int | None) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        client.download_slide_files("s", tmp_path, progress=interrupt)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "name", ["../up.svs", "/abs.svs", "..\\up.svs", "C:\\x.svs", "..", "a/../../b.svs", "%2e%2e/x"]
)
def test_names_cannot_leave_the_folder(pacs: Any, client: SectraClient, tmp_path: Path, name: str) -> None:
    out = tmp_path / "out"
    pacs.on(
        FILES, pacs.answer(body((named(name), b"1"), (f"attachment; filename*=UTF-8''{name}", b"2")), Content_Type=KIND)
    )
    paths = client.download_slide_files("s", out)
    assert len(set(paths)) == 2
    assert sorted(out.iterdir()) == sorted(paths)
    assert list(tmp_path.iterdir()) == [out]


def test_duplicates_and_nameless_files(pacs: Any, client: SectraClient, tmp_path: Path) -> None:
    pacs.on(FILES, pacs.answer(body((named("a.b"), b"1"), (named("A.b"), b"2"), ("inline", b"3")), Content_Type=KIND))
    assert [path.name for path in client.download_slide_files("s", tmp_path)] == ["a.b", "A (2).b", "s-3"]


def test_a_broken_multipart_leaves_nothing(pacs: Any, client: SectraClient, tmp_path: Path) -> None:
    pacs.on(FILES, pacs.answer(TWO[:1100] + b"\r\n--BOUND?" + TWO, Content_Type=KIND))
    with pytest.raises(SectraUnreadableAnswerError, match="can't be read"):
        client.download_slide_files("s", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_refused_download_is_an_error_with_its_text(pacs: Any, client: SectraClient, tmp_path: Path) -> None:
    pacs.on(FILES, pacs.answer({"title": "T", "detail": "no such slide"}, 404))
    with pytest.raises(SectraNotFoundError, match="no such slide"):
        client.download_slide_files("s", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_busy_server_is_asked_again_for_a_download(
    pacs: Any, client: SectraClient, tmp_path: Path, waits: list[float]
) -> None:
    pacs.on(FILES, pacs.answer({}, 503, Retry_After="2"), ["close"], pacs.answer(b"x"))
    assert len(client.download_slide_files("s", tmp_path)) == 1
    assert waits[0] == 2


def test_a_token_that_expires_in_the_middle_of_a_download(pacs: Any, policy: RetryPolicy, tmp_path: Path) -> None:
    tokens = [{"access_token": f"t{n}", "token_type": "Bearer", "expires_in": 3600} for n in (1, 2)]
    pacs.on("/token", *map(pacs.answer, tokens))
    valid = ["t1"]
    whole = pacs.answer(TWO, Content_Type=KIND)
    original = pacs.script_for

    def script_for(request: Any) -> list[Any]:
        if "token" in request.path or request.headers["authorization"] == f"Bearer {valid[0]}":
            return original(request)  # type: ignore[no-any-return]
        return [pacs.answer({"detail": "expired"}, 401)]

    pacs.script_for = script_for
    pacs.on(FILES, [whole[:600], 0.2, whole[600:]], whole)

    def expire(received: int, total: int | None) -> None:
        valid[0] = "t2"

    with SectraClient.from_credentials(pacs.url, "app", "u", "p", _allow_http=True, retry=policy) as client:
        assert len(client.download_slide_files("s", tmp_path, progress=expire)) == 2
        assert len(client.download_slide_files("s", tmp_path)) == 2
    assert [request.headers["authorization"] for request in pacs.asked(FILES)] == [
        "Bearer t1",
        "Bearer t1",
        "Bearer t2",
    ]


def test_attachments_come_whole_in_part_and_as_files(pacs: Any, client: SectraClient, tmp_path: Path) -> None:
    pacs.on(
        ATTACHED,
        pacs.answer(b"0123456789"),
        pacs.answer(b"234", 206, Content_Range="bytes 2-4/10"),
        pacs.answer(b"0123456789"),
    )
    assert client.get_attachment("app", 1, "å b.png") == b"0123456789"
    assert client.get_attachment("app", 1, "å b.png", 2, 5) == b"234"
    target = tmp_path / "deep" / "mine.png"
    assert client.download_attachment("app", 1, "å b.png", target) == target
    assert target.read_bytes() == b"0123456789"
    assert pacs.asked(ATTACHED)[0].target.endswith("?name=%C3%A5+b.png")
    assert [request.headers.get("range") for request in pacs.asked(ATTACHED)] == [None, "bytes=2-4", None]


@pytest.mark.parametrize("form", ["bytes", "path", "file", "empty"])
def test_attachments_are_uploaded(pacs: Any, client: SectraClient, tmp_path: Path, form: str) -> None:
    pacs.on(ATTACHED, pacs.answer(b""))
    content = b"" if form == "empty" else b"xyz" * 1_000_000
    (tmp_path / "a").write_bytes(content)
    rest = io.BytesIO(b"skipped" + content)
    rest.seek(7)
    seen: list[int] = []
    source: Any = {"bytes": content, "path": tmp_path / "a", "file": rest, "empty": tmp_path / "a"}[form]
    client.upload_attachment("app", 1, "a", source, progress=lambda done, total: seen.append(done))
    (sent,) = pacs.asked(ATTACHED)
    assert (sent.method, sent.body, sent.headers["content-length"]) == ("PUT", content, str(len(content)))
    assert sent.headers["content-type"] == "application/octet-stream"
    assert form in ("bytes", "empty") or seen[-1] == len(content)


def test_an_upload_is_sent_again_whole_with_a_new_token(pacs: Any, policy: RetryPolicy, tmp_path: Path) -> None:
    pacs.on(
        "/token", *(pacs.answer({"access_token": t, "token_type": "Bearer", "expires_in": 3600}) for t in ("t1", "t2"))
    )
    pacs.on(ATTACHED, pacs.answer({}, 401), pacs.answer(b""))
    with SectraClient.from_credentials(pacs.url, "app", "u", "p", _allow_http=True, retry=policy) as client:
        client.upload_attachment("app", 1, "a", io.BytesIO(b"content"))
    assert [request.body for request in pacs.asked(ATTACHED)] == [b"content", b"content"]


@pytest.mark.parametrize("wrong", ["a/path", 5, iter([b"x"])])
def test_what_cannot_be_uploaded_is_refused(client: SectraClient, wrong: Any) -> None:
    with pytest.raises(TypeError, match="expected bytes"):
        client.upload_attachment("app", 1, "a", wrong)
