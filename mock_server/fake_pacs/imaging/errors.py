"""What can go wrong with a picture, as types that the handlers map to refusals."""

from __future__ import annotations


class NoSuchTile(LookupError):  # noqa: N818 - named like the refusal that it becomes
    """There is no such tile, and the text says what there is (the family of the three errors below)."""


class OutsidePyramid(NoSuchTile):
    """The level, column or row lies outside the picture; the text names the valid range."""


class UnknownFocalPlane(NoSuchTile):
    """The slide has no such focal plane; the text lists those it has."""


class UnknownOpticalPath(NoSuchTile):
    """The slide has no such optical path; the text lists those it has."""


class SlideUnreadable(Exception):  # noqa: N818 - named like the refusal that it becomes
    """This one slide cannot be read (any more): its file is gone, broken, or not what its description says."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
