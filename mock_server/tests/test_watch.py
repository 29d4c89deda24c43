"""Watching a folder while it is served: what joins, what leaves, what is left alone until it is whole."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image

import demo_hospital
from fake_pacs.catalog import SlideSource
from fake_pacs.demo import with_applications
from fake_pacs.hospital import Hospital
from fake_pacs.imaging.tiff import tiled_tiff
from fake_pacs.settings import Settings
from fake_pacs.sql_store import SqlStore
from fake_pacs.watching import Change, Watch
from fake_pacs.world import World

KIDNEY = demo_hospital.folder() / "slides" / "kidney_he"


def content(colour: str = "pink", width: int = 300) -> bytes:
    return tiled_tiff([Image.new("RGB", (width, 200), colour)])


def named(change: Change | None) -> dict[str, list[str]]:
    assert change is not None
    kinds = {"added": change.added, "replaced": change.replaced, "removed": change.removed}
    return {kind: [slide.id for slide in slides] for kind, slides in kinds.items() if slides}


class Watched:
    """A folder that is watched by hand: `look` as often as wanted."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.told: list[str] = []
        self.hooked: list[Change] = []
        source = SlideSource([folder])
        loaded = source.load()
        self.store = SqlStore()
        self.world = World(Settings(), with_applications(loaded.slides, []), self.store)
        self.watch = Watch(source, loaded, self.world, tell=self.told.append, changed=self.hooked.append, interval=0.01)

    def ids(self) -> list[str]:
        return [slide.id for slide in self.world.hospital.slides]

    def settle(self) -> Change | None:
        """Two looks: the second finds what the first saw moving."""
        return self.watch.look() or self.watch.look()


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Callable[[], Watched]]:
    made: list[Watched] = []

    def make() -> Watched:
        made.append(Watched(tmp_path))
        return made[-1]

    yield make
    for one in made:
        one.store.close()


def test_new_slides_join_after_two_equal_looks(watched: Callable[[], Watched], tmp_path: Path) -> None:
    (tmp_path / "a.tiff").write_bytes(content())
    one = watched()
    assert one.watch.look() is None
    (tmp_path / "b.tiff").write_bytes(content("blue"))
    assert one.watch.look() is None, "it may still be growing"
    assert named(one.watch.look()) == {"added": ["b"]}
    assert one.watch.look() is None
    assert one.ids() == ["a", "b"]
    assert one.hooked[0].added[0] is one.world.hospital.slide("b")
    assert one.world.hospital.applications


