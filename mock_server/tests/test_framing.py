"""The framing of GET files, read by a parser as strict as the vendor's, by the multipart library and by email."""

from __future__ import annotations

import email
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import multipart
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from fake_pacs.framing import PIECE, Body, FileChanged, content_disposition, multipart_related, single
from fake_pacs.imaging.errors import SlideUnreadable
from fake_pacs.imaging.slide_files import FileInMemory, FileOnDisk
from fake_pacs.serving.spans import Span

BOUNDARY = "0123456789abcdef"
DELIMITER_LIKE = [
    b"\r\n",
    b"--",
    b"\r\n--",
    b"\r\n--" + BOUNDARY[:-1].encode(),
    b"--\r\n",
    BOUNDARY.encode(),
    b"\n",
    b"",
]
CONTENTS = st.lists(st.one_of(st.sampled_from(DELIMITER_LIKE), st.binary(max_size=40)), max_size=8).map(b"".join)
NAMES = st.text(st.characters(codec="ascii", exclude_characters='"\\;/', exclude_categories=["Cc"]), min_size=1)
FILES = st.lists(st.builds(FileInMemory, NAMES, CONTENTS), min_size=1, max_size=6)


def strict_parts(body: bytes, boundary: str) -> list[tuple[list[bytes], bytes]]:
    """Header lines and bytes of each part; any byte more or less than the facts page says is an error."""
    delimiter = b"--" + boundary.encode()
    assert body.startswith(delimiter + b"\r\n"), "no preamble, the first delimiter without CRLF"
    parts, position = [], len(delimiter) + 2
    while True:
        blank = body.index(b"\r\n\r\n", position)
        end = body.index(
            b"\r\n" + delimiter, blank + 4 - 2 if body[blank + 2 :].startswith(b"\r\n" + delimiter) else blank + 4
        )
        parts.append((body[position:blank].split(b"\r\n"), body[blank + 4 : end]))
        position = end + 2 + len(delimiter) + 2
        closing = body[position - 2 : position]
        if closing == b"--":
            assert body[position:] == b"\r\n", "the final CRLF, and nothing after it"
            return parts
        assert closing == b"\r\n"


def framed(files: Sequence[Any]) -> tuple[str, int, list[bytes]]:
    content_type, length, body = multipart_related(files, BOUNDARY)
    return content_type, length, list(body)


@given(FILES)
def test_a_strict_parser_reads_exactly_the_files(files: list[FileInMemory]) -> None:
    assume(all(b"--" + BOUNDARY.encode() not in file.content for file in files))
    content_type, length, pieces = framed(files)
    body = b"".join(pieces)
    assert content_type == f"multipart/related; boundary={BOUNDARY}"
    assert length == len(body)
    parts = strict_parts(body, BOUNDARY)
    assert [content for _, content in parts] == [file.content for file in files]
    for (headers, _), file in zip(parts, files, strict=True):
        assert headers == [
            b"Content-Type: application/octet-stream",
            b'Content-Disposition: attachment; filename="' + file.name.encode() + b'"',
        ]


class RelatedParser(multipart.PushMultipartParser):
    """The library insists on form-data; segments of multipart/related are created as they are."""

    def _create_segment(self, headerlist: list[tuple[str, str]]) -> multipart.MultipartSegment:
        return multipart.MultipartSegment(headerlist)


@given(FILES, st.integers(1, 200))
def test_the_multipart_library_reads_the_files(files: list[FileInMemory], read: int) -> None:
    assume(all(b"--" + BOUNDARY.encode() not in file.content for file in files))
    _, length, pieces = framed(files)
    body = b"".join(pieces)
    found: list[bytes] = []
    # not in its strict mode, which takes the final CRLF for surplus where it arrives by itself
    with RelatedParser(BOUNDARY, content_length=length) as parser:
        for start in range(0, length, read):
            for event in parser.parse(body[start : start + read]):
                if isinstance(event, multipart.MultipartSegment):
                    found.append(b"")
                elif event:
                    found[-1] += event
    assert found == [file.content for file in files]


