"""What the PACS knows of a slide, read now: its metadata with quality control."""

from collections.abc import Callable
from typing import Any, TypeVar

from fake_pacs.hospital import Slide
from fake_pacs.imaging.errors import SlideUnreadable
from fake_pacs.refusals import Refusal, Refusals
from fake_pacs.world import World

Read = TypeVar("Read")


def metadata_of(world: World, tenant: str, slide: Slide) -> dict[str, Any]:
    """The slide's whole metadata in the newest shape; quality control is always in it. Refused: SLIDE_UNREADABLE."""
    metadata = readable(slide, slide.metadata)
    state = world.store.quality_control(tenant, slide.id)
    return {**metadata, "qualityControl": {"status": state.status, "versionId": state.version_id}}


def readable(slide: Slide, read: Callable[[], Read]) -> Read:
    """What was read of the slide. Refused: SLIDE_UNREADABLE, an error of that slide alone."""
    try:
        return read()
    except SlideUnreadable as error:
        raise unreadable(slide, error) from error


def unreadable(slide: Slide, error: SlideUnreadable) -> Refusal:
    """The refusal for a slide whose file is gone or broken."""
    hint = "Put the file back; the other slides are still served."
    detail = f"The slide {slide.id!r} can't be read: {error.reason.rstrip('.')}."
    return Refusal(Refusals.SLIDE_UNREADABLE, detail, hint=hint)
