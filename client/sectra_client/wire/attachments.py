"""Files that belong to results."""

import re

from sectra_client.wire.messages import Answer, Call, Request, read_nothing, segment, text, unreadable, whole
from sectra_client.wire.uploads import Upload

_CONTENT_RANGE = re.compile(r"bytes ([0-9]{1,18})-([0-9]{1,18})/([0-9]{1,18})", re.IGNORECASE)


def download(app_id: str, result_id: int, name: str) -> Request:
    """The request for all bytes of an attachment."""
    return Request(
        "getAttachment",
        "GET",
        _path(app_id, result_id),
        {"name": text("name", name)},
        {"Accept-Encoding": "identity"},
    )


def get_range(app_id: str, result_id: int, name: str, start: int, end: int | None) -> Call[bytes]:
    """The bytes from `start` up to, not including, `end`, as Python slices do. Raises `ValueError` for an empty
    range.
    """
    if start < 0 or (end is not None and end <= start):
        raise ValueError(f"bytes {start} to {end}: expected 0 <= start < end")
    request = download(app_id, result_id, name)
    if start == 0 and end is None:
        return Call(request, _whole)
    asked = f"bytes={start}-{'' if end is None else end - 1}"
    headers = {**request.headers, "Range": asked}
    ranged = Request(request.operation, request.method, request.path, request.query, headers)

    def read(answer: Answer) -> bytes:
        if answer.status != 206:  # ranges needn't be honoured: the whole is a right answer, too
            return answer.body[start:end]
        came = answer.headers.get("content-range", "")
        found = _CONTENT_RANGE.fullmatch(came.strip())
        last = -1 if found is None else min(int(found[3]), int(found[3]) if end is None else end) - 1
        if found is None or (int(found[1]), int(found[2])) != (start, last) or len(answer.body) != last - start + 1:
            raise unreadable(answer, f"asked for {asked}, came {len(answer.body)} bytes with Content-Range {came!r}")
        return answer.body

    return Call(ranged, read)


def _whole(answer: Answer) -> bytes:
    if answer.status != 200:
        raise unreadable(answer, f"asked for the whole attachment, came status {answer.status}")
    return answer.body


def put(app_id: str, result_id: int, name: str, body: bytes | Upload) -> Call[None]:
    """Uploads the bytes of a declared attachment."""
    headers = {"Content-Type": "application/octet-stream"}
    query = {"name": text("name", name)}
    return Call(Request("putAttachment", "PUT", _path(app_id, result_id), query, headers, body), read_nothing)


def _path(app_id: str, result_id: int) -> str:
    return f"/applications/{segment('app_id', app_id)}/results/{whole('result_id', result_id)}/attachments"
