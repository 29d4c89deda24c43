"""The slides that a cases.yaml describes; what it leaves out comes from their DICOM attributes or is made up."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from fake_pacs.catalog_schema import (
    CASE_ATTRIBUTES,
    CASE_MEMBERS,
    CASE_TEXTS,
    SLIDE_ATTRIBUTES,
    SLIDE_MEMBERS,
    Entry,
    document_of,
    path_at,
)
from fake_pacs.hospital import Case, Slide
from fake_pacs.imaging.errors import SlideUnreadable
from fake_pacs.imaging.examining import Examiner, SlideImage
from fake_pacs.imaging.openslide_picture import Layer, OpenSlidePicture
from fake_pacs.imaging.picture import NOMINAL_PLANE, ONLY_PATH, FocalPlane, OpticalPath, as_number
from fake_pacs.imaging.slide_files import Problem, files_below, files_of, refuse_special, refuse_strangers
from fake_pacs.imaging.slide_reader import SlideReader
from fake_pacs.invented import case_of, made_up_case, made_up_slide


@dataclass(frozen=True)
class Images:
    """What is on disk for one described slide."""

    listed: tuple[Path, ...]
    layers: tuple[Layer, ...]
    label: Path | Literal["associated"] | None
    first: SlideImage
    unseparated: tuple[OpticalPath, ...]


@dataclass
class Description:
    """One cases.yaml being read: its slides, those whose files are missing or broken, and every file it names."""

    file: Path
    reader: SlideReader
    examiner: Examiner
    slides: list[Slide] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    named: set[Path] = field(default_factory=set)
    _seen: set[tuple[str, ...]] = field(default_factory=set)
    _spelled: dict[Path, dict[str, str]] = field(default_factory=dict)

    def read(self) -> None:
        """Reads the file. Raises CatalogError, naming file and line, for what it says wrong."""
        for case in document_of(self.file).entries("cases", CASE_MEMBERS, needed=True):
            self._read_case(case)

    def _read_case(self, case_entry: Entry) -> None:
        entries = case_entry.entries("slides", SLIDE_MEMBERS, needed=True)
        images = [self._images(entry) for entry in entries]
        case = _case(case_entry, {} if case_entry.gives(CASE_ATTRIBUTES) else _attributes_of(images)[0])
        self._refuse_double(case_entry, "accessionNumber", "case", *case.key)
        for entry in entries:
            self._refuse_double(entry, "id", "slide", entry.text("id"))
            if "lisSlideId" in entry.members:
                self._refuse_double(entry, "lisSlideId", "lisSlideId", *case.key, entry.text("lisSlideId"))
        for entry, found in zip(entries, images, strict=True):
            details = self._details(entry, case, {} if entry.gives(SLIDE_ATTRIBUTES) else _attributes_of([found])[1])
            streamable = entry.flag("isStreamable", True)
            if streamable and "notStreamableReason" in entry.members:
                raise entry.wrong("notStreamableReason", "isStreamable: false beside it, or no reason")
            reason = None if streamable else entry.text("notStreamableReason")
            microns = entry.number("micronsPerPixel", 0.0, above=0.0) or None
            if found:
                self.slides.append(_slide(entry.text("id"), case, details, found, reason, microns, self.reader))

    def _refuse_double(self, entry: Entry, member: str, *key: str) -> None:
        if key in self._seen:
            told = ", ".join(filter(None, key[1:]))
            raise entry.wrong(member, f"each {key[0]} once: {told!r} stands above already")
        self._seen.add(key)

    def _details(self, entry: Entry, case: Case, read: Mapping[str, Any]) -> dict[str, Any]:
        """The slide-level members: as the entry says, else as the slide's DICOM attributes do, else made up."""
        known = {**made_up_slide(entry.text("id")), **read}
        specimen = entry.members.get("specimen")
        place = f"{entry.place}specimen."
        number = entry.text("lisSlideId", known["lisSlideId"])
        if "lisSlideId" not in entry.members:
            if ("lisSlideId", *case.key, number) in self._seen:  # two scans of one glass
                number = entry.text("id")
            self._seen.add(("lisSlideId", *case.key, number))
        return {
            "staining": {"displayName": entry.text("staining", known["staining"]["displayName"])},
            "block": {"displayName": entry.text("block", known["block"]["displayName"])},
            "specimen": Entry.of(entry.file, place, specimen, ("anatomy", "description")).texts()
            if specimen
            else known["specimen"],
            "seriesInstanceUid": entry.text("seriesInstanceUid", known["seriesInstanceUid"]),
            "lisSlideId": number,
        }

    def _images(self, entry: Entry) -> Images | None:
        """What is on disk for a slide; None, and one problem more, where something of it is missing or broken."""
        names = [path_at(entry.file, *item) for item in entry.items("files", needed=True)]
        layers = _manifest(entry)
        label_name = entry.text("label") if "label" in entry.members and not entry.is_null("label") else None
        wanted = [*names, *(name for name, _, _ in layers if name), *([label_name] if label_name else [])]
        self.named.update(file for name in wanted for file in _files_at(self._path(name)))
        try:
            listed = tuple(self._existing(name) for name in names)
            label = self._existing(label_name) if label_name else None
            images = [self.examiner.image_at(self._existing(name or names[0])) for name, _, _ in layers]
            found = _images_of(listed, layers, images, label or (None if entry.is_null("label") else "associated"))
            if len({image.path for image in images}) > 1:
                OpenSlidePicture(self.reader, found.layers).check()
            refuse_strangers((file.path for file in files_of(listed)), self.file.parent)
            if not entry.gives(SLIDE_ATTRIBUTES):
                _attributes_of([found])  # read now, while an error is one of this slide
            return found
        except SlideUnreadable as error:
            self.problems.append((self.file, f"slide {entry.text('id')}: {error.reason}"))
            return None

    def _path(self, name: str) -> Path:
        return Path(os.path.normpath(self.file.parent / name))

    def _existing(self, name: str) -> Path:
        path = self._path(name)
        if not os.path.lexists(path):
            raise SlideUnreadable(f"{name} is missing: expected at {path}{self._other_spelling(path)}")
        refuse_strangers([path], self.file.parent)
        refuse_special(path)
        return path

    def _other_spelling(self, path: Path) -> str:
        """What else is there under nearly the name of a missing file, to stand behind what is told; mostly empty.

        Each folder is looked into once: a yaml may describe thousands of slides that are still to be scanned.
        """
        folder = path.parent
        if folder not in self._spelled:
            self._spelled[folder] = {}
            with suppress(OSError):
                self._spelled[folder] = {_alike(name): name for name in os.listdir(folder)}  # noqa: PTH208 - as above
        near = self._spelled[folder].get(_alike(path.name))
        return f"; there is {near!r}" if near else ""


