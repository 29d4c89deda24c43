"""The original files of a slide."""

from sectra_client.wire.messages import Request, segment


def get_files(slide_id: str) -> Request:
    """The request for a slide's files; `downloads` reads the answer as it streams in."""
    path = f"/slides/{segment('slide_id', slide_id)}/files"
    return Request("getSlideFiles", "GET", path, headers={"Accept-Encoding": "identity"})
