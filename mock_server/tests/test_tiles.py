"""Deep Zoom tiles: every level, edge, focal plane and optical path, all spellings, and 404 outside."""

import io
from collections.abc import Callable
from math import ceil, log2
from typing import Any

import pytest
from PIL import Image

MakePacs = Callable[..., Any]


def image(answer: Any) -> Image.Image:
    assert answer.status_code == 200, answer.data
    opened = Image.open(io.BytesIO(answer.data))
    opened.load()
    return opened


def geometry(pacs: Any, slide: str) -> tuple[int, int, int, int]:
    """Width, height, tile size and top level."""
    told = pacs.get(f"/slides/{slide}/info").json
    width, height = told["imageSize"]["width"], told["imageSize"]["height"]
    return width, height, told["tileSize"]["width"], ceil(log2(max(width, height)))


@pytest.mark.parametrize("slide", ["demo-he-1", "demo-tiff-1", "demo-dicom_1", "demo-focus-1", "demo-fluor-1"])
def test_the_corner_tiles_of_every_level_have_their_exact_size(pacs: Any, slide: str) -> None:
    width, height, side, top = geometry(pacs, slide)
    for level in range(top + 1):
        across, down = ceil(width / 2 ** (top - level)), ceil(height / 2 ** (top - level))
        columns, rows = ceil(across / side), ceil(down / side)
        last = image(pacs.get(f"/images/{slide}_files/{level}/{columns - 1}_{rows - 1}.jpg"))
        assert last.size == (across - (columns - 1) * side, down - (rows - 1) * side)
        assert image(pacs.get(f"/images/{slide}_files/{level}/0_0.jpg")).size == (min(side, across), min(side, down))
        for x, y in ((columns, 0), (0, rows)):
            pacs.refused(404, "no-such-tile", "GET", f"/images/{slide}_files/{level}/{x}_{y}.jpg")


def test_level_0_is_one_pixel(pacs: Any) -> None:
    assert image(pacs.get("/images/demo-he-1_files/0/0_0.png")).size == (1, 1)


@pytest.mark.parametrize(
    ("ext", "kind"), [("jpg", "JPEG"), ("jpeg", "JPEG"), ("JPG", "JPEG"), ("png", "PNG"), ("PNG", "PNG")]
)
@pytest.mark.parametrize("slide", ["demo-he-1", "demo-dicom_1", "demo-fluor-1"])
def test_jpg_jpeg_and_png_work_on_every_slide(pacs: Any, slide: str, ext: str, kind: str) -> None:
    answer = pacs.get(f"/images/{slide}_files/10/0_0.{ext}")
    assert answer.content_type == f"image/{kind.lower()}"
    assert image(answer).format == kind


def test_the_worker_s_and_the_viewer_s_levels_exist(pacs: Any) -> None:
    for slide in ("demo-he-1", "demo-tiff-1", "demo-focus-1", "demo-dicom_1", "demo-fluor-1"):
        told = pacs.get(f"/slides/{slide}/info").json
        top = geometry(pacs, slide)[3]
        coarse = top - int(log2(64 / told["micronsPerPixel"]))
        assert coarse >= 0
        assert image(pacs.get(f"/images/{slide}_files/{coarse}/0_0.jpg")).width >= 1
        assert image(pacs.get(f"/images/{slide}_files/7/0_0.jpeg")).height > 60


@pytest.mark.parametrize("spelling", ["0_0", "0_0_0", "0_0_0.0", "0_0_00", "0_0_-0.0"])
def test_the_focal_plane_0_works_on_every_slide_in_every_spelling(pacs: Any, spelling: str) -> None:
    for slide in ("demo-he-1", "demo-focus-1", "demo-fluor-1"):
        plain = pacs.get(f"/images/{slide}_files/10/0_0.jpg").data
        assert pacs.get(f"/images/{slide}_files/10/{spelling}.jpeg").data == plain


def test_the_journal_names_the_spelling_without_focal_plane(pacs: Any) -> None:
    pacs.get("/images/demo-he-1_files/0/0_0.jpg")
    pacs.get("/images/demo-he-1_files/0/0_0_0.0.jpeg")
    spellings = [(entry["operationId"], entry["spelling"]) for entry in pacs.journal()]
    assert spellings == [("getTile", "without-focal-plane"), ("getTile", None)]


