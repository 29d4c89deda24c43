"""The quality control state of slides."""

from fake_pacs.calls import Call, Reply
from fake_pacs.world import World


def set_state(call: Call, world: World) -> Reply:
    """Sets the state if the versionId sent is the last one; 200 with an empty body (V)."""
    slide = world.slide(call.parameters["slideId"])
    wanted = call.body["qualityControl"]
    world.store.set_quality_control(
        call.caller.tenant,
        slide.id,
        wanted["status"],
        expected_version=wanted["versionId"],
        version_id=world.ids.version(),
    )
    return Reply()
