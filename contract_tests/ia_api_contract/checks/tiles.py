"""Tiles: the grid, the sizes of tiles, and the same picture through all levels."""

from collections.abc import Iterator, Mapping
from typing import Any

from ia_api_contract.asking import expect_status
from ia_api_contract.check import Check
from ia_api_contract.outcomes import Skipped, expect
from ia_api_contract.pixels import alike, halved
from ia_api_contract.target import Target
from ia_api_contract.tile_asking import Tiled, streamable

MANY_TILES = 600
"""A picture of more tiles isn't compared as a whole."""

TEST_PATTERN = "test pattern"
"""The stain of slides that show something else on each level, on purpose."""


# The grid


def answered(target: Target) -> None:
    """The first tile of every level of every streamable slide is there."""
    for slide in streamable(target):
        for level in range(slide.pyramid.top + 1):
            slide.answered(level, 0, 0)


def interior_size(target: Target) -> None:
    """A tile that touches no right or lower edge is as large as slide info says."""
    seen = False
    for slide in streamable(target):
        columns, rows = slide.pyramid.grid(slide.pyramid.top)
        for x, y in {(0, 0), ((columns - 2) // 2, (rows - 2) // 2)} if min(columns, rows) > 1 else ():
            seen = True
            edge = slide.pyramid.tile
            _expect_size(slide, slide.pyramid.top, x, y, (edge, edge))
    if not seen:
        raise Skipped("no slide that was looked at has an interior tile")


def edge_size(target: Target) -> None:
    """A tile at the right or lower edge is as small as what is left."""
    seen = False
    for slide in streamable(target):
        for level, x, y in _last_tiles(slide):
            if slide.ask(level, x, y).status == 200:
                seen = True
                _expect_size(slide, level, x, y, slide.pyramid.tile_size(level, x, y))
    if not seen:
        raise Skipped("no tile at an edge was answered")


def last_tile_there(target: Target) -> None:
    """The last column and the last row, counted by rounding up, are there."""
    for slide in streamable(target):
        for level, x, y in _last_tiles(slide):
            slide.answered(level, x, y)


def level_zero(target: Target) -> None:
    """Level 0 is one pixel."""
    for slide in streamable(target):
        _expect_size(slide, 0, 0, 0, (1, 1))


def no_level_above(target: Target) -> None:
    """Above ceil(log2(max(width, height))) there is no level."""
    for slide in streamable(target):
        level = slide.pyramid.top + 1
        expect_status(slide.ask(level, 0, 0), 404, f"{slide.name(level, 0, 0)}, above the top level,")


def nothing_outside(target: Target) -> None:
    """Behind the last column and the last row there is no tile."""
    for slide in streamable(target):
        top = slide.pyramid.top
        columns, rows = slide.pyramid.grid(top)
        for x, y in ((columns, 0), (0, rows), (columns + 1000, rows + 1000)):
            expect_status(slide.ask(top, x, y), 404, f"{slide.name(top, x, y)}, outside {columns} x {rows} tiles,")


def nothing_negative(target: Target) -> None:
    """Below 0 there is neither level nor tile."""
    slide = next(streamable(target))
    top = slide.pyramid.top
    for level, x, y in ((-1, 0, 0), (top, -1, 0), (top, 0, -1)):
        answer = slide.ask(level, x, y)
        expect(answer.status in (400, 404), f"{slide.name(level, x, y)} was answered with {answer}; expected 404")


# The picture


def same_picture(target: Target) -> None:
    """Samples at both ends and in the middle: four tiles, halved, are the tile of the level below."""
    for slide in _pictures(target):
        for level in (slide.pyramid.top, slide.pyramid.overview + 1):
            if level <= slide.pyramid.overview:
                continue
            columns, rows = slide.pyramid.grid(level - 1)
            for x, y in sorted({(0, 0), (columns // 2, rows // 2), (columns - 1, rows - 1)}):
                _expect_halved(slide, level, x, y)


def same_picture_everywhere(target: Target) -> None:
    """Every tile of every level against the four above it."""
    slide = min(_pictures(target), key=_tiles_of)
    if _tiles_of(slide) > MANY_TILES:
        raise Skipped(f"the smallest slide that was looked at has more than {MANY_TILES} tiles")
    for level in range(slide.pyramid.top, 4, -1):
        columns, rows = slide.pyramid.grid(level - 1)
        for y in range(rows):
            for x in range(columns):
                _expect_halved(slide, level, x, y)


def _pictures(target: Target) -> list[Tiled]:
    """The streamable slides that show one picture on all levels. Raises `Skipped` where there is none."""
    found = [slide for slide in streamable(target) if not _is_pattern(slide.info)]
    if not found:
        raise Skipped("every slide that was looked at is a test pattern")
    return found


def _is_pattern(info: Mapping[str, Any]) -> bool:
    stain = info.get("staining")
    return isinstance(stain, dict) and str(stain.get("displayName")).lower() == TEST_PATTERN


def _expect_halved(slide: Tiled, level: int, x: int, y: int) -> None:
    above = slide.block(level, range(2 * x, 2 * x + 2), range(2 * y, 2 * y + 2))
    expect(
        alike(halved(above), slide.tile(level - 1, x, y)),
        f"{slide.name(level - 1, x, y)} doesn't show the same as the tiles of level {level} that it stands for",
    )


def _expect_size(slide: Tiled, level: int, x: int, y: int, size: tuple[int, int]) -> None:
    found = slide.tile(level, x, y).size
    expect(found == size, f"{slide.name(level, x, y)} is {found[0]} x {found[1]} px; expected {size[0]} x {size[1]} px")


def _last_tiles(slide: Tiled) -> Iterator[tuple[int, int, int]]:
    """Level, column and row of tiles at the right and lower edges of some levels."""
    for level in sorted({slide.pyramid.top, max(slide.pyramid.top - 1, 0), slide.pyramid.top // 2}):
        columns, rows = slide.pyramid.grid(level)
        for x, y in sorted({(columns - 1, 0), (0, rows - 1), (columns - 1, rows - 1)}):
            yield level, x, y


def _tiles_of(slide: Tiled) -> int:
    grids = [slide.pyramid.grid(level) for level in range(slide.pyramid.top + 1)]
    return sum(columns * rows for columns, rows in grids)


CHECKS = (
    Check(
        "tiles.answered",
        "The first tile of every level of every streamable slide is there.",
        "getTile 200",
        "A viewer starts with the low levels, an analysis with the top one.",
        answered,
        needs=("slides.answered",),
    ),
    Check(
        "tiles.interior-size",
        "A tile inside the level is as large as slide info says.",
        "getTile",
        "Viewers and analyses compute every address from tileSize: overlap or another size shifts the picture.",
        interior_size,
        needs=("tiles.answered",),
    ),
    Check(
        "tiles.edge-size",
        "A tile at the right or lower edge is as small as what is left of the level, whose size is rounded up.",
        "getTile",
        "A padded tile shows tissue where there is none.",
        edge_size,
        needs=("tiles.answered",),
    ),
    Check(
        "tiles.last-tile-there",
        "The last column and row, counted by rounding up, are there.",
        "getTile",
        "The viewer counts tiles by ceil: one too few leaves a stripe of the slide unseen.",
        last_tile_there,
        needs=("tiles.answered",),
    ),
    Check(
        "tiles.level-zero",
        "Level 0 is one pixel.",
        "getTile",
        "Levels are counted from here: one off, and everything is half or twice as large.",
        level_zero,
        needs=("tiles.answered",),
    ),
    Check(
        "tiles.no-level-above",
        "Above the top level, ceil(log2(max(width, height))), a tile is refused with 404.",
        "getTile 404",
        "A level too many means that levels are counted otherwise.",
        no_level_above,
        needs=("tiles.answered",),
    ),
    Check(
        "tiles.nothing-outside",
        "Behind the last column and the last row, a tile is refused with 404.",
        "getTile 404",
        "A blank tile with 200 looks like glass, and an analysis counts it.",
        nothing_outside,
        needs=("tiles.answered",),
    ),
    Check(
        "tiles.nothing-negative",
        "A negative level, column or row is refused.",
        "getTile 404",
        "A tile from the other end of the slide would pass for the right one.",
        nothing_negative,
        needs=("tiles.answered",),
    ),
    Check(
        "tiles.same-picture",
        "Four tiles, halved, show what the tile of the level below shows (samples).",
        "getTile",
        "What an analysis finds on one level must lie in the same place on another.",
        same_picture,
        needs=("tiles.answered",),
    ),
    Check(
        "tiles.same-picture-everywhere",
        "Every tile of every level shows what the four tiles above it show.",
        "getTile",
        "A single wrong tile is a wrong finding.",
        same_picture_everywhere,
        needs=("tiles.answered",),
        effort="full",
    ),
)
