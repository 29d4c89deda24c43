"""What slides the emulator serves: folders with or without a cases.yaml, single slide files, metadata given in Python.

A cases.yaml that says something wrong is refused as a whole (CatalogError, with file and line). A slide file that is
missing or broken is listed as a problem, and everything else is served.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fake_pacs.catalog_described import Description, unseparated_reason
from fake_pacs.catalog_schema import CatalogError
from fake_pacs.hospital import Application, Hospital, Slide
from fake_pacs.imaging.discovery import CASES_FILE, FoundSlide, Progress, Search
from fake_pacs.imaging.examining import Examiner
from fake_pacs.imaging.given_picture import picture_drawn_for, picture_read_for
from fake_pacs.imaging.openslide_picture import Layer, OpenSlidePicture
from fake_pacs.imaging.slide_files import Problem, files_of, is_folder
from fake_pacs.imaging.slide_reader import SlideReader
from fake_pacs.invented import case_of, clean_id, digest, invented_files, made_up_case, made_up_slide

__all__ = ["CASES_FILE", "CatalogError", "Loaded", "SlideSource", "from_metadata", "load_folder", "load_slides"]


@dataclass(frozen=True)
class Loaded:
    """The slides that were found, in order, and the paths that are not served, each with the reason."""

    slides: tuple[Slide, ...] = ()
    problems: tuple[Problem, ...] = ()

    def hospital(self, applications: Sequence[Application] = ()) -> Hospital:
        """The hospital of these slides and the given applications."""
        return Hospital(self.slides, tuple(applications))


class SlideSource:
    """Where slides come from: slide files, DICOM folders, folders of slides, and cases.yaml files, in this order.

    It can be asked again when something has changed on disk: slides keep their ids, and only what changed is examined.
    """

    def __init__(
        self, paths: Iterable[Path], reader: SlideReader | None = None, progress: Progress = nullcontext
    ) -> None:
        self.paths = tuple(Path(path) for path in paths)
        self._reader = reader or SlideReader()
        self._progress = progress
        self._examiner = Examiner()
        self._ids: dict[Path, str] = {}

    def load(self, unstable: frozenset[Path] = frozenset()) -> Loaded:
        """The slides as they are on disk now; `unstable` files are still being copied, and count as problems.

        No slide is opened, but those of which a cases.yaml puts several images together. Raises CatalogError for a
        wrong cases.yaml, and for a slide id that two of them use.
        """
        self._examiner.begin(unstable)
        described = [self._described(path) for path in self.paths]
        slides: dict[str, Slide] = {}
        problems: list[Problem] = []
        for one in filter(None, described):
            for slide in one.slides:
                if slide.id in slides:
                    raise CatalogError(
                        f"{one.file}: the slide id {slide.id!r} is already used by another path; rename one"
                    )
                slides[slide.id] = slide
        numbers: set[tuple[str, ...]] = {(*slide.case.key, slide.details["lisSlideId"]) for slide in slides.values()}
        making = _Making(self._reader, self._ids, set(slides), numbers)
        ordered: list[Slide] = []
        for path, description in zip(self.paths, described, strict=True):
            ordered += description.slides if description else []
            problems += description.problems if description else []
            if description is None or is_folder(path):
                found, bad = self._search(path, description).at(path)
                ordered += making.slides(found)
                problems += bad
        return Loaded(tuple(ordered), tuple(problems))

    def _described(self, path: Path) -> Description | None:
        file = path / CASES_FILE if is_folder(path) else path
        if file.suffix.lower() not in (".yaml", ".yml") or is_folder(file) or not os.path.lexists(file):
            return None
        description = Description(Path(os.path.normpath(file)), self._reader, self._examiner)
        description.read()
        return description

    def _search(self, path: Path, described: Description | None) -> Search:
        root = path if is_folder(path) else path.resolve().parent
        return Search(root, self._examiner, frozenset(described.named) if described else frozenset(), self._progress)


def load_folder(folder: Path, reader: SlideReader | None = None) -> Loaded:
    """The slides of a folder: those that its cases.yaml describes, then every other slide file and DICOM folder in it.

    Of slides that nobody described, ids and case data are made up from the file names and stay the same; DICOM
    attributes are used where there are any. Raises CatalogError for a wrong cases.yaml.
    """
    return load_slides([folder], reader)


def load_slides(paths: Iterable[Path], reader: SlideReader | None = None, progress: Progress = nullcontext) -> Loaded:
    """The slides of several slide files, DICOM folders, folders of slides, and cases.yaml files, in this order.

    Raises CatalogError for a wrong cases.yaml, and for a slide id that two of them use.
    """
    return SlideSource(paths, reader, progress).load()


def from_metadata(metadata: Mapping[str, Any], files: Iterable[Path] = (), reader: SlideReader | None = None) -> Slide:
    """A slide with these ImageMetadata members; what is missing is read from the files or made up stably.

    `id` is needed; null counts as missing; `qualityControl` is left out, because it is state. The picture is read from
    the first file that is a slide (and has the given `imageSize`, if any), otherwise drawn at `imageSize`. A slide
    without files gets two made-up ones. Raises CatalogError for members that no picture can be made of.
    """
    given = {name: value for name, value in metadata.items() if value is not None and name != "qualityControl"}
    slide_id = given.get("id")
    if not isinstance(slide_id, str) or not slide_id:
        raise CatalogError(f"metadata of a slide: id came as {slide_id!r}, expected a text that is not empty")
    delivered = files_of(_existing(slide_id, files))
    try:
        drawn = picture_drawn_for(given, digest(slide_id), slide_id)
        picture, read = picture_read_for(given, [file.path for file in delivered], reader or SlideReader())
    except ValueError as error:
        raise CatalogError(f"metadata of slide {slide_id!r}: {error}") from error
    known = {**read, **given}
    members = {**made_up_case(str(known.get("accessionNumber", slide_id))), **made_up_slide(slide_id), **known}
    case_level = made_up_case(slide_id).keys()
    return Slide(
        id=slide_id,
        case=case_of({name: members[name] for name in case_level}),
        details={name: value for name, value in members.items() if name not in case_level},
        files=delivered or invented_files(slide_id, drawn),
        picture=picture or drawn,
        not_streamable_reason=None if given.get("isStreamable", True) else "its metadata say isStreamable: false",
    )


def _existing(slide_id: str, files: Iterable[Path]) -> list[Path]:
    found = [Path(file) for file in files]
    for file in found:
        if not file.exists():
            raise CatalogError(f"files of slide {slide_id!r}: {file} does not exist; expected a file or a folder")
    return found


@dataclass
class _Making:
    """Makes slides of files that nobody described, with ids and numbers of their own."""

    reader: SlideReader
    ids: dict[Path, str]
    used: set[str]
    numbers: set[tuple[str, ...]]

    def slides(self, found: Sequence[FoundSlide]) -> list[Slide]:
        """The slides of the files, in order; those known from before keep their ids, whatever came meanwhile."""
        kept = {self.ids[one.image.path] for one in found if one.image.path in self.ids} - self.used
        made = []
        for one in found:
            known = self.ids.get(one.image.path)
            if known in kept:
                kept.discard(known)
                slide_id = known
            else:
                slide_id = self._new_id(one, kept)
            self.used.add(slide_id)
            self.ids[one.image.path] = slide_id
            made.append(self._made_up(one, slide_id))
        return made

    def _new_id(self, found: FoundSlide, kept: set[str]) -> str:
        """An id made of the name (and the case's folder); where that is taken, of folder and file name; or numbered."""
        name = f"{found.group}_{found.name}" if found.group else found.name
        path = found.image.path
        wanted = [clean_id(name), clean_id(f"{path.parent.name}/{path.name}")]
        number = 2
        while wanted[0] in self.used or wanted[0] in kept:
            wanted.pop(0)
            if not wanted:
                wanted.append(f"{clean_id(name)}-{number}")
                number += 1
        return wanted[0]

    def _made_up(self, found: FoundSlide, slide_id: str) -> Slide:
        """A slide whose case data come from its DICOM attributes, else are made up from its folder or its name."""
        instance, paths = found.image.instance, found.image.paths
        case, slide = (instance.members[0], dict(instance.members[1])) if instance else ({}, {})
        of_case = case_of({**made_up_case(case.get("accessionNumber", found.group or slide_id)), **case})
        number = (*of_case.key, slide.get("lisSlideId", slide_id))
        if number in self.numbers:  # two scans of one glass
            slide["lisSlideId"] = slide_id
        self.numbers.add(number)
        reason = unseparated_reason(paths)
        picture = OpenSlidePicture(
            self.reader,
            [Layer(found.image.path, companions=found.image.companions)],
            is_streamable=reason is None,
            unseparated_paths=paths if reason else (),
        )
        return Slide(slide_id, of_case, {**made_up_slide(slide_id), **slide}, found.files, picture, reason)
