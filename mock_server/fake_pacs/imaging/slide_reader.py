"""The slides that are open at the moment: a bounded number, shared by all threads, with one cache for all."""

from __future__ import annotations

import stat
import threading
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import openslide
from PIL import Image

from fake_pacs.imaging.errors import SlideUnreadable
from fake_pacs.imaging.stored_tiles import StoredLevel
from fake_pacs.imaging.tiff_reading import LARGEST_SIDE
from fake_pacs.imaging.tile_cache import TileCache

MIB = 1024 * 1024
_LARGEST_CREDIBLE_MPP = 64.0
_SLIDES_REMEMBERED = 4096
SPECIAL = "neither a file nor a folder: pipes, sockets and devices are not read"


class FileState(NamedTuple):
    """What tells one state of a file from another without reading it; size in bytes."""

    modified_ns: int
    size: int
    inode: int


class Fingerprint(NamedTuple):
    """The state of a slide file and of the files that belong to it."""

    path: Path
    states: tuple[FileState, ...]


@dataclass(frozen=True)
class SlideFacts:
    """What OpenSlide says about a slide: sizes in px, downsamples relative to level 0, µm per px or None."""

    size: tuple[int, int]
    level_sizes: tuple[tuple[int, int], ...]
    downsamples: tuple[float, ...]
    tile_size: tuple[int, int] | None
    microns_per_pixel: float | None
    vendor: str
    background: str


@dataclass
class _Handle:
    """An OpenSlide object and how many threads use it; None until the first of them has opened it."""

    slide: Any = None
    users: int = 0
    broken: bool = False
    opening: threading.Lock = field(default_factory=threading.Lock)


