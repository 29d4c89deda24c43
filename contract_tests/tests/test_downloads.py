"""Downloads of slide files, from an emulator: whole, only the beginning, broken off."""

from collections.abc import Iterator

import pytest

from ia_api_contract import downloads
from ia_api_contract.downloads import download
from ia_api_contract.outcomes import Skipped
from ia_api_contract.target import Target
from meta_tests.examining import HEALTHY, target_of
from meta_tests.mutant import running
from meta_tests.mutants.files import MUTANTS


@pytest.fixture(scope="module")
def target() -> Iterator[Target]:
    with running(HEALTHY) as server:
        yield target_of(server)


def test_several_files_come_whole(target: Target):
    with download(target, "demo-focus-1") as found:
        assert (found.status, found.trouble, found.is_multipart) == (200, None, True)
        assert len(found.body) == int(found.headers["content-length"])
        assert len(found.framing().parts) == 3


def test_one_file_comes_as_it_is(target: Target):
    with download(target, "demo-he-1") as found, download(target, "demo-he-1") as again:
        assert not found.is_multipart
        assert found.digest() == again.digest()


def test_with_a_limit_no_more_is_read(target: Target):
    with download(target, "demo-he-1", 1000) as found:
        assert (len(found.body), found.trouble) == (1000, None)


def test_a_refusal_is_a_download_of_another_status(target: Target):
    with download(target, "nobody-has-it") as found:
        assert found.status == 404
    with download(target, "demo-he-1", token=None) as found:
        assert found.status == 401


def test_each_download_is_among_the_exchanges(target: Target):
    with target.recording() as exchanges, download(target, "demo-he-1", 10):
        pass
    assert [exchange.url.rpartition("/v1")[2] for exchange in exchanges] == ["/slides/demo-he-1/files"]


def test_a_body_that_breaks_off_is_told():
    mutant = next(mutant for mutant in MUTANTS if mutant.id == "files-length-too-large")
    with running(mutant) as server, download(target_of(server), "demo-he-1") as found:
        assert found.trouble is not None
        assert "ended early" in found.trouble


def test_a_slide_above_the_limit_is_left_out(target: Target, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(downloads, "LARGEST", 1000)
    with pytest.raises(Skipped, match="--slide-id"), download(target, "demo-he-1"):
        pass
