"""What the emulator needs to know of a slide's picture, whatever it is read from."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from PIL import Image

from fake_pacs.imaging.errors import UnknownFocalPlane, UnknownOpticalPath

TileFormat = Literal["jpeg", "png"]

# Tiles are encoded on the way out, so every slide has both. JPEG is named as the stored one: a caller who asks for
# the stored format must get it, and JPEG is what nearly every scanner stores.
JPEG_TILES: Mapping[str, str] = {"mimeType": "image/jpeg", "extension": "jpg"}
PNG_TILES: Mapping[str, str] = {"mimeType": "image/png", "extension": "png"}

_PLAIN_NUMBER = re.compile(r"[+-]?[0-9]{1,18}(\.[0-9]*)?")


class Picture(Protocol):
    """What a slide shows: opened at first use, safe to use from several threads."""

    def properties(self) -> Mapping[str, Any]:
        """The ImageMetadata members that the picture decides, by wire name.

        isStreamable, imageSize, tileSize (px, square), micronsPerPixel (µm per px, > 0), focalPlanes, opticalPaths,
        storedTileFormat, availableTileFormats, fileFormat. Raises SlideUnreadable.
        """
        ...

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
        """One encoded Deep Zoom tile; optical path None is the first one.

        Raises OutsidePyramid, UnknownFocalPlane, UnknownOpticalPath (all of the family NoSuchTile), SlideUnreadable.
        """
        ...

    def label(self) -> bytes | None:
        """The label of the glass slide as JPEG, None where it has none. Raises SlideUnreadable."""
        ...


@dataclass(frozen=True)
class FocalPlane:
    """One focal plane: its id in tile URLs and its distance from the nominal plane in µm."""

    id: str
    offset_um: float = 0.0

    def on_wire(self) -> dict[str, Any]:
        """The plane as ImageMetadata has it."""
        return {"id": self.id, "offsetUm": self.offset_um}


@dataclass(frozen=True)
class OpticalPath:
    """One optical path (a stain, a fluorescence channel): its id in tile URLs and what it shows."""

    id: str
    description: str = "Brightfield"

    def on_wire(self) -> dict[str, Any]:
        """The path as ImageMetadata has it."""
        return {"id": self.id, "description": self.description}


NOMINAL_PLANE = FocalPlane("0")
ONLY_PATH = OpticalPath("0")


def focal_plane_named(z: str, planes: Sequence[FocalPlane]) -> FocalPlane:
    """The focal plane that a tile URL's z means: ids are compared as text, then as numbers, so 0.0 finds plane 0.

    The viewer's backend turns z into a float, and 0 works on every slide (V, ia-api-facts.md, "Tiles"): where no
    plane is called 0, it is the one nearest to the nominal plane. Raises UnknownFocalPlane, listing the valid ids.
    """
    for plane in planes:
        if plane.id == z:
            return plane
    wanted = as_number(z)
    for plane in planes:
        if wanted is not None and as_number(plane.id) == wanted:
            return plane
    if wanted == 0:
        return min(planes, key=lambda plane: abs(plane.offset_um))
    raise UnknownFocalPlane(f"there is no focal plane {z[:80]!r}: this slide has {_listed(p.id for p in planes)}")


def optical_path_named(path: str | None, paths: Sequence[OpticalPath]) -> OpticalPath:
    """The optical path of this id; None means the first one. Raises UnknownOpticalPath, listing the valid ids."""
    if path is None:
        return paths[0]
    for candidate in paths:
        if candidate.id == path:
            return candidate
    raise UnknownOpticalPath(f"there is no optical path {path[:80]!r}: this slide has {_listed(p.id for p in paths)}")


def encoded(image: Image.Image, format: TileFormat) -> bytes:  # noqa: A002
    """An RGB image as the bytes of a JPEG (quality 85) or PNG file, without colour profile."""
    buffer = io.BytesIO()
    if format == "png":
        image.save(buffer, "PNG", icc_profile=None)
    else:
        image.save(buffer, "JPEG", quality=85, icc_profile=None)
    return buffer.getvalue()


def flattened(image: Image.Image, background: str = "#ffffff") -> Image.Image:
    """The image as RGB, with what is transparent in it showing the background colour."""
    if image.mode not in ("RGBA", "LA", "PA"):
        return image.convert("RGB")
    alpha = image.getchannel("A")
    if alpha.getextrema() == (255, 255):  # nearly every tile, and three times as fast
        return image.convert("RGB")
    ground = Image.new("RGB", image.size, background)
    ground.paste(image.convert("RGB"), mask=alpha)
    return ground


def as_number(text: str) -> float | None:
    """The number that an id is written as; None for other ids."""
    return float(text) if _PLAIN_NUMBER.fullmatch(text) else None


def _listed(ids: Any) -> str:
    return ", ".join(repr(name) for name in ids)
