"""Pipes, sockets, devices and links in circles among the slides: each is told, nothing waits, the rest is served."""

from __future__ import annotations

import os
import socket
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from fake_pacs.catalog import CatalogError, load_folder
from fake_pacs.demo import with_applications
from fake_pacs.embedding import MockSectraServer

SlideFile = Callable[..., Path]
pytestmark = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes in folders")

SPECIAL = "is neither a file nor a folder"


@pytest.mark.parametrize("name", ["p.svs", "p.vms", "p.vmu", "p.mrxs", "p.tif", "case/p.vms", "case/inner/p.dcm"])
def test_a_pipe_is_never_read(tmp_path: Path, slide_file: SlideFile, name: str) -> None:
    slide_file(tmp_path / "good.tiff")
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    os.mkfifo(tmp_path / name)
    loaded = load_folder(tmp_path)
    assert [slide.id for slide in loaded.slides] == ["good"]
    ((path, reason),) = loaded.problems
    assert SPECIAL in reason or path.name == "inner"


def test_a_socket_is_never_read(tmp_path: Path, slide_file: SlideFile, monkeypatch: pytest.MonkeyPatch) -> None:
    slide_file(tmp_path / "good.tiff")
    monkeypatch.chdir(tmp_path)  # the address of a socket is at most some 100 bytes long
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("s.svs")
        loaded = load_folder(tmp_path)
    assert [(path.name, SPECIAL in reason) for path, reason in loaded.problems] == [("s.svs", True)]


@pytest.mark.parametrize("members", ["files: [pipe]", "files: [good.tiff, pipe]", "{files: [good.tiff], label: pipe}"])
def test_a_pipe_in_a_cases_yaml_is_told(tmp_path: Path, slide_file: SlideFile, members: str) -> None:
    slide_file(tmp_path / "good.tiff")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "cases.yaml").write_text(f"cases: [{{accessionNumber: S, slides: [{{id: x, {members.strip('{}')}}}]}}]")
    loaded = load_folder(tmp_path)
    assert [reason for path, reason in loaded.problems if path.name == "cases.yaml"] == [
        f"slide x: pipe {SPECIAL}: pipes, sockets and devices are not read"
    ]


def test_a_cases_yaml_that_is_a_pipe_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "cases.yaml")
    with pytest.raises(CatalogError, match="expected a file"):
        load_folder(tmp_path)


def test_links_in_circles_are_problems_of_their_own(tmp_path: Path, slide_file: SlideFile) -> None:
    slide_file(tmp_path / "good.tiff")
    slide_file(tmp_path / "case" / "inner.tiff")
    (tmp_path / "self.svs").symlink_to("self.svs")
    (tmp_path / "one").symlink_to("two")
    (tmp_path / "two").symlink_to("one")
    (tmp_path / "here").symlink_to(".")
    (tmp_path / "case" / "up").symlink_to("..")
    loaded = load_folder(tmp_path)
    assert [slide.id for slide in loaded.slides] == ["good", "case_inner"]
    told = {path.name: reason for path, reason in loaded.problems}
    assert sorted(told) == ["here", "one", "self.svs", "two", "up"]
    assert told["self.svs"] == "self.svs is a link that leads nowhere: it leads back to itself; remove it"
    assert told["here"] == "here is a link to a folder that it lies in"


def test_a_slide_that_a_pipe_takes_the_place_of_is_an_error_of_its_own(
    run_pacs: Callable[..., MockSectraServer], tmp_path: Path, slide_file: SlideFile
) -> None:
    path = slide_file(tmp_path / "good.tiff")
    (slide,) = load_folder(tmp_path).slides
    server = run_pacs(slides={})
    server.world.replace_hospital(with_applications((slide,), []))
    path.unlink()
    os.mkfifo(path)
    for what in ("slides/good/info", "slides/good/files", "slides/good/label", "images/good_files/9/0_0.jpg"):
        request = urllib.request.Request(f"{server.url}/{what}", headers={"Authorization": f"Bearer {server.token}"})
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request, timeout=10)
        assert refused.value.code == 503
        assert SPECIAL in refused.value.read().decode()
