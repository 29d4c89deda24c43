"""Real slides over HTTP: what is downloaded equals what was handed out, and every tile and label is there."""

from __future__ import annotations

import hashlib
import http.client
import io
import json
import re
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import pytest
from PIL import Image

import demo_hospital
from fake_pacs.catalog import load_slides
from fake_pacs.demo import with_applications
from fake_pacs.embedding import MockSectraServer
from fake_pacs.hospital import Slide
from fake_pacs.imaging import pyramid
from fake_pacs.imaging.tiff import tiled_tiff

BASE = "/SectraPathologyServer/external/imageanalysis/v1"
NAMES = [
    "plain.tiff", "with blanks.tiff", 'quo"tes.tiff', "semi;colon.tiff", "Ångström.tiff", "病理.tiff", "🔬 slide.tiff",
    "back\\slash.tiff", "percent%41.tiff", "tab\there.tiff", "a'b.tiff", "filename=x.tiff", "new\nline.tiff",
]  # fmt: skip


class Served:
    """A running server with these slides, asked over one connection at a time."""

    def __init__(self, server: MockSectraServer, slides: Iterable[Slide]) -> None:
        self.server = server
        server.world.replace_hospital(with_applications(tuple(slides), []))

    def get(self, path: str) -> tuple[int, http.client.HTTPMessage, bytes]:
        """Status, headers and body of one GET below the base path."""
        connection = http.client.HTTPConnection("localhost", self.server.port, timeout=20)
        try:
            connection.request("GET", BASE + path, headers={"Authorization": "Bearer dev-token"})
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            connection.close()

    def info(self, slide_id: str) -> dict[str, Any]:
        """The slide's metadata, extended and with PHI."""
        status, _, body = self.get(f"/slides/{quote(slide_id)}/info?scope=extended&includePHI=true")
        assert status == 200, body
        found: dict[str, Any] = json.loads(body)
        return found

    def files(self, slide_id: str) -> list[tuple[str, bytes]]:
        """Content-Disposition and bytes of each file."""
        status, headers, body = self.get(f"/slides/{quote(slide_id)}/files")
        assert status == 200, body
        assert int(headers["Content-Length"]) == len(body)
        kind = headers["Content-Type"]
        if not kind.startswith("multipart/related"):
            return [(headers["Content-Disposition"], body)]
        delimiter = f"--{kind.partition('boundary=')[2]}".encode()
        assert body.startswith(delimiter)
        assert body.endswith(b"\r\n" + delimiter + b"--\r\n")
        parts = (b"\r\n" + body).split(b"\r\n" + delimiter)[1:-1]
        split = [part.removeprefix(b"\r\n").partition(b"\r\n\r\n") for part in parts]
        found = [re.search(r"Content-Disposition: ([^\r\n]*)", head.decode("ascii")) for head, _, _ in split]
        return [(line[1], content) for line, (_, _, content) in zip(found, split, strict=True) if line]


@pytest.fixture
def serve(run_pacs: Callable[..., MockSectraServer]) -> Callable[..., Served]:
    """Serves the slides of these paths."""
    return lambda *paths: Served(run_pacs(slides={}), load_slides(paths).slides)


def name_in(disposition: str) -> str:
    """The file name as a reader of RFC 6266 takes it."""
    exact = re.search(r"filename\*=UTF-8''([^;]+)", disposition)
    return unquote(exact[1]) if exact else disposition.partition('filename="')[2].removesuffix('"')


def sums(folder: Path) -> dict[str, str]:
    """Hash by file name, as handed out."""
    lines = (folder / "SHA256SUMS").read_text(encoding="utf-8").splitlines()
    return {Path(line.split(maxsplit=1)[1].lstrip("*")).name: line.split()[0] for line in lines if line.strip()}


def test_downloads_equal_what_was_handed_out(serve: Callable[..., Served], shared_slides: Path) -> None:
    served = serve(shared_slides)
    slides = served.server.world.hospital.slides
    assert [slide.id for slide in slides] == ["boxes", "cmu_small_region", "boxes_dicom"]
    got = {
        name_in(disposition): hashlib.sha256(body).hexdigest()
        for slide in slides
        for disposition, body in served.files(slide.id)
    }
    expected = {name: digest for name, digest in sums(shared_slides).items() if name != "README.md"}
    assert got == expected


