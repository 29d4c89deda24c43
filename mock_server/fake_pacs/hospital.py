"""The hospital that the emulator plays: its cases, slides and applications, as values that never change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Any, BinaryIO, Protocol

from fake_pacs.imaging.picture import Picture


class SlideFile(Protocol):
    """One file of a slide, as GET files delivers it."""

    @property
    def name(self) -> str:
        """The file name that the caller sees."""
        ...

    @property
    def size(self) -> int:
        """Its size in bytes at this moment. Raises SlideUnreadable when it is gone."""
        ...

    def open(self) -> BinaryIO:
        """The bytes, unbuffered, from the start; the caller closes. Raises SlideUnreadable when it is gone."""
        ...


@dataclass(frozen=True)
class Application:
    """An application that the hospital has registered; `context` is a string that holds a JSON object (V)."""

    applicationId: str
    displayName: str
    manufacturer: str
    context: str | None = None


@dataclass(frozen=True)
class Case:
    """One case: its accession number, who issued it ("" for nobody), and its ImageMetadata members by wire name."""

    accession_number: str
    issuer: str
    details: Mapping[str, Any] = field(hash=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "details", frozen(self.details))

    @property
    def key(self) -> tuple[str, str]:
        """What tells cases apart: a number is unique only together with its issuer."""
        return self.accession_number, self.issuer


@dataclass(frozen=True)
class Slide:
    """One slide of a case: its own ImageMetadata members by wire name, its files and its picture.

    Members in `details` win over those of the case and of the picture. `not_streamable_reason` is None where tiles
    are served.
    """

    id: str
    case: Case
    details: Mapping[str, Any] = field(hash=False)
    files: tuple[SlideFile, ...]
    picture: Picture
    not_streamable_reason: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "details", frozen(self.details))

    def metadata(self) -> dict[str, Any]:
        """The slide's whole ImageMetadata in the newest shape, without `qualityControl`, as JSON values of its own.

        Opens the slide file at first use. Raises SlideUnreadable.
        """
        return {**thawed(self.picture.properties()), **self.known()}

    def known(self) -> dict[str, Any]:
        """The ImageMetadata members that are known without opening the slide: those of its case and its own."""
        case = {"accessionNumber": self.case.accession_number, "accessionNumberIssuer": self.case.issuer}
        members = {**self.case.details, **case, **self.details, "id": self.id}
        return {name: thawed(member) for name, member in members.items()}


@dataclass(frozen=True)
class Hospital:
    """All cases, slides and applications of the emulated hospital; a changed hospital is a new value.

    Slides and applications keep their order; ids are unique. Raises ValueError for an id given twice.
    """

    slides: tuple[Slide, ...] = ()
    applications: tuple[Application, ...] = ()

    def __post_init__(self) -> None:
        _refuse_doubles("slide", [slide.id for slide in self.slides])
        _refuse_doubles("application", [application.applicationId for application in self.applications])

    @cached_property
    def cases(self) -> tuple[Case, ...]:
        """The cases in the order of their first slides, one for each accession number and issuer."""
        firsts: dict[tuple[str, str], Case] = {}
        for slide in self.slides:
            firsts.setdefault(slide.case.key, slide.case)
        return tuple(firsts.values())

    def slide(self, slide_id: str) -> Slide | None:
        """The slide of this id, None where there is none."""
        return self._slides_by_id.get(slide_id)

    def application(self, application_id: str) -> Application | None:
        """The application of this id, None where it is not registered."""
        return self._applications_by_id.get(application_id)

    def cases_named(self, accession_number: str, issuer: str | None = None) -> list[Case]:
        """The cases of this accession number, of every issuer or of the given one ("" is: of nobody)."""
        cases = self._cases_by_number.get(accession_number, ())
        return [case for case in cases if issuer is None or case.issuer == issuer]

    def slides_of(self, case: Case) -> list[Slide]:
        """The slides of a case, in order; empty for a case of another hospital."""
        return list(self._slides_by_case.get(case.key, ()))

    def with_slide(self, slide: Slide) -> Hospital:
        """This hospital with one slide more; one of the same id is replaced in its place."""
        if self.slide(slide.id) is None:
            return Hospital((*self.slides, slide), self.applications)
        return Hospital(tuple(slide if old.id == slide.id else old for old in self.slides), self.applications)

    @cached_property
    def _slides_by_id(self) -> dict[str, Slide]:
        return {slide.id: slide for slide in self.slides}

    @cached_property
    def _applications_by_id(self) -> dict[str, Application]:
        return {application.applicationId: application for application in self.applications}

    @cached_property
    def _cases_by_number(self) -> dict[str, list[Case]]:
        found: dict[str, list[Case]] = {}
        for case in self.cases:
            found.setdefault(case.accession_number, []).append(case)
        return found

    @cached_property
    def _slides_by_case(self) -> dict[tuple[str, str], list[Slide]]:
        found: dict[tuple[str, str], list[Slide]] = {}
        for slide in self.slides:
            found.setdefault(slide.case.key, []).append(slide)
        return found


def frozen(value: Any) -> Any:
    """A JSON value that nobody can change: objects as read-only mappings, lists as tuples."""
    if isinstance(value, Mapping):
        return MappingProxyType({name: frozen(member) for name, member in value.items()})
    if isinstance(value, (list, tuple)):
        return tuple(frozen(item) for item in value)
    return value


def thawed(value: Any) -> Any:
    """A copy of a frozen JSON value in plain dicts and lists, which the caller may change."""
    kind = type(value)
    if kind in _PLAIN:  # asked first: most of a document is text and numbers, and `isinstance` of a Mapping is slow
        return value
    if kind is MappingProxyType or isinstance(value, Mapping):
        return {name: thawed(member) for name, member in value.items()}
    if isinstance(value, (list, tuple)):
        return [thawed(item) for item in value]
    return value


_PLAIN = frozenset({str, int, float, bool, type(None)})


def _refuse_doubles(kind: str, ids: Sequence[str]) -> None:
    if len(set(ids)) != len(ids):
        double = next(name for name in ids if ids.count(name) > 1)
        raise ValueError(f"the {kind} id {double!r} is given twice: expected every {kind} to have an id of its own")
