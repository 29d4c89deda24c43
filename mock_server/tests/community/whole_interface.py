"""Runs the whole public interface of the community client against an IA-API server, in the client's own environment.

Started by `test_community_client.py` with an interpreter that has `sectra-image-analysis-api` and nothing of ours:
`python whole_interface.py URL TOKEN`. Prints one JSON object a line: the call, and what it gave or raised.
"""

import json
import pathlib
import sys
import tempfile
from collections.abc import Callable
from typing import Any

from sectra_client import SectraClient
from sectra_client.schemas import (
    AdaptedResult,
    Attachment,
    Label,
    Patch,
    PatchContent,
    PatchResultContent,
    Point,
    Polygon,
    Polyline,
    PrimitiveItem,
    PrimitiveResultContent,
    QualityControl,
    QualityControlData,
    Result,
    ResultData,
    Style,
)
from sectra_client.schemas.results import Action

APP, SLIDE, SEVERAL_FILES, NO_LABEL, CASE = "nuclei-counter", "demo-he-1", "demo-dicom_1", "demo-tiff-1", "S26-1001"


def tell(call: str, run: Callable[[], Any]) -> Any:
    """Prints what the call gave or raised, and returns what it gave."""
    try:
        gave = run()
    except Exception as error:
        print(json.dumps({"call": call, "raised": type(error).__name__, "text": str(error)[:300]}))
        return None
    print(json.dumps({"call": call, "gave": shape(gave)}))
    return gave


def shape(value: Any) -> Any:
    """The value, short enough to compare: models as their member names, lists as their length."""
    if isinstance(value, list):
        return f"{len(value)} x {type(value[0]).__name__}" if value else "nothing"
    if hasattr(value, "model_dump"):
        return type(value).__name__
    return value if isinstance(value, (str, int, bool, type(None))) else type(value).__name__


def primitive(label: str) -> Result:
    """A result of every primitive there is."""
    points = [Point(x=0.1, y=0.1), Point(x=0.2, y=0.1), Point(x=0.2, y=0.2)]
    item = PrimitiveItem(
        style=Style(strokeStyle="#FF0000", size=2),
        polygons=[Polygon(points=points)],
        polylines=[Polyline(points=points)],
        labels=[Label(location=points[0], label=label)],
    )
    data = ResultData(context={"run": 1}, result=PrimitiveResultContent(content=[item]))
    attachments = [Attachment(name="heatmap.png", state="new")]
    return Result(slideId=SLIDE, displayResult=label, applicationVersion="1.0", data=data, attachments=attachments)


def gallery() -> Result:
    """A gallery with a button."""
    content = PatchContent(
        description="Nuclei",
        polygons=[],
        patches=[Patch(tag=0, position=Point(x=0.3, y=0.2), sortKeyValue=0.9)],
        actions=[Action(id="again", state=0, name="Again", tooltip="Counts again")],
        tags=["tumour", "other"],
        patchSize=64,
        magnification=20,
    )
    data = ResultData(context={}, result=PatchResultContent(content=content))
    return Result(slideId=SLIDE, displayResult="gallery", applicationVersion="1.0", data=data)


def results(client: SectraClient) -> None:
    """Storing, reading, listing, replacing, and a stale replacement."""
    stored = tell("create_results (primitives)", lambda: client.create_results(APP, primitive("first")))
    tell("create_results (gallery)", lambda: client.create_results(APP, gallery()))
    tell("get_result_by_result_id", lambda: client.get_result_by_result_id(APP, stored.id))
    tell("get_result_by_result_id (unknown)", lambda: client.get_result_by_result_id(APP, 999_999))
    tell("get_all_results", lambda: client.get_all_results(SLIDE, APP))
    change = AdaptedResult(**{**stored.model_dump(), "displayResult": "second"})
    tell("update_results", lambda: client.update_results(APP, stored.id, change).displayResult)
    tell("update_results (stale)", lambda: client.update_results(APP, stored.id, change))


def slides(client: SectraClient, folder: pathlib.Path) -> None:
    """Metadata, cases, labels and files."""
    for extended in (False, True):
        for phi in (False, True):
            name = f"get_image_metadata (extended={extended}, phi={phi})"
            tell(name, lambda extended=extended, phi=phi: client.get_image_metadata(SLIDE, extended=extended, phi=phi))
    tell("get_image_metadata (unknown)", lambda: client.get_image_metadata("nothing-like-it"))
    tell("get_image_infos_in_case", lambda: client.get_image_infos_in_case(CASE))
    tell("get_image_infos_in_case (phi, issuer)", lambda: client.get_image_infos_in_case(CASE, True, "LAB-NORTH"))
    tell("get_image_infos_in_case_by_slide_id", lambda: client.get_image_infos_in_case_by_slide_id(SLIDE, phi=True))
    tell("get_label_image", lambda: client.get_label_image(SLIDE).convert_to_pil().format)
    tell("get_label_image (no label)", lambda: client.get_label_image(NO_LABEL))
    tell("download_slide_files (several)", lambda: client.download_slide_files(SEVERAL_FILES, folder))
    tell("download_slide_files (one)", lambda: client.download_slide_files(SLIDE, folder))


def quality_control(client: SectraClient) -> None:
    """Setting the state with the last versionId, and with a stale one."""
    last = client.get_image_metadata(SLIDE).qualityControl
    change = QualityControl(
        applicationVersion="1.0",
        qualityControl=QualityControlData(status="QualityOk", versionId=last.versionId if last else ""),
    )
    tell("set_quality_control", lambda: client.set_quality_control(SLIDE, change))
    tell("set_quality_control (shown)", lambda: client.get_image_metadata(SLIDE).qualityControl.status.value)
    tell("set_quality_control (stale)", lambda: client.set_quality_control(SLIDE, change))


def main(url: str, token: str) -> None:
    """The whole public interface, once."""
    with SectraClient(url, token, _allow_http=True) as client, tempfile.TemporaryDirectory() as folder:
        tell("version_info", lambda: client.version_info.apiVersion)
        tell("response_headers", lambda: ",".join(sorted(client.response_headers)))
        slides(client, pathlib.Path(folder))
        results(client)
        quality_control(client)
    tell("close", lambda: client.close())


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