def test_every_tile_of_every_real_slide_is_there_in_each_format(
    serve: Callable[..., Served], shared_slides: Path
) -> None:
    served = serve(shared_slides)
    for slide in served.server.world.hospital.slides:
        told = served.info(slide.id)
        size, side = (told["imageSize"]["width"], told["imageSize"]["height"]), told["tileSize"]["width"]
        urls = []
        for level in range(pyramid.top_level(size) + 1):
            columns, rows = pyramid.tile_grid(size, level, side)
            for x, y in ((x, y) for x in range(columns) for y in range(rows)):
                expected = pyramid.tile_box(size, level, x, y, side).size
                kinds = ("jpg", "jpeg", "png") if x == columns - 1 else ("jpeg",)
                urls += [(f"/images/{slide.id}_files/{level}/{x}_{y}.{kind}", kind, expected) for kind in kinds]
            for x, y in ((columns, 0), (0, rows)):
                assert served.get(f"/images/{slide.id}_files/{level}/{x}_{y}.jpg")[0] == 404
        assert served.get(f"/images/{slide.id}_files/{pyramid.top_level(size) + 1}/0_0.jpg")[0] == 404
        with ThreadPoolExecutor(4) as threads:
            answers = threads.map(lambda url: served.get(url[0]), urls)
            for (url, kind, expected), (status, headers, body) in zip(urls, answers, strict=True):
                assert status == 200, url
                assert headers["Content-Type"] == f"image/{'jpeg' if kind == 'jpg' else kind}"
                assert Image.open(io.BytesIO(body)).size == expected, url


def test_metadata_come_from_the_file(serve: Callable[..., Served], shared_slides: Path) -> None:
    served = serve(shared_slides)
    scanned, boxes, dicom = (served.info(name) for name in ("cmu_small_region", "boxes", "boxes_dicom"))
    assert scanned["imageSize"] == {"width": 2220, "height": 2967}
    assert (scanned["micronsPerPixel"], scanned["tileSize"]["width"]) == (0.499, 240)
    assert boxes["imageSize"] == {"width": 300, "height": 250}
    assert dicom["fileFormat"] == {"mimeType": "application/dicom"}
    assert dicom["lisSlideId"] == "SLIDE_1"
    for told in (scanned, boxes, dicom):
        assert [plane["id"] for plane in told["focalPlanes"]] == ["0"]
    label = served.get("/slides/cmu_small_region/label")
    assert Image.open(io.BytesIO(label[2])).size == (387, 463)
    assert served.get("/slides/boxes/label")[0] == 204


@pytest.mark.parametrize("files", ["auto", "multipart"])
def test_all_kinds_of_names_arrive(run_pacs: Callable[..., MockSectraServer], tmp_path: Path, files: str) -> None:
    expected = {}
    for index, name in enumerate(NAMES):
        content = tiled_tiff([Image.new("RGB", (100 + index, 100), "pink")])
        expected[name] = content
        (tmp_path / name).write_bytes(content)
    loaded = load_slides([tmp_path])
    assert not loaded.problems
    served = Served(run_pacs(slides={}, files=files), loaded.slides)
    got = {}
    for slide in loaded.slides:
        assert re.fullmatch(r"[A-Za-z0-9._-]+", slide.id)
        ((disposition, body),) = served.files(slide.id)
        got[name_in(disposition)] = body
        last = disposition.rpartition("filename=")[2]  # vendor readers take what follows
        assert re.fullmatch(r'"[^";\\]+"', last)
        assert last.isascii()
        assert last.isprintable()
    assert got == expected


def test_a_slide_that_goes_is_an_error_of_its_own_until_it_is_back(
    serve: Callable[..., Served], tmp_path: Path
) -> None:
    paths = [tmp_path / f"{name}.tiff" for name in "ab"]
    for path, colour in zip(paths, ("pink", "blue"), strict=True):
        path.write_bytes(tiled_tiff([Image.new("RGB", (600, 500), colour)]))
    served = serve(tmp_path)
    urls = ["/slides/{}/info", "/images/{}_files/10/0_0.jpg", "/slides/{}/files", "/slides/{}/label"]

    def statuses(name: str) -> list[int]:
        return [served.get(url.format(name))[0] for url in urls]

    whole = paths[0].read_bytes()
    before = [served.get(url.format("a"))[2] for url in urls[:3]]
    away = paths[0].rename(tmp_path / "away")
    assert statuses("a") == [503] * 4
    assert statuses("b") == [200, 200, 200, 204]
    paths[0].write_bytes(whole[:3000])
    assert statuses("a")[:2] == [503, 503]
    assert statuses("b") == [200, 200, 200, 204]
    paths[0].unlink()
    away.rename(paths[0])
    assert [served.get(url.format("a"))[2] for url in urls[:3]] == before
    detail = json.loads(served.get("/slides/a/info")[2])
    assert detail["imageSize"] == {"width": 600, "height": 500}


def test_the_demo_slides_are_served_through_the_same_way(serve: Callable[..., Served]) -> None:
    served = serve(demo_hospital.folder() / "cases.yaml")
    for slide in served.server.world.hospital.slides:
        names = [name_in(disposition) for disposition, _ in served.files(slide.id)]
        assert names == [file.name for file in slide.files]
        for file, (_, body) in zip(slide.files, served.files(slide.id), strict=True):
            with file.open() as stream:
                assert stream.read() == body