@given(FILES)
def test_pythons_email_parser_reads_the_files(files: list[FileInMemory]) -> None:
    assume(all(b"--" + BOUNDARY.encode() not in file.content for file in files))
    content_type, _, pieces = framed(files)
    message = email.message_from_bytes(f"Content-Type: {content_type}\r\n\r\n".encode() + b"".join(pieces))
    assert message.is_multipart()
    assert not message.defects
    assert [part.get_payload(decode=True) for part in message.walk()][1:] == [file.content for file in files]
    assert not message.preamble
    assert not message.epilogue


@given(FILES)
def test_delimiters_are_never_torn(files: list[FileInMemory]) -> None:
    assume(all(b"--" + BOUNDARY.encode() not in file.content for file in files))
    _, _, pieces = framed(files)
    assert pieces[0].startswith(f"--{BOUNDARY}\r\n".encode())
    assert b"\r\n\r\n" in pieces[0]
    assert pieces[-1].endswith(f"\r\n--{BOUNDARY}--\r\n".encode())
    assert sum(piece.count(b"--" + BOUNDARY.encode()) for piece in pieces) == len(files) + 1
    assert all(pieces), "an empty piece would end a chunked answer"


def test_one_file_is_sent_as_it_is() -> None:
    headers, length, body = single(FileInMemory("a.svs", b"abc"))
    assert headers == {
        "Content-Type": "application/octet-stream",
        "Content-Disposition": 'attachment; filename="a.svs"',
    }
    assert (length, list(body)) == (3, [b"abc"])
    _, length, body = single(FileInMemory("empty", b""))
    assert (length, list(body)) == (0, [])


def test_several_files_need_a_part_and_a_plain_boundary() -> None:
    with pytest.raises(ValueError, match="at least one part"):
        multipart_related([], BOUNDARY)
    for boundary in ("", "a b", 'a"b', "ä", "x" * 71, "a\r\n"):
        with pytest.raises(ValueError, match="expected 1 to 70"):
            multipart_related([FileInMemory("a", b"")], boundary)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("slide 1 (a).svs", 'attachment; filename="slide 1 (a).svs"'),
        ('a"b.svs', "attachment; filename*=UTF-8''a%22b.svs; filename=\"a_b.svs\""),
        ("a;b\\c.svs", "attachment; filename*=UTF-8''a%3Bb%5Cc.svs; filename=\"a_b_c.svs\""),
        ("a\r\nX: y", "attachment; filename*=UTF-8''a%0D%0AX%3A%20y; filename=\"a__X: y\""),
        ("Größe.svs", "attachment; filename*=UTF-8''Gr%C3%B6%C3%9Fe.svs; filename=\"Gr__e.svs\""),
        ("\udcff.svs", "attachment; filename*=UTF-8''%3F.svs; filename=\"_.svs\""),
        ("\u0130.svs", "attachment; filename*=UTF-8''%C4%B0.svs; filename=\"_.svs\""),  # İ: i, where case is ignored
        ("30 \u212a.svs", "attachment; filename*=UTF-8''30%20%E2%84%AA.svs; filename=\"30 _.svs\""),  # the Kelvin sign
        ("FileName=a.svs", "attachment; filename*=UTF-8''FileName%3Da.svs; filename=\"FileName_a.svs\""),
        ("../a", "attachment; filename*=UTF-8''..%2Fa; filename=\".._a\""),
    ],
)
def test_names_are_spelled_for_every_reader(name: str, value: str) -> None:
    assert content_disposition(name) == value


@given(st.text(st.characters(), min_size=1))
def test_any_name_makes_one_header_that_the_known_readers_understand(name: str) -> None:
    value = content_disposition(name)
    assert re.fullmatch(r"[ -~]+", value)
    after = value.split("filename=", 1)[1]  # the vendor takes all text after filename=
    shown = re.fullmatch(r'"([^";\\]+)"', after)  # the community client demands the quotes
    assert shown
    assert len(shown[1]) == len(name)
    exact = re.search(r"filename\*=UTF-8''([^;]*)", value)
    assert (unquote(exact[1]) if exact else shown[1]) == name.encode("utf-8", "replace").decode()