class SlideReader:
    """Opens slide files for all pictures of a server, at most `max_open` at a time.

    Bytes: `openslide_cache_bytes` bounds the decoded tiles that OpenSlide keeps (its default is a cache per handle),
    `tile_cache_bytes` the rendered tiles kept here, in two halves (encoded, and raw for lower levels); 0 switches a
    cache off. A file that changes on disk is opened anew. What is known of slides is kept for the last few thousand.
    """

    def __init__(
        self, max_open: int = 32, openslide_cache_bytes: int = 64 * MIB, tile_cache_bytes: int = 32 * MIB
    ) -> None:
        if max_open < 1:
            raise ValueError(f"max_open is {max_open}: expected at least 1")
        self._max_open = max_open
        self._cache = openslide.OpenSlideCache(openslide_cache_bytes)
        self._handles: OrderedDict[Fingerprint, _Handle] = OrderedDict()
        self._changed = threading.Condition()
        self._facts: TileCache[SlideFacts] = TileCache(_SLIDES_REMEMBERED, lambda _: 1)
        self.stored_levels: TileCache[tuple[StoredLevel, ...]] = TileCache(_SLIDES_REMEMBERED, lambda _: 1)
        self.encoded_tiles: TileCache[bytes] = TileCache(tile_cache_bytes // 2, len)
        self.raw_tiles: TileCache[Image.Image] = TileCache(tile_cache_bytes // 2, lambda i: 3 * i.width * i.height)

    @property
    def open_count(self) -> int:
        """How many slides are open (or being opened) now."""
        return len(self._handles)

    def facts(self, mark: Fingerprint) -> SlideFacts:
        """What OpenSlide says about the slide, opening it only when it is not known in this state.

        Raises SlideUnreadable.
        """
        return self._facts.get_or_make(mark, lambda: self._read_facts(mark))

    def _read_facts(self, mark: Fingerprint) -> SlideFacts:
        with self.lease(mark) as slide:
            return _facts_of(slide, mark.path)

    @contextmanager
    def lease(self, mark: Fingerprint) -> Iterator[Any]:
        """Lend the open slide (an openslide.OpenSlide) to this thread; it stays open at least until the block ends.

        Waits while `max_open` others are in use: never ask for a second one inside the block. Raises SlideUnreadable,
        also for what OpenSlide raises inside the block, and when the file is not in this state (any more).
        """
        handle = self._acquire(mark)
        try:
            yield self._opened(handle, mark)
            unchanged(mark)
        except SlideUnreadable:
            handle.broken = True
            raise
        except (openslide.OpenSlideError, OSError) as error:
            handle.broken = True  # OpenSlide answers nothing but the error from then on
            unchanged(mark)  # what OpenSlide says of a file that was replaced meanwhile is no news of the file
            told = "OpenSlide cannot read it, it may be broken or cut short"
            raise SlideUnreadable(f"{mark.path.name}: {told}: {error}") from error
        finally:
            self._release(mark, handle)

    def close(self) -> None:
        """Close every slide that no thread uses; the reader goes on working."""
        with self._changed:
            while self._drop_idle():
                pass

    def _acquire(self, mark: Fingerprint) -> _Handle:
        with self._changed:
            while True:
                handle = self._handles.get(mark)
                if handle is None and (len(self._handles) < self._max_open or self._drop_idle()):
                    handle = self._handles[mark] = _Handle()
                if handle is not None:
                    handle.users += 1
                    self._handles.move_to_end(mark)
                    return handle
                self._changed.wait()

    def _opened(self, handle: _Handle, mark: Fingerprint) -> Any:
        with handle.opening:
            if handle.slide is None:
                slide = openslide.OpenSlide(mark.path)
                slide.set_cache(self._cache)
                handle.slide = slide
            return handle.slide

    def _release(self, mark: Fingerprint, handle: _Handle) -> None:
        with self._changed:
            handle.users -= 1
            if handle.users == 0 and (handle.broken or handle.slide is None):
                self._close(mark)
            self._changed.notify_all()

    def _drop_idle(self) -> bool:
        """Close the slide that was used longest ago and is not in use; False when all are in use."""
        for mark, handle in self._handles.items():
            if handle.users == 0:
                self._close(mark)
                return True
        return False

    def _close(self, mark: Fingerprint) -> None:
        handle = self._handles.pop(mark)
        if handle.slide is not None:
            handle.slide.close()


def fingerprint(path: Path, companions: Iterable[Path] = ()) -> Fingerprint:
    """The present state of a slide file and its companions. Raises SlideUnreadable when one of them is gone."""
    return Fingerprint(path, tuple(state_of(file) for file in (path, *companions)))


def state_of(path: Path) -> FileState:
    """The present state of a file. Raises SlideUnreadable when it is gone, and for a pipe, whose reader would wait."""
    try:
        status = path.stat()
    except OSError as error:
        raise SlideUnreadable(f"{path.name}: the file cannot be found any more ({error.strerror})") from error
    if not stat.S_ISREG(status.st_mode):
        raise SlideUnreadable(f"{path.name} is {'a folder, no file' if stat.S_ISDIR(status.st_mode) else SPECIAL}")
    return FileState(status.st_mtime_ns, status.st_size, status.st_ino)


def unchanged(mark: Fingerprint) -> None:
    """Raises SlideUnreadable when the slide file is not in this state any more."""
    if state_of(mark.path) != mark.states[0]:
        raise SlideUnreadable(f"{mark.path.name}: the file changed while it was read")


def _facts_of(slide: Any, path: Path) -> SlideFacts:
    properties = slide.properties
    width, height = slide.dimensions
    if not (1 <= width <= LARGEST_SIDE and 1 <= height <= LARGEST_SIDE):
        expected = f"expected 1 to {LARGEST_SIDE} px along each side"
        raise SlideUnreadable(f"{path.name}: absurd size: {width} x {height} px; {expected}")
    tile = [properties.get(f"openslide.level[0].tile-{side}") for side in ("width", "height")]
    return SlideFacts(
        size=slide.dimensions,
        level_sizes=slide.level_dimensions,
        downsamples=slide.level_downsamples,
        tile_size=(int(tile[0]), int(tile[1])) if tile[0] and tile[1] else None,
        microns_per_pixel=_credible_mpp(properties.get(openslide.PROPERTY_NAME_MPP_X)),
        vendor=properties.get(openslide.PROPERTY_NAME_VENDOR, "unknown"),
        background="#" + properties.get(openslide.PROPERTY_NAME_BACKGROUND_COLOR, "ffffff"),
    )


def _credible_mpp(text: str | None) -> float | None:
    """The resolution in µm per px, None where a TIFF only carries the 72 dpi (353 µm/px) that programs fill in."""
    value = float(text) if text else 0.0
    return value if 0.0 < value <= _LARGEST_CREDIBLE_MPP else None
