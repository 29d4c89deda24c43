"""The round trip of `make demo`, step by step: each does one thing over HTTP and says what came.

A step raises `UnexpectedError` where the answer isn't what it has to be, so a round trip that ends well was right.
"""

import hashlib
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sectra_client import SectraClient, SectraConflictError, SectraNoLabelError
from sectra_client.schemas import (
    Attachment,
    ImageMetadata,
    Label,
    Point,
    Polygon,
    PrimitiveItem,
    PrimitiveResultContent,
    QualityControl,
    QualityControlData,
    QualityControlStatus,
    Result,
    ResultData,
    ResultResponse,
    Style,
)

APPLICATION = "tumor-finder"
OVERVIEW = 1024
"""The tiles of the largest level that is at most so many pixels wide and high are fetched, all of them."""

REPORT = b"Found by make demo: one area.\n"


class UnexpectedError(Exception):
    """The fake PACS answered something else than it should; the text says what."""


@dataclass
class Trip:
    """What the steps know and hand on; `hospital` is as the control plane lists it, `folder` is for downloads."""

    client: SectraClient
    hospital: dict[str, Any]
    folder: Path
    originals: Sequence[Path]
    slide_id: str = ""
    metadata: ImageMetadata | None = None
    stored: list[ResultResponse] = field(default_factory=list)

    @property
    def slide(self) -> ImageMetadata:
        """The metadata of the slide that the trip is about. Raises `UnexpectedError` before they were read."""
        expect(self.metadata is not None, "the slide's metadata must be read first")
        assert self.metadata is not None
        return self.metadata


def expect(condition: bool, otherwise: str) -> None:
    """Raises `UnexpectedError` with that text unless the condition holds."""
    if not condition:
        raise UnexpectedError(otherwise)


def version(trip: Trip) -> str:
    """Both versions, as the server says and as its control plane says."""
    info = trip.client.version_info
    known = trip.hospital["apiVersion"], trip.hospital["softwareVersion"]
    expect((info.apiVersion, info.softwareVersion) == known, f"/info says {info}, the control plane {known}")
    return f"IA-API {info.apiVersion}, software {info.softwareVersion}"


def case(trip: Trip) -> str:
    """The slides of the first case; the trip goes on with the first of them."""
    first = trip.hospital["cases"][0]
    issuer = first["accessionNumberIssuer"] or None
    slides = trip.client.get_image_infos_in_case(first["accessionNumber"], accession_number_issuer_id=issuer)
    listed = [slide["id"] for slide in first["slides"]]
    expect([slide.id for slide in slides] == listed, f"the case has {slides}, the control plane lists {listed}")
    trip.slide_id = slides[0].id
    described = ", ".join(f"{slide.id} ({slide.staining.displayName or 'no stain named'})" for slide in slides)
    return f"{counted(len(slides), 'slide')}: {described}"


def slide_info(trip: Trip) -> str:
    """What is known of the slide; identifying members only because they are asked for."""
    expect(trip.client.get_image_metadata(trip.slide_id).accessionNumber is None, "identifying members came unasked")
    trip.metadata = trip.client.get_image_metadata(trip.slide_id, extended=True, phi=True)
    slide = trip.slide
    expect(slide.accessionNumber == trip.hospital["cases"][0]["accessionNumber"], "the slide is of another case")
    size = f"{slide.imageSize.width} × {slide.imageSize.height} px at {slide.micronsPerPixel:g} µm"
    return f"{size}, {slide.fileFormat.mimeType}, lisSlideId {slide.lisSlideId}"


def label(trip: Trip) -> str:
    """The label, decoded; a slide without one is fine, too."""
    try:
        image = trip.client.get_label_image(trip.slide_id)
    except SectraNoLabelError:
        return "no label"
    picture = image.convert_to_pil()
    return f"{picture.format} of {picture.width} × {picture.height} px, {size_of(len(image.image))}"


def tiles(trip: Trip) -> str:
    """All tiles of one level, each of the size that Deep Zoom gives it, and the one pixel of level 0."""
    slide = trip.slide
    if not slide.isStreamable:
        return "none: the slide is not streamable"
    top = _top(slide)
    level, columns, rows = _overview(slide)
    total = 0
    for y, height in enumerate(rows):
        for x, width in enumerate(columns):
            total += _tile(trip.client, slide.id, (level, x, y), (width, height))
    _tile(trip.client, slide.id, (0, 0, 0), (1, 1))
    wanted = f"level {level} of {top}, {sum(columns)} × {sum(rows)} px"
    return f"{wanted}: {len(columns)} × {len(rows)} tiles, {size_of(total)}; and level 0, one pixel"


