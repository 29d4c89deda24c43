"""What is said of a result, and the bounds beyond which it is said."""

from dataclasses import dataclass
from typing import Any, Literal

CODES = {
    "too-many-objects": "More shapes and patches than anybody looks at.",
    "too-many-points": "More points than are shown in good time.",
    "no-number": "A number that JSON doesn't have: NaN, or infinite.",
    "polygon-off-slide": "Corners of a polygon lie off the slide.",
    "polyline-off-slide": "Points of a line lie off the slide.",
    "arc-off-slide": "The centre of an arc lies off the slide.",
    "label-off-slide": "A text begins off the slide.",
    "patch-off-slide": "A patch lies off the slide.",
    "polygon-crosses-itself": "The outline crosses itself: what is inside is undefined.",
    "polygon-not-examined": "Too many edges lie above one another to say whether they cross.",
    "degenerate-polygon": "The outline encloses nothing.",
    "degenerate-polyline": "All points of a line are the same.",
    "degenerate-arc": "The radius isn't above 0.",
    "polygon-too-small": "The polygon is smaller than a pixel.",
    "outline-too-fine": "More corners than are shown in good time.",
    "colour-unreadable": "A colour that CSS doesn't know.",
    "invisible": "Line and area are fully transparent.",
    "size-not-positive": "The size of a style isn't above 0.",
    "size-too-large": "A line so thick that it hides what it marks.",
    "label-too-small": "A text too small to be read.",
    "label-empty": "A text of nothing but blanks.",
    "label-unprintable": "Characters that can't be shown.",
    "label-too-long": "A text longer than anybody reads.",
    "tag-out-of-range": "A patch's tag is no index into the tags.",
    "tag-index-out-of-range": "`tagIndex` is no index into the tags.",
    "too-many-tags": "More tags than the workstation shows.",
    "tag-twice": "Two tags of the same name.",
    "tag-empty": "A tag without a name.",
    "sort-key-no-number": "Nothing to sort by.",
    "patch-size-not-positive": "Patches of no size.",
    "patch-size-too-large": "Patches larger than the image.",
    "magnification-not-positive": "A magnification of nothing.",
    "action-id-twice": "Two buttons that the app can't tell apart.",
}
"""Every code of a remark."""


@dataclass(frozen=True)
class Limits:
    """Bounds of what a workstation can be asked to show; ours, as no specification of any is public.

    `objects` are shapes and patches of a result, `points` all their points; `label` counts characters; `text_size` is
    in screen pixels; `line_width` is the thickest line, in screen pixels; `tags` is the community's (C).
    """

    objects: int = 10_000
    points: int = 1_000_000
    outline: int = 20_000
    label: int = 100
    text_size: int = 6
    line_width: int = 50
    tags: int = 5
    listed: int = 20


@dataclass(frozen=True)
class Remark:
    """One thing about a result that is wrong (`must`) or unwise (`should`): a stable code, where, what came and why.

    `pointer` is a JSON Pointer into the result. `assumed` marks remarks that rest on no public evidence.
    """

    code: str
    level: Literal["must", "should"]
    pointer: str
    text: str
    assumed: bool = False

    def __post_init__(self) -> None:
        if self.code not in CODES:
            raise ValueError(f"{self.code!r} is no code of a remark")

    def __str__(self) -> str:
        return f"{self.code} ({self.level}): {self.pointer}: {self.text}"

    def as_json(self) -> dict[str, Any]:
        """The remark as reports tell it."""
        return {
            "code": self.code,
            "level": self.level,
            "pointer": self.pointer,
            "text": self.text,
            "assumed": self.assumed,
        }


def must(code: str, pointer: str, text: str) -> Remark:
    """A remark about what is wrong in any case."""
    return Remark(code, "must", pointer, text)


def should(code: str, pointer: str, text: str, *, assumed: bool = True) -> Remark:
    """A remark about what is unwise; assumed unless said otherwise."""
    return Remark(code, "should", pointer, text, assumed)
