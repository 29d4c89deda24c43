"""Multipart bodies taken apart: each fault of the framing is found by itself."""

import hashlib

import pytest

from ia_api_contract.framing import boundary_of, names_of, taken_apart, trouble_with_name

BODY = (
    b'--b\r\nContent-Disposition: attachment; filename="one.svs"\r\n\r\nfirst\r\nfile'
    b'\r\n--b\r\nContent-Type: application/octet-stream\r\nContent-Disposition: attachment; filename="two.svs"\r\n\r\n'
    b"\r\n--b--\r\n"
)


def test_a_right_body_has_parts_and_no_faults():
    framing = taken_apart(BODY, "b")
    assert (framing.preamble, framing.tail, framing.bare) == (b"", b"\r\n", ())
    assert names_of(framing.parts) == ["one.svs", "two.svs"]
    assert [part.size for part in framing.parts] == [11, 0]
    assert framing.parts[0].digest == hashlib.sha256(b"first\r\nfile").hexdigest()
    assert framing.parts[1].header("content-type") == "application/octet-stream"


def test_what_stands_before_and_after_is_told():
    framing = taken_apart(b"Hello\r\n" + BODY + b"Goodbye", "b")
    assert framing.preamble == b"Hello\r\n"
    assert framing.tail == b"\r\nGoodbye"
    assert len(framing.parts) == 2


@pytest.mark.parametrize("cut", [BODY[:-9], BODY[:20], b"", b"no delimiter at all"])
def test_a_body_without_its_closing_delimiter_has_no_tail(cut: bytes):
    assert taken_apart(cut, "b").tail is None


@pytest.mark.parametrize(
    "spoilt",
    [
        BODY.replace(b"\r\n--b\r\n", b"\n--b\r\n"),
        BODY.replace(b"\r\n--b\r\n", b"\r\n--b\n"),
        BODY.replace(b"\r\n--b--", b"\n--b--"),
        BODY.replace(b'one.svs"\r\n\r\n', b'one.svs"\n\n'),
        BODY.replace(b'one.svs"\r\n\r\n', b'one.svs"\r\n\n'),
    ],
)
def test_a_line_that_ends_in_lf_alone_is_told(spoilt: bytes):
    framing = taken_apart(spoilt, "b")
    assert framing.bare
    assert len(framing.parts) == 2


def test_a_delimiter_inside_a_line_is_content():
    framing = taken_apart(BODY.replace(b"first", b"fi --b st"), "b")
    assert [part.size for part in framing.parts] == [15, 0]


@pytest.mark.parametrize(
    ("content_type", "boundary"),
    [
        ("multipart/related; boundary=b", "b"),
        ('multipart/related; boundary="b c"', "b c"),
        ("Multipart/Related; Boundary=b; type=x", "b"),
        ("application/octet-stream", None),
    ],
)
def test_the_boundary_is_read_in_any_spelling(content_type: str, boundary: str | None):
    assert boundary_of(content_type) == boundary


@pytest.mark.parametrize(
    "fit",
    ['attachment; filename="a b.svs"', "attachment; filename*=UTF-8''%C3%A5.svs; filename=\"a.svs\""],
)
def test_a_name_as_vendor_code_reads_it_is_no_trouble(fit: str):
    assert trouble_with_name(fit) is None


@pytest.mark.parametrize(
    "unfit",
    [
        None,
        "",
        "attachment",
        "attachment; filename=a.svs",
        'attachment; filename="a.svs"; size=3',
        "attachment; filename=\"a.svs\"; filename*=UTF-8''a.svs",
        'inline; filename="a.svs"',
        'attachment;filename="a.svs"',
        'attachment; filename="å.svs"',
        'attachment; filename="a;b.svs"',
        'attachment; filename="../a.svs"',
        'attachment; filename=""',
    ],
)
def test_any_other_name_is_trouble(unfit: str | None):
    assert trouble_with_name(unfit) is not None
