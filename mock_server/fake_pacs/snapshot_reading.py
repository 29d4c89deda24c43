"""Reading a snapshot's file: all of it is checked before anything is loaded, and what is wrong is named by its line."""

import base64
import binascii
import json
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, BinaryIO

from fake_pacs.calling.addresses import UrlError, check_app_url
from fake_pacs.calling.registering import FIT_ID, MAX_REGISTRATION, fits_urls
from fake_pacs.calling.telling import sent_size
from fake_pacs.calling.values import RegisteredApp
from fake_pacs.result_documents import OF_THE_SERVER, attachment_names, document_of
from fake_pacs.snapshot_file import VERSION, Place, Snapshot, SnapshotError
from fake_pacs.store import AttachmentEntry, QualityControl, StoredResult, TenantContents
from fake_pacs.strict_json import MAX_DEPTH, parse
from fake_pacs.world import contract
from ia_api_spec import NEWEST, Violation, shown

LINE_LIMIT = 64 * 2**20
"""Bytes in a line: four times what the largest result may have when it is sent."""

_FREE_ID = "an id that is none of the hospital's own: remove the app before you save, or serve without that --app"

_MOST = 20
"""After so many violations the rest of the file is not looked at."""


def read(file: BinaryIO, taken: Collection[str] = ()) -> Snapshot:
    """What the file holds. Raises `SnapshotError` with the places where it isn't a snapshot, or is a newer one.

    `taken` are the ids that no app may have: those of the hospital's own applications.
    """
    reading = _Reading(taken)
    for number, offset, raw in _lines(file):
        reading.take(number, offset, raw)
    return Snapshot(reading.finish(), reading.offsets, file)


def _lines(file: BinaryIO) -> Iterator[tuple[int, int, bytes]]:
    """Each line with its number from 1 and the offset at which the next one begins."""
    file.seek(0)
    number, offset = 0, 0
    while raw := file.readline(LINE_LIMIT + 1):
        number, offset = number + 1, offset + len(raw)
        if len(raw) > LINE_LIMIT:
            wrong = Violation("body", f"line {number}", f"more than {LINE_LIMIT} bytes", f"at most {LINE_LIMIT} bytes")
            raise SnapshotError("The file is no snapshot: it has a line that is too long.", [wrong])
        yield number, offset, raw


