"""Multipart bodies, cut anywhere."""

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sectra_client import SectraTruncatedDownloadError, SectraUnreadableAnswerError
from sectra_client.multipart_stream import Begin, boundary_of, parts, single

FILES = [b"first\r\n--BOUN", b"", b"\r\n--BOUNX\r\n-\r--BOUND\r\n\r\n--\r\n"]


def body(files: Iterable[bytes], boundary: bytes = b"BOUND") -> bytes:
    """The framing of the facts page."""
    whole = b""
    for number, content in enumerate(files):
        head = b'Content-Disposition: attachment; filename="f%d"' % number
        whole += (b"\r\n" if number else b"") + b"--" + boundary + b"\r\n" + head + b"\r\n\r\n" + content
    return whole + b"\r\n--" + boundary + b"--\r\n"


def read(blocks: Iterable[bytes]) -> list[tuple[str, bytes]]:
    found: list[tuple[str, bytes]] = []
    for event in parts("BOUND", blocks):
        if isinstance(event, Begin):
            found.append((event.disposition, b""))
        elif event is not None:
            found[-1] = (found[-1][0], found[-1][1] + event)
    return found


SAID = [(f'attachment; filename="f{number}"', content) for number, content in enumerate(FILES)]


def test_at_every_split() -> None:
    whole = body(FILES)
    for place in range(len(whole) + 1):
        assert read([block for block in (whole[:place], whole[place:]) if block]) == SAID, place


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_in_small_blocks(size: int) -> None:
    whole = body(FILES)
    assert read(whole[place : place + size] for place in range(0, len(whole), size)) == SAID


@given(st.lists(st.binary(max_size=40), min_size=1, max_size=4), st.data())
def test_any_files_at_any_splits(files: list[bytes], data: st.DataObject) -> None:
    files = [content.replace(b"--BOUND", b"") for content in files]
    whole = body(files)
    cuts = sorted(data.draw(st.sets(st.integers(1, len(whole) - 1), max_size=6)))
    blocks = [whole[start:end] for start, end in zip([0, *cuts], [*cuts, len(whole)], strict=True)]
    assert [content for _, content in read(blocks)] == files


def test_cut_short_anywhere_it_is_truncated() -> None:
    whole = body(FILES)
    for end in range(len(whole) - 2):  # the last CRLF is not part of the delimiter
        with pytest.raises(SectraTruncatedDownloadError, match="closing delimiter"):
            read([whole[:end]] if end else [])


def test_preamble_and_epilogue_are_skipped() -> None:
    assert read([b"preamble\r\n" + body([b"x"]) + b"epilogue", b"more"]) == [(SAID[0][0], b"x")]


@pytest.mark.parametrize(
    "broken", [b"--BOUND\r\nno colon\r\n\r\nx\r\n--BOUND--", b"--BOUND--\r\n", b"x--BOUND\r\n\r\n\r\n--BOUND--"]
)
def test_what_is_no_multipart_is_unreadable(broken: bytes) -> None:
    with pytest.raises(SectraUnreadableAnswerError):
        read([broken])


def test_a_part_shorter_than_it_says_is_not_taken() -> None:
    with pytest.raises(SectraUnreadableAnswerError, match="Content-Length"):
        read([b"--BOUND\r\nContent-Length: 9\r\n\r\nshort\r\n--BOUND--\r\n"])


@pytest.mark.parametrize(
    ("content_type", "boundary"),
    [
        ("multipart/related; boundary=abc", "abc"),
        ('multipart/mixed;type=x;BOUNDARY="a b;c\\"d"; charset=utf-8', 'a b;c"d'),
        ("Multipart/Form-Data; boundary=x", "x"),
        ("application/octet-stream", None),
        ("", None),
    ],
)
def test_boundaries(content_type: str, boundary: str | None) -> None:
    assert boundary_of(content_type) == boundary


def test_a_multipart_without_a_boundary_is_unreadable() -> None:
    with pytest.raises(SectraUnreadableAnswerError, match="names no boundary"):
        boundary_of("multipart/related")


def test_a_single_body_is_one_part() -> None:
    assert list(single("d", [b"a", b"b"])) == [Begin("d"), b"a", b"b", None]
