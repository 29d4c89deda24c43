"""Tiles as the checks ask for them: streamable slides, tiles, blocks and mosaics of tiles."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from PIL import Image

from ia_api_contract.asking import slide_info, slides
from ia_api_contract.exchanges import Answer
from ia_api_contract.outcomes import Skipped, expect
from ia_api_contract.pixels import decoded
from ia_api_contract.pyramid import Pyramid
from ia_api_contract.target import Target


@dataclass(frozen=True)
class Tiled:
    """A streamable slide of a target: its info, its pyramid, and how its tiles are asked for."""

    target: Target
    id: str
    info: dict[str, Any]
    pyramid: Pyramid

    def ask(self, level: int, x: int, y: int, *, z: str | None = "0", ext: str = "jpg", **query: Any) -> Answer:
        """One tile as it is answered; no `z` means the spelling without focal plane."""
        where: dict[str, Any] = {"slideId": self.id, "level": level, "x": x, "y": y, "ext": ext, **query}
        if z is None:
            return self.target.ask("getTile", spelling="without-focal-plane", **where)
        return self.target.ask("getTile", z=z, **where)

    def answered(self, level: int, x: int, y: int, **how: Any) -> Answer:
        """One tile that must be answered with 200. Raises `Failed`."""
        answer = self.ask(level, x, y, **how)
        expect(answer.status == 200, f"{self.name(level, x, y)} {how or ''} was answered with {answer}; expected 200")
        return answer

    def tile(self, level: int, x: int, y: int, **how: Any) -> Image.Image:
        """One tile as a picture. Raises `Failed` for anything else."""
        return decoded(self.answered(level, x, y, **how).body, self.name(level, x, y))

    def block(self, level: int, columns: range, rows: range) -> Image.Image:
        """Neighbouring tiles put together, as far as they lie on the level."""
        across, down = self.pyramid.grid(level)
        columns, rows = range(columns.start, min(columns.stop, across)), range(rows.start, min(rows.stop, down))
        tiles = {(x, y): self.tile(level, x, y) for y in rows for x in columns}
        width = sum(tiles[x, rows.start].width for x in columns)
        height = sum(tiles[columns.start, y].height for y in rows)
        whole = Image.new("RGB", (width, height))
        edge = self.pyramid.tile
        for (x, y), tile in tiles.items():
            whole.paste(tile, ((x - columns.start) * edge, (y - rows.start) * edge))
        return whole

    def name(self, level: int, x: int, y: int) -> str:
        """The tile for a failure's text."""
        return f"tile {level}/{x}_{y} of {self.id}"


def streamable(target: Target) -> Iterator[Tiled]:
    """The slides that have tiles. Raises `Skipped` where none has."""
    seen = False
    for slide in slides(target):
        info = slide_info(target, slide)
        if info.get("isStreamable") is not False:
            seen = True
            yield Tiled(target, slide, info, Pyramid.of(info))
    if not seen:
        raise Skipped("no slide that was looked at is streamable")


def planes(slide: Tiled) -> list[str]:
    """Ids of the focal planes."""
    return [str(plane.get("id")) for plane in listed(slide, "focalPlanes")]


def paths(slide: Tiled) -> list[str]:
    """Ids of the optical paths."""
    return [str(path.get("id")) for path in listed(slide, "opticalPaths")]


def listed(slide: Tiled, member: str) -> list[dict[str, Any]]:
    """A list of objects in slide info, empty where there is none. Raises `Failed` for anything else."""
    found = slide.info.get(member) or []
    right = isinstance(found, list) and all(isinstance(item, dict) for item in found)
    expect(right, f"{member} of {slide.id} is no list of objects: {found!r:.200}")
    return list(found)