def _alike(name: str) -> str:
    """What is the same in names that people take for one another: letters and digits, without the suffix."""
    stem = os.path.splitext(name)[0]  # noqa: PTH122 - Path is slow where there are many
    return re.sub(r"[\s_-]+", "", stem).casefold()


def _attributes_of(images: Iterable[Images | None]) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """The case-level and slide-level members that the first DICOM image gives; empty where none is DICOM.

    Asked for only where the yaml leaves something open: reading attributes loads pydicom, which takes its time.
    """
    return next((one.first.instance.members for one in images if one and one.first.instance), ({}, {}))


def _case(entry: Entry, read: Mapping[str, Any]) -> Case:
    """The case: as the entry says, else as the DICOM attributes of its first slide do, else made up."""
    number = entry.text("accessionNumber")
    known = {**made_up_case(number), **read}
    members: dict[str, Any] = {name: entry.text(name, known[name]) for name in CASE_TEXTS}
    fields = [member.texts() for member in entry.entries("examFreeFields", ())]
    return case_of(
        {
            **members,
            "accessionNumber": number,
            "accessionNumberIssuer": entry.text("accessionNumberIssuer", known["accessionNumberIssuer"]),
            "priority": entry.number("priority", known["priority"], whole=True),
            "examFreeFields": fields,
        }
    )


def _manifest(entry: Entry) -> list[tuple[str | None, FocalPlane, OpticalPath]]:
    """The images of a slide: one for each focal plane, or one for each optical path, or just one (None: its first)."""
    planes = entry.entries("focalPlanes", {"id", "offsetUm", "image"}, needed="focalPlanes" in entry.members)
    paths = entry.entries("opticalPaths", {"id", "description", "image"}, needed="opticalPaths" in entry.members)
    if planes and paths:
        raise entry.wrong("opticalPaths", "either focalPlanes or opticalPaths: one image is one plane or one path")
    for plane in planes:
        if "_" in plane.text("id"):
            raise plane.wrong("id", "an id without _: it stands between underscores in the addresses of tiles")
    for index, path in enumerate(paths):
        if path.text("id") in [other.text("id") for other in paths[:index]]:
            raise path.wrong("id", "an id that no other path of the slide has")
    for index, plane in enumerate(planes):
        if _compared(plane) in [_compared(other) for other in planes[:index]]:
            raise plane.wrong("id", "an id that no other plane of the slide has (0 and 0.0 are the same)")
    if planes:
        return [(p.text("image"), FocalPlane(p.text("id"), p.number("offsetUm", 0.0)), ONLY_PATH) for p in planes]
    if paths:
        return [(p.text("image"), NOMINAL_PLANE, OpticalPath(p.text("id"), p.text("description"))) for p in paths]
    return [(entry.text("image") if "image" in entry.members else None, NOMINAL_PLANE, ONLY_PATH)]


def _compared(entry: Entry) -> str | float:
    """The id of a focal plane as tile addresses find it: as a number, where it is one."""
    number = as_number(entry.text("id"))
    return entry.text("id") if number is None else number


def _images_of(
    listed: tuple[Path, ...],
    manifest: list[tuple[str | None, FocalPlane, OpticalPath]],
    images: list[SlideImage],
    label: Path | Literal["associated"] | None,
) -> Images:
    layers = tuple(
        Layer(image.path, plane, path, image.companions)
        for (_, plane, path), image in zip(manifest, images, strict=True)
    )
    mixed = next((image.paths for image in images if len(image.paths) > 1), ())
    return Images(listed, layers, label, images[0], mixed)


def _slide(
    slide_id: str,
    case: Case,
    details: Mapping[str, Any],
    images: Images,
    reason: str | None,
    microns_per_pixel: float | None,
    reader: SlideReader,
) -> Slide:
    reason = unseparated_reason(images.unseparated) or reason
    picture = OpenSlidePicture(
        reader,
        images.layers,
        label_from=images.label,
        microns_per_pixel=microns_per_pixel,
        is_streamable=reason is None,
        unseparated_paths=images.unseparated,
    )
    return Slide(slide_id, case, details, files_of(images.listed), picture, reason)


def unseparated_reason(paths: Iterable[OpticalPath]) -> str | None:
    """Why a slide whose image holds these optical paths has no tiles; None where there is only one."""
    ids = [path.id for path in paths]
    if len(ids) < 2:
        return None
    return (
        f"one DICOM image holds {len(ids)} optical paths ({', '.join(ids)}), of which OpenSlide would show the first "
        "only; a cases.yaml can give each path an image of its own"
    )


def _files_at(path: Path) -> list[Path]:
    try:
        return files_below(path) if path.is_dir() else [path]
    except OSError:
        return [path]  # whoever opens it reports it
