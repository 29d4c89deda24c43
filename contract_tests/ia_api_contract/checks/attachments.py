"""Attachments: declared with the result, uploaded by themselves, read whole or in ranges; states are the PACS's."""

from functools import partial
from typing import Any

from ia_api_contract.check import Check
from ia_api_contract.checks.results_asking import Document, create, listed, read, replace
from ia_api_contract.exchanges import Answer
from ia_api_contract.outcomes import expect
from ia_api_contract.target import Target

BINARY = bytes(range(256)) * 300 + b"\r\n--\r\n\x00\xff\n"
"""Bytes that a target which takes them for text would change."""

SHORT = b"0123456789abcdefghij"
"""What ranges are asked of."""


def declared_is_new(target: Target) -> None:
    """A declared attachment is `new`."""
    stored = _declared(target, "a")
    _expect_states(stored, {"a": "new"}, "declared just now")
    _expect_states(read(target, stored["id"]), {"a": "new"}, "declared just now")


def state_is_the_servers(target: Target) -> None:
    """A state that the caller sends is not believed."""
    sent = [{"name": "a", "state": "stored"}, {"name": "b", "state": "upload-in-progress"}]
    stored = create(target, target.result(attachments=sent))
    _expect_states(stored, {"a": "new", "b": "new"}, "declared with states of the caller's")
    _upload(target, stored, "a", SHORT)
    replaced = replace(target, stored, attachments=[{"name": "a", "state": "new"}, {"name": "b", "state": "stored"}])
    _expect_states(replaced, {"a": "stored", "b": "new"}, "replaced with states of the caller's")


def upload_is_answered_empty(target: Target) -> None:
    """An upload is answered with exactly 200 and an empty body."""
    answer = _put(target, _declared(target, "a"), "a", SHORT)
    expect((answer.status, answer.body) == (200, b""), f"an upload was answered with {answer}; expected 200, empty")


def uploaded_is_stored(target: Target) -> None:
    """After the upload the state is `stored`, in the result and in the list."""
    stored = _uploaded(target, SHORT)
    _expect_states(read(target, stored["id"]), {"a": "stored"}, "uploaded")
    mine = [entry for entry in listed(target) if entry.get("id") == stored["id"]]
    _expect_states(mine[0] if mine else {}, {"a": "stored"}, "uploaded (in the list)")


def upload_keeps_version(target: Target) -> None:
    """An upload leaves the versionId of the result as it is."""
    stored = _uploaded(target, SHORT)
    now = read(target, stored["id"])["versionId"]
    expect(now == stored["versionId"], f"an upload changed the versionId from {stored['versionId']!r} to {now!r}")


def bytes_are_equal(target: Target) -> None:
    """The bytes read are the bytes uploaded."""
    _expect_bytes(target, _uploaded(target, BINARY), "a", BINARY)


def attachments_are_apart(target: Target) -> None:
    """Each attachment of a result, and of each result, has bytes of its own."""
    results = [_declared(target, "a", "b"), _declared(target, "a", "b")]
    contents = {(at, name): f"{name} of the result {at}".encode() for at in range(2) for name in ("a", "b")}
    for (at, name), content in contents.items():
        _upload(target, results[at], name, content)
    for (at, name), content in contents.items():
        _expect_bytes(target, results[at], name, content)


def empty_is_allowed(target: Target) -> None:
    """An attachment of no bytes is stored and read like any other."""
    _expect_bytes(target, _uploaded(target, b""), "a", b"")


def names_are_free(target: Target) -> None:
    """Names with blanks, slashes and letters of any language work."""
    names = ("heat map.png", "Gewebe Ä/ü.png", "a+b&c=d%41?.txt", "画像.svg")
    stored = _declared(target, *names)
    for name in names:
        _upload(target, stored, name, name.encode())
    for name in names:
        _expect_bytes(target, stored, name, name.encode())


def upload_replaces(target: Target) -> None:
    """A second upload replaces the bytes, also by fewer."""
    stored = _uploaded(target, BINARY)
    for content in (SHORT, b"now longer: " + SHORT):
        _upload(target, stored, "a", content)
        _expect_bytes(target, stored, "a", content)


def undeclared_is_unknown(target: Target) -> None:
    """A name that the result doesn't declare can't be uploaded or read: 404."""
    stored = _declared(target, "a")
    for what, answer in (("uploading", _put(target, stored, "b", SHORT)), ("reading", _get(target, stored, "b"))):
        expect(answer.status == 404, f"{what} an attachment that isn't declared was answered with {answer}")
    _expect_states(read(target, stored["id"]), {"a": "new"}, "left alone")


def unread_before_upload(target: Target) -> None:
    """A declared attachment has no bytes before the upload: 404."""
    answer = _get(target, _declared(target, "a"), "a")
    expect(answer.status == 404, f"an attachment without bytes was read with {answer}; expected 404")