def test_pieces_are_of_bounded_size(tmp_path: Path) -> None:
    path = tmp_path / "big.bin"
    path.write_bytes(bytes(2 * PIECE + 5))
    _, length, pieces = framed([FileOnDisk("big.bin", path), FileInMemory("b", b"b")])
    assert sum(map(len, pieces)) == length
    assert max(map(len, pieces)) <= PIECE + 100


@pytest.mark.parametrize("change", [-1, 1, 5])
def test_a_file_whose_size_changes_breaks_the_answer_off(tmp_path: Path, change: int) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(bytes(2000))
    file = FileOnDisk("a.bin", path)
    bodies = [single(file), multipart_related([file, FileInMemory("b", b"b")], BOUNDARY)]
    path.write_bytes(bytes(2000 + change))
    for _, length, body in bodies:
        sent: list[bytes] = []
        with pytest.raises(FileChanged, match="announced"):
            sent.extend(body)
        assert sum(map(len, sent)) < length


@pytest.mark.parametrize("make", [iter, Body.spans], ids=["read", "unread"])
def test_a_file_that_is_overwritten_in_place_breaks_the_answer_off(tmp_path: Path, make: Any) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(bytes(3 * PIECE))
    before = path.stat()
    _, length, body = single(FileOnDisk("a.bin", path))
    pieces = make(body)
    sent = [sent_of(next(pieces))]
    with path.open("r+b") as stream:
        stream.write(b"new")  # the size stays
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns + 1))
    with pytest.raises(FileChanged, match=r"a\.bin: was written to while it was sent"):
        sent.extend(map(sent_of, pieces))
    assert sum(map(len, sent)) < length


def sent_of(piece: bytes | Span) -> bytes:
    """What the server sends of a piece."""
    return piece.file.read(piece.count) if isinstance(piece, Span) else piece


def test_a_file_that_is_gone_is_known_before_anything_is_sent(tmp_path: Path) -> None:
    file = FileOnDisk("a.bin", tmp_path / "a.bin")
    with pytest.raises(SlideUnreadable, match=r"a\.bin"):
        single(file)
    with pytest.raises(SlideUnreadable, match=r"a\.bin"):
        multipart_related([FileInMemory("b", b""), file], BOUNDARY)


@dataclass(frozen=True)
class Watched:
    """A file that remembers what it opened."""

    name: str
    size: int
    opened: list[Any]
    path: Path

    def open(self) -> Any:
        self.opened.append(self.path.open("rb"))
        return self.opened[-1]


@pytest.fixture
def watched(tmp_path: Path) -> Watched:
    path = tmp_path / "a.bin"
    path.write_bytes(bytes(3 * PIECE))
    return Watched("a.bin", 3 * PIECE, [], path)


def test_a_closed_body_closes_its_file(watched: Watched) -> None:
    for body in (single(watched)[2], multipart_related([watched], BOUNDARY)[2]):
        next(body)
        next(body)
        assert not watched.opened[-1].closed
        body.close()
        assert watched.opened[-1].closed


def test_files_are_opened_one_after_the_other(watched: Watched) -> None:
    _, _, body = multipart_related([watched, watched], BOUNDARY)
    assert not watched.opened
    for _ in body:
        assert sum(not stream.closed for stream in watched.opened) <= 1
    assert len(watched.opened) == 2
    assert all(stream.closed for stream in watched.opened)


def test_no_two_files_of_an_answer_have_one_name_for_readers_of_plain_names_only() -> None:
    names = ["é.dcm", "_.dcm", "ü.dcm", "2__.dcm", "病.dcm", "plain.dcm"]
    _, _, body = multipart_related([FileInMemory(name, b"x") for name in names], BOUNDARY)
    lines = re.findall(rb"Content-Disposition: ([^\r\n]*)", b"".join(body))
    quoted = [line.decode("ascii").rpartition("filename=")[2].strip('"') for line in lines]
    exact = [re.search(r"filename\*=UTF-8''([^;]+)", line.decode("ascii")) for line in lines]
    assert quoted == ["3__.dcm", "_.dcm", "4__.dcm", "2__.dcm", "5__.dcm", "plain.dcm"]
    assert [unquote(found[1]) if found else name for found, name in zip(exact, quoted, strict=True)] == names