def _top(slide: ImageMetadata) -> int:
    return math.ceil(math.log2(max(slide.imageSize.width, slide.imageSize.height)))


def _overview(slide: ImageMetadata) -> tuple[int, list[int], list[int]]:
    """The level of the overview, the widths of its columns of tiles, the heights of its rows, in pixels."""
    level = min(_top(slide), int(math.log2(OVERVIEW)))
    scale = 2 ** (_top(slide) - level)
    columns = _extents(math.ceil(slide.imageSize.width / scale), slide.tileSize.width)
    return level, columns, _extents(math.ceil(slide.imageSize.height / scale), slide.tileSize.width)


def _extents(length: int, tile: int) -> list[int]:
    return [min(tile, length - start) for start in range(0, length, tile)]


def _tile(client: SectraClient, slide_id: str, place: tuple[int, int, int], size: tuple[int, int]) -> int:
    tile = client.get_tile(slide_id, *place)
    found = tile.convert_to_pil().size
    expect(found == size, f"tile {place} of {slide_id} is {found}, expected {size}")
    return len(tile.image)


def planes_and_paths(trip: Trip) -> str:
    """The middle tile in each focal plane and optical path of the slides that have several; they must differ."""
    slides = [
        trip.client.get_image_metadata(slide["id"]) for case in trip.hospital["cases"] for slide in case["slides"]
    ]
    described = []
    for slide in (slide for slide in slides if slide.isStreamable):
        described += _differing(trip.client, slide, "focal_plane", [plane.id for plane in slide.focalPlanes])
        described += _differing(trip.client, slide, "optical_path", [path.id for path in slide.opticalPaths])
    return "; ".join(described) or "every slide has one of each"


def _differing(client: SectraClient, slide: ImageMetadata, name: str, ids: Sequence[str]) -> list[str]:
    if len(ids) < 2:
        return []
    level, columns, rows = _overview(slide)
    middle = level, len(columns) // 2, len(rows) // 2
    seen = {client.get_tile(slide.id, *middle, **{name: chosen}).image for chosen in ids}  # type: ignore[arg-type]
    expect(len(seen) == len(ids), f"two tiles of {slide.id} are the same: {name} {ids}")
    return [f"{counted(len(ids), name.replace('_', ' '))} of {slide.id}"]


def files(trip: Trip) -> str:
    """The original files, byte by byte."""
    return _downloaded(trip, trip.slide_id)


def several_files(trip: Trip) -> str:
    """The files of the slide that has most: they come as one multipart answer."""
    listed = [slide for case in trip.hospital["cases"] for slide in case["slides"]]
    return _downloaded(trip, max(listed, key=lambda slide: int(slide["files"]))["id"])


def _downloaded(trip: Trip, slide_id: str) -> str:
    paths = trip.client.download_slide_files(slide_id, trip.folder / slide_id)
    known = {digest(path) for path in trip.originals}
    expect(bool(paths), "no file came")
    for path in paths:
        expect(digest(path) in known, f"{path.name} is none of the files that the server was given")
    total = size_of(sum(path.stat().st_size for path in paths))
    names = ", ".join(path.name for path in paths)
    return f"{names}; {total}, the same bytes as the original" + ("s" if len(paths) > 1 else "")


