"""Mutants of attachments."""

import io
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any, BinaryIO

from fake_pacs.calls import Call, Reply
from fake_pacs.handlers import Handler
from fake_pacs.refusals import Refusal, Refusals
from fake_pacs.store import AttachmentEntry, StoredResult
from fake_pacs.world import World
from meta_tests.mutant import BrokenHandler, Mutant, Response
from meta_tests.mutants.results import on, wrapped
from meta_tests.mutants.results_content import Document, shown
from meta_tests.mutants.results_updates import former
from meta_tests.spoiling import answered, asked, where

PATH = r"/attachments$"


def _entry(call: Call, world: World) -> AttachmentEntry:
    said = call.parameters
    return world.store.attachment(call.caller.tenant, said["applicationId"], said["resultId"], said["name"])


def _uploaded_as(change: Callable[[bytes], bytes]) -> BrokenHandler:
    """A handler that stores other bytes than those that came."""

    def broken(call: Call, world: World, right: Handler) -> Reply:
        sent = call.upload.read() if call.upload else b""
        return right(replace(call, upload=io.BytesIO(change(sent))), world)

    return broken


def _states(change: Callable[[Document], str]) -> Callable[[Document], Document]:
    """Changes the states of a result's attachments."""
    return lambda result: {
        **result,
        "attachments": [{**attachment, "state": change(attachment)} for attachment in result["attachments"]],
    }


def _believed(body: Any, call: Call, world: World) -> Any:
    said = {one["name"]: one.get("state", "new") for one in call.body.get("attachments") or ()}
    return _states(lambda attachment: said[attachment["name"]])(body)


def _versioned(world: World) -> None:
    """An upload is a write of the result."""

    def put(right: Any, tenant: str, application: str, number: int, name: str, stream: BinaryIO) -> AttachmentEntry:
        entry: AttachmentEntry = right(tenant, application, number, name, stream)
        stored = world.store.result(tenant, application, number)
        names = [attachment.name for attachment in stored.attachments]
        version, slide = world.ids.version(), stored.slide_id
        world.store.update_result(
            tenant,
            application,
            number,
            stored.document,
            names,
            expected_version=None,
            slide_id=slide,
            version_id=version,
        )
        return entry

    wrapped(world, "put_attachment", put)


def _shared(call: Call, world: World, right: Handler) -> Reply:
    """The bytes also go to the result before, if it declares the name."""
    sent = call.upload.read() if call.upload else b""
    reply = right(replace(call, upload=io.BytesIO(sent)), world)
    said = call.parameters
    try:
        world.store.put_attachment(
            call.caller.tenant, said["applicationId"], said["resultId"] - 1, said["name"], io.BytesIO(sent)
        )
    except Refusal:
        return reply
    return reply


def _empty_forgotten(call: Call, world: World, right: Handler) -> Reply:
    sent = call.upload.read() if call.upload else b""
    return right(replace(call, upload=io.BytesIO(sent)), world) if sent else Reply()


def _once_only(call: Call, world: World, right: Handler) -> Reply:
    return right(call, world) if _entry(call, world).size is None else Reply()


def _undeclared_accepted(call: Call, world: World, right: Handler) -> Reply:
    try:
        return right(call, world)
    except Refusal as refusal:
        if refusal.refused is not Refusals.UNKNOWN_ATTACHMENT:
            raise
        return Reply()


def _empty_before_upload(call: Call, world: World, right: Handler) -> Reply:
    if _entry(call, world).size is None:
        return Reply(200, b"", "application/octet-stream", length=0)
    return right(call, world)


def _losing(world: World) -> None:
    """A replacement drops all attachments and declares them anew."""

    def update(right: Any, *sent: Any, **named: Any) -> StoredResult:
        right(*sent[:-1], (), **named)
        updated: StoredResult = right(*sent, **{**named, "expected_version": named["version_id"]})
        return updated

    wrapped(world, "update_result", update)


def _keeping(world: World) -> None:
    """A replacement keeps the bytes of the attachments that it leaves out."""

    def update(right: Any, tenant: str, application: str, number: int, document: Any, names: Any, **n: Any) -> Any:
        known = [attachment.name for attachment in world.store.result(tenant, application, number).attachments]
        return right(tenant, application, number, document, list(dict.fromkeys((*names, *known))), **n)

    wrapped(world, "update_result", update)


def _only_declared(call: Call, world: World, right: Handler) -> Reply:
    declared = [one["name"] for one in former(call, world).document.get("attachments") or ()]
    if call.parameters["name"] not in declared:
        raise Refusal(Refusals.UNKNOWN_ATTACHMENT, "The name isn't declared.")
    return right(call, world)


def _off_by_one(response: Response) -> Response:
    first, last, size = map(int, re.findall(r"\d+", response.headers["Content-Range"]))
    headers = {**response.headers, "Content-Range": f"bytes {first}-{max(last - 1, 0)}/{size}"}
    return replace(response, body=response.body[:-1], headers=headers)


