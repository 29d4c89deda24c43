"""The store of the fake PACS on SQL: in memory by default, or in a file that outlives the process."""

from pathlib import Path
from types import TracebackType

from fake_pacs.sql_accounts import Accounts
from fake_pacs.sql_apps import Apps
from fake_pacs.sql_attachments import Attachments, forget_broken_uploads
from fake_pacs.sql_contents import Contents
from fake_pacs.sql_database import BUSY_SECONDS, Database
from fake_pacs.sql_quality_control import QualityControls
from fake_pacs.sql_results import Results
from fake_pacs.store import Store


class SqlStore(Accounts, Results, Attachments, QualityControls, Apps, Contents):
    """A `Store` in memory, or in the SQLite file `state`, where an acknowledged write survives `kill -9`.

    One process per file: opening it ends the uploads that another process left, or still has, running. A writer
    waits up to `busy_seconds` for another program that writes to the file. Raises `StoreError` when the file can't be
    opened, isn't a state of the fake PACS, or has another schema.
    """

    def __init__(self, state: Path | None = None, *, busy_seconds: float = BUSY_SECONDS) -> None:
        self._database = Database(state, busy_seconds)
        if state:
            forget_broken_uploads(self._database)

    def close(self) -> None:
        """Let go of file or memory; closing again does nothing, any other call raises `StoreError`."""
        self._database.close()

    def __enter__(self) -> "SqlStore":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _is_a_store(store: SqlStore) -> Store:
    return store
