"""Writers of small slides in vendors' formats that nobody hands out small: NDPI, and MIRAX with its folder.

Written from OpenSlide's public description of the formats (https://openslide.org/formats/hamamatsu/ and /mirax/); that
OpenSlide opens them and shows what was put in is tested beside.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

BLOCKS = 16
"""MCUs of 8 px between two restart markers of an NDPI level: OpenSlide's tiles are 128 px wide."""
SIDE = 128
"""Width and height in px of the camera images of a MIRAX slide."""
SLIDE_ID = b"0123456789ABCDEF0123456789ABCDEF"
FOCUS, LENS, OFFSETS, MCU_STARTS, NDPI = 65424, 65421, (65422, 65423), 65426, 65420
_SHORT, _LONG, _RATIONAL, _SLONG, _FLOAT = 3, 4, 5, 9, 11
_CODES = {_SHORT: "H", _LONG: "L", _RATIONAL: "L", _SLONG: "l", _FLOAT: "f"}
Entry = tuple[int, int, Sequence[float]]


def _picture(size: tuple[int, int]) -> Image.Image:
    """A picture without symmetry, so that no mix-up of rows, columns or colours goes unseen."""
    grey = Image.linear_gradient("L")
    image = Image.merge(
        "RGB", [grey.rotate(90).resize(size), grey.resize(size), Image.radial_gradient("L").resize(size)]
    )
    pen = ImageDraw.Draw(image)
    for step in range(0, size[0], 97):
        pen.ellipse((step, step // 2, step + 60, step // 2 + 40), fill=(step % 256, 200, 30))
    return image


def _jpeg(image: Image.Image, blocks: int = 0) -> bytes:
    """A JPEG in full colour resolution, with a restart marker after so many MCUs."""
    out = io.BytesIO()
    image.save(out, "JPEG", quality=90, subsampling=0, restart_marker_blocks=blocks)
    return out.getvalue()


def _restarts(jpeg: bytes) -> list[int]:
    """Where each stretch between restart markers begins."""
    scan = jpeg.index(b"\xff\xda")
    (length,) = struct.unpack_from(">H", jpeg, scan + 2)
    begins = [scan + 2 + length]
    at = jpeg.find(b"\xff", begins[0])
    while at >= 0:
        if 0xD0 <= jpeg[at + 1] <= 0xD7:
            begins.append(at + 2)
        at = jpeg.find(b"\xff", at + 2)
    return begins


class _Ndpi:
    """A TIFF in Hamamatsu's dialect: one JPEG in one strip for each image, and offsets of directories in 64 bits."""

    def __init__(self, mpp: float) -> None:
        self.body = bytearray(struct.pack("<2sHQ", b"II", 42, 0))
        self._link = 4
        self._per_cm = (10_000_000, round(mpp * 1000))

    def image(self, image: Image.Image, lens: float, *, focus: int = 0, tiled: bool = False) -> None:
        """Append an image: `lens` is its magnification, -1 that of the macro image; `focus` in nm."""
        data = _jpeg(image, BLOCKS if tiled else 0)
        at = self._appended(data)
        entries: list[Entry] = [
            (256, _LONG, [image.width]),
            (257, _LONG, [image.height]),
            (258, _SHORT, [8, 8, 8]),
            (259, _SHORT, [7]),  # Compression: JPEG
            (262, _SHORT, [6]),  # PhotometricInterpretation: YCbCr
            (273, _LONG, [at]),
            (277, _SHORT, [3]),
            (278, _LONG, [image.height]),
            (279, _LONG, [len(data)]),
            (282, _RATIONAL, self._per_cm),
            (283, _RATIONAL, self._per_cm),
            (296, _SHORT, [3]),  # ResolutionUnit: cm
            (NDPI, _LONG, [1]),
            (LENS, _FLOAT, [lens]),
            *((tag, _SLONG, [0]) for tag in OFFSETS),
            (FOCUS, _SLONG, [focus]),
            *([(MCU_STARTS, _LONG, _restarts(data))] if tiled else ()),
        ]
        self._directory(entries)

    def _directory(self, entries: list[Entry]) -> None:
        packed = []
        for tag, kind, values in entries:
            value = struct.pack(f"<{len(values)}{_CODES[kind]}", *values)
            value = struct.pack("<L", self._appended(value)) if len(value) > 4 else value
            packed.append(struct.pack("<HHL4s", tag, kind, len(values) // (2 if kind == _RATIONAL else 1), value))
        struct.pack_into("<Q", self.body, self._link, len(self.body))
        self.body += struct.pack("<H", len(packed)) + b"".join(packed)
        self._link = len(self.body)
        self.body += bytes(8 + 4 * len(packed))  # the next directory, and the upper halves of all values

    def _appended(self, data: bytes) -> int:
        at = len(self.body)
        self.body += data + bytes(len(data) % 2)
        return at


def _ndpi(path: Path, image: Image.Image, mpp: float = 0.46) -> Path:
    """An NDPI slide of three stored levels, a plane out of focus, and a macro image; it has no label."""
    file = _Ndpi(mpp)
    for step in range(3):
        file.image(image.reduce(2**step), 20 / 2**step, tiled=step == 0)
    file.image(Image.new("RGB", image.size, "red"), 20, focus=-500, tiled=True)
    file.image(image.resize((200, 80)), -1)
    path.write_bytes(file.body)
    return path


class _Mirax:
    """The folder of a MIRAX slide: camera images in two data files, and the index that finds them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self._data = [bytearray(b"01.02" + SLIDE_ID) for _ in range(2)]
        self._index = bytearray(b"01.02" + SLIDE_ID + bytes(8))
        self._root = len(self._index) - 8

    def stored(self, image: Image.Image, number: int) -> tuple[int, int, int]:
        """Offset, length and number of the data file that a picture was put into, by turns."""
        data, raw = self._data[number % 2], _jpeg(image)
        data += raw
        return len(data) - len(raw), len(raw), number % 2

    def levels(self, records: Sequence[Sequence[tuple[int, ...]]]) -> None:
        """Index the camera images of each level: number of the image, offset, length, file; on two linked pages."""
        table = self._listed(self._root, len(records))
        for place, level in enumerate(records):
            link = self._begun(table + 4 * place) + 4
            for page in (level[: len(level) // 2], level[len(level) // 2 :]):
                at = self._numbers(len(page), 0, *(value for record in page for value in record))
                self._point(link, at)
                link = at + 4

    def pictures(self, records: Sequence[tuple[int, int, int]]) -> None:
        """Index the pictures that are no levels, in the order that Slidedat.ini names them in."""
        table = self._listed(self._root + 4, len(records))
        for place, record in enumerate(records):
            self._point(self._begun(table + 4 * place) + 4, self._numbers(1, 0, 0, 0, *record))

    def write(self, slidedat: str) -> None:
        """Write all files of the folder."""
        (self.folder / "Index.dat").write_bytes(self._index)
        for number, data in enumerate(self._data):
            (self.folder / f"Data{number:04}.dat").write_bytes(data)
        (self.folder / "Slidedat.ini").write_bytes(b"\xef\xbb\xbf" + slidedat.replace("\n", "\r\n").encode())

    def _numbers(self, *values: int) -> int:
        self._index += struct.pack(f"<{len(values)}l", *values)
        return len(self._index) - 4 * len(values)

    def _point(self, place: int, target: int) -> None:
        struct.pack_into("<l", self._index, place, target)

    def _listed(self, root: int, count: int) -> int:
        """A table of so many pointers, to which the root points."""
        table = self._numbers(*[0] * count)
        self._point(root, table)
        return table

    def _begun(self, pointer: int) -> int:
        """The head of a record: a zero, and a pointer to its first page."""
        head = self._numbers(0, 0)
        self._point(pointer, head)
        return head


def _slidedat(across: int, down: int, levels: int, mpp: float, fill: str) -> str:
    """Slidedat.ini of a slide of so many camera images, which don't overlap."""
    red, green, blue = (int(fill[place : place + 2], 16) for place in (0, 2, 4))
    sections: dict[str, dict[str, object]] = {
        "GENERAL": {
            "SLIDE_VERSION": "01.02", "SLIDE_ID": SLIDE_ID.decode(), "IMAGENUMBER_X": across, "IMAGENUMBER_Y": down,
            "OBJECTIVE_MAGNIFICATION": 20, "CameraImageDivisionsPerSide": 1,
        },
        "HIERARCHICAL": {
            "HIER_COUNT": 1, "NONHIER_COUNT": 1, "INDEXFILE": "Index.dat",
            "HIER_0_NAME": "Slide zoom level", "HIER_0_COUNT": levels,
            **{f"HIER_0_VAL_{level}_SECTION": f"LAYER_0_LEVEL_{level}_SECTION" for level in range(levels)},
            "NONHIER_0_NAME": "Scan data layer", "NONHIER_0_COUNT": 2,
            "NONHIER_0_VAL_0": "ScanDataLayer_SlideBarcode", "NONHIER_0_VAL_0_SECTION": "BARCODE",
            "NONHIER_0_VAL_1": "ScanDataLayer_SlidePreview", "NONHIER_0_VAL_1_SECTION": "PREVIEW",
        },
        "BARCODE": {"BARCODE_IMAGE_TYPE": "JPEG"},
        "PREVIEW": {"PREVIEW_IMAGE_TYPE": "JPEG"},
        "DATAFILE": {"FILE_COUNT": 2, "FILE_0": "Data0000.dat", "FILE_1": "Data0001.dat"},
    }  # fmt: skip
    for level in range(levels):
        sections[f"LAYER_0_LEVEL_{level}_SECTION"] = {
            "OVERLAP_X": 0, "OVERLAP_Y": 0,
            "MICROMETER_PER_PIXEL_X": mpp * 2**level, "MICROMETER_PER_PIXEL_Y": mpp * 2**level,
            "IMAGE_FORMAT": "JPEG", "IMAGE_FILL_COLOR_BGR": blue << 16 | green << 8 | red,
            "DIGITIZER_WIDTH": SIDE, "DIGITIZER_HEIGHT": SIDE, "IMAGE_CONCAT_FACTOR": int(level > 0),
        }  # fmt: skip
    told = ([f"[{name}]", *(f"{key} = {value}" for key, value in keys.items())] for name, keys in sections.items())
    return "\n".join(line for section in told for line in section) + "\n"


def _mirax(path: Path, image: Image.Image, mpp: float = 0.33, fill: str = "C8E0F0") -> Path:
    """A MIRAX slide of four levels with a label, at its lower right a corner (512 px each way) that was not scanned.

    Width and height of the picture are multiples of 1,024 px, so that every level is made of whole camera images.
    `fill` is the colour of what was not scanned.
    """
    slide = _Mirax(path.with_suffix(""))
    across, down, gap = image.width // SIDE, image.height // SIDE, 4
    levels = []
    for step in (1, 2, 4, 8):
        whole, records = image.reduce(step), []
        for row, column in ((row, column) for row in range(0, down, step) for column in range(0, across, step)):
            if row < down - gap or column < across - gap:
                left, top = column // step * SIDE, row // step * SIDE
                shown = whole.crop((left, top, left + SIDE, top + SIDE))
                records.append((row * across + column, *slide.stored(shown, len(records))))
        levels.append(records)
    slide.levels(levels)
    slide.pictures([slide.stored(image.resize(size), 0) for size in ((120, 200), (160, 96))])
    slide.write(_slidedat(across, down, len(levels), mpp, fill))
    path.write_bytes(_jpeg(image.resize((160, 96))))
    return path


@pytest.fixture(scope="session")
def picture() -> Image.Image:
    """What the slides show: 2,048 x 1,024 px, the corner that a MIRAX slide lacks in the colour that stands for it."""
    image = _picture((2048, 1024))
    image.paste("#C8E0F0", (1536, 512, 2048, 1024))
    return image


@pytest.fixture(scope="session")
def write_ndpi() -> Callable[..., Path]:
    """Writes a picture as an NDPI slide: `write_ndpi(path, image, mpp=0.46)`."""
    return _ndpi


@pytest.fixture(scope="session")
def write_mirax() -> Callable[..., Path]:
    """Writes a picture as a MIRAX slide, the folder beside it too: `write_mirax(path, image, mpp=0.33)`."""
    return _mirax