def test_focal_planes_show_different_images(pacs: Any) -> None:
    path = "/images/demo-focus-1_files/10/1_1_{}.png"
    planes = [plane["id"] for plane in pacs.get("/slides/demo-focus-1/info").json["focalPlanes"]]
    assert planes == ["0", "1", "-1"]
    assert len({pacs.get(path.format(plane)).data for plane in planes}) == 3
    assert pacs.get(path.format("1.0")).data == pacs.get(path.format("1")).data
    assert pacs.get(path.format("-1.0")).data == pacs.get(path.format("-1")).data


@pytest.mark.parametrize("name", ["opticalPath", "channels"])
def test_optical_paths_show_different_images_by_either_name(pacs: Any, name: str) -> None:
    path = "/images/demo-fluor-1_files/10/1_1_0.png"
    shown = [pacs.get(f"{path}?{name}={number}").data for number in range(3)]
    assert len(set(shown)) == 3
    assert pacs.get(path).data == shown[0]
    assert pacs.oddities() == {}


def test_channels_is_journalled_as_another_spelling(pacs: Any) -> None:
    assert pacs.get("/images/demo-fluor-1_files/9/0_0.jpg?channels=1").status_code == 200
    assert pacs.oddities() == {"other-spelling": "channels"}
    path = "/images/demo-fluor-1_files/9/0_0.jpg?channels=1&opticalPath=2"
    pacs.refused(400, "invalid-request", "GET", path)


@pytest.mark.parametrize(
    ("tile", "text"),
    [
        ("12/0_0.jpg", "0 to 11"),
        ("-1/0_0.jpg", "0 to 11"),
        ("99999999999999999999999/0_0.jpg", "0 to 11"),
        ("11/7_0.jpg", "0 to 6"),
        ("11/-1_0.jpg", "0 to 6"),
        ("11/0_5.jpg", "0 to 4"),
        ("11/0_0_1.jpg", "'0'"),
        ("11/0_0_nan.jpg", "'0'"),
        ("11/0_0_1e999.jpg", "'0'"),
        ("11/0_0.jpg?opticalPath=1", "'0'"),
        ("11/0_0.jpg?opticalPath=", "'0'"),
        ("11/0_0.webp", "jpg, jpeg, png"),
    ],
)
def test_outside_is_404_with_the_valid_range_in_the_text(pacs: Any, tile: str, text: str) -> None:
    problem = pacs.refused(404, "no-such-tile", "GET", f"/images/demo-he-1_files/{tile}")
    assert text in problem["detail"], problem["detail"]


@pytest.mark.parametrize(
    ("tile", "names"),
    [
        ("x/0_0.jpg", ["level"]),
        ("1.0/0_0.jpg", ["level"]),
        ("0/a_b.jpg", ["x", "y"]),
        ("01/0x1_1e1.jpg", ["level", "x", "y"]),
    ],
)
def test_what_is_no_number_is_400_and_names_every_place(pacs: Any, tile: str, names: list[str]) -> None:
    problem = pacs.refused(400, "invalid-request", "GET", f"/images/demo-he-1_files/{tile}")
    assert [(violation["in"], violation["pointer"]) for violation in problem["violations"]] == [
        ("path", name) for name in names
    ]


@pytest.mark.parametrize(
    "tile", ["0/0.jpg", "0/0_0", "0/0_0_0_0.jpg", "0/_0.jpg", "0/0_0_.jpg", "0_0.jpg", "0/0_0.jpg/"]
)
def test_what_is_no_tile_address_is_an_unknown_path(pacs: Any, tile: str) -> None:
    pacs.refused(404, "unknown-path", "GET", f"/images/demo-he-1_files/{tile}")


def test_a_slide_that_is_not_streamable_has_no_tiles_and_says_why(pacs: Any) -> None:
    problem = pacs.refused(404, "not-streamable", "GET", "/images/demo-ihc-1_files/0/0_0.jpg")
    assert "only archived" in problem["detail"]
    assert "/files" in problem["hint"]


def test_an_id_with_underscores_is_told_from_its_suffix(pacs: Any, make_pacs: MakePacs) -> None:
    assert image(pacs.get("/images/demo-dicom_1_files/5/0_0.jpg")).size
    odd = make_pacs(slides={"a_files": {}, "1_2": {}})
    assert image(odd.get("/images/a_files_files/5/0_0.jpg")).size
    assert image(odd.get("/images/1_2_files/5/0_0_0.jpg")).size


def test_an_unknown_slide_has_no_tiles(pacs: Any) -> None:
    pacs.refused(404, "unknown-slide", "GET", "/images/nothing_files/0/0_0.jpg")
