"""Slide files: the framing on the wire, byte by byte, and what they hold."""

import hashlib
import http.client
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import demo_hospital

MakePacs = Callable[..., Any]
SLIDES = demo_hospital.folder() / "slides"


def strict_parts(boundary: bytes, body: bytes) -> list[tuple[dict[str, str], bytes]]:
    """The parts of a body framed exactly as the facts page says; anything else is an AssertionError."""
    first, closing = b"--" + boundary + b"\r\n", b"\r\n--" + boundary + b"--\r\n"
    assert body.startswith(first), "no preamble, the first delimiter without CRLF before it"
    assert body.endswith(closing), "the final CRLF included and nothing after it"
    inner = body[len(first) : -len(closing)]
    parts = []
    for part in inner.split(b"\r\n--" + boundary + b"\r\n"):
        head, blank, content = part.partition(b"\r\n\r\n")
        assert blank
        headers = dict(line.decode("ascii").split(": ", 1) for line in head.split(b"\r\n"))
        parts.append((headers, content))
    assert parts, "at least one part"
    return parts


def boundary_of(content_type: str) -> bytes:
    """The boundary of a content type that vendor code reads as several files."""
    assert content_type.startswith("multipart/related")
    found = re.search(r"boundary=([A-Za-z0-9]+)$", content_type)
    assert found, content_type
    return found[1].encode()


def name_of(headers: dict[str, str]) -> str:
    """The file name as every known reader takes it: in double quotes, last."""
    disposition = headers["Content-Disposition"]
    assert disposition.startswith('attachment; filename="')
    name = disposition.split("filename=")[1]
    assert name[0] == name[-1] == '"'
    return name[1:-1]


@pytest.mark.parametrize(
    ("slide", "files"),
    [
        (
            "demo-focus-1",
            ["breast_fna/plane_0.tiff", "breast_fna/plane_plus_3um.tiff", "breast_fna/plane_minus_3um.tiff"],
        ),
        ("demo-fluor-1", ["kidney_if/dapi.tiff", "kidney_if/fitc.tiff", "kidney_if/tritc.tiff"]),
        ("demo-dicom_1", [f"kidney_he/{path.name}" for path in sorted((SLIDES / "kidney_he").iterdir())]),
    ],
)
def test_several_files_are_framed_exactly_so_on_the_wire(
    run_pacs: MakePacs, exchange: Any, slide: str, files: list[str]
) -> None:
    server = run_pacs()
    path = f"{server.url.partition(str(server.port))[2]}/slides/{slide}/files"
    head = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer dev-token\r\nConnection: close\r\n\r\n"
    answer, _, body = exchange(server, head.encode()).partition(b"\r\n\r\n")
    fields = {
        name.lower(): value
        for name, _, value in (line.partition(": ") for line in answer.decode("latin-1").split("\r\n")[1:])
    }
    assert int(fields["content-length"]) == len(body)
    assert "transfer-encoding" not in fields
    parts = strict_parts(boundary_of(fields["content-type"]), body)
    assert [name_of(headers) for headers, _ in parts] == [Path(file).name for file in files]
    for (_, content), file in zip(parts, files, strict=True):
        assert hashlib.sha256(content).digest() == hashlib.sha256((SLIDES / file).read_bytes()).digest()


def test_one_file_is_an_octet_stream_with_its_name_and_exact_length(run_pacs: MakePacs) -> None:
    server = run_pacs()
    client = http.client.HTTPConnection("localhost", server.port, timeout=10)
    path = server.url.partition(str(server.port))[2]
    client.request("GET", f"{path}/slides/demo-he-1/files", headers={"Authorization": "Bearer dev-token"})
    answer = client.getresponse()
    content = answer.read()
    client.close()
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="colon_he.svs"'
    assert int(answer.headers["Content-Length"]) == len(content)
    assert content == (SLIDES / "colon_he.svs").read_bytes()


def test_the_server_can_be_told_to_answer_one_file_as_multipart_too(make_pacs: MakePacs) -> None:
    answer = make_pacs(files="multipart").get("/slides/demo-he-1/files")
    ((headers, content),) = strict_parts(boundary_of(answer.content_type), answer.data)
    assert answer.content_length == len(answer.data)
    assert name_of(headers) == "colon_he.svs"
    assert content == (SLIDES / "colon_he.svs").read_bytes()


def test_boundaries_differ_from_answer_to_answer(pacs: Any) -> None:
    types = {pacs.get("/slides/demo-focus-1/files").content_type for _ in range(3)}
    assert len(types) == 3


def test_any_bytes_may_be_served_as_files_of_a_slide(make_pacs: MakePacs, tmp_path: Path) -> None:
    nasty = {"a.bin": b"", "b.bin": b"\r\n--x--\r\n", "c.bin": b"--" + bytes(range(256))}
    for name, content in nasty.items():
        (tmp_path / name).write_bytes(content)
    pacs = make_pacs(slide_files={"s": [tmp_path / name for name in nasty]})
    answer = pacs.get("/slides/s/files")
    parts = strict_parts(boundary_of(answer.content_type), answer.data)
    assert {name_of(headers): content for headers, content in parts} == nasty
    assert pacs.get("/slides/s/info").json["id"] == "s"


@pytest.mark.parametrize(
    ("name", "shown"),
    [("plain name.svs", "plain name.svs"), ("härd;vävnad.svs", "h_rd_v_vnad.svs"), ('a"b.svs', "a_b.svs")],
)
def test_names_stay_readable_for_every_known_reader(make_pacs: MakePacs, tmp_path: Path, name: str, shown: str) -> None:
    file = tmp_path / name
    file.write_bytes(b"x")
    disposition = make_pacs(slide_files={"s": file}).get("/slides/s/files").headers["Content-Disposition"]
    assert disposition.isascii()
    assert disposition.endswith(f'filename="{shown}"')
    assert disposition.startswith("attachment; ")


def test_slide_bytes_are_never_journalled(pacs: Any) -> None:
    pacs.get("/slides/demo-dicom_1/files")
    pacs.get("/slides/demo-he-1/files")
    pacs.get("/images/demo-he-1_files/0/0_0.jpg")
    assert [(entry["requestBody"], entry["answerBody"]) for entry in pacs.journal()] == [(None, None)] * 3


def test_a_real_slide_comes_back_equal(make_pacs: MakePacs, shared_slides: Path) -> None:
    sums = dict(reversed(line.split()) for line in (shared_slides / "SHA256SUMS").read_text("ascii").splitlines())
    served = {"svs": "cmu_small_region.svs", "tiff": "boxes.tiff"}
    pacs = make_pacs(slide_files={key: shared_slides / name for key, name in served.items()})
    for slide, name in served.items():
        digest = hashlib.sha256(pacs.get(f"/slides/{slide}/files").data).hexdigest()
        assert digest == next(value for key, value in sums.items() if key.endswith(name))
    dicom = make_pacs(slide_files={"dicom": shared_slides / "boxes_dicom"}).get("/slides/dicom/files")
    parts = strict_parts(boundary_of(dicom.content_type), dicom.data)
    for headers, content in parts:
        listed = next(value for key, value in sums.items() if key.endswith(name_of(headers)))
        assert hashlib.sha256(content).hexdigest() == listed
