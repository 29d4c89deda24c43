"""What a file on disk is: a quick check that reads no pixels and opens no slide, and remembers its answers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import openslide

from fake_pacs.imaging import dicom, tiff_reading
from fake_pacs.imaging.companions import INDEX_SUFFIXES, companions_of
from fake_pacs.imaging.dicom_header import PREAMBLE
from fake_pacs.imaging.errors import SlideUnreadable
from fake_pacs.imaging.picture import OpticalPath
from fake_pacs.imaging.slide_files import files_below
from fake_pacs.imaging.slide_reader import FileState, state_of

STILL_COPIED = "still being copied, or being changed"


@dataclass(frozen=True)
class Examined:
    """A file that is (part of) a slide: OpenSlide's name of the format, its companions, and what its DICOM says."""

    format: str
    companions: tuple[Path, ...] = ()
    instance: dicom.Instance | None = None


@dataclass(frozen=True)
class SlideImage:
    """The file that OpenSlide opens for a slide, the format, the files it reads beside it, and what its DICOM says.

    `paths` are the optical paths of all levels of a DICOM slide.
    """

    path: Path
    format: str
    companions: tuple[Path, ...]
    instance: dicom.Instance | None = None
    paths: tuple[OpticalPath, ...] = ()


class Examiner:
    """Examines files, each once in each of its states. `unstable` files are still being copied: they are refused."""

    def __init__(self) -> None:
        self.unstable: frozenset[Path] = frozenset()
        self._known: dict[Path, tuple[FileState, Examined | str]] = {}
        self._older: dict[Path, tuple[FileState, Examined | str]] = {}

    def begin(self, unstable: frozenset[Path] = frozenset()) -> None:
        """Begin a new round: what is not asked for in this one is forgotten with the next."""
        self.unstable = unstable
        self._older, self._known = self._known, {}

    def examine(self, path: Path) -> Examined:
        """What the file is. Raises SlideUnreadable with the reason why it is not (yet) part of a slide."""
        if path in self.unstable:
            raise SlideUnreadable(STILL_COPIED)
        state = state_of(path)
        known = self._known.get(path) or self._older.get(path)
        if known is None or known[0] != state or path.suffix.lower() in INDEX_SUFFIXES:
            known = (state, _examined(path, state))
        self._known[path] = known
        if isinstance(known[1], str):
            raise SlideUnreadable(known[1])
        return known[1]

    def known_to_be_a_slide(self, path: Path) -> bool:
        """Whether the file is (part of) a slide; the answer is remembered."""
        try:
            self.examine(path)
        except SlideUnreadable:
            return False
        return True

    def image_of(self, paths: Iterable[Path]) -> SlideImage:
        """The slide that these files are: the one to open is the first that is a slide, of DICOM the largest level.

        Raises SlideUnreadable with the reasons why none of them is.
        """
        reasons = []
        among = list(paths)
        for path in among:
            try:
                found = self.examine(path)
                return self._series_of(found.instance, among) if found.instance else self.single(path, found)
            except SlideUnreadable as error:
                reasons.append(error.reason if len(among) == 1 else f"{path.name}: {error.reason}")
        raise SlideUnreadable("; ".join(reasons[:3]) or "the folder is empty")

    def image_at(self, path: Path) -> SlideImage:
        """The slide that is this file, or lies in this (DICOM) folder. Raises SlideUnreadable with the reason."""
        try:
            if path.is_dir():
                return self.image_of(files_below(path))
            found = self.examine(path)
            siblings = sorted(path.parent.iterdir()) if found.instance else [path]
        except OSError as error:
            raise SlideUnreadable(f"cannot be read ({error.strerror})") from error
        return self._series_of(found.instance, siblings) if found.instance else self.single(path, found)

    def series_among(self, files: Iterable[Path]) -> dict[str, list[dicom.Instance]]:
        """The DICOM instances among the files by series, in order; one without a series is one of its own."""
        known = (self.examine(file) for file in files if self.known_to_be_a_slide(file))
        return by_series(one.instance for one in known if one.instance)

    def dicom_image(self, instances: list[dicom.Instance]) -> SlideImage:
        """The slide of the instances of a series. Raises SlideUnreadable for one with a fault, and without levels."""
        for instance in instances:
            if instance.complaint:
                raise SlideUnreadable(f"{instance.path.name}: {instance.complaint}")
        levels = [instance for instance in instances if instance.is_level]
        if not levels:
            raise SlideUnreadable("no level of a slide in this DICOM series (ImageType with VOLUME)")
        chosen = max(levels, key=lambda level: level.size)
        others = tuple(instance.path for instance in instances if instance is not chosen)
        paths = tuple({path.id: path for level in levels for path in level.paths}.values())
        return SlideImage(chosen.path, "dicom", others, chosen, paths)

    def _series_of(self, instance: dicom.Instance, among: Iterable[Path]) -> SlideImage:
        files = [file for file in among if not file.name.startswith(".") and file.is_file()]
        series = self.series_among(files)
        self.refuse_moving(instance.series, files)
        return self.dicom_image(series.get(instance.series or str(instance.path), [instance]))

    def refuse_moving(self, series: str | None, among: Iterable[Path]) -> None:
        """Raises SlideUnreadable while one of these files is still being copied that may belong to the DICOM series."""
        if self.unstable and series:
            for file in sorted(self.unstable.intersection(among)):
                if _may_be_of(series, file):
                    raise SlideUnreadable(f"{file.name} is {STILL_COPIED}")

    def single(self, path: Path, found: Examined) -> SlideImage:
        """The slide that is this one file, and its companions. Raises SlideUnreadable while one is still copied."""
        moving = self.unstable.intersection(found.companions)
        if moving:
            raise SlideUnreadable(f"{min(moving).name} is {STILL_COPIED}")
        return SlideImage(path, found.format, found.companions)


def _may_be_of(series: str, file: Path) -> bool:
    """Whether a file that is still being copied is, or may yet turn out to be, an instance of the DICOM series."""
    try:
        instance = dicom.read_instance(file)
        if instance is None:
            return state_of(file).size < PREAMBLE
        return instance.series in (None, series)
    except (OSError, SlideUnreadable):
        return True  # its head isn't whole yet


def by_series(instances: Iterable[dicom.Instance]) -> dict[str, list[dicom.Instance]]:
    """The instances by series, in order; one without a series is one of its own."""
    found: dict[str, list[dicom.Instance]] = {}
    for instance in instances:
        found.setdefault(instance.series or str(instance.path), []).append(instance)
    return found


def _examined(path: Path, state: FileState) -> Examined | str:
    """What the file is, or the reason why it is no slide."""
    try:
        if state.size == 0:
            return "the file is empty (0 bytes)"
        instance = dicom.read_instance(path)
        return Examined("dicom", instance=instance) if instance else _checked(path)
    except PermissionError as error:
        where = f" ({Path(error.filename).name})" if error.filename and Path(error.filename) != path else ""
        return f"no permission to read it{where}"
    except OSError as error:
        return f"cannot be read ({error.strerror or error})"
    except SlideUnreadable as error:
        return error.reason


def _checked(path: Path) -> Examined | str:
    companions = companions_of(path)
    try:
        name = openslide.OpenSlide.detect_format(path)
    except openslide.OpenSlideError as error:
        return f"OpenSlide cannot open it, it may be cut short: {error}"
    wrong = tiff_reading.complaint(path)
    if wrong:
        return wrong
    if name is None:
        return "not a slide, or cut short: OpenSlide knows no such format (a TIFF must be tiled)"
    return Examined(str(name), companions)
