"""Attachments: declared names, and bytes in chunks under a name of their own for every upload.

An upload gathers its chunks under a new content name, in one short transaction per chunk, so that a stalled sender
holds up nobody; one last transaction makes that content the attachment's and drops the former one. A reader names the
content that it reads: it gets these bytes or `ContentReplacedError`, never a mixture.
"""

import secrets
from collections.abc import Callable, Iterator
from typing import BinaryIO

from sqlalchemy import BigInteger, Connection, LargeBinary, bindparam, delete, insert, select, update

from fake_pacs.refusals import Refusal, Refusals
from fake_pacs.sql_database import Database
from fake_pacs.sql_declarations import (
    ATTACHMENT_KEY,
    Key,
    check_id,
    find_entry,
    matches,
    named,
    of,
    require_entry,
    undeclared,
)
from fake_pacs.sql_tables import attachments, chunks, uploads
from fake_pacs.store import AttachmentEntry, ContentReplacedError

CHUNK = 1024 * 1024
"""Bytes per row, and the most that is held in memory of an attachment."""

_ADD_CHUNK = insert(chunks).from_select(
    ["content", "number", "data"],
    select(uploads.c.content, bindparam("number", type_=BigInteger), bindparam("data", type_=LargeBinary)).where(
        matches(uploads, "content")
    ),
)
END_UPLOAD = delete(uploads).where(matches(uploads, "content"))
_DROP_CHUNKS = delete(chunks).where(matches(chunks, "content"))
_DROP_ALL_UPLOADS = (delete(chunks).where(chunks.c.content.in_(select(uploads.c.content))), delete(uploads))
_STORE_CONTENT = (
    update(attachments)
    .where(*(attachments.c[column] == bindparam(f"of_{column}") for column in ATTACHMENT_KEY))
    .values(content=bindparam("new_content"), size=bindparam("new_size"))
)
_CHUNK = select(chunks.c.data).where(matches(chunks, "content", "number"))


class Attachments:
    """The bytes beside results."""

    _database: Database

    def attachment(self, tenant: str, application: str, result_id: int, name: str) -> AttachmentEntry:
        """One declared attachment."""
        with self._database.reading() as connection:
            return require_entry(connection, _key(tenant, application, result_id, name))

    def put_attachment(
        self, tenant: str, application: str, result_id: int, name: str, stream: BinaryIO
    ) -> AttachmentEntry:
        """Read the stream to its end and make it the bytes of a declared attachment; `versionId` stays."""
        key = _key(tenant, application, result_id, name)
        content = secrets.token_hex(16)
        with self._database.writing() as connection:
            require_entry(connection, key)
            connection.execute(insert(uploads), {**key, "content": content})
        try:
            size = gather(self._database, content, stream, lambda connection: _withdrawn(connection, key))
            return self._make_current(key, content, size)
        except BaseException:
            drop_upload(self._database, content)
            raise

    def read_attachment(self, entry: AttachmentEntry, start: int, stop: int) -> Iterator[bytes]:
        """The bytes from `start` up to `stop` of exactly the content that `attachment()` answered, in pieces."""
        if entry.content is None or entry.size is None:
            hint = "Upload it with PUT first."
            raise Refusal(Refusals.UNKNOWN_ATTACHMENT, f"The attachment {entry.name!r} has no bytes yet.", hint)
        if not 0 <= start <= stop <= entry.size:
            raise ValueError(f"came the range {start} to {stop}, expected one within 0 to {entry.size}: mend the call")
        return self._pieces(entry, start, stop)

    def _pieces(self, entry: AttachmentEntry, start: int, stop: int) -> Iterator[bytes]:
        while start < stop:
            number, offset = divmod(start, CHUNK)
            with self._database.reading() as connection:
                data: bytes | None = connection.scalar(_CHUNK, {"content": entry.content, "number": number})
            if data is None:
                raise ContentReplacedError(
                    f"attachment {entry.name!r} was replaced or dropped while byte {start} was due"
                )
            piece = data[offset : offset + stop - start]
            yield piece
            start += len(piece)

    def _make_current(self, key: Key, content: str, size: int) -> AttachmentEntry:
        with self._database.writing() as connection:
            if connection.execute(END_UPLOAD, {"content": content}).rowcount == 0:
                raise _withdrawn(connection, key)
            former = require_entry(connection, key).content
            connection.execute(_STORE_CONTENT, {**of(key), "new_content": content, "new_size": size})
            if former is not None:
                connection.execute(_DROP_CHUNKS, {"content": former})
            return require_entry(connection, key)


def gather(database: Database, content: str, stream: BinaryIO, withdrawn: Callable[[Connection], Exception]) -> int:
    """Store what the stream brings under the content's name; answers how many bytes.

    Raises what `withdrawn` makes where the upload of that content isn't running any more.
    """
    size = 0
    for number, data in enumerate(_blocks(stream)):
        with database.writing() as connection:
            row = {"content": content, "number": number, "data": data}
            if connection.execute(_ADD_CHUNK, row).rowcount == 0:
                raise withdrawn(connection)
        size += len(data)
    return size


def drop_upload(database: Database, content: str) -> None:
    """Forget an upload and what it has gathered; does nothing where it isn't running any more."""
    with database.writing() as connection:
        if connection.execute(END_UPLOAD, {"content": content}).rowcount:
            connection.execute(_DROP_CHUNKS, {"content": content})


def forget_broken_uploads(database: Database) -> None:
    """Drop what uploads had gathered when the process ended: nobody will finish them."""
    with database.writing() as connection:
        for statement in _DROP_ALL_UPLOADS:
            connection.execute(statement)


def _key(tenant: str, application: str, result_id: int, name: str) -> Key:
    check_id(application, result_id)
    return {"tenant": tenant, "application": application, "result_id": result_id, "name": name}


def _withdrawn(connection: Connection, key: Key) -> Refusal:
    """Why an upload has lost its place: result or name dropped, perhaps declared again since."""
    if find_entry(connection, key) is None:
        return undeclared(connection, key)
    detail = f"The attachment {key['name']!r} of {named(key)} was dropped and declared anew during its upload."
    return Refusal(Refusals.UNKNOWN_ATTACHMENT, detail, "Upload it again.")


def _blocks(stream: BinaryIO) -> Iterator[bytes]:
    """The stream in blocks of exactly `CHUNK` bytes, the last one shorter: chunks are found by their offset."""
    block = bytearray()
    while data := stream.read(CHUNK - len(block)):
        block += data
        if len(block) == CHUNK:
            yield bytes(block)
            block.clear()
    if block:
        yield bytes(block)
