"""The verdict on a slide (IA-API 1.10)."""

from sectra_client.schemas.quality_control import QualityControl
from sectra_client.wire.messages import JSON, Call, Request, json_body, read_nothing, segment

SINCE = "1.10"


def set_quality_control(slide_id: str, quality_control: QualityControl) -> Call[None]:
    """Sets the verdict; the `versionId` last read goes with it."""
    path = f"/slides/{segment('slide_id', slide_id)}/qualityControl"
    headers = {"Content-Type": JSON}
    request = Request("setQualityControl", "PUT", path, headers=headers, body=json_body(quality_control), since=SINCE)
    return Call(request, read_nothing)
