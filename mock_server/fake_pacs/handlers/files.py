"""The original files of a slide, streamed."""

from fake_pacs.calls import Call, Reply, stream_reply
from fake_pacs.framing import multipart_related, single
from fake_pacs.slide_metadata import readable
from fake_pacs.world import World


def get_files(call: Call, world: World) -> Reply:
    """One file as it is, several as multipart/related; `--files multipart` answers always so."""
    slide = world.slide(call.parameters["slideId"])
    if len(slide.files) == 1 and world.settings.files == "auto":
        headers, length, body = readable(slide, lambda: single(slide.files[0]))
        others = {name: value for name, value in headers.items() if name != "Content-Type"}
        return stream_reply(body, length, headers["Content-Type"], others)
    media_type, length, body = readable(slide, lambda: multipart_related(slide.files, world.ids.boundary()))
    return stream_reply(body, length, media_type, {})
