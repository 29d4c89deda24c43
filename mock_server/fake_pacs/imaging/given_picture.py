"""Pictures for ImageMetadata that were given from outside: read from files where they are slides, else drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fake_pacs.imaging.drawn_picture import DrawnPicture
from fake_pacs.imaging.errors import SlideUnreadable
from fake_pacs.imaging.examining import Examiner
from fake_pacs.imaging.openslide_picture import DEFAULT_TILE_SIZE, Layer, OpenSlidePicture
from fake_pacs.imaging.picture import NOMINAL_PLANE, ONLY_PATH, FocalPlane, OpticalPath
from fake_pacs.imaging.pyramid import Size
from fake_pacs.imaging.slide_reader import SlideReader

_DEFAULT_SIZE = (20_480, 15_360)
_LARGEST = {"imageSize": 2**31, "tileSize": 4096}


def picture_drawn_for(given: Mapping[str, Any], seed: str, label_text: str) -> DrawnPicture:
    """A drawn picture of the given imageSize, tileSize, focalPlanes and opticalPaths.

    Raises ValueError, naming the member, where no picture can be made of them.
    """
    return DrawnPicture(
        seed=seed,
        size=_size(given, _DEFAULT_SIZE),
        tile_size=_tile_size(given) or DEFAULT_TILE_SIZE,
        planes=_planes(given),
        paths=_paths(given),
        label_text=label_text,
    )


def picture_read_for(
    given: Mapping[str, Any], files: Sequence[Path], reader: SlideReader
) -> tuple[OpenSlidePicture | None, dict[str, Any]]:
    """The picture of the first file that is a slide, and its DICOM attributes; None where it lacks the given imageSize.

    Given focal planes and optical paths all show that one file. Raises ValueError as above.
    """
    pairs = [(plane, path) for plane in _planes(given) for path in _paths(given)]
    for file in files:
        try:
            image = Examiner().image_at(file)
            layers = [Layer(image.path, *pair, image.companions) for pair in pairs]
            picture = OpenSlidePicture(reader, layers, tile_size=_tile_size(given))
            size = picture.check().size
            read = {**image.instance.members[0], **image.instance.members[1]} if image.instance else {}
        except SlideUnreadable:
            continue  # any bytes may be served as files of a slide: these are no slide, and that is no fault
        return (picture if _size(given, size) == size else None), read
    return None, {}


def _size(given: Mapping[str, Any], default: Size) -> Size:
    return _side(given, "imageSize", "width", default[0]), _side(given, "imageSize", "height", default[1])


def _tile_size(given: Mapping[str, Any]) -> int | None:
    """The width of the given tiles in px: tiles are square, and callers read the width (V)."""
    return _side(given, "tileSize", "width", 0) or None


def _side(given: Mapping[str, Any], name: str, side: str, default: int) -> int:
    if name not in given:
        return default
    value = given[name].get(side) if isinstance(given[name], Mapping) else None
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= _LARGEST[name]:
        raise ValueError(f"{name}.{side} came as {value!r}, expected an integer from 1 to {_LARGEST[name]}")
    return value


def _planes(given: Mapping[str, Any]) -> tuple[FocalPlane, ...]:
    planes = _objects(given, "focalPlanes")
    return tuple(FocalPlane(plane["id"], plane.get("offsetUm") or 0.0) for plane in planes) or (NOMINAL_PLANE,)


def _paths(given: Mapping[str, Any]) -> tuple[OpticalPath, ...]:
    paths = _objects(given, "opticalPaths")
    return tuple(OpticalPath(path["id"], path.get("description") or "") for path in paths) or (ONLY_PATH,)


def _objects(given: Mapping[str, Any], name: str) -> Sequence[Mapping[str, Any]]:
    items = given.get(name, ())
    if isinstance(items, (list, tuple)) and all(isinstance(item, Mapping) and _has_id(item) for item in items):
        return items
    raise ValueError(f"{name} came as {items!r}, expected a list of objects with an id that is a text")


def _has_id(item: Mapping[str, Any]) -> bool:
    return isinstance(item.get("id"), str)
