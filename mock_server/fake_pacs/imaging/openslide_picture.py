"""Pictures of slide files that OpenSlide reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import ceil, floor
from pathlib import Path
from typing import Any, Literal

from PIL import Image, UnidentifiedImageError

from fake_pacs.imaging import pyramid
from fake_pacs.imaging.errors import SlideUnreadable
from fake_pacs.imaging.picture import (
    JPEG_TILES,
    NOMINAL_PLANE,
    ONLY_PATH,
    PNG_TILES,
    FocalPlane,
    OpticalPath,
    TileFormat,
    encoded,
    flattened,
    focal_plane_named,
    optical_path_named,
)
from fake_pacs.imaging.slide_reader import Fingerprint, SlideFacts, SlideReader, fingerprint, unchanged
from fake_pacs.imaging.stored_tiles import stored_levels

DEFAULT_MICRONS_PER_PIXEL = 0.25
DEFAULT_TILE_SIZE = 256
# A region of at most (4 * tile)² px is read for one tile; beyond that a tile is put together from four of the level
# below it, so that the lowest level of a slide without pyramid does not hold the whole slide in memory.
_LARGEST_REDUCTION = 4
# File pyramids round their level sizes, so a level of scale 8 calls itself 8.09 on a small image.
_ROUNDING_OF_LEVELS = 1.02
_LARGEST_LABEL = 64_000_000  # px
_MIME_TYPES = {
    "dicom": "application/dicom",
    "mirax": "application/octet-stream",
    "hamamatsu": "application/octet-stream",  # NDPI, VMS and VMU: no TIFF reader reads them right
    "sakura": "application/octet-stream",
    "zeiss": "image/czi",
}


@dataclass(frozen=True)
class Layer:
    """One image of a slide: the file that shows this focal plane and this optical path.

    `companions` are the other files that OpenSlide reads with it; when one of them changes, all is read anew.
    """

    image: Path
    focal_plane: FocalPlane = NOMINAL_PLANE
    optical_path: OpticalPath = ONLY_PATH
    companions: tuple[Path, ...] = ()

    def mark(self) -> Fingerprint:
        """The present state of the files. Raises SlideUnreadable when one of them is gone."""
        return fingerprint(self.image, self.companions)


@dataclass(frozen=True)
class OpenSlidePicture:
    """A slide read from files: one image, or one image for each focal plane or optical path.

    All images have the same size. Nothing is opened before first use. `label_from` is a picture file, None for no
    label, or "associated" for the label that the slide file brings. `unseparated_paths` are optical paths that the
    image has but OpenSlide cannot tell apart: they are listed, and the slide cannot be streamable. Tiles are composited
    on the slide's background colour; its colour profile is not applied.
    """

    reader: SlideReader
    layers: Sequence[Layer]
    label_from: Path | Literal["associated"] | None = field(default="associated", kw_only=True)
    microns_per_pixel: float | None = field(default=None, kw_only=True)
    tile_size: int | None = field(default=None, kw_only=True)
    is_streamable: bool = field(default=True, kw_only=True)
    unseparated_paths: Sequence[OpticalPath] = field(default=(), kw_only=True)

    def __post_init__(self) -> None:
        if not self.layers:
            raise ValueError("a picture needs at least one image")
        object.__setattr__(self, "layers", tuple(self.layers))
        object.__setattr__(self, "unseparated_paths", tuple(self.unseparated_paths))

    @cached_property
    def planes(self) -> tuple[FocalPlane, ...]:
        """The focal planes, each once."""
        return tuple(dict.fromkeys(layer.focal_plane for layer in self.layers))

    @cached_property
    def paths(self) -> tuple[OpticalPath, ...]:
        """The optical paths that tiles can be asked of, each once."""
        return tuple(dict.fromkeys(layer.optical_path for layer in self.layers))

    @property
    def images(self) -> tuple[Path, ...]:
        """The image files, each once."""
        return tuple(dict.fromkeys(layer.image for layer in self.layers))

    def properties(self) -> dict[str, Any]:
        """The ImageMetadata members that the slide file decides, by wire name (see Picture)."""
        facts = self.check()
        tile_size = self.tile_size or _own_tile_size(facts)
        return {
            "isStreamable": self.is_streamable,
            "imageSize": {"width": facts.size[0], "height": facts.size[1]},
            "tileSize": {"width": tile_size, "height": tile_size},
            "micronsPerPixel": self.microns_per_pixel or facts.microns_per_pixel or DEFAULT_MICRONS_PER_PIXEL,
            "focalPlanes": [plane.on_wire() for plane in self.planes],
            "opticalPaths": [path.on_wire() for path in self.unseparated_paths or self.paths],
            "storedTileFormat": dict(JPEG_TILES),
            "availableTileFormats": [dict(JPEG_TILES), dict(PNG_TILES)],
            "fileFormat": {"mimeType": _MIME_TYPES.get(facts.vendor, "image/tiff")},
        }

    def check(self) -> SlideFacts:
        """What is known of the first image, after comparing the sizes of all.

        Raises SlideUnreadable, naming two images and their sizes, when they differ, and when one cannot be opened.
        """
        first, *others = {layer.image: layer for layer in self.layers}.values()
        facts = self.reader.facts(first.mark())
        for other in others:
            size = self.reader.facts(other.mark()).size
            if size != facts.size:
                raise SlideUnreadable(
                    f"the images of a slide differ in size: {first.image.name} is "
                    f"{facts.size[0]} x {facts.size[1]} px, {other.image.name} is {size[0]} x {size[1]} px; "
                    "expected all equal"
                )
        return facts

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
        layer = self._layer(focal_plane, optical_path)
        if len(self.layers) > 1:
            self.check()
        mark = layer.mark()
        facts = self.reader.facts(mark)
        tile_size = self.tile_size or _own_tile_size(facts)
        pyramid.tile_box(facts.size, level, x, y, tile_size)  # refused before the cache is asked
        rendering = _Rendering(self.reader, mark, facts, tile_size, layer.companions)
        key = (mark, tile_size, level, x, y, format)
        return self.reader.encoded_tiles.get_or_make(key, lambda: rendering.encoded_tile(level, x, y, format))

    def label(self) -> bytes | None:
        """The label of the glass slide as JPEG, None where it has none (see Picture)."""
        if self.label_from is None:
            return None
        if self.label_from == "associated":
            return self._associated_label()
        return _jpeg_of(self.label_from)

    def _associated_label(self) -> bytes | None:
        with self.reader.lease(self.layers[0].mark()) as slide:
            label = _small_enough(slide, "label") and slide.associated_images["label"]
        return None if label is None else encoded(flattened(label), "jpeg")

    def _layer(self, focal_plane: str, optical_path: str | None) -> Layer:
        plane = focal_plane_named(focal_plane, self.planes)
        path = optical_path_named(optical_path, self.paths)
        return next(layer for layer in self.layers if (layer.focal_plane, layer.optical_path) == (plane, path))


@dataclass(frozen=True)
class _Rendering:
    """Makes tiles of one image."""

    reader: SlideReader
    mark: Fingerprint
    facts: SlideFacts
    tile_size: int
    companions: tuple[Path, ...] = ()

    def encoded_tile(self, level: int, x: int, y: int, format: TileFormat) -> bytes:  # noqa: A002
        """The tile as the bytes of a file: handed on as it is stored where that is sure, else made."""
        stored = self._stored_tile(level, x, y) if format == "jpeg" else None
        tile = stored or encoded(self.tile(level, x, y), format)
        unchanged(self.mark)
        return tile

    def _stored_tile(self, level: int, x: int, y: int) -> bytes | None:
        """The tile as it is stored, where the file has it so, on the grid and at the scale that was asked for."""
        path, scale = self.mark.path, pyramid.scale_of(self.facts.size, level)
        if float(scale) not in self.facts.downsamples:
            return None
        wanted = self.facts.level_sizes[self.facts.downsamples.index(scale)]
        if (wanted[0] * scale, wanted[1] * scale) != self.facts.size:
            return None
        stored = self.reader.stored_levels.get_or_make(
            self.mark, lambda: stored_levels(path, self.companions, self.facts.vendor)
        )
        for one in stored:
            if one.size == wanted and one.tile_size == (self.tile_size, self.tile_size):
                return one.tile(x, y)
        return None

    def tile(self, level: int, x: int, y: int) -> Image.Image:
        """The tile as RGB, read from the file's best level, or put together where that would read too much."""
        scale = pyramid.scale_of(self.facts.size, level)
        source = max((k for k, d in enumerate(self.facts.downsamples) if d <= scale * _ROUNDING_OF_LEVELS), default=0)
        if scale > _LARGEST_REDUCTION * self.facts.downsamples[source]:
            return self._from_four(level, x, y)
        return self._from_file(level, x, y, scale, source)

    def _from_four(self, level: int, x: int, y: int) -> Image.Image:
        """Half the size of the (up to) four tiles that show the same area one level further up."""
        size, side = self.facts.size, self.tile_size
        target = pyramid.tile_box(size, level, x, y, side)
        columns, rows = pyramid.tile_grid(size, level + 1, side)
        width, height = pyramid.level_size(size, level + 1)
        whole = Image.new(
            "RGB", (min(2 * target.right, width) - 2 * x * side, min(2 * target.bottom, height) - 2 * y * side)
        )
        for column in range(2 * x, min(2 * x + 2, columns)):
            for row in range(2 * y, min(2 * y + 2, rows)):
                whole.paste(self._kept(level + 1, column, row), ((column - 2 * x) * side, (row - 2 * y) * side))
        half_scale = pyramid.scale_of(size, level + 1)
        ends = 2 * x * side + whole.width == width, 2 * y * side + whole.height == height
        _weigh_last_column(whole, (size[0] / half_scale) % 1 if ends[0] else 0)
        _weigh_last_row(whole, (size[1] / half_scale) % 1 if ends[1] else 0)
        return whole.reduce(2)

    def _kept(self, level: int, x: int, y: int) -> Image.Image:
        key = (self.mark, self.tile_size, level, x, y)
        return self.reader.raw_tiles.get_or_make(key, lambda: self.tile(level, x, y))

    def _from_file(self, level: int, x: int, y: int, scale: int, source: int) -> Image.Image:
        target = pyramid.tile_box(self.facts.size, level, x, y, self.tile_size)
        ratio = scale / self.facts.downsamples[source]
        across = _span(target.left, target.right, ratio, self.facts.level_sizes[source][0])
        down = _span(target.top, target.bottom, ratio, self.facts.level_sizes[source][1])
        region = self._region(source, across, down)
        whole = round(ratio)
        if ratio == whole and (-(-region.width // whole), -(-region.height // whole)) == target.size:
            return region.reduce(whole) if whole > 1 else region
        if across.ragged or down.ragged:
            turned = _resampled(region, across, ratio, target.size[0]).transpose(Image.Transpose.TRANSPOSE)
            return _resampled(turned, down, ratio, target.size[1]).transpose(Image.Transpose.TRANSPOSE)
        box = (across.start, down.start, across.stop, down.stop)
        return region.resize(target.size, Image.Resampling.HAMMING, box=box)

    def _region(self, source: int, across: _Span, down: _Span) -> Image.Image:
        downsample = self.facts.downsamples[source]
        location = (round(across.first * downsample), round(down.first * downsample))
        with self.reader.lease(self.mark) as slide:
            region = slide.read_region(location, source, (across.count, down.count))
        return flattened(region, self.facts.background)


@dataclass(frozen=True)
class _Span:
    """Pixels to read along one axis (first, count), and the part of them, in their own px, that a tile shows.

    Ragged: the level ends inside the tile's last pixel.
    """

    first: int
    count: int
    start: float
    stop: float
    ragged: bool


def _span(low: int, high: int, ratio: float, limit: int) -> _Span:
    """The pixels of a file level with `limit` px that cover the tile pixels low…high, each `ratio` px wide.

    Deep Zoom rounds sizes up and files round them down, so the last tile may end beyond the level: it is cut there.
    """
    begin, end = min(low * ratio, limit - 1), min(high * ratio, limit)
    first = floor(begin)
    count = ceil(end) - first
    return _Span(first, count, begin - first, end - first, high * ratio > limit)


def _resampled(region: Image.Image, span: _Span, ratio: float, width: int) -> Image.Image:
    """The span as `width` px along x, `ratio` px each, the last one made of what is left; nothing is stretched."""
    cut = min(span.start + (width - 1) * ratio, span.stop)
    last = (min(cut, max(span.stop - 1, 0)), 0, span.stop, region.height)
    result = Image.new("RGB", (width, region.height))
    if width > 1:
        box = (span.start, 0, cut, region.height)
        result.paste(region.resize((width - 1, region.height), Image.Resampling.HAMMING, box=box))
    result.paste(region.resize((1, region.height), Image.Resampling.BOX, box=last), (width - 1, 0))
    return result


def _weigh_last_column(image: Image.Image, share: float) -> None:
    """Prepare halving where the last pixel is only a share of one (0: a whole one), because sizes are rounded up."""
    if share and image.width % 2 == 0:
        pair = [image.crop((image.width - back, 0, image.width - back + 1, image.height)) for back in (2, 1)]
        mean = Image.blend(pair[0], pair[1], share / (1 + share))
        for back in (2, 1):
            image.paste(mean, (image.width - back, 0))


def _weigh_last_row(image: Image.Image, share: float) -> None:
    if share and image.height % 2 == 0:
        pair = [image.crop((0, image.height - back, image.width, image.height - back + 1)) for back in (2, 1)]
        mean = Image.blend(pair[0], pair[1], share / (1 + share))
        for back in (2, 1):
            image.paste(mean, (0, image.height - back))


def _own_tile_size(facts: SlideFacts) -> int:
    """The file's own tile size where it is square and of a size that viewers like, else 256."""
    if facts.tile_size and facts.tile_size[0] == facts.tile_size[1] and 128 <= facts.tile_size[0] <= 1024:
        return facts.tile_size[0]
    return DEFAULT_TILE_SIZE


def _jpeg_of(path: Path) -> bytes:
    try:
        with Image.open(path) as image:
            if image.width * image.height > _LARGEST_LABEL:
                raise SlideUnreadable(f"label {path.name}: {image.width} x {image.height} px are too many")
            if image.format == "JPEG":
                return path.read_bytes()
            return encoded(flattened(image), "jpeg")
    except (OSError, UnidentifiedImageError, Image.DecompressionBombError) as error:
        why = f" ({error.strerror})" if isinstance(error, OSError) and error.strerror else ""
        told = f"label {path.name}: no picture that can be read{why}; expected a JPEG, PNG or TIFF"
        raise SlideUnreadable(told) from error


def _small_enough(slide: Any, name: str) -> Literal[True] | None:
    """Whether the slide has an associated image of this name; a huge one would be read into memory as a whole."""
    if name not in slide.associated_images:
        return None
    width, height = (
        int(slide.properties.get(f"openslide.associated.{name}.{side}", 0)) for side in ("width", "height")
    )
    if width * height > _LARGEST_LABEL:
        raise SlideUnreadable(f"its {name} of {width} x {height} px is too large to be shown")
    return True