def digest(path: Path) -> str:
    """SHA-256 of a file, without holding it in memory."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def store(trip: Trip) -> str:
    """A result with an area, a label and a declared attachment; coordinates are parts of the image width."""
    slide = trip.slide
    high = slide.imageSize.height / slide.imageSize.width
    corners = [Point(x=0.3, y=high * 0.3), Point(x=0.7, y=high * 0.3), Point(x=0.5, y=high * 0.7)]
    area = PrimitiveItem(
        style=Style(strokeStyle="#D81B60", size=2),
        polygons=[Polygon(points=corners)],
        labels=[Label(location=corners[0], label="Area 1")],
    )
    result = Result(
        slideId=slide.id,
        displayResult="1 area",
        applicationVersion="0.1.0",
        attachments=[Attachment(name="report.txt")],
        data=ResultData(context={"made by": "make demo"}, result=PrimitiveResultContent(content=[area])),
    )
    stored = trip.client.create_results(APPLICATION, result)
    expect(stored.data == result.data, "the result came back as something else than was sent")
    trip.stored.append(stored)
    return f"result {stored.id}, versionId {stored.versionId}"


def attach(trip: Trip) -> str:
    """The attachment's bytes go up and come back, whole and in part; the versionId stays."""
    result = trip.stored[-1]
    trip.client.upload_attachment(APPLICATION, result.id, "report.txt", REPORT)
    back = trip.client.get_attachment(APPLICATION, result.id, "report.txt")
    part = trip.client.get_attachment(APPLICATION, result.id, "report.txt", 6, 8)
    now = trip.client.get_result_by_result_id(APPLICATION, result.id)
    expect((back, part) == (REPORT, REPORT[6:8]), f"the attachment came back as {back!r}, its part as {part!r}")
    expect(now.versionId == result.versionId, "the upload changed the result's versionId")
    return f"{len(back)} bytes there and back, state {now.attachments[0].state}, versionId as before"


def update(trip: Trip) -> str:
    """The result with a new text: same id, new versionId."""
    before = trip.stored[-1]
    changed = before.adapted()
    changed.displayResult = "1 area, verified"
    after = trip.client.update_results(APPLICATION, before.id, changed)
    expect(after.id == before.id and after.versionId != before.versionId, f"the update made {after} of {before}")
    trip.stored.append(after)
    return f"result {after.id}, versionId {before.versionId} → {after.versionId}"


def stale_update(trip: Trip) -> str:
    """The same update again, with the old versionId: refused, and nothing changes."""
    first, last = trip.stored[0], trip.stored[-1]
    said = refused(lambda: trip.client.update_results(APPLICATION, first.id, first.adapted()))
    stored = trip.client.get_all_results(trip.slide_id, APPLICATION)
    expect(stored == [last], f"the refused update changed what is stored: {stored}")
    return f"{said}; stored is what was"


def quality_control(trip: Trip) -> str:
    """A verdict on the slide with the versionId last read, then a stale one."""
    before = trip.slide.qualityControl
    expect(before is not None and before.status == QualityControlStatus.NOT_SET, f"the state is {before}, not NotSet")
    assert before is not None
    verdict = QualityControl(
        applicationVersion="0.1.0",
        qualityControl=QualityControlData(status=QualityControlStatus.QUALITY_OK, versionId=before.versionId),
    )
    trip.client.set_quality_control(trip.slide_id, verdict)
    now = trip.client.get_image_metadata(trip.slide_id).qualityControl
    assert now is not None
    expect(now.status == QualityControlStatus.QUALITY_OK, f"the state is {now.status} after it was set")
    said = refused(lambda: trip.client.set_quality_control(trip.slide_id, verdict))
    return f"{before.status} → {now.status}, versionId {now.versionId}; once more: {said}"


def refused(action: Callable[[], object]) -> str:
    """What the server said when it refused an action as a conflict. Raises `UnexpectedError` where it took it."""
    try:
        action()
    except SectraConflictError as error:
        title = error.problem.title if error.problem else error.text
        return f"refused with {error.status_code}, “{title}”"
    raise UnexpectedError("a write with an old versionId was accepted")


def counted(count: int, name: str) -> str:
    """Such as `1 slide`, `2 slides`."""
    return f"{count} {name}{'' if count == 1 else 's'}"


def size_of(count: int) -> str:
    """Bytes as a reader wants them."""
    if count < 2**20:
        return counted(count, "byte") if count < 1024 else f"{count / 1024:.0f} KiB"
    return f"{count / 2**20:.1f} MiB"


Step = tuple[str, Callable[[Trip], str]]

STEPS: Iterable[Step] = (
    ("version", version),
    ("case", case),
    ("slide info", slide_info),
    ("label", label),
    ("tiles", tiles),
    ("planes, paths", planes_and_paths),
    ("slide files", files),
    ("several files", several_files),
    ("stored result", store),
    ("attachment", attach),
    ("update", update),
    ("stale update", stale_update),
    ("quality control", quality_control),
)
