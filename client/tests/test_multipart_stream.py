"""Multipart bodies, cut anywhere."""

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sectra_client import SectraTruncatedDownloadError, SectraUnreadableAnswerError
from sectra_client.multipart_stream import Begin, boundary_of, parts, single

FILES = [b"first\r\n--BOUN", b"", b"\r\n--BOUNX\r\n-\r--BOUND\r\n\r\n--\r\n"]


def body(files: Iterable[bytes], newline: bytes = b"\r\n", padding: bytes = b"") -> bytes:
    """The framing of the facts page; with other line breaks, or with blanks after the delimiters."""
    whole = b""
    for number, content in enumerate(files):
        head = b'Content-Disposition: attachment; filename="f%d"' % number
        whole += (newline if number else b"") + b"--BOUND" + padding + newline + head + newline * 2 + content
    return whole + newline + b"--BOUND--" + padding + newline


def read(blocks: Iterable[bytes]) -> list[tuple[str, bytes]]:
    found: list[tuple[str, bytes]] = []
    for event in parts("BOUND", blocks):
        if isinstance(event, Begin):
            found.append((event.disposition, b""))
        elif event is not None:
            found[-1] = (found[-1][0], found[-1][1] + event)
    return found


SAID = [(f'attachment; filename="f{number}"', content) for number, content in enumerate(FILES)]


BODIES = {
    "as the facts page says": body(FILES),
    "padded": body(FILES, padding=b" \t  "),
    "LF": body(FILES, newline=b"\n"),
    "LF, padded": body(FILES, newline=b"\n", padding=b" "),
    "preamble and epilogue": b"Skip\r\n-\r\n--BOUN\r\n" + body(FILES) + b"this\r\n--BOUND\r\ntoo",
    "no break at its end": body(FILES)[:-2],
    "many headers": body(FILES).replace(b"\r\nContent", b"\r\nA: 1\r\nb-C : 2\r\n\t3\r\nX:\r\nContent"),
}


@pytest.mark.parametrize("whole", BODIES.values(), ids=BODIES)
def test_at_every_split(whole: bytes) -> None:
    for place in range(len(whole) + 1):
        assert read([block for block in (whole[:place], whole[place:]) if block]) == SAID, place


@pytest.mark.parametrize("whole", BODIES.values(), ids=BODIES)
@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_in_small_blocks(size: int, whole: bytes) -> None:
    assert read(whole[place : place + size] for place in range(0, len(whole), size)) == SAID


@given(
    st.lists(st.binary(max_size=40) | st.text("\r\n-BOUND x", max_size=30).map(str.encode), min_size=1, max_size=4),
    st.sampled_from([b"\r\n", b"\n"]),
    st.text(" \t", max_size=3).map(str.encode),
    st.data(),
)
def test_any_files_at_any_splits(files: list[bytes], newline: bytes, padding: bytes, data: st.DataObject) -> None:
    files = [content.replace(b"--BOUND", b"") for content in files]
    whole = body(files, newline, padding)
    cuts = sorted(data.draw(st.sets(st.integers(1, len(whole) - 1), max_size=6)))
    blocks = [whole[start:end] for start, end in zip([0, *cuts], [*cuts, len(whole)], strict=True)]
    assert [content for _, content in read(blocks)] == files


@pytest.mark.parametrize("newline", [b"\r\n", b"\n"])
def test_cut_short_anywhere_it_is_truncated(newline: bytes) -> None:
    whole = body(FILES, newline)
    for end in range(len(whole) - len(newline)):  # the last line break is not part of the delimiter
        with pytest.raises(SectraTruncatedDownloadError, match="closing delimiter"):
            read([whole[:end]] if end else [])


def test_the_other_sort_of_delimiter_is_content() -> None:
    content = b"a\n--BOUND\nb\r--BOUND"
    assert read([body([content])]) == [(SAID[0][0], content)]
    content = b"ends in CR\r"
    assert read([body([content, content], newline=b"\n")]) == [(said, content) for said, _ in SAID[:2]]


