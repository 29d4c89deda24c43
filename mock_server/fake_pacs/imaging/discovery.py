"""Finding slides in folders: slide files, DICOM folders, and subfolders that hold the slides of one case."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

from fake_pacs.imaging import dicom
from fake_pacs.imaging.companions import claimed_by
from fake_pacs.imaging.errors import SlideUnreadable
from fake_pacs.imaging.examining import Examiner, SlideImage, by_series
from fake_pacs.imaging.slide_files import FileOnDisk, Problem, entries_of, is_folder, named_apart, refuse_strangers

Progress = Callable[[Iterable[Path]], AbstractContextManager[Iterable[Path]]]
"""Wraps what is gone through, as click.progressbar does, to show how far it is."""

Found = tuple[list["FoundSlide"], list[Problem]]
CASES_FILE = "cases.yaml"
_TOO_DEEP = "a folder this deep is not searched, unless it holds DICOM files: put its slides one folder further up"


@dataclass(frozen=True)
class FoundSlide:
    """A slide found on disk: a name for it, its image, all files that belong to it, and the folder of its case.

    `group` is None for a slide that lies in no folder of a case.
    """

    name: str
    image: SlideImage
    files: tuple[FileOnDisk, ...]
    group: str | None = None


@dataclass(frozen=True)
class Search:
    """A search below one root: the examiner, what somebody else serves already, and how progress is shown."""

    root: Path
    examiner: Examiner
    taken: frozenset[Path] = frozenset()
    progress: Progress = nullcontext

    def at(self, path: Path) -> Found:
        """The slides that a slide file or a folder of them holds, in order of names, and what in it is no slide.

        The DICOM files in a folder make one slide for each series. A subfolder that holds nothing but one DICOM series
        is a slide; any other is a case, its slides the files in it.
        """
        if not os.path.lexists(path):
            return [], [(path, "no such file or folder, or no permission to look for it")]
        if is_folder(path):
            return self._in_folder(path)
        slides, problems = self._among([path], path.name)
        if not slides or slides[0].image.instance is None:
            return slides, problems
        try:  # a DICOM file stands for its series
            image = self.examiner.image_at(path)
        except SlideUnreadable as error:
            return [], [(path, error.reason)]
        return [replace(slides[0], image=image, files=_sorted_files(image))], []

    def _in_folder(self, folder: Path) -> Found:
        try:
            files, folders = entries_of(folder)
        except OSError as error:
            return [], [(folder, _told(error))]
        files = [file for file in files if file.name != CASES_FILE and file not in self.taken]
        claimed = claimed_by(files)
        files = [file for file in files if file not in claimed]
        inner: list[Found] = []
        to_enter = {entry for entry in folders if entry not in claimed}
        with self.progress([*files, *sorted(to_enter)]) as shown:
            for entry in shown:
                if entry in to_enter:
                    inner.append(self._in_subfolder(entry))
                else:
                    self.examiner.known_to_be_a_slide(entry)  # what it finds out is remembered
        slides, problems = self._among(files, folder.name)
        for more, bad in inner:
            slides += more
            problems += bad
        return slides, problems

    def _in_subfolder(self, folder: Path) -> Found:
        try:
            self._refuse_links_out([folder])
            files, folders = entries_of(folder)
        except OSError as error:
            return [], [(folder, _told(error))]
        except SlideUnreadable as error:
            return [], [(folder, error.reason)]
        claimed = claimed_by(files)
        files = [file for file in files if file not in claimed and file not in self.taken]
        slides, problems = self._among(files, folder.name)
        alone = len(slides) == 1 and slides[0].image.instance is not None
        for inner in folders:
            if inner not in claimed:
                more, bad = self._dicom_folder(inner)
                slides, problems = slides + more, problems + bad
                alone = False
        return (slides if alone else [replace(slide, group=folder.name) for slide in slides]), problems

    def _dicom_folder(self, folder: Path) -> Found:
        """A folder two levels down: it is a DICOM slide, or nothing."""
        try:
            self._refuse_links_out([folder])
            files = [file for file in entries_of(folder)[0] if file not in self.taken]
            if not any(dicom.is_dicom(file) for file in files):
                return [], [(folder, _TOO_DEEP)]
        except OSError as error:
            return [], [(folder, _told(error))]
        except SlideUnreadable as error:
            return [], [(folder, error.reason)]
        return self._among(files, folder.name)

    def _among(self, files: list[Path], folder_name: str) -> Found:
        """Slides of single files, then one for each DICOM series; one series alone takes the name of the folder."""
        slides: list[FoundSlide] = []
        problems: list[Problem] = []
        instances = []
        for file in files:
            try:
                self._refuse_links_out([file])
                known = self.examiner.examine(file)
                if known.instance:
                    instances.append(known.instance)
                else:
                    slides.append(self._found(file.stem, self.examiner.single(file, known)))
            except SlideUnreadable as error:
                problems.append((file, error.reason))
        series = by_series(instances)
        for members in series.values():
            name = members[0].path.stem if len(series) > 1 or slides else Path(folder_name).stem
            try:
                self.examiner.refuse_moving(members[0].series, files)
                slides.append(self._found(name, self.examiner.dicom_image(members)))
            except SlideUnreadable as error:
                problems.append((members[0].path, error.reason))
        return slides, problems

    def _found(self, name: str, image: SlideImage) -> FoundSlide:
        if image.instance:
            image.instance.members  # noqa: B018 - read now, while an error is one of this slide
            return FoundSlide(name, image, _sorted_files(image))
        refuse_strangers(image.companions, self.root)
        return FoundSlide(name, image, named_apart([image.path, *image.companions]))

    def _refuse_links_out(self, files: Iterable[Path]) -> None:
        """Raises SlideUnreadable for links out of the root; the files lie in folders that were looked at already."""
        refuse_strangers((file for file in files if os.path.islink(file)), self.root)  # noqa: PTH114 - asked of each


def _sorted_files(image: SlideImage) -> tuple[FileOnDisk, ...]:
    return named_apart(sorted([image.path, *image.companions]))


def _told(error: OSError) -> str:
    return "no permission to read it" if isinstance(error, PermissionError) else f"cannot be read ({error.strerror})"