def _range(pattern: str, instead_of: str) -> BrokenHandler:
    """A handler that reads ranges of some form as others."""
    return asked(lambda said, call: {"Range": re.sub(pattern, instead_of, said["Range"]) if said["Range"] else None})


def _unclipped(call: Call, world: World, right: Handler) -> Reply:
    found = re.fullmatch(r"bytes=\d+-(\d+)", call.parameters["Range"] or "")
    size = _entry(call, world).size or 0
    if found and int(found[1]) >= size:
        headers = {"Content-Range": f"bytes */{size}"}
        raise Refusal(Refusals.RANGE_NOT_SATISFIABLE, "The range ends behind the last byte.", headers=headers)
    return right(call, world)


def _whole_beyond(call: Call, world: World, right: Handler) -> Reply:
    try:
        return right(call, world)
    except Refusal as refusal:
        if refusal.refused is not Refusals.RANGE_NOT_SATISFIABLE:
            raise
        return right(replace(call, parameters={**call.parameters, "Range": None}), world)


def _put(mutant_id: str, what: str, breaks: str, handler: BrokenHandler) -> Mutant:
    return Mutant(f"attachments-{mutant_id}", what, (f"attachments.{breaks}",), handlers={"putAttachment": handler})


def _get(mutant_id: str, what: str, breaks: str, handler: BrokenHandler) -> Mutant:
    return Mutant(f"attachments-{mutant_id}", what, (f"attachments.{breaks}",), handlers={"getAttachment": handler})


MUTANTS = (
    _put(
        "text-mode",
        "Line ends are converted.",
        "bytes-equal",
        _uploaded_as(lambda sent: sent.replace(b"\r\n", b"\n")),
    ),
    Mutant(
        "attachments-declared-in-progress",
        "An attachment that was declared is upload-in-progress.",
        ("attachments.declared-new",),
        handlers={
            "createResult": answered(lambda body, call, world: _states(lambda one: "upload-in-progress")(body)),
        },
    ),
    Mutant(
        "attachments-state-believed",
        "The state of an attachment is the one that the caller sends.",
        ("attachments.state-of-server",),
        handlers={"createResult": answered(_believed)},
    ),
    Mutant(
        "attachments-204",
        "An upload is answered with 204.",
        ("attachments.upload-empty-200",),
        spoil=on("PUT", where(PATH, lambda response: replace(response, status=204))),
    ),
    Mutant(
        "attachments-never-stored",
        "An attachment stays upload-in-progress for ever.",
        ("attachments.uploaded-stored",),
        spoil=shown(_states(lambda one: "upload-in-progress" if one["state"] == "stored" else one["state"])),
    ),
    Mutant(
        "attachments-upload-changes-version",
        "An upload changes the result's versionId.",
        ("attachments.upload-keeps-version",),
        prepare=_versioned,
    ),
    _put("shared", "An upload also overwrites the result before.", "apart", _shared),
    _put("empty-forgotten", "An upload of no bytes stores nothing.", "empty", _empty_forgotten),
    _put(
        "name-cut",
        "Names end at the first slash.",
        "any-name",
        asked(lambda said, call: {"name": said["name"].partition("/")[0]}),
    ),
    _put("once-only", "A second upload is ignored.", "upload-replaces", _once_only),
    _put("undeclared-accepted", "A name that isn't declared is accepted.", "undeclared-404", _undeclared_accepted),
    _get(
        "empty-before-upload",
        "An attachment that wasn't uploaded is read as empty.",
        "before-upload-404",
        _empty_before_upload,
    ),
    Mutant(
        "attachments-lost-by-update",
        "A replacement loses the bytes of all attachments.",
        ("attachments.update-keeps-bytes", "attachments.state-of-server"),
        prepare=_losing,
    ),
    Mutant(
        "attachments-never-dropped",
        "An attachment that a replacement leaves out can still be read.",
        ("attachments.dropped-404",),
        prepare=_keeping,
    ),
    Mutant(
        "attachments-come-back",
        "The bytes of an attachment come back when its name is declared again.",
        ("attachments.declared-again-new",),
        prepare=_keeping,
        handlers={"getAttachment": _only_declared},
    ),
    Mutant(
        "attachments-range-off-by-one",
        "The last byte of a range is left out.",
        ("attachments.range-206",),
        spoil=where(PATH, _off_by_one, status=206),
    ),
    _get(
        "open-range-one-byte",
        "`bytes=a-` is answered with one byte.",
        "range-open",
        _range(r"^bytes=(\d+)-$", r"bytes=\1-\1"),
    ),
    _get(
        "suffix-from-start",
        "`bytes=-n` is answered from the beginning.",
        "range-suffix",
        _range(r"^bytes=-(\d+)$", r"bytes=0-\1"),
    ),
    _get("range-not-clipped", "A range that ends behind the last byte is 416.", "range-clipped", _unclipped),
    _get("whole-beyond", "A range behind the last byte is answered with all.", "range-beyond-416", _whole_beyond),
)
