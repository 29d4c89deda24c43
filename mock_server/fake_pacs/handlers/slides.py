"""Slides: what the PACS knows of them, and their labels."""

from fake_pacs.calls import Call, Reply, json_reply
from fake_pacs.slide_metadata import metadata_of, readable
from fake_pacs.world import World, contract
from ia_api_spec import NEWEST, asked_for


def get_info(call: Call, world: World) -> Reply:
    """The slide's metadata, as much of it as scope and includePHI ask for; quality control is always in it."""
    metadata = metadata_of(world, call.caller.tenant, world.slide(call.parameters["slideId"]))
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
