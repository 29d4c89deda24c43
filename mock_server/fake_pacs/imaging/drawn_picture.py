"""Pictures that are drawn tile by tile: made-up tissue of any size, the same at every level."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import ceil
from typing import Any, NamedTuple

from PIL import Image, ImageDraw, ImageFont

from fake_pacs.imaging import pyramid
from fake_pacs.imaging.picture import (
    JPEG_TILES,
    NOMINAL_PLANE,
    ONLY_PATH,
    PNG_TILES,
    FocalPlane,
    OpticalPath,
    TileFormat,
    encoded,
    focal_plane_named,
    optical_path_named,
)

Colour = tuple[int, int, int]

_GLASS: Colour = (242, 240, 243)
_TISSUE: Colour = (231, 186, 211)
_GLANDS: tuple[Colour, ...] = ((205, 131, 178), (216, 152, 190), (188, 112, 168))
_NUCLEUS: Colour = (94, 58, 130)
_CHANNELS: tuple[Colour, ...] = ((90, 120, 255), (80, 230, 120), (255, 90, 90), (240, 200, 70))
_CELL = 48  # px of the full image between nuclei
_SMALLEST_CELL = 10  # px of a level: nuclei are left out where they would be dust
_NUCLEI_COVER = 0.115  # of the tissue, on average: its tint where nuclei are left out
_FINENESS = 2  # drawn larger and averaged down: smooth edges that agree between levels
_FINE_LEVEL = 10  # lower levels are this one (up to 1024 px, whole) averaged down: they agree with those above


class _Ellipse(NamedTuple):
    """An ellipse in px of the full image."""

    x: float
    y: float
    across: float
    down: float
    colour: Colour

    def holds(self, x: float, y: float) -> bool:
        """Whether the point lies inside."""
        return ((x - self.x) / self.across) ** 2 + ((y - self.y) / self.down) ** 2 <= 1.0


class _View(NamedTuple):
    """The area that a tile shows, in px of the full image, and px of the full image per drawn px."""

    left: float
    top: float
    right: float
    bottom: float
    scale: float

    def draw(self, pen: ImageDraw.ImageDraw, shape: _Ellipse, colour: Colour) -> None:
        """Draw the shape where it meets the area."""
        if shape.x + shape.across < self.left or shape.x - shape.across > self.right:
            return
        if shape.y + shape.down < self.top or shape.y - shape.down > self.bottom:
            return
        box = (
            (shape.x - shape.across - self.left) / self.scale,
            (shape.y - shape.down - self.top) / self.scale,
            (shape.x + shape.across - self.left) / self.scale,
            (shape.y + shape.down - self.top) / self.scale,
        )
        pen.ellipse(box, fill=colour)


@dataclass(frozen=True)
class DrawnPicture:
    """A made-up picture, stable for its seed: tissue on glass, or fluorescence where there are several optical paths.

    `size` and `tile_size` in px. Planes away from the nominal one are paler. `label_text` is drawn on the label; None
    for no label. `file_format` is the media type that the metadata name.
    """

    seed: str
    size: pyramid.Size
    tile_size: int = 256
    microns_per_pixel: float = 0.25
    planes: Sequence[FocalPlane] = (NOMINAL_PLANE,)
    paths: Sequence[OpticalPath] = (ONLY_PATH,)
    label_text: str | None = None
    file_format: str = "image/tiff"

    def properties(self) -> dict[str, Any]:
        """The ImageMetadata members that the picture decides, by wire name (see Picture)."""
        return {
            "isStreamable": True,
            "imageSize": {"width": self.size[0], "height": self.size[1]},
            "tileSize": {"width": self.tile_size, "height": self.tile_size},
            "micronsPerPixel": self.microns_per_pixel,
            "focalPlanes": [plane.on_wire() for plane in self.planes],
            "opticalPaths": [path.on_wire() for path in self.paths],
            "storedTileFormat": dict(JPEG_TILES),
            "availableTileFormats": [dict(JPEG_TILES), dict(PNG_TILES)],
            "fileFormat": {"mimeType": self.file_format},
        }

    def tile(
        self,
        level: int,
        x: int,
        y: int,
        *,
        focal_plane: str,
        optical_path: str | None,
        format: TileFormat,  # noqa: A002
    ) -> bytes:
        """One Deep Zoom tile as JPEG or PNG (see Picture)."""
        plane = focal_plane_named(focal_plane, self.planes)
        path = optical_path_named(optical_path, self.paths)
        box = pyramid.tile_box(self.size, level, x, y, self.tile_size)
        return encoded(self._drawn(level, box, plane, path), format)

    def overview(self, longest_side: int) -> Image.Image:
        """The whole picture, drawn at the highest level that is no longer than `longest_side` px (at least 1)."""
        levels = range(pyramid.top_level(self.size), -1, -1)
        level = next(level for level in levels if max(pyramid.level_size(self.size, level)) <= longest_side)
        return self._drawn(
            level, pyramid.Box(0, 0, *pyramid.level_size(self.size, level)), self.planes[0], self.paths[0]
        )

    def label(self) -> bytes | None:
        """A white label with the text on it, as JPEG; None where the slide has no label."""
        return None if self.label_text is None else drawn_label(self.label_text)

    def _drawn(self, level: int, box: pyramid.Box, plane: FocalPlane, path: OpticalPath) -> Image.Image:
        """The area of a level, drawn there or, on low levels, where there is more to see and then reduced."""
        finer = max(0, min(_FINE_LEVEL, pyramid.top_level(self.size)) - level)
        scale = pyramid.scale_of(self.size, level)
        left, top, right, bottom = (edge * scale for edge in box)
        reduction = _FINENESS << finer
        image = Image.new("RGB", (box.size[0] * reduction, box.size[1] * reduction))
        self._draw(image, _View(left, top, right, bottom, scale / reduction), self._shade(plane, path))
        for _ in range(finer + 1):
            image = image.reduce(2)
        return image

    def _draw(self, image: Image.Image, view: _View, shade: Callable[[Colour], Colour]) -> None:
        pen = ImageDraw.Draw(image)
        pen.rectangle((0, 0, *image.size), fill=shade(_GLASS))
        fine = _CELL / (view.scale * _FINENESS) >= _SMALLEST_CELL
        for shape in self._shapes:
            view.draw(pen, shape, shade(shape.colour if fine else _mixed(shape.colour, _NUCLEUS, _NUCLEI_COVER)))
        if fine:
            for nucleus in self._nuclei(view):
                view.draw(pen, nucleus, shade(nucleus.colour))

    @cached_property
    def _shapes(self) -> tuple[_Ellipse, ...]:
        """Pieces of tissue, then glands on them: the same for the same seed, in any process."""
        dice = random.Random(f"{self.seed}/shapes")
        return (*self._tissue, *(self._gland(dice) for _ in range(120)))

    @cached_property
    def _salt(self) -> int:
        return random.Random(f"{self.seed}/nuclei").getrandbits(32)

    @cached_property
    def _tissue(self) -> tuple[_Ellipse, ...]:
        dice = random.Random(f"{self.seed}/tissue")
        width, height = self.size
        return tuple(
            _Ellipse(
                width * dice.uniform(0.25, 0.75),
                height * dice.uniform(0.25, 0.75),
                width * dice.uniform(0.1, 0.22),
                height * dice.uniform(0.1, 0.22),
                _TISSUE,
            )
            for _ in range(7)
        )

    def _gland(self, dice: random.Random) -> _Ellipse:
        piece = dice.choice(self._tissue)
        radius = min(piece.across, piece.down) * dice.uniform(0.03, 0.12)
        x = piece.x + piece.across * dice.uniform(-0.6, 0.6)
        y = piece.y + piece.down * dice.uniform(-0.6, 0.6)
        return _Ellipse(x, y, radius, radius * dice.uniform(0.6, 1.0), dice.choice(_GLANDS))

    def _nuclei(self, view: _View) -> Iterator[_Ellipse]:
        """A nucleus in every cell of a grid that lies on tissue; each cell is thrown for itself, so tiles agree."""
        pieces = [p for p in self._tissue if abs(p.x - view.left) < p.across + _CELL + view.right - view.left]
        for column in range(int(view.left // _CELL) - 1, ceil(view.right / _CELL) + 1):
            for row in range(int(view.top // _CELL) - 1, ceil(view.bottom / _CELL) + 1):
                throw = _scattered(column, row, self._salt)
                x = (column + 0.2 + 0.6 * (throw & 255) / 255) * _CELL
                y = (row + 0.2 + 0.6 * (throw >> 8 & 255) / 255) * _CELL
                if any(piece.holds(x, y) for piece in pieces):
                    radius = 7 + (throw >> 16 & 7)
                    yield _Ellipse(x, y, radius, radius * (0.6 + (throw >> 20 & 7) / 20), _NUCLEUS)

    def _shade(self, plane: FocalPlane, path: OpticalPath) -> Callable[[Colour], Colour]:
        """How a colour looks in this plane and path: paler out of focus, one hue on black for fluorescence."""
        focus = 1.0 / (1.0 + abs(plane.offset_um) / 4.0)
        fluorescent = len(self.paths) > 1
        hue = _CHANNELS[self.paths.index(path) % len(_CHANNELS)]

        def shade(colour: Colour) -> Colour:
            pale = _mixed(_GLASS, colour, focus)
            if not fluorescent:
                return pale
            dark = max(0, _GLASS[1] - pale[1]) / 255
            return round(hue[0] * dark), round(hue[1] * dark), round(hue[2] * dark)

        return shade


def drawn_label(text: str) -> bytes:
    """The JPEG of a white slide label, 400 x 400 px, with the text on it; characters beyond ASCII show as "?"."""
    image = Image.new("RGB", (400, 400), "white")
    pen = ImageDraw.Draw(image)
    pen.rectangle((6, 6, 393, 393), outline="black", width=3)
    plain = text.encode("ascii", "replace").decode("ascii")
    lines = [plain[start : start + 16] for start in range(0, min(len(plain), 160), 16)]
    pen.multiline_text((24, 30), "\n".join(lines), fill="black", font=ImageFont.load_default(size=34))
    return encoded(image, "jpeg")


def _mixed(one: Colour, other: Colour, share: float) -> Colour:
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return red, green, blue


def _scattered(column: int, row: int, salt: int) -> int:
    """A number of 32 bits that looks random and depends on its arguments only."""
    mixed = (column * 0x9E3779B1 ^ row * 0x85EBCA77 ^ salt * 0xC2B2AE3D) & 0xFFFFFFFF
    mixed = (mixed ^ mixed >> 15) * 0x2C1B3C6D & 0xFFFFFFFF
    return (mixed ^ mixed >> 13) * 0x297A2D39 & 0xFFFFFFFF
