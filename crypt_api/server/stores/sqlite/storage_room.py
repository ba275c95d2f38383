"""Room for messages: the operator's cap, a full disk, the reserve, and what is given back.

On a full disk SQLite cannot even delete: it needs room in its log, in the database when the log is carried over, and
now and then a free page. So all of that is taken from the disk before it is needed:

- the log has its room from the start (`wal`);
- before a commit, the database's file has the room for what the commit adds, so carrying the log over needs none;
- the table `reserve` holds pages that reads, destruction and sweeps get when there is no other free page.

Only new messages are refused. They are refused until the reserve is whole again.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path

from crypt_api.server.stores.sqlite.connection import RunSql
from crypt_api.server.stores.sqlite.files import DiskFull, HeldFile, full_disk_told
from crypt_api.server.stores.sqlite.system import System

LOG_ALLOWANCE = 16 << 20
"""The part of the cap, in bytes, that is left to the log: its room, and what one full group of commands may add."""

MIN_STORAGE = 2 * LOG_ALLOWANCE
"""The smallest cap, in bytes."""

DEFAULT_STORAGE = 1 << 30
"""The cap, in bytes, of an operator who sets none."""

RESERVE_BYTES = 256 << 10
"""64 pages. A command that destroys takes a page or two, to split one that holds leases or due times."""

_MESSAGES_BYTES = 512 << 10
"""Bytes that must be there, free in the file or taken from the disk, before new messages are accepted again: a few of
the largest."""

_MESSAGE_OVERHEAD = 1 << 10
"""Bytes that a message is taken to need beside its content: its row, its key, and their pages' unused parts."""

_MIN_FREE_PAGES = 256
"""Free pages that the file keeps, or an eighth of the file if that is more. The rest is given back."""

_GIVE_BACK_STEP = 256
"""Pages given back in one transaction: requests that come in meanwhile wait a few milliseconds for it."""

_CAP_REACHED = "the storage is full: what waits has reached its cap"


class MustWait(Exception):
    """Room has to be taken from the disk, and the caller may not wait for it."""


@dataclass(frozen=True, slots=True)
class Pages:
    """The pages of the database, in all and free."""

    size: int
    count: int
    free: int

    @property
    def bytes(self) -> int:
        return self.count * self.size

    @property
    def used_bytes(self) -> int:
        return (self.count - self.free) * self.size


class Room:
    """The room of one database. Call every method that changes its pages inside a transaction."""

    def __init__(self, folder: Path, execute: RunSql, max_bytes: int, system: System) -> None:
        """`folder` has the database's file. `max_bytes` is the operator's cap for it and its log; 0 is none."""
        self.max_bytes = max_bytes
        self._folder = folder
        self._execute = execute
        self._system = system
        self._max_database_bytes = max(max_bytes - LOG_ALLOWANCE, 0) if max_bytes else 0
        self._refusal = ""
        self._size_of_pages = 0
        self._bytes = 0  # of all pages, with the last commit
        self._is_growing = False

    def pages(self) -> Pages:
        [[count]] = self._execute("PRAGMA page_count")
        [[free]] = self._execute("PRAGMA freelist_count")
        return Pages(self._page_size(), count, free)

    def _page_size(self) -> int:
        if not self._size_of_pages:  # it never changes
            [[self._size_of_pages]] = self._execute("PRAGMA page_size")
        return self._size_of_pages

    def disk_free_bytes(self) -> int:
        return shutil.disk_usage(self._folder).free

    # Whether new messages are accepted

    @property
    def is_refusing(self) -> bool:
        """Whether room was missing, and has not been found again."""
        return bool(self._refusal)

    def refuse_messages(self, reason: str) -> None:
        """Refuse new messages from now on."""
        self._refusal = reason

    def accept_messages(self) -> None:
        """Accept new messages again, as far as the cap lets them in."""
        self._refusal = ""

    def refusal(self, used_bytes: int, added_bytes: int) -> str:
        """Why a message of `added_bytes` in a database of `used_bytes` is refused; empty if it is not."""
        if self._refusal:
            return self._refusal
        is_over = 0 < self._max_database_bytes < used_bytes + added_bytes + _MESSAGE_OVERHEAD
        return _CAP_REACHED if is_over else ""

    # Pages that are kept for a full disk

    def release_reserve(self) -> None:
        """Make the reserve's pages free pages."""
        self._execute("DELETE FROM reserve")

    def fill_reserve(self) -> bool:
        """Take the reserve's pages, if they are not there; False if they are."""
        if self._execute("SELECT 1 FROM reserve LIMIT 1"):
            return False
        self._execute("INSERT INTO reserve (pages) VALUES (zeroblob(?))", RESERVE_BYTES)
        return True

    # Free pages that go back to the disk

    def has_too_many_free_pages(self) -> bool:
        return self._excess() > _GIVE_BACK_STEP // 4  # less is not worth the moving

    def give_back(self) -> int:
        """Cut free pages off the database, up to a step of them; return how many."""
        count = self.pages().count
        for _ in range(min(self._excess(), _GIVE_BACK_STEP)):
            self._execute("PRAGMA incremental_vacuum(1)")  # of more pages, Python would stop after the first one
        return count - self.pages().count

    def _excess(self) -> int:
        pages = self.pages()
        return pages.free - max(_MIN_FREE_PAGES, pages.count // 8)

    # Room in the database's file: `file` is that, just looked at

    def take_for_commit(self, file: HeldFile, *, may_wait: bool) -> None:
        """Take what the commit of this transaction adds to the file.

        Raises:
            DiskFull: There is no room.
            MustWait: Room must be taken, and `may_wait` is False.
        """
        [[count]] = self._execute("PRAGMA page_count")
        needed = count * self._page_size()
        self._is_growing, self._bytes = needed > self._bytes, needed
        if needed > file.size:
            if not may_wait:
                raise MustWait
            self._grow(file, needed)

    def is_short_ahead(self, file: HeldFile) -> bool:
        """Whether the database grows, and has little room left. SQLite cuts room off when it carries the log over."""
        return self._is_growing and file.size < self._bytes + self._system.growth_bytes // 2

    def take_ahead(self, file: HeldFile) -> None:
        """Take room for the next commits: then the event loop can decide them. DiskFull on a full disk."""
        self._grow(file, self._bytes)

    def take_for_messages(self, file: HeldFile) -> None:
        """Make sure that there is room for new messages. DiskFull if there is not."""
        pages = self.pages()
        needed = pages.bytes + _MESSAGES_BYTES - pages.free * pages.size
        if file.size < needed:
            self._grow(file, needed)

    def _grow(self, file: HeldFile, needed: int) -> None:
        """Lengthen the file to `needed` bytes, and by a step more if the disk has it."""
        with full_disk_told():
            try:
                with full_disk_told():
                    self._system.allocate(file.descriptor, file.size, needed + self._system.growth_bytes)
            except DiskFull:
                self._system.allocate(file.descriptor, file.size, needed)
        file.measure()