def update_keeps_bytes(target: Target) -> None:
    """A replacement that goes on declaring the name keeps bytes and state."""
    stored = _uploaded(target, SHORT)
    replaced = replace(target, stored, attachments=[{"name": "b"}, {"name": "a"}])
    _expect_states(replaced, {"a": "stored", "b": "new"}, "kept by a replacement")
    _expect_bytes(target, stored, "a", SHORT)


def dropped_is_gone(target: Target) -> None:
    """A name that a replacement leaves out is gone, bytes and all."""
    stored = _uploaded(target, SHORT)
    _expect_states(replace(target, stored, attachments=[]), {}, "left out by a replacement")
    answer = _get(target, stored, "a")
    expect(answer.status == 404, f"an attachment that was left out is still read with {answer}; expected 404")


def declared_again_is_new(target: Target) -> None:
    """A name that was left out and is declared again is new: the bytes don't come back."""
    stored = _uploaded(target, SHORT)
    again = replace(target, replace(target, stored, attachments=[]), attachments=[{"name": "a"}])
    _expect_states(again, {"a": "new"}, "declared again")
    answer = _get(target, stored, "a")
    expect(answer.body != SHORT, "the bytes of an attachment came back with its name")


def range_is_206(target: Target) -> None:
    """`bytes=a-b` is answered with 206, exactly these bytes and an exact Content-Range."""
    for first, last in ((0, 0), (3, 7), (len(SHORT) - 1, len(SHORT) - 1), (0, len(SHORT) - 1)):
        _expect_part(target, f"bytes={first}-{last}", first, last)


def open_range(target: Target) -> None:
    """`bytes=a-` is answered from there to the end."""
    _expect_part(target, "bytes=5-", 5, len(SHORT) - 1)


def suffix_range(target: Target) -> None:
    """`bytes=-n` is answered with the last n bytes, with all of them where n is larger."""
    _expect_part(target, "bytes=-4", len(SHORT) - 4, len(SHORT) - 1)
    _expect_part(target, "bytes=-1000", 0, len(SHORT) - 1)


def clipped_range(target: Target) -> None:
    """A range that ends behind the last byte is answered up to the last byte."""
    _expect_part(target, "bytes=15-9999", 15, len(SHORT) - 1)


def range_beyond(target: Target) -> None:
    """A range that begins behind the last byte is 416 with the size in Content-Range."""
    stored = _uploaded(target, SHORT)
    for asked in (f"bytes={len(SHORT)}-", "bytes=500-600"):
        answer = _get(target, stored, "a", asked)
        expect(answer.status == 416, f"{asked} of {len(SHORT)} bytes was answered with {answer}; expected 416")
        came = answer.headers.get("content-range")
        expect(came == f"bytes */{len(SHORT)}", f"Content-Range is {came!r}; expected 'bytes */{len(SHORT)}'")


def _declared(target: Target, *names: str) -> Document:
    return create(target, target.result(attachments=[{"name": name} for name in names]))


def _uploaded(target: Target, content: bytes) -> Document:
    stored = _declared(target, "a")
    _upload(target, stored, "a", content)
    return stored


def _where(target: Target, stored: Document, name: str) -> dict[str, Any]:
    return {"applicationId": target.application, "resultId": stored["id"], "name": name}


def _put(target: Target, stored: Document, name: str, content: bytes) -> Answer:
    where = _where(target, stored, name)
    return target.ask("putAttachment", body=content, media_type="application/octet-stream", **where)


