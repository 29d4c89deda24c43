"""Pictures as the checks compare them."""

import io
import struct

from PIL import Image, ImageChops, ImageStat

from ia_api_contract.outcomes import Failed

UNREADABLE = (OSError, SyntaxError, ValueError, EOFError, struct.error, Image.DecompressionBombError)
"""What Pillow raises for bytes that are no image, or too large a one."""


def decoded(body: bytes, what: str) -> Image.Image:
    """The picture as RGB. Raises `Failed` for bytes that no image library reads."""
    try:
        with Image.open(io.BytesIO(body)) as image:
            return image.convert("RGB")
    except UNREADABLE as error:
        raise Failed(f"{what} is no image: {len(body)} bytes that begin with {body[:16]!r} ({error})") from None


def format_of(body: bytes, what: str) -> str:
    """The media type that the bytes really are. Raises `Failed` for bytes that no image library reads."""
    try:
        with Image.open(io.BytesIO(body)) as image:
            return Image.MIME.get(image.format or "", "")
    except UNREADABLE as error:
        raise Failed(f"{what} is no image: {len(body)} bytes that begin with {body[:16]!r} ({error})") from None


def difference(one: Image.Image, other: Image.Image) -> float:
    """Mean difference of two RGB pictures of equal size, 0 (equal) to 255."""
    return sum(ImageStat.Stat(ImageChops.difference(one, other)).mean) / 3


def liveliness(image: Image.Image) -> float:
    """How much is to be seen: the standard deviation of an RGB picture's values, 0 for a blank one."""
    return sum(ImageStat.Stat(image).stddev) / 3


def halved(image: Image.Image) -> Image.Image:
    """The picture at half its size, rounded up, each pixel the mean of four."""
    return image.reduce(2)


def alike(one: Image.Image, other: Image.Image) -> bool:
    """Whether two pictures of equal size show the same, but for compression and the way of making them smaller.

    They are compared at a quarter of their size, where neither shows; the more there is to see, the more may differ.
    """
    if one.size != other.size:
        return False
    if min(one.size) >= 16:
        one, other = one.reduce(4), other.reduce(4)
    return difference(one, other) <= 5 + 0.2 * liveliness(other)