class _Reading:
    """What was read so far."""

    def __init__(self, taken: Collection[str]) -> None:
        self.offsets: dict[Place, int] = {}
        self._taken = frozenset(taken)
        self._schema = contract("fake-pacs", NEWEST).schema("SnapshotRecord")
        self._wrong: list[Violation] = []
        self._number = 0
        self._ended = False
        self._last_ids: dict[str, int] = {}
        self._results: dict[tuple[str, int], StoredResult] = {}
        self._states: dict[str, QualityControl] = {}
        self._apps: dict[str, RegisteredApp] = {}
        self._missing: dict[Place, int] = {}  # stored attachments whose bytes haven't come, by the result's line
        self._due: tuple[Place, int] | None = None  # the attachment whose bytes come, and how many more
        self._sizes: dict[Place, int] = {}
        self._kinds: Mapping[str, Callable[[dict[str, Any], int], None]] = {
            "counter": self._counter,
            "app": self._app,
            "result": self._result,
            "attachment": self._attachment,
            "bytes": self._bytes,
            "qualityControl": self._quality_control,
            "end": self._end,
        }

    def take(self, number: int, offset: int, raw: bytes) -> None:
        """Read the next line."""
        self._number = number
        value, violations = parse(raw.rstrip(b"\r\n"), MAX_DEPTH + 2)
        if number == 1:
            _check_head(value)
        prefix = f"line {number} "
        unreadable = [Violation("body", f"{prefix}{it.pointer}".rstrip(), it.came, it.expected) for it in violations]
        violations = unreadable or self._schema.violations(value, "body", prefix)
        self._wrong += [_tidy(violation) for violation in violations]
        if not violations:
            self._take_valid(value, offset)
        if len(self._wrong) >= _MOST:
            raise self._error()

    def _take_valid(self, value: dict[str, Any], offset: int) -> None:
        kind = value["record"]
        if self._ended:
            self._say("", f"a line {shown(kind)} after the end", "no line after `end`")
        elif kind == "snapshot":
            if self._number > 1:
                self._say("/record", '"snapshot"', "that line once, at the top")
        else:
            if kind != "bytes":
                self._check_complete()
            self._kinds[kind](value, offset)

    def finish(self) -> TenantContents:
        """All that was read, once it hangs together. Raises `SnapshotError` else."""
        self._number += 1
        if not self._ended:
            self._check_complete()
            self._say("", "the end of the file", 'a last line {"record": "end", …}: the file was cut off')
        for (_, result_id, name), line in self._missing.items():
            self._number = line
            came = f"no attachment line for {shown(name)} of result {result_id}"
            self._say("/result/attachments", came, "one for each attachment that is `stored`")
        for (application, result_id), _ in self._results.items():
            if result_id > self._last_ids.get(application, 0):
                came = f"the result {result_id} of {shown(application)} above {self._last_ids.get(application, 0)}"
                self._wrong.append(Violation("body", "counter", came, "a lastResultId that no result's id exceeds"))
        if self._wrong:
            raise self._error()
        sized = [self._sized(result) for result in self._results.values()]
        return TenantContents(self._last_ids, sized, self._states, list(self._apps.values()))

    def _sized(self, result: StoredResult) -> StoredResult:
        """The result with the sizes of its attachments, which came after it."""
        named = [((result.application, result.id, entry.name), entry) for entry in result.attachments]
        entries = tuple(AttachmentEntry(entry.name, entry.state, self._sizes.get(place)) for place, entry in named)
        return StoredResult(result.id, result.version_id, result.application, result.slide_id, result.document, entries)

    def _error(self) -> SnapshotError:
        first = self._wrong[0]
        return SnapshotError(f"The file is no snapshot that can be loaded: {first}.", self._wrong)

    def _say(self, pointer: str, came: str, expected: str) -> None:
        self._wrong.append(Violation("body", f"line {self._number} {pointer}".rstrip(), came, expected))

    def _counter(self, value: dict[str, Any], offset: int) -> None:
        application = value["applicationId"]
        if application in self._last_ids:
            self._say("/applicationId", shown(application), "an application that no other counter has")
        self._last_ids[application] = value["lastResultId"]

    def _app(self, value: dict[str, Any], offset: int) -> None:
        application = value["applicationId"]
        if application in self._apps:
            self._say("/applicationId", shown(application), "an application that no other app has")
        if not fits_urls(application):
            self._say("/applicationId", shown(application), FIT_ID)
        elif application in self._taken:
            self._say("/applicationId", f"{shown(application)}, which the hospital has", _FREE_ID)
        for name in ("displayName", "manufacturer", "inputTemplate", "context"):
            if (size := sent_size(value[name])) > MAX_REGISTRATION:
                self._say(f"/{name}", f"{size:,} bytes", f"at most {MAX_REGISTRATION:,}, as in a registration")
        try:
            check_app_url(value["url"])
        except UrlError:
            expected = "an http or https URL without user, query and fragment, as apps are registered by"
            self._say("/url", shown(value["url"].rpartition("@")[2]), expected)
        self._apps[application] = RegisteredApp(
            application,
            value["url"],
            value["displayName"],
            value["manufacturer"],
            value["inputTemplate"],
            value["context"],
            value["enabled"],
            value["notifications"],
        )

    def _result(self, value: dict[str, Any], offset: int) -> None:
        key, document = (value["applicationId"], value["id"]), value["result"]
        if key in self._results:
            self._say("/id", shown(key[1]), "an id that no other result of the application has")
        for name in OF_THE_SERVER:
            if name in document:
                self._say(f"/result/{name}", shown(document[name]), "it beside the result, not in it")
        entries = []
        for at, sent in enumerate(document.get("attachments") or ()):
            state = sent.get("state", "new")
            if state not in ("new", "stored"):
                self._say(f"/result/attachments/{at}/state", shown(state), '"new" or "stored"')
            if state == "stored":
                self._missing[(*key, sent["name"])] = self._number
            entries.append(AttachmentEntry(sent["name"], state))
        self._results[key] = StoredResult(
            value["id"], value["versionId"], key[0], document["slideId"], document_of(document), tuple(entries)
        )

    def _attachment(self, value: dict[str, Any], offset: int) -> None:
        place = value["applicationId"], value["resultId"], value["name"]
        if self._missing.pop(place, None) is None:
            known = self._results.get((place[0], place[1]))
            declared = place[2] in attachment_names(known.document) if known else False
            expected = (
                "each attachment once, and its state `stored`" if declared else "one that a result above declares"
            )
            self._say("/name", f"the attachment {shown(place[2])} of result {place[1]}", expected)
        self.offsets[place], self._sizes[place] = offset, value["size"]
        self._due = place, value["size"]

    def _bytes(self, value: dict[str, Any], offset: int) -> None:
        try:
            count = len(base64.b64decode(value["base64"], validate=True))
        except (binascii.Error, ValueError) as error:
            self._say("/base64", shown(value["base64"]), f"Base64 with padding ({error})")
            return
        if self._due is None or count > self._due[1]:
            left = self._due[1] if self._due else 0
            self._say("/base64", f"{count} bytes", f"at most the {left} bytes that the attachment above still lacks")
            self._due = None
        else:
            self._due = self._due[0], self._due[1] - count

    def _check_complete(self) -> None:
        """The bytes of the attachment above must have come before anything else does."""
        if self._due and self._due[1]:
            (_, result_id, name), left = self._due
            self._say("", f"the end of {shown(name)} of result {result_id}", f"{left} more bytes of it")
        self._due = None

    def _quality_control(self, value: dict[str, Any], offset: int) -> None:
        slide_id = value["slideId"]
        if slide_id in self._states:
            self._say("/slideId", shown(slide_id), "a slide that no other line has")
        self._states[slide_id] = QualityControl(value["status"], value["versionId"])

    def _end(self, value: dict[str, Any], offset: int) -> None:
        self._ended = True
        if value["records"] != self._number - 1:
            self._say("/records", str(value["records"]), f"{self._number - 1}: lines are missing or were added")


def _check_head(value: Any) -> None:
    """Raises `SnapshotError` for a file that isn't a snapshot, or a newer one than this program knows."""
    if not isinstance(value, dict) or value.get("record") != "snapshot":
        came = shown(value)
        wrong = Violation("body", "line 1", came, json.dumps({"record": "snapshot", "version": VERSION}) + " …")
        hint = "Save one: fake-pacs snapshot save FILE."
        raise SnapshotError("The file is no snapshot: its first line doesn't say that it is one.", [wrong], hint)
    version = value.get("version")
    if isinstance(version, int) and not isinstance(version, bool) and version > VERSION:
        detail = f"The snapshot has version {shown(version)} of the format; this fake-pacs reads version {VERSION}."
        wrong = Violation("body", "line 1 /version", shown(version), str(VERSION))
        raise SnapshotError(detail, [wrong], "Use the ia-api-kit that saved it, or a newer one.")


def _tidy(violation: Violation) -> Violation:
    """The violation without the blank that a pointer to a whole line would end with."""
    return Violation(violation.part, violation.pointer.rstrip(), violation.came, violation.expected, violation.hint)
