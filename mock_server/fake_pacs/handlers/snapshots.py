"""Snapshots of the tenant."""

import shutil
from collections.abc import Iterator
from typing import BinaryIO

from fake_pacs import snapshots
from fake_pacs.calls import Call, Reply, json_reply, stream_reply
from fake_pacs.refusals import Refusal, Refusals
from fake_pacs.snapshot_file import MEDIA_TYPE, SnapshotError
from fake_pacs.world import World

_PIECE = 2**20


class _Body(Iterator[bytes]):
    """A file from its start, in pieces; closed with the answer, whether it was read or not."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def __next__(self) -> bytes:
        if piece := self._file.read(_PIECE):
            return piece
        raise StopIteration

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()


def save(call: Call, world: World) -> Reply:
    """The tenant as a file of JSON Lines; written to disk first, so that what is sent is of one moment."""
    tenant, file = call.caller.tenant, snapshots.temporary()
    try:
        snapshots.save(world, tenant, file)
        length = file.tell()
        file.seek(0)
    except BaseException:
        file.close()
        raise
    headers = {"Content-Disposition": f'attachment; filename="{tenant}.snapshot"'}
    return stream_reply(_Body(file), length, MEDIA_TYPE, headers)


def load(call: Call, world: World) -> Reply:
    """Puts a snapshot in the place of all that the tenant holds, once the whole file has come and was checked."""
    if call.upload is None:
        raise ValueError("an upload without bytes reached its handler")
    with snapshots.temporary() as file:
        shutil.copyfileobj(call.upload, file, _PIECE)
        try:
            return json_reply(snapshots.load(world, call.caller.tenant, file))
        except SnapshotError as error:
            raise Refusal(
                Refusals.INVALID_REQUEST, error.detail, hint=error.hint, violations=error.violations
            ) from error
