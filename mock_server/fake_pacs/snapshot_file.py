"""The file of a snapshot: JSON Lines, one record of `SnapshotRecord` (fake-pacs.yaml) in each line.

Written and read in one pass over the lines, so that no attachment is ever held in memory; results are, while they load.
"""

import base64
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

from fake_pacs.answering import render
from fake_pacs.store import AttachmentEntry, Store, StoredResult, TenantContents
from ia_api_spec import Violation, at_most

VERSION = 1
"""Version of the format. Counted up when a reader of the former one would misread the file."""

MEDIA_TYPE = "application/x-ndjson"

Place = tuple[str, int, str]
"""An attachment: application, result id, name."""


class SnapshotError(ValueError):
    """A file that is no snapshot that can be loaded: `violations` name every place, by line and JSON Pointer."""

    def __init__(self, detail: str, violations: Iterable[Violation] = (), hint: str | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.violations = at_most(violations, "body")
        self.hint = hint

    def __str__(self) -> str:
        places = "".join(f"\n  {found}" for found in self.violations)
        return f"{self.detail}{places}" + (f"\n{self.hint}" if self.hint else "")


@dataclass(frozen=True)
class Snapshot:
    """What a file holds, and where in it the bytes of each stored attachment begin."""

    contents: TenantContents
    offsets: Mapping[Place, int]
    file: BinaryIO

    def bytes_of(self, result: StoredResult, entry: AttachmentEntry) -> BinaryIO:
        """The bytes of an attachment, decoded while they are read."""
        offset = self.offsets[result.application, result.id, entry.name]
        return io.BufferedReader(_Decoded(self.file, offset, entry.size or 0))


def write(file: BinaryIO, head: Mapping[str, Any], contents: TenantContents, store: Store) -> None:
    """Write the snapshot of these contents; raises `ContentReplacedError` where an attachment changed meanwhile."""
    count = 0
    for record in _records(head, contents, store):
        file.write(render(record) + b"\n")
        count += 1
    file.write(render({"record": "end", "records": count}) + b"\n")


def _records(head: Mapping[str, Any], contents: TenantContents, store: Store) -> Iterator[dict[str, Any]]:
    yield {"record": "snapshot", "version": VERSION, **head}
    for application, last_id in contents.last_ids.items():
        yield {"record": "counter", "applicationId": application, "lastResultId": last_id}
    for app in contents.apps:
        yield {
            "record": "app",
            "applicationId": app.application_id,
            "url": app.url,
            "displayName": app.display_name,
            "manufacturer": app.manufacturer,
            "inputTemplate": app.input_template,
            "context": app.context,
            "enabled": app.enabled,
            "notifications": app.notifications,
        }
    for result in contents.results:
        yield from _of_result(result, store)
    for slide_id, state in contents.quality_controls.items():
        yield {
            "record": "qualityControl",
            "slideId": slide_id,
            "status": state.status,
            "versionId": state.version_id,
        }


def _of_result(result: StoredResult, store: Store) -> Iterator[dict[str, Any]]:
    """The result, then each attachment that has bytes; an upload under way is none of them yet."""
    states = {entry.name: "new" if entry.content is None else "stored" for entry in result.attachments}
    document = dict(result.document)
    if states:
        document["attachments"] = [{**sent, "state": states[sent["name"]]} for sent in document["attachments"]]
    owner = {"applicationId": result.application}
    yield {"record": "result", **owner, "id": result.id, "versionId": result.version_id, "result": document}
    for entry in result.attachments:
        if entry.content is None or entry.size is None:
            continue
        yield {"record": "attachment", **owner, "resultId": result.id, "name": entry.name, "size": entry.size}
        for piece in store.read_attachment(entry, 0, entry.size):
            yield {"record": "bytes", "base64": base64.b64encode(piece).decode("ascii")}


class _Decoded(io.RawIOBase):
    """The bytes of the `bytes` lines from an offset on; keeps its own place in the file."""

    def __init__(self, file: BinaryIO, offset: int, size: int) -> None:
        super().__init__()
        self._file, self._offset, self._left = file, offset, size
        self._piece = memoryview(b"")

    def readable(self) -> bool:
        """True: this is an input stream."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill `buffer` from the present line, or the next one; 0 at the end."""
        if not self._piece and self._left:
            self._file.seek(self._offset)
            piece = base64.b64decode(json.loads(self._file.readline())["base64"])
            self._offset = self._file.tell()
            self._left -= len(piece)
            self._piece = memoryview(piece)
        count = min(len(buffer), len(self._piece))
        buffer[:count] = self._piece[:count]
        self._piece = self._piece[count:]
        return count
