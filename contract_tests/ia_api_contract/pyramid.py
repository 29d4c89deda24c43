"""Deep Zoom arithmetic as the contract has it: what a slide's levels and tiles must measure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ia_api_contract.outcomes import Failed


@dataclass(frozen=True)
class Pyramid:
    """The tiles of one slide: full width and height and the edge length of interior tiles, in pixels."""

    width: int
    height: int
    tile: int

    @classmethod
    def of(cls, info: Mapping[str, Any]) -> "Pyramid":
        """The pyramid of a slide by its info. Raises `Failed` where sizes are missing or senseless."""
        try:
            found = cls(info["imageSize"]["width"], info["imageSize"]["height"], info["tileSize"]["width"])
        except (KeyError, TypeError):
            raise Failed(f"slide info has no imageSize and tileSize: {info!r:.300}") from None
        sizes = (found.width, found.height, found.tile)
        if not all(isinstance(size, int) and size > 0 for size in sizes):
            raise Failed(f"imageSize and tileSize aren't whole numbers above 0: {sizes}")
        return found

    @property
    def top(self) -> int:
        """The level of full resolution: ceil(log2(max(width, height)))."""
        return (max(self.width, self.height) - 1).bit_length()

    @property
    def overview(self) -> int:
        """The highest level that is a single tile."""
        return max(level for level in range(self.top + 1) if max(self.size(level)) <= self.tile)

    def size(self, level: int) -> tuple[int, int]:
        """Width and height of a level, rounded up."""
        scale = 1 << (self.top - level)
        return -(-self.width // scale), -(-self.height // scale)

    def grid(self, level: int) -> tuple[int, int]:
        """Columns and rows of a level."""
        width, height = self.size(level)
        return -(-width // self.tile), -(-height // self.tile)

    def tile_size(self, level: int, x: int, y: int) -> tuple[int, int]:
        """Width and height of one tile: smaller at the right and lower edges."""
        width, height = self.size(level)
        return min(self.tile, width - x * self.tile), min(self.tile, height - y * self.tile)
