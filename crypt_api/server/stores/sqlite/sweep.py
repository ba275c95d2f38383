"""The sweep: messages whose time is up are destroyed without being asked for, and with them what cannot be read."""

import sqlite3
from dataclasses import dataclass

from crypt_api.server.stores.sqlite.connection import is_corrupt
from crypt_api.server.stores.sqlite.database import SqliteFile
from crypt_api.server.stores.sqlite.disk_space import DiskFull
from crypt_api.server.stores.sqlite.records import DamagedRecord
from crypt_core.messages import expire

CHUNK = 32
"""Records swept in one transaction: requests that come in meanwhile wait a few milliseconds for it."""


@dataclass(frozen=True, slots=True)
class Swept:
    """What one step did.

    Attributes:
        rows: How many records were due.
        unread: How many of them nobody had read in time.
        damaged: The ids of those that could not be read.
        is_more: Whether more records may be due.
    """

    rows: int = 0
    unread: int = 0
    damaged: tuple[str, ...] = ()
    is_more: bool = False


class Sweeper:
    """Sweeps the file, one step a call."""

    def __init__(self, file: SqliteFile) -> None:
        self._file = file
        self._passed_over = 0
        """The first entries of the index that cannot be swept: SQLite finds no row for the entry, or a damaged page."""

    def run(self, now: float) -> Swept:
        """Expire the records that are due at `now` (Unix time in seconds), up to a chunk of them.

        Raises:
            sqlite3.Error: It failed. With an error that `is_corrupt`, the index of due times itself is damaged.
        """
        try:
            return self._expire(now, CHUNK)
        except sqlite3.Error as error:
            if not is_corrupt(error):
                raise
        next_due = self._file.records.ids_due(now, 1, self._passed_over)
        if not next_due:
            return Swept()
        try:
            return self._expire(now, 1)
        except sqlite3.Error as error:
            if not is_corrupt(error):
                raise
        self._passed_over += 1
        return Swept(damaged=tuple(next_due), is_more=True)

    def _expire(self, now: float, limit: int) -> Swept:
        """Expire records in one transaction; if it finds no room, with the reserve's pages."""
        try:
            with self._file.transaction():
                return self._expire_loaded(now, limit)
        except DiskFull:
            with self._file.transaction():
                self._file.space.release_reserve()
                return self._expire_loaded(now, limit)

    def _expire_loaded(self, now: float, limit: int) -> Swept:
        records = self._file.records
        batch, due = records.load_due(now, limit, self._passed_over)
        lost = 0 if len(due) == limit else len(records.ids_due(now, limit, self._passed_over)) - len(due)
        unread = 0
        damaged = []
        for message_id in due:
            try:
                before = batch.get(message_id)
            except DamagedRecord:
                batch.remove_damaged(message_id)
                damaged.append(message_id)
                continue
            after = None if before is None else expire(before, now)
            unread += before is not None and before.reads_left > 0 and after is None
            batch.keep(message_id, after)
        records.write(batch)
        self._passed_over += lost  # after those that are gone now, they are the first
        return Swept(len(due), unread, tuple(damaged), is_more=len(due) + lost == limit)