@pytest.mark.parametrize(
    "mixed",
    [
        body([b"x", b"y"]).replace(b"--BOUND\r\n", b"--BOUND\n", 1),
        body([b"x", b"y"], newline=b"\n").replace(b"y\n--", b"y\n--BOUND\r\n\r\nz\n--"),
        body([b"x"]).replace(b'"\r\n', b'"\n'),
        body([b"x"], newline=b"\n").replace(b'"\n', b'"\r\n'),
        body([b"x"], newline=b"\n").replace(b"\n\n", b"\n\r\n"),
    ],
)
def test_line_breaks_of_both_sorts_are_unreadable(mixed: bytes) -> None:
    with pytest.raises(SectraUnreadableAnswerError, match="CRLF, others in LF"):
        read([mixed])


def test_a_part_without_a_body_needs_no_line_break_of_its_own() -> None:
    whole = b"--BOUND\r\nA: b\r\n\r\n--BOUND\r\n\r\n--BOUND\r\n\r\nx\r\n--BOUND--"
    for place in range(1, len(whole)):
        assert read([whole[:place], whole[place:]]) == [("", b""), ("", b""), ("", b"x")]


def test_preamble_and_epilogue_are_skipped() -> None:
    assert read([b"preamble\r\n" + body([b"x"]) + b"epilogue", b"more"]) == [(SAID[0][0], b"x")]


def part(head: bytes, content: bytes = b"short") -> bytes:
    return b"--BOUND\r\n" + head + b"\r\n\r\n" + content + b"\r\n--BOUND--\r\n"


@pytest.mark.parametrize(
    ("broken", "why"),
    [
        (part(b"no colon"), "a line among its headers is none"),
        (part(b" folded: first"), "a line among its headers is none"),
        (b"--BOUND--\r\n", "has no parts"),
        (b"x--BOUND\r\n\r\n\r\n--BOUND--", "before the first delimiter"),
        (b"--BOUND?\r\n\r\nx\r\n" + part(b"A: b"), "after a delimiter"),
        (part(b"A: b", b"x\r\n--BOUND-\r\n"), "after a delimiter"),
        (part(b"A: b", b"x\r\n--BOUND \r \n"), "after a delimiter"),
        (part(b"Content-Length: 9"), "ended 4 bytes before"),
        (part(b"Content-Length: 4"), "more bytes than"),
        (part(b"Content-Length: -4"), "no number"),
        (part(b"Content-Transfer-Encoding: BASE64"), "isn't binary"),
        (part(b"A: " + b"b" * (1 << 17)), "64 KiB"),
        (part(b"A: b\r\n" * 65 + b"A: b"), "more than 64 headers"),
        (part(b"A: b\r\n " + b"\r\n ".join([b"b" * 40_000] * 2)), "64 KiB"),
        (b"--BOUND" + b" " * (1 << 17) + b"\r\n", "after a delimiter"),
    ],
)
def test_what_is_no_multipart_is_unreadable(broken: bytes, why: str) -> None:
    for size in (len(broken), 97):
        with pytest.raises(SectraUnreadableAnswerError, match=why):
            read(broken[place : place + size] for place in range(0, len(broken), size))


@pytest.mark.parametrize("head", [b"Content-Length: 5", b"content-transfer-encoding: Binary"])
def test_a_part_may_say_its_length_and_that_it_is_binary(head: bytes) -> None:
    assert read([part(head)]) == [("", b"short")]


@pytest.mark.parametrize("boundary", ["a\nb", "\x00", "\u0416"])
def test_a_boundary_that_no_line_can_have_is_unreadable(boundary: str) -> None:
    with pytest.raises(SectraUnreadableAnswerError, match="the boundary"):
        list(parts(boundary, []))


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
