"""Deep Zoom arithmetic: levels, grids and tile rectangles of an image, as pure functions.

Evidence: ia-api-facts.md, "Tiles" (V): the top level is ``ceil(log2(max(width, height)))``, the scale at level L is
``2 ** (L - top)``, sizes are rounded up, tiles are square and do not overlap, edge tiles are smaller.
"""

from __future__ import annotations

from typing import NamedTuple

from fake_pacs.imaging.errors import OutsidePyramid

Size = tuple[int, int]
"""Width and height in pixels, both at least 1."""


class Box(NamedTuple):
    """A rectangle in pixels of one level: ``left <= x < right``, ``top <= y < bottom``."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def size(self) -> Size:
        """Width and height of the rectangle in pixels."""
        return self.right - self.left, self.bottom - self.top


def top_level(size: Size) -> int:
    """Number of the level that shows the image at full resolution: ``ceil(log2(max(width, height)))``."""
    if min(size) < 1:
        raise ValueError(f"image size {size[0]} x {size[1]}: expected at least 1 x 1 px")
    return (max(size) - 1).bit_length()  # exact where a floating-point logarithm is not


def scale_of(size: Size, level: int) -> int:
    """How many pixels of the full image one pixel of this level covers in each direction."""
    return 1 << (top_level(size) - _checked(size, level))


def level_size(size: Size, level: int) -> Size:
    """Size of the image at a level, rounded up; level 0 is one pixel.

    Raises OutsidePyramid when there is no such level.
    """
    scale = scale_of(size, level)
    return -(-size[0] // scale), -(-size[1] // scale)


def tile_grid(size: Size, level: int, tile_size: int) -> Size:
    """Number of tile columns and rows at a level.

    Raises OutsidePyramid when there is no such level.
    """
    if tile_size < 1:
        raise ValueError(f"tile size {tile_size}: expected at least 1 px")
    width, height = level_size(size, level)
    return -(-width // tile_size), -(-height // tile_size)


def tile_box(size: Size, level: int, x: int, y: int, tile_size: int) -> Box:
    """The rectangle, in pixels of the level, that the tile in column x and row y shows; at the edges it is smaller.

    Raises OutsidePyramid, naming the valid range, when there is no such level, column or row.
    """
    columns, rows = tile_grid(size, level, tile_size)
    if not (0 <= x < columns and 0 <= y < rows):
        raise OutsidePyramid(f"there is no tile {_shown(x)}_{_shown(y)}: {valid_range(size, level, tile_size)}")
    width, height = level_size(size, level)
    left, top = x * tile_size, y * tile_size
    return Box(left, top, min(left + tile_size, width), min(top + tile_size, height))


def valid_range(size: Size, level: int, tile_size: int) -> str:
    """The columns and rows of a level as a sentence for error texts."""
    width, height = level_size(size, level)
    columns, rows = tile_grid(size, level, tile_size)
    return f"level {level} ({width} x {height} px) has the columns 0 to {columns - 1} and the rows 0 to {rows - 1}"


def _checked(size: Size, level: int) -> int:
    top = top_level(size)
    if not 0 <= level <= top:
        valid = f"an image of {size[0]} x {size[1]} px has the levels 0 to {top}"
        raise OutsidePyramid(f"there is no level {_shown(level)}: {valid}")
    return level


def _shown(number: int) -> str:
    """The number for an error text; a huge one is cut, because Python refuses to print thousands of digits."""
    return str(number) if abs(number) < 10**18 else "(more than 18 digits)"
