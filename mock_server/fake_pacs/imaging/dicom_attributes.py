"""What the DICOM attributes of a whole-slide image say of case and slide, as ImageMetadata members."""

from __future__ import annotations

import re
from typing import Any

_USING_SUBSTANCE = {"424361007", "G-C350"}  # SNOMED CT and its older SRT code: "Using substance" in a staining step
UID = r"(?=.{1,64}$)(0|[1-9][0-9]*)(\.(0|[1-9][0-9]*))+"
"""The pattern of a valid DICOM UID: numbers without leading zeros between dots, at most 64 characters."""


def case_members(data: Any) -> dict[str, Any]:
    """The case-level members that a dataset gives, without absent and unfit ones."""
    return _given(
        {
            "accessionNumber": _word(data, "AccessionNumber"),
            "accessionNumberIssuer": _issuer(data),
            "studyInstanceUid": uid_in(data, "StudyInstanceUID"),
            "examId": _text(data, "StudyID"),
            "examDescription": _text(data, "StudyDescription"),
            "bodyPart": _text(data, "BodyPartExamined"),
            "stationName": _text(data, "StationName"),
            "examDateTime": _date_time(_text(data, "StudyDate"), _text(data, "StudyTime")),
        }
    )


def slide_members(data: Any) -> dict[str, Any]:
    """The slide-level members that a dataset gives, without absent and unfit ones."""
    specimen = _first(data, "SpecimenDescriptionSequence")
    staining = _staining(specimen)
    return _given(
        {
            "seriesInstanceUid": uid_in(data, "SeriesInstanceUID"),
            "lisSlideId": _word(data, "ContainerIdentifier"),
            "staining": {"displayName": staining} if staining else None,
            "specimen": _specimen(specimen) or None,
        }
    )


def _text(data: Any, keyword: str) -> str | None:
    value = data.get(keyword) if data is not None else None
    return str(value).strip() or None if value is not None else None


def _word(data: Any, keyword: str) -> str | None:
    """A text that can stand in a URL and in a file name; None where it cannot."""
    text = _text(data, keyword)
    return text if text and re.fullmatch(r"[A-Za-z0-9._+-]*[A-Za-z0-9]", text) else None


def uid_in(data: Any, keyword: str) -> str | None:
    """The UID that an attribute holds, None where it is absent or no valid UID."""
    text = _text(data, keyword)
    return text if text and re.fullmatch(UID, text) else None


def _first(data: Any, keyword: str) -> Any:
    sequence = data.get(keyword) if data is not None else None
    return sequence[0] if sequence else None


def _issuer(data: Any) -> str | None:
    issuer = _first(data, "IssuerOfAccessionNumberSequence")
    return _text(issuer, "LocalNamespaceEntityID") or _text(issuer, "UniversalEntityID")


def _date_time(date: str | None, time: str | None) -> str | None:
    """DICOM's 20091229 and 095915.12 as 2009-12-29T09:59:15."""
    day = re.fullmatch(r"(\d{4})(\d{2})(\d{2})", date or "")
    if day is None:
        return None
    clock = re.match(r"(\d{2})(\d{2})?(\d{2})?", time or "")
    hours, minutes, seconds = clock.groups("00") if clock else ("00", "00", "00")
    return f"{day[1]}-{day[2]}-{day[3]}T{hours}:{minutes}:{seconds}"


def _specimen(specimen: Any) -> dict[str, str]:
    anatomy = _text(_first(specimen, "PrimaryAnatomicStructureSequence"), "CodeMeaning")
    description = _text(specimen, "SpecimenShortDescription") or _text(specimen, "SpecimenDetailedDescription")
    return _given({"anatomy": anatomy, "description": description})


def _staining(specimen: Any) -> str | None:
    """The names of the staining substances in the specimen's preparation steps, joined by commas."""
    steps = specimen.get("SpecimenPreparationSequence") if specimen is not None else None
    names = []
    for step in steps or ():
        for item in step.get("SpecimenPreparationStepContentItemSequence") or ():
            if _text(_first(item, "ConceptNameCodeSequence"), "CodeValue") in _USING_SUBSTANCE:
                names.append(_text(_first(item, "ConceptCodeSequence"), "CodeMeaning") or _text(item, "TextValue"))
    return ", ".join(name.replace("/", "-") for name in names if name) or None  # apps make file names of it


def _given(members: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}
