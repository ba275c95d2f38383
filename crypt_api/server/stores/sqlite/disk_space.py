"""Room for messages: the operator's cap, a full disk, the reserve, and what is given back.

On a full disk SQLite cannot even delete: it needs room in its log, in the database when the log is carried over, and
now and then a free page. So all of that is taken from the disk before it is needed:

- the log has its room from the start (`wal`);
- before a commit the database has the room for what the commit adds (`grow`), so carrying the log over needs none;
- the table `reserve` holds pages that reads, destruction and sweeps get when there is no other free one.

Only new messages are refused. They are refused until the reserve is whole again.
"""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from crypt_api.server.stores.sqlite.durable_files import FULL_ERRORS
from crypt_api.server.stores.sqlite.statements import Execute
from crypt_api.server.stores.sqlite.system import System
from crypt_core.errors import StorageUnavailable

LOG_ALLOWANCE = 16 << 20
"""The part of the cap, in bytes, that is left to the log: its room, and what one full group of commands may add."""

MIN_STORAGE = 2 * LOG_ALLOWANCE
"""The smallest cap, in bytes."""

DEFAULT_STORAGE = 1 << 30
"""The cap, in bytes, of an operator who sets none."""

RESERVE_BYTES = 256 << 10
"""64 pages. A command that destroys takes a page or two, to split one that holds leases or due times."""

ROOM_BYTES = 512 << 10
"""Bytes that must be there, free in the file or taken from the disk, before new messages are accepted again: a few of
the largest."""

MESSAGE_OVERHEAD = 1 << 10
"""Bytes that a message is taken to need beside its content: its row, its key, and their pages' unused parts."""

MIN_FREE_PAGES = 256
"""Free pages that the file keeps, or an eighth of the file if that is more. The rest is given back."""

GIVE_BACK_STEP = 256
"""Pages given back in one transaction: requests that come in meanwhile wait a few milliseconds for it."""

CAP_REACHED = "the storage is full: what waits has reached its cap"


class DiskFull(StorageUnavailable):
    """There is no room for what the command would add. Nothing happened."""


@dataclass(frozen=True, slots=True)
class Pages:
    """The pages of the database, in all and free."""

    size: int
    count: int
    free: int

    @property
    def used_bytes(self) -> int:
        return (self.count - self.free) * self.size


def grow(system: System, descriptor: int, size: int, needed: int) -> None:
    """Lengthen the database's file of `size` bytes to `needed` bytes, and a step more if the disk has it.

    Raises:
        DiskFull: The disk has no room.
    """
    try:
        try:
            system.allocate(descriptor, size, needed + system.growth_bytes)
        except OSError as error:
            if error.errno not in FULL_ERRORS:
                raise
            system.allocate(descriptor, size, needed)
    except OSError as error:
        if error.errno not in FULL_ERRORS:
            raise
        raise DiskFull(f"no room on the disk: {os.strerror(error.errno)}") from None


class DiskSpace:
    """The room of one open database. Call every method that changes something inside a transaction."""

    def __init__(self, path: Path, execute: Execute, max_bytes: int) -> None:
        """`max_bytes` is the operator's cap for the database and its log; 0 is none."""
        self._path = path
        self._execute = execute
        self._max_database_bytes = max(max_bytes - LOG_ALLOWANCE, 0) if max_bytes else 0

    def pages(self) -> Pages:
        [[size]] = self._execute("PRAGMA page_size")
        [[count]] = self._execute("PRAGMA page_count")
        [[free]] = self._execute("PRAGMA freelist_count")
        return Pages(size, count, free)

    def disk_free_bytes(self) -> int:
        return shutil.disk_usage(self._path.parent).free

    def exceeds_cap(self, used_bytes: int, added_bytes: int) -> bool:
        """Whether a message of `added_bytes` in a database of `used_bytes` would be over the cap."""
        return 0 < self._max_database_bytes < used_bytes + added_bytes + MESSAGE_OVERHEAD

    def release_reserve(self) -> None:
        """Make the reserve's pages free pages."""
        self._execute("DELETE FROM reserve")

    def fill_reserve(self) -> bool:
        """Take the reserve's pages, if they are not there; False if they are."""
        if self._execute("SELECT 1 FROM reserve LIMIT 1"):
            return False
        self._execute("INSERT INTO reserve (pages) VALUES (zeroblob(?))", RESERVE_BYTES)
        return True

    def has_too_many_free_pages(self) -> bool:
        return self._excess() > GIVE_BACK_STEP // 4  # less is not worth the moving

    def give_back(self) -> int:
        """Cut free pages off the file, up to a step of them; return how many."""
        count = self.pages().count
        for _ in range(min(self._excess(), GIVE_BACK_STEP)):
            self._execute("PRAGMA incremental_vacuum(1)")  # Python would stop after the first page of more, too
        return count - self.pages().count

    def _excess(self) -> int:
        pages = self.pages()
        return pages.free - max(MIN_FREE_PAGES, pages.count // 8)
