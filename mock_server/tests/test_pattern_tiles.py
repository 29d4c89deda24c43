"""The right tile at the right level: over HTTP, each stored tile of the test pattern says which one it is."""

import io
import itertools
from collections.abc import Iterator
from math import ceil
from typing import Any

import pytest
import requests
from PIL import Image

import demo_hospital
from demo_hospital.pattern import read_code
from fake_pacs.embedding import MockSectraServer

PATTERN = "demo-pattern-1"


@pytest.fixture(scope="module")
def served() -> Iterator[MockSectraServer]:
    with MockSectraServer().run(port=0) as server:
        yield server


@pytest.fixture(scope="module")
def ask(served: MockSectraServer) -> Iterator[Any]:
    with requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {served.token}"
        yield lambda path: session.get(f"{served.url}{path}", timeout=10)


def grid(level: int, told: Any) -> Iterator[tuple[int, int]]:
    """Columns and rows of a level, as a client computes them."""
    width, height = told["imageSize"]["width"], told["imageSize"]["height"]
    scale = 2 ** ((max(width, height) - 1).bit_length() - level)
    columns, rows = (ceil(ceil(side / scale) / told["tileSize"]["width"]) for side in (width, height))
    return itertools.product(range(columns), range(rows))


@pytest.mark.parametrize("ending", ["jpg", "png"])
def test_every_stored_tile_of_every_stored_level_is_the_one_asked_for(ask: Any, ending: str) -> None:
    told = ask(f"/slides/{PATTERN}/info").json()
    assert told["tileSize"] == {"width": 256, "height": 256}
    seen = 0
    for level in demo_hospital.ground_truth(PATTERN)["storedLevels"]:
        for column, row in grid(level, told):
            answer = ask(f"/images/{PATTERN}_files/{level}/{column}_{row}.{ending}")
            assert answer.status_code == 200
            assert read_code(Image.open(io.BytesIO(answer.content))) == (level, column, row)
            seen += 1
    assert seen == 31


def test_smaller_levels_have_no_room_for_a_code(ask: Any) -> None:
    for level in range(min(demo_hospital.ground_truth(PATTERN)["storedLevels"])):
        answer = ask(f"/images/{PATTERN}_files/{level}/0_0.png")
        with pytest.raises(ValueError, match="no code"):
            read_code(Image.open(io.BytesIO(answer.content)))


@pytest.mark.parametrize("slide", ["demo-he-1", "demo-dicom_1", PATTERN])
def test_the_files_of_a_slide_never_hold_its_ground_truth(ask: Any, slide: str) -> None:
    answer = ask(f"/slides/{slide}/files")
    assert answer.status_code == 200
    assert b"nucleusColumns" not in answer.content
    assert b"truth.json" not in answer.content + str(answer.headers).encode()
