"""The hospitals that a server can start with: the demo one, the user's own slides, or slides given in Python."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import demo_hospital
from fake_pacs.catalog import CASES_FILE, from_metadata, load_slides
from fake_pacs.hospital import Application, Hospital, Slide
from fake_pacs.imaging.slide_reader import SlideReader


def demo_applications() -> tuple[Application, ...]:
    """The applications that every hospital has, whatever its slides are."""
    return tuple(Application(**application) for application in demo_hospital.applications())


def named_application(text: str) -> Application:
    """The application of an option such as `my-app` or `my-app=My application`. Raises `ValueError`."""
    application_id, _, name = text.partition("=")
    if not application_id or any(character in "/?#%" or character.isspace() for character in application_id):
        raise ValueError(f"application {text!r}: expected ID or ID=NAME, the id free of / ? # % and blanks")
    return Application(application_id, name or application_id, "unknown", "{}")


def with_applications(slides: Sequence[Slide], more: Iterable[Application]) -> Hospital:
    """The hospital of these slides, with the demo applications and more; a later one of the same id wins."""
    applications = {application.applicationId: application for application in (*demo_applications(), *more)}
    return Hospital(tuple(slides), tuple(applications.values()))


def demo_slides(reader: SlideReader) -> tuple[Slide, ...]:
    """The slides of the demo hospital."""
    return load_slides([demo_hospital.folder() / CASES_FILE], reader).slides


def given_slides(slides: Mapping[str, Any], files: Mapping[str, Any], reader: SlideReader) -> tuple[Slide, ...]:
    """The slides of `MockSectraServer(slides=…, slide_files=…)`: metadata as models or mappings, files as paths."""
    return tuple(
        from_metadata(
            {**as_mapping(slides.get(slide_id, {})), "id": slide_id}, as_paths(files.get(slide_id, ())), reader
        )
        for slide_id in {**slides, **files}
    )


def as_mapping(metadata: Any) -> Mapping[str, Any]:
    """The members of a pydantic model or of a mapping, by wire name."""
    if isinstance(metadata, Mapping):
        return metadata
    dumped: Mapping[str, Any] = metadata.model_dump(mode="json")
    return dumped


def as_paths(files: Any) -> list[Path]:
    """One path or several."""
    return [Path(files)] if isinstance(files, (str, Path)) else [Path(file) for file in files]
