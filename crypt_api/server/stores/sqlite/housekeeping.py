"""What the store does on its own, in small steps between requests: sweep, erase, give room back, take room again."""

import logging
import sqlite3
from collections.abc import Callable
from typing import NamedTuple, TypeVar

from crypt_api.server.stores.reporting import Observer, Usage
from crypt_api.server.stores.sqlite.connection import describe, is_corrupt
from crypt_api.server.stores.sqlite.database import CommitUncertain, SqliteFile
from crypt_api.server.stores.sqlite.disk_space import CAP_REACHED, LOG_ALLOWANCE, DiskFull
from crypt_api.server.stores.sqlite.group_commit import GroupCommit
from crypt_api.server.stores.sqlite.records import DamagedRecord
from crypt_core.errors import StorageUnavailable
from crypt_core.messages import expire

logger = logging.getLogger(__name__)

T = TypeVar("T")

INTERVAL_SECONDS = 0.5
"""Between two looks for expired messages, and for what was destroyed and is still in the files."""

SWEEP_CHUNK = 32
"""Records swept in one transaction: requests that come in meanwhile wait a few milliseconds for it."""


class Swept(NamedTuple):
    """How many records were due, how many of them nobody had read in time, and the ids of the unreadable ones."""

    rows: int
    unread: int
    damaged: tuple[str, ...]


class Housekeeping:
    """One round of it is one call."""

    def __init__(
        self,
        file: SqliteFile,
        commits: GroupCommit,
        clock: Callable[[], float],
        observer: Observer,
        on_damaged: Callable[[str], None],
    ) -> None:
        """`observer` is told of messages that nobody read in time, `on_damaged` the id of one that cannot be read."""
        self._file = file
        self._commits = commits
        self._clock = clock
        self._observer = observer
        self._on_damaged = on_damaged
        self._unswept = 0
        """Rows at the start of those that are due which cannot be swept: SQLite finds their pages damaged."""
        self._complained: set[str] = set()
        self._is_well = True
        self._is_malformed = False

    def run(self) -> bool:
        """Do each thing once, and return whether there is more to do at once."""
        self._is_well = True
        more = [self._attempt(step) for step in (self._sweep, self._give_back, self._erase, self._accept_messages)]
        if self._is_well:
            self._complained.clear()
        return any(more)

    def shorten_log(self) -> None:
        """Carry over a log that has grown long; call it after each group."""
        if self._file.is_log_long:
            self._attempt(self._erase)

    def _attempt(self, step: Callable[[], bool]) -> bool:
        try:
            self._file.make_ready()
            return step()
        except (sqlite3.Error, OSError, StorageUnavailable, CommitUncertain) as error:
            self._complain(describe(error))
            if is_corrupt(error):
                self._is_malformed = True
            elif not isinstance(error, DiskFull):
                self._file.disconnect()
            return False

    def usage(self, max_bytes: int, damaged: int) -> Usage:
        """The state of the store, with what others know of it."""
        used_bytes = self._file.space.pages().used_bytes
        refuses = self._commits.refuses or (CAP_REACHED if self._file.space.exceeds_cap(used_bytes, 0) else "")
        free = self._file.space.disk_free_bytes()
        return Usage(used_bytes + LOG_ALLOWANCE, max_bytes, free, refuses, damaged, self._is_malformed)

    def _erase(self) -> bool:
        """Overwrite what was destroyed, and a log that has grown long."""
        if self._commits.destroyed_remains or self._file.is_log_long:
            self._file.carry_over()
            self._commits.destroyed_remains = False
        return False

    def _sweep(self) -> bool:
        now = self._clock()
        try:
            swept, limit = self._write(lambda: self._expire(now, SWEEP_CHUNK)), SWEEP_CHUNK
        except sqlite3.Error as error:
            if not is_corrupt(error):
                raise
            swept, limit = self._sweep_one(now), 1
        self._commits.destroyed_remains |= swept.rows > 0
        self._observer.expired(swept.unread)
        for message_id in swept.damaged:
            self._on_damaged(message_id)
        return swept.rows == limit

    def _sweep_one(self, now: float) -> Swept:
        """Sweep the next record alone; if SQLite finds its pages damaged, pass over it from now on."""
        message_id = self._file.records.next_due(now, self._unswept)
        if message_id is None:
            return Swept(0, 0, ())
        try:
            return self._write(lambda: self._expire(now, 1))
        except sqlite3.Error as error:
            if not is_corrupt(error):
                raise
            self._unswept += 1
            return Swept(1, 0, (message_id,))

    def _expire(self, now: float, limit: int) -> Swept:
        """Expire records that are due, in the transaction that is open. What cannot be read goes, too."""
        batch, due = self._file.records.load_due(now, limit, self._unswept)
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
        self._file.records.write(batch)
        return Swept(len(due), unread, tuple(damaged))

    def _write(self, change: Callable[[], T]) -> T:
        """Let `change` write in one transaction; if it finds no room, with the reserve's pages."""
        try:
            with self._file.transaction():
                return change()
        except DiskFull:
            with self._file.transaction():
                self._file.space.release_reserve()
                return change()

    def _give_back(self) -> bool:
        with self._file.transaction():
            self._file.records.remove_unused_slots()
        gave_back = self._file.give_back()
        self._commits.destroyed_remains |= gave_back
        return gave_back

    def _accept_messages(self) -> bool:
        """Refuse new messages while the room for all else is not complete."""
        try:
            with self._file.transaction():
                was_filled = self._file.space.fill_reserve()
            if was_filled or self._commits.refuses:
                self._file.take_room()
        except DiskFull as error:
            self._commits.refuses = str(error)
            return False
        self._commits.refuses = ""
        return False

    def _complain(self, trouble: str) -> None:
        """Log each trouble once, until a round goes well."""
        self._is_well = False
        if trouble not in self._complained:
            self._complained.add(trouble)
            logger.warning("housekeeping failed, and is tried again: %s", trouble)
