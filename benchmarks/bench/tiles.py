"""Tiles of 256 px in-process, every one another, caches off: against OpenSlide's Deep Zoom generator and Pillow."""

from __future__ import annotations

import io
import itertools
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy
import openslide
import tifffile
from benchmarks.bench.figures import Figure, Goal
from benchmarks.bench.measuring import Measure, alternating
from openslide.deepzoom import DeepZoomGenerator
from PIL import Image

from demo_hospital.making.request import Request
from demo_hospital.making.slide import make_slide
from fake_pacs.calls import Call, Caller
from fake_pacs.catalog import load_slides
from fake_pacs.handlers.tiles import get_tile
from fake_pacs.hospital import Hospital
from fake_pacs.imaging.slide_reader import SlideReader
from fake_pacs.settings import DEFAULT_TENANT, Settings
from fake_pacs.sql_store import SqlStore
from fake_pacs.world import World

SIDE = 256
ODD_SIDE = 240
"""Tiles that are stored so large are none of those asked for."""
PIXELS = 4096
QUALITY = 85
AT_ONCE = 100
"""So many tiles make one figure."""

Place = tuple[int, int, int]
"""Level, column and row of a tile."""


class Handler:
    """This project's handler, in-process, with caches of so many bytes."""

    def __init__(self, path: Path, cache: int) -> None:
        reader = SlideReader(openslide_cache_bytes=cache, tile_cache_bytes=cache)
        slides = load_slides([path], reader).slides
        object.__setattr__(slides[0].picture, "tile_size", SIDE)
        self._world = World(Settings(), Hospital(slides, ()), SqlStore())
        self._slide_id = slides[0].id

    def tile(self, place: Place) -> bytes:
        """The tile as JPEG."""
        level, x, y = place
        asked = {"slideId": self._slide_id, "level": level, "x": x, "y": y, "z": "0", "ext": "jpeg"}
        call = Call("getTile", {**asked, "opticalPath": None}, Caller(DEFAULT_TENANT), "")
        body: bytes = get_tile(call, self._world).body
        return body


class DeepZoom:
    """OpenSlide's own generator, and Pillow for the JPEG."""

    def __init__(self, path: Path, cache: int) -> None:
        slide = openslide.OpenSlide(path)
        slide.set_cache(openslide.OpenSlideCache(cache))
        self._generator = DeepZoomGenerator(slide, SIDE, 0, limit_bounds=False)

    def tile(self, place: Place) -> bytes:
        """The tile as JPEG."""
        level, x, y = place
        buffer = io.BytesIO()
        self._generator.get_tile(level, (x, y)).save(buffer, "JPEG", quality=QUALITY, icc_profile=None)
        return buffer.getvalue()


class Plain:
    """The limit: the region that the tile needs, read by OpenSlide and written by Pillow, of the full size only."""

    def __init__(self, path: Path, cache: int) -> None:
        self._slide = openslide.OpenSlide(path)
        self._slide.set_cache(openslide.OpenSlideCache(cache))

    def tile(self, place: Place) -> bytes:
        """The tile as JPEG."""
        _, x, y = place
        buffer = io.BytesIO()
        region: Image.Image = self._slide.read_region((x * SIDE, y * SIDE), 0, (SIDE, SIDE)).convert("RGB")
        region.save(buffer, "JPEG", quality=QUALITY)
        return buffer.getvalue()


def figures(folder: Path, rounds: int) -> Iterator[Figure]:
    """Tiles that are made, tiles that are passed on as they are stored, and tiles that were made before."""
    stored = folder / "tiles.tiff"
    make_slide(Request(stored, PIXELS, PIXELS, seed=1))
    odd = folder / "tiles-of-240.tiff"
    _written_anew(stored, odd)
    top = (PIXELS - 1).bit_length()
    whole, half = _places(top), _places(top - 1)
    dzi = "Deep Zoom generator, Pillow"
    taken = _compared(odd, whole, rounds)
    yield _figure("tile.made", "tile of the full size, decoded and encoded", taken, dzi, Goal("ratio", 1.1))
    taken = _compared(odd, half, rounds, plain=False)
    yield _figure("tile.made-half", "tile of half the size, decoded and encoded", taken, dzi, Goal("ratio", 1.1))
    taken = _compared(stored, whole, rounds)
    yield _figure("tile.passed", "tile passed on as it is stored", taken, dzi, Goal("ratio", 0.1))
    taken = _compared(odd, whole[:AT_ONCE], rounds, cache=64 << 20)
    yield _figure("tile.cached", "tile made before, caches on", taken, f"{dzi}, its cache on", None)


def _written_anew(source: Path, target: Path) -> None:
    """The same picture with tiles of another size, so that no stored tile is one that is asked for."""
    with openslide.OpenSlide(source) as slide:
        image = slide.read_region((0, 0), 0, slide.dimensions).convert("RGB")
    tifffile.imwrite(target, numpy.asarray(image), tile=(ODD_SIDE, ODD_SIDE), photometric="rgb", compression="jpeg")


def _places(level: int) -> list[Place]:
    """The tiles inside a level, column by column."""
    across = (PIXELS >> ((PIXELS - 1).bit_length() - level)) // SIDE
    return [(level, x, y) for x in range(across) for y in range(across)]


def _compared(
    path: Path, places: Sequence[Place], rounds: int, *, cache: int = 0, plain: bool = True
) -> dict[str, float | None]:
    here, there = Handler(path, cache), DeepZoom(path, cache)
    _check_same_size(here.tile(places[0]), there.tile(places[0]))
    return alternating(
        {
            "here": _milliseconds(here, places),
            "there": _milliseconds(there, places),
            "bare": _milliseconds(Plain(path, cache), places) if plain else None,
        },
        rounds,
    )


def _check_same_size(one: bytes, other: bytes) -> None:
    sizes = {Image.open(io.BytesIO(tile)).size for tile in (one, other)}
    if sizes != {(SIDE, SIDE)}:
        raise RuntimeError(f"the tiles compared are {sizes} px, expected {SIDE} x {SIDE}")


def _milliseconds(maker: Handler | DeepZoom | Plain, places: Sequence[Place]) -> Measure:
    """Milliseconds for each tile; goes on where it stopped, so that no tile comes again soon."""
    asked = itertools.cycle(places)

    def measure() -> float:
        began = time.perf_counter()
        for place in itertools.islice(asked, AT_ONCE):
            maker.tile(place)
        return (time.perf_counter() - began) * 1000 / AT_ONCE

    return measure


def _figure(name: str, work: str, taken: dict[str, float | None], against: str, goal: Goal | None) -> Figure:
    note = "The bare figure is OpenSlide's read_region and Pillow alone; no HTTP server is part of this."
    return Figure(name, f"{SIDE} px: {work}", "ms", taken["here"], against, taken["there"], taken["bare"], goal, note)
