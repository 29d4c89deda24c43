"""The slides of a case (IA-API 1.9)."""

from sectra_client.schemas.image import CaseImageInfo
from sectra_client.wire.messages import Call, Request, reads, segment

SINCE = "1.9"


def get_by_accession(accession_number: str, phi: bool, issuer: str | None) -> Call[list[CaseImageInfo]]:
    """The slides of the case with that number."""
    path = f"/requests/{segment('accession_number', accession_number)}/images/info"
    return Call(Request("getCaseImages", "GET", path, _query(phi, issuer), since=SINCE), reads(list[CaseImageInfo]))


def get_by_slide(slide_id: str, phi: bool, issuer: str | None) -> Call[list[CaseImageInfo]]:
    """The slides of the case that the slide belongs to."""
    path = f"/slides/{segment('slide_id', slide_id)}/request/images/info"
    request = Request("getCaseImagesBySlide", "GET", path, _query(phi, issuer), since=SINCE)
    return Call(request, reads(list[CaseImageInfo]))


def _query(phi: bool, issuer: str | None) -> dict[str, str]:
    query = {"includePHI": "true"} if phi else {}
    return query | ({"accessionNumberIssuer": issuer} if issuer else {})
