"""What the target holds: learnt from an emulator's control plane, told by options, or guessed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

MADE_UP_SLIDE = "ia-api-contract-slide"
MADE_UP_APPLICATION = "ia-api-contract-app"


@dataclass(frozen=True)
class CaseHeld:
    """A case of the target; `issuer` is None where nobody said who issued the number."""

    accession_number: str
    issuer: str | None
    slides: tuple[str, ...]


@dataclass(frozen=True)
class Holdings:
    """Slides, applications and cases to ask for, and where that is known from."""

    slides: tuple[str, ...]
    applications: tuple[str, ...]
    cases: tuple[CaseHeld, ...]
    source: str


def told(app_id: str | None, slide_id: str | None, accession: str | None) -> Holdings:
    """What the options say, made-up ids for what they leave out."""
    slide, application = slide_id or MADE_UP_SLIDE, app_id or MADE_UP_APPLICATION
    cases = (CaseHeld(accession, None, (slide,) if slide_id else ()),) if accession else ()
    source = "the options" if app_id and slide_id else "the options and made-up ids"
    return Holdings((slide,), (application,), cases, source if app_id or slide_id else "made-up ids")


def from_hospital(
    hospital: Mapping[str, Any], app_id: str | None, slide_id: str | None, accession: str | None
) -> Holdings:
    """What `/_fake_pacs/hospital` lists, with what the options name first."""
    cases = tuple(
        CaseHeld(
            case["accessionNumber"], case.get("accessionNumberIssuer"), tuple(slide["id"] for slide in case["slides"])
        )
        for case in hospital["cases"]
    )
    slides = [slide for case in cases for slide in case.slides]
    applications = [application["applicationId"] for application in hospital["applications"]]
    chosen = sorted(cases, key=lambda case: case.accession_number != accession)
    return Holdings(_first(slide_id, slides), _first(app_id, applications), tuple(chosen), "/_fake_pacs/hospital")


def _first(wanted: str | None, known: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(([wanted] if wanted else []) + known))