def _upload(target: Target, stored: Document, name: str, content: bytes) -> None:
    answer = _put(target, stored, name, content)
    expect(answer.status // 100 == 2, f"uploading {len(content)} bytes as {name!r} was answered with {answer}")


def _get(target: Target, stored: Document, name: str, asked: str | None = None) -> Answer:
    headers = {"Range": asked} if asked else {}
    return target.ask("getAttachment", headers=headers, **_where(target, stored, name))


def _expect_bytes(target: Target, stored: Document, name: str, content: bytes) -> None:
    answer = _get(target, stored, name)
    expect(answer.status == 200, f"reading the attachment {name!r} was answered with {answer}; expected 200")
    came = answer.body
    text = f"{len(content)} bytes were uploaded as {name!r}, {len(came)} came back"
    expect(came == content, text if len(came) != len(content) else f"{text}, other ones")


def _expect_part(target: Target, asked: str, first: int, last: int) -> None:
    answer = _get(target, _uploaded(target, SHORT), "a", asked)
    expect(answer.status == 206, f"{asked} of {len(SHORT)} bytes was answered with {answer}; expected 206")
    expected = SHORT[first : last + 1]
    expect(answer.body == expected, f"{asked} was answered with {answer.body!r}; expected {expected!r}")
    came = answer.headers.get("content-range")
    wanted = f"bytes {first}-{last}/{len(SHORT)}"
    expect(came == wanted, f"{asked} was answered with Content-Range {came!r}; expected {wanted!r}")


def _expect_states(result: Document, expected: dict[str, str], what: str) -> None:
    came = {entry.get("name"): entry.get("state") for entry in result.get("attachments") or ()}
    expect(came == expected, f"attachments {what} have the states {came}; expected {expected}")


_REPLACED = ("attachments.bytes-equal", "attachments.upload-keeps-version", "results.id-integer")
"""What checks need that replace a result after an upload."""

_attachment = partial(Check, writes=True, needs=("attachments.bytes-equal",))
_basic = partial(Check, writes=True, needs=("results.stores-and-reads",))
_range = partial(Check, writes=True, needs=("attachments.range-206",))

CHECKS = (
    _basic(
        "attachments.bytes-equal",
        "The bytes read are the bytes uploaded.",
        "getAttachment 200",
        "Heat maps and tables: one byte changed and they don't open.",
        bytes_are_equal,
    ),
    _basic(
        "attachments.declared-new",
        "An attachment is `new` when it is declared.",
        "createResult 201",
        "An app that is started again sees what it has still to upload.",
        declared_is_new,
    ),
    _attachment(
        "attachments.uploaded-stored",
        "After the upload the state is `stored`.",
        "putAttachment",
        "Others learn from it that there is something to read.",
        uploaded_is_stored,
    ),
    _attachment(
        "attachments.upload-keeps-version",
        "An upload leaves the result's versionId as it is.",
        "putAttachment",
        "Else an app's own upload would make the versionId stale that it has just read.",
        upload_keeps_version,
    ),
    _attachment(
        "attachments.state-of-server",
        "States that callers send are read and ignored.",
        "createResult 201",
        "Callers send back whole results, with states that were right when they read them.",
        state_is_the_servers,
        needs=(*_REPLACED, "attachments.declared-new", "attachments.uploaded-stored"),
    ),
    _basic(
        "attachments.upload-empty-200",
        "An upload is answered with exactly 200 and an empty body.",
        "putAttachment 200",
        "As the other PUT without an answer of its own, quality control: callers refuse 204 there.",
        upload_is_answered_empty,
    ),
    _attachment(
        "attachments.apart",
        "Attachments have bytes of their own, by name and by result.",
        "getAttachment 200",
        "A heat map of another slide is a wrong diagnosis.",
        attachments_are_apart,
    ),
    _attachment(
        "attachments.empty",
        "An attachment may be empty.",
        "putAttachment 200",
        "A table without rows is a finding, too.",
        empty_is_allowed,
    ),
    _attachment(
        "attachments.any-name",
        "Names may hold blanks, slashes and letters of any language.",
        "putAttachment",
        "Apps name attachments after blocks, stainings and files.",
        names_are_free,
    ),
    _attachment(
        "attachments.upload-replaces",
        "A second upload replaces the bytes.",
        "putAttachment",
        "An upload that broke off is made again.",
        upload_replaces,
    ),
    _attachment(
        "attachments.undeclared-404",
        "A name that the result doesn't declare is 404, to upload and to read.",
        "putAttachment 404",
        "Bytes under a misspelt name would be stored where nobody looks.",
        undeclared_is_unknown,
    ),
    _basic(
        "attachments.before-upload-404",
        "An attachment that was declared but not uploaded is 404.",
        "getAttachment 404",
        "An empty answer would pass for an empty file.",
        unread_before_upload,
    ),
    _attachment(
        "attachments.update-keeps-bytes",
        "A replacement that goes on declaring an attachment keeps its bytes and its state.",
        "updateResult",
        "An app corrects a number and doesn't upload the heat map again.",
        update_keeps_bytes,
        needs=(*_REPLACED, "attachments.uploaded-stored"),
    ),
    _attachment(
        "attachments.dropped-404",
        "An attachment that a replacement leaves out is gone.",
        "updateResult",
        "What an app takes away must not be there any more.",
        dropped_is_gone,
        needs=_REPLACED,
    ),
    _attachment(
        "attachments.declared-again-new",
        "An attachment that was left out and is declared again is new.",
        "updateResult",
        "The former bytes were of another run.",
        declared_again_is_new,
        needs=("attachments.dropped-404", "attachments.declared-new"),
    ),
    _attachment(
        "attachments.range-206",
        "`Range: bytes=a-b` is answered with 206, exactly these bytes and an exact Content-Range.",
        "getAttachment 206",
        "Viewers read large attachments in pieces.",
        range_is_206,
    ),
    _range(
        "attachments.range-open",
        "`Range: bytes=a-` is answered from there to the end.",
        "getAttachment 206",
        "A download that broke off goes on where it was.",
        open_range,
    ),
    _range(
        "attachments.range-suffix",
        "`Range: bytes=-n` is answered with the last n bytes.",
        "getAttachment 206",
        "Formats with their directory at the end (ZIP, some TIFF) are opened that way.",
        suffix_range,
    ),
    _range(
        "attachments.range-clipped",
        "A range that ends behind the last byte is answered up to the last byte.",
        "getAttachment 206",
        "Readers ask for whole blocks and take what there is.",
        clipped_range,
    ),
    _range(
        "attachments.range-beyond-416",
        "A range that begins behind the last byte is 416 with the size in Content-Range.",
        "getAttachment 416",
        "Readers find the end that way.",
        range_beyond,
    ),
)
