"""Slides: what the PACS knows of them, and their labels."""

from collections.abc import Callable
from typing import TypeVar

from fake_pacs.calls import Call, Reply, json_reply
from fake_pacs.hospital import Slide
from fake_pacs.imaging.errors import SlideUnreadable
from fake_pacs.refusals import Refusal, Refusals
from fake_pacs.world import World, contract
from ia_api_spec import NEWEST, asked_for

Read = TypeVar("Read")


def get_info(call: Call, world: World) -> Reply:
    """The slide's metadata, as much of it as scope and includePHI ask for; quality control is always in it."""
    slide = world.slide(call.parameters["slideId"])
    metadata = readable(slide, slide.metadata)
    state = world.store.quality_control(call.caller.tenant, slide.id)
    metadata["qualityControl"] = {"status": state.status, "versionId": state.version_id}
    asked = {"extended"} if call.parameters["scope"] == "extended" else set()
    if call.parameters["includePHI"]:
        asked.add("phi")
    return json_reply(asked_for(contract("ia-api", NEWEST).schema("ImageMetadata").node, metadata, asked))


def get_label(call: Call, world: World) -> Reply:
    """The label as JPEG, or 204 where the slide has none (V)."""
    slide = world.slide(call.parameters["slideId"])
    label = readable(slide, slide.picture.label)
    if label is None:
        return Reply(status=204)
    return Reply(body=label, media_type="image/jpeg", length=len(label))


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