def test_a_file_being_copied_waits_until_it_is_whole(watched: Callable[[], Watched], tmp_path: Path) -> None:
    one, whole = watched(), content()
    with (tmp_path / "b.tiff").open("wb") as file:
        for start in range(0, len(whole), len(whole) // 5):
            file.write(whole[start : start + len(whole) // 5])
            file.flush()
            assert one.watch.look() is None
    assert named(one.settle()) == {"added": ["b"]}
    assert not one.told


def test_a_dicom_slide_joins_with_all_its_files(watched: Callable[[], Watched], tmp_path: Path) -> None:
    """Its files are copied one after the other: apps are told once, of the whole slide."""
    (tmp_path / "kidney").mkdir()
    one, names = watched(), sorted(file.name for file in KIDNEY.iterdir())
    for name in names:
        shutil.copy(KIDNEY / name, tmp_path / "kidney")
        change = one.watch.look()  # finds the file before settled, and this one new
        assert change is None, (name, change)
    change = one.settle()
    assert change is not None
    assert [[file.name for file in slide.files] for slide in change.added] == [names]
    with (tmp_path / "kidney" / "z.dcm").open("wb") as file:  # a file more: the slide stays meanwhile
        for piece in (b"", bytes(200), b"x"):
            file.write(piece)
            file.flush()
            one.watch.look()
            assert one.ids() == ["kidney"]


@pytest.mark.parametrize(
    "started",
    [b"", bytes(9), (KIDNEY / "level_1.dcm").read_bytes()[:1500]],
    ids=["empty", "a few bytes", "part of its head"],
)
def test_a_dicom_slide_waits_no_longer_for_a_copy_that_is_given_up(
    watched: Callable[[], Watched], tmp_path: Path, started: bytes
) -> None:
    one = watched()
    shutil.copy(KIDNEY / "level_0.dcm", tmp_path / "a.dcm")
    one.watch.look()
    (tmp_path / "b.dcm").write_bytes(started)
    assert one.watch.look() is None
    (tmp_path / "b.dcm").unlink()
    change = one.watch.look()
    assert change is not None
    assert [[file.name for file in slide.files] for slide in change.added] == [["a.dcm"]]


def test_a_dicom_slide_does_not_wait_for_what_is_no_part_of_it(watched: Callable[[], Watched], tmp_path: Path) -> None:
    one = watched()
    shutil.copy(KIDNEY / "level_0.dcm", tmp_path / "a.dcm")
    one.watch.look()
    (tmp_path / "b.tiff").write_bytes(content()[:500])
    change = one.watch.look()
    assert change is not None
    assert len(change.added) == 1


def test_a_copy_that_pauses_is_told_and_joins_when_it_goes_on(watched: Callable[[], Watched], tmp_path: Path) -> None:
    one, whole = watched(), content()
    (tmp_path / "b.tiff").write_bytes(whole[:-100])
    change = one.settle()
    assert named(change) == {}
    assert change is not None
    assert "cut short" in change.problems[0][1]
    (tmp_path / "b.tiff").write_bytes(whole)
    assert named(one.settle()) == {"added": ["b"]}


def test_removed_slides_leave_and_come_back_under_their_id(watched: Callable[[], Watched], tmp_path: Path) -> None:
    for name in "abc":
        (tmp_path / f"{name}.tiff").write_bytes(content())
    one = watched()
    (tmp_path / "b.tiff").rename(tmp_path / ".b")
    assert named(one.watch.look()) == {"removed": ["b"]}
    assert one.ids() == ["a", "c"]
    (tmp_path / ".b").rename(tmp_path / "b.tiff")
    assert named(one.settle()) == {"added": ["b"]}


def test_ids_stay_whatever_comes(watched: Callable[[], Watched], tmp_path: Path) -> None:
    (tmp_path / "a.tiff").write_bytes(content())
    one = watched()
    (tmp_path / "a.svs").write_bytes(content("blue"))  # sorted before a.tiff
    (new,) = one.settle().added  # type: ignore[union-attr]
    kept = one.world.hospital.slide("a")
    assert new.id != "a"
    assert kept is not None
    assert kept.files[0].name == "a.tiff"


def test_a_slide_that_is_replaced_stays_meanwhile_and_is_read_anew(
    watched: Callable[[], Watched], tmp_path: Path
) -> None:
    path = tmp_path / "a.tiff"
    path.write_bytes(content())
    one = watched()
    path.write_bytes(content(width=400)[:500])
    one.watch.look()
    assert one.ids() == ["a"], "its errors are its own while it is overwritten"
    path.write_bytes(content(width=400))
    assert named(one.settle()) == {"replaced": ["a"]}
    slide = one.world.hospital.slide("a")
    assert slide is not None
    assert slide.metadata()["imageSize"]["width"] == 400


def test_dicom_slides_join_the_case_that_their_attributes_name(watched: Callable[[], Watched], tmp_path: Path) -> None:
    source = demo_hospital.folder() / "slides" / "kidney_he"
    (tmp_path / "one").mkdir()
    for file in source.iterdir():
        (tmp_path / "one" / file.name).write_bytes(file.read_bytes())
    one = watched()
    case = one.world.hospital.cases[0]
    (tmp_path / "two").mkdir()
    for file in source.iterdir():
        (tmp_path / "two" / file.name).write_bytes(file.read_bytes())
    (new,) = one.settle().added  # type: ignore[union-attr]
    assert new.case == case
    slides = one.world.hospital.slides_of(case)
    assert len({slide.details["lisSlideId"] for slide in slides}) == len(slides) == 2


def test_slides_join_the_case_of_their_folder(watched: Callable[[], Watched], tmp_path: Path) -> None:
    (tmp_path / "S26-7").mkdir()
    (tmp_path / "S26-7" / "A1.tiff").write_bytes(content())
    one = watched()
    (tmp_path / "S26-7" / "A2.tiff").write_bytes(content())
    assert named(one.settle()) == {"added": ["S26-7_A2"]}
    (case,) = one.world.hospital.cases_named("S26-7")
    assert [slide.id for slide in one.world.hospital.slides_of(case)] == ["S26-7_A1", "S26-7_A2"]


YAML = "cases:\n- accessionNumber: S26-9\n  slides:\n"


def test_cases_yaml_is_read_again_and_a_wrong_one_drops_nothing(watched: Callable[[], Watched], tmp_path: Path) -> None:
    description = tmp_path / "cases.yaml"
    (tmp_path / "a.tiff").write_bytes(content())
    description.write_text(YAML + "  - {id: one, files: [a.tiff], staining: PAS}\n  - {id: two, files: [b.tiff]}\n")
    one = watched()
    assert one.ids() == ["one"]
    (tmp_path / "b.tiff").write_bytes(content("blue"))
    assert named(one.settle()) == {"added": ["two"]}
    assert [case.accession_number for case in one.world.hospital.cases] == ["S26-9"]
    description.write_text(YAML + "  - {id: one, files: 7}\n")
    assert one.settle() is None
    assert one.watch.look() is None
    assert one.ids() == ["one", "two"]
    assert len(one.told) == 1
    assert "cases.yaml:4: cases[0].slides[0].files: came the int '7'" in one.told[0]
    description.write_text(YAML + "  - {id: one, files: [a.tiff], staining: HER2}\n")
    assert named(one.settle()) == {"added": ["b"], "replaced": ["one"], "removed": ["two"]}
    slide = one.world.hospital.slide("one")
    assert slide is not None
    assert slide.details["staining"]["displayName"] == "HER2"


def test_unchanged_slides_stay_the_same_values(watched: Callable[[], Watched], tmp_path: Path) -> None:
    (tmp_path / "a.tiff").write_bytes(content())
    one = watched()
    before = one.world.hospital.slide("a")
    (tmp_path / "b.tiff").write_bytes(content())
    one.settle()
    assert one.world.hospital.slide("a") is before
    os.utime(tmp_path / "a.tiff", ns=(0, 1))
    assert named(one.settle()) == {"replaced": ["a"]}


def test_slides_from_elsewhere_stay(watched: Callable[[], Watched], tmp_path: Path) -> None:
    one = watched()
    (other,) = SlideSource([demo_hospital.folder() / "slides" / "colon_he.svs"]).load().slides
    one.world.add_slide(other)
    (tmp_path / "b.tiff").write_bytes(content())
    one.settle()
    assert one.ids() == [other.id, "b"]


def test_the_thread_looks_by_itself_and_survives_a_subscriber_that_fails(tmp_path: Path) -> None:
    came, told = threading.Event(), list[str]()

    def subscriber(change: Change) -> None:
        came.set()
        raise RuntimeError("no such app")

    source = SlideSource([tmp_path])
    with SqlStore() as store:
        world = World(Settings(), Hospital(), store)
        watch = Watch(source, source.load(), world, tell=told.append, changed=subscriber, interval=0.01)
        watch.start()
        try:
            for name in "ab":
                came.clear()
                (tmp_path / f"{name}.tiff").write_bytes(content())
                assert came.wait(10)
        finally:
            watch.stop()
        assert [slide.id for slide in world.hospital.slides] == ["a", "b"]
    assert set(told) == {"watching the slides failed, and goes on: RuntimeError('no such app')"}
