"""The SQLite file itself: opened durably, by one process, and left without a trace of what was destroyed."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from crypt_core import ids
from crypt_core.errors import StorageUnavailable
from crypt_core.sql_records import SqlRecords

APPLICATION_ID = 0x43525950
"""`CRYP`: tells our files from any other SQLite database."""

SCHEMA_VERSION = 1

_SCHEMA = f"""
CREATE TABLE messages (id TEXT PRIMARY KEY, due_at REAL NOT NULL, record TEXT NOT NULL);
CREATE INDEX messages_due_at ON messages (due_at);
PRAGMA application_id = {APPLICATION_ID};
"""

_SETTINGS = (
    "PRAGMA journal_mode = WAL",
    # A commit returns when it is on the disk, F_FULLFSYNC included where plain fsync does not mean that.
    "PRAGMA synchronous = FULL",
    "PRAGMA fullfsync = ON",
    # Deleted text is overwritten with zeros, and never spills into a temporary file.
    "PRAGMA secure_delete = ON",
    "PRAGMA temp_store = MEMORY",
)


class SqliteFile:
    """An open database file. For one thread at a time; what SQLite raises goes through."""

    def __init__(self, path: Path) -> None:
        """Open the file at `path`, or create it, readable for its owner only.

        Raises:
            StorageUnavailable: It is in use, not ours, of a newer version, or cannot be opened or written.
        """
        try:
            _create(path)
            self._database = sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)
        except (OSError, sqlite3.Error) as error:
            raise StorageUnavailable(f"cannot open {path}: {getattr(error, 'strerror', None) or error}") from None
        try:
            self._prepare(path)
        except sqlite3.Error as error:
            self._database.close()
            locked = getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_BUSY
            reason = "it is in use by another process" if locked else str(error)
            raise StorageUnavailable(f"cannot open {path}: {reason}") from None
        except StorageUnavailable:
            self._database.close()
            raise
        self.table = SqlRecords(self.execute)

    def execute(self, sql: str, *values: object) -> list[Any]:
        return self._database.execute(sql, values).fetchall()

    def _prepare(self, path: Path) -> None:
        # Taken with the first transaction and kept until the file is closed: one process per file.
        self.execute("PRAGMA locking_mode = EXCLUSIVE")
        with self.transaction():
            is_new = self._is_new(path)
        for pragma in _SETTINGS:
            self.execute(pragma)
        with self.transaction():
            if is_new:
                for statement in _SCHEMA.strip().splitlines():
                    self.execute(statement)
            # Written each time: a file that cannot be written is found out now, and not by the first message.
            self.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")

    def _is_new(self, path: Path) -> bool:
        """Look whether the file is ours, before anything in it is changed."""
        [[application_id]] = self.execute("PRAGMA application_id")
        [[version]] = self.execute("PRAGMA user_version")
        [[tables]] = self.execute("SELECT count(*) FROM sqlite_schema")
        if not tables:
            return True
        if application_id != APPLICATION_ID:
            raise StorageUnavailable(f"cannot open {path}: it is another program's database")
        if version > SCHEMA_VERSION:
            raise StorageUnavailable(
                f"cannot open {path}: its schema has version {version}, this crypt-api knows {SCHEMA_VERSION}"
            )
        return False

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit what happens inside, durably and at once; or, when it raises, nothing of it."""
        self.execute("BEGIN IMMEDIATE")
        try:
            yield
            self.execute("COMMIT")
        except BaseException:
            if self._database.in_transaction:  # SQLite itself rolls back on some errors
                self.execute("ROLLBACK")
            raise

    def count_plain_messages(self) -> int:
        """Count the plain messages, which takes a look at every id. A sealed message's id is longer than any of theirs.

        Plain messages leave no tombstones.
        """
        [[count]] = self.execute("SELECT count(*) FROM messages WHERE length(id) <= ?", ids.MAX_LENGTH)
        return int(count)

    def truncate_wal(self) -> None:
        """Carry the write-ahead log over into the file and empty it: only then is destroyed text overwritten."""
        self.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        """Let go of the file; SQLite carries the write-ahead log over and deletes it."""
        self._database.close()


def _create(path: Path) -> None:
    """Make sure that the file exists, and that its name survives a power cut."""
    if path.exists():
        return
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
