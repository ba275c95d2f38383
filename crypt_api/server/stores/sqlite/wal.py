"""The file of the write-ahead log: room that is kept for a full disk, and zeros where destroyed messages were.

SQLite writes each commit to the log first. It frees the log's blocks without overwriting them, and needs room in the
log even to delete. So the log has `System.log_bytes` from the start, filled with zeros: commits that fit need nothing
from the disk. When the log has been carried over into the database, it is overwritten with zeros and used again.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from crypt_api.server.stores.sqlite.files import DiskFull, HeldFile, full_disk_told
from crypt_api.server.stores.sqlite.system import System

_MIN_BYTES = 256 << 10
"""With less than that, even a single command may find no room."""

# https://www.sqlite.org/fileformat2.html#the_write_ahead_log
_HEADER_BYTES = 32

_CHUNK = 1 << 20  # bytes read at a time
_ZEROS = bytes(1 << 16)  # compared at a time


def log_path(database: Path) -> Path:
    return database.with_name(database.name + "-wal")


def reserve_path(database: Path) -> Path:
    """Where the log's room is kept while no process has the database open."""
    return database.with_name(database.name + "-reserve")


def adopt_reserve(database: Path, system: System) -> None:
    """Make the room that the last process left the new log, before SQLite opens the database.

    SQLite takes a log that begins with zeros for an empty one. A log that is there, after a crash say, stays.
    """
    log, reserve = log_path(database), reserve_path(database)
    try:
        descriptor = os.open(reserve, os.O_RDWR)
    except OSError:
        return
    try:
        if log.exists():
            reserve.unlink()
        else:
            if any(os.pread(descriptor, _HEADER_BYTES, 0)):  # a process that ended in a hurry left its header
                system.write_zeros(descriptor, 0, _HEADER_BYTES)
                system.sync(descriptor)
            reserve.rename(log)
    except OSError:  # then the log starts without this room
        with suppress(OSError):
            reserve.unlink()
    finally:
        os.close(descriptor)


class WriteAheadLog(HeldFile):
    """The log of a database that SQLite has open in exclusive mode: nobody else reads or writes it.

    Attributes:
        holds_destroyed: Whether the log may hold something that was destroyed, or may hide it in the database's file.
            Starts true: the last process may have crashed.
    """

    def __init__(self, database: Path, system: System) -> None:
        super().__init__(log_path(database))
        self.holds_destroyed = True
        self._database = database
        self._system = system

    @property
    def is_long(self) -> bool:
        """Whether the log is much longer than its room."""
        return self.size > 2 * self._system.log_bytes

    def take_room(self) -> None:
        """Take the log's room from the disk. DiskFull if the disk has not so much, OSError if it cannot be written."""
        size = self.measure()
        if size < self._system.log_bytes:
            with full_disk_told():
                self._system.write_zeros(self.descriptor, size, self._system.log_bytes)
                self._system.sync(self.descriptor)
            self.measure()

    def take_room_to_start(self) -> None:
        """Take the log's room, or as much as lets the store start on a full disk. DiskFull if there is less."""
        try:
            self.take_room()
        except DiskFull:
            if self.measure() < _MIN_BYTES:
                raise

    def wipe(self) -> None:
        """Overwrite with zeros what is not zeros, and give back what is over `System.log_bytes`.

        Only safe when SQLite has carried over all of the log, synced the database, and will begin the log anew. The
        header goes first, and must be on the disk before any page goes: a crash in between then finds an empty log.
        With a header, it would find the first pages of the log, and carry old pages over new ones.
        """
        size = self.measure()
        end = self._end_of_content(size)
        if end:
            self._system.write_zeros(self.descriptor, 0, min(_HEADER_BYTES, size))
            self._system.sync(self.descriptor)
            self._system.write_zeros(self.descriptor, _HEADER_BYTES, end)
            self._system.sync(self.descriptor)
        if size > self._system.log_bytes:
            os.ftruncate(self.descriptor, self._system.log_bytes)
        self.measure()
        self.holds_destroyed = False

    def _end_of_content(self, size: int) -> int:
        """Where the zeros at the end of the log begin, or somewhat later; 0 if there is nothing else."""
        for start in reversed(range(0, size, _CHUNK)):
            chunk = os.pread(self.descriptor, _CHUNK, start)  # few calls: each one gives up the GIL
            for part_start in reversed(range(0, len(chunk), len(_ZEROS))):
                part = chunk[part_start : part_start + len(_ZEROS)]
                if part != _ZEROS[: len(part)]:
                    return start + part_start + len(part)
        return 0

    def write_again(self) -> None:
        """Write the log's bytes once more, and sync them.

        After a failed sync, the system may take bytes for written that never reached the disk. OSError if it fails
        again.
        """
        start = 0
        while chunk := os.pread(self.descriptor, _CHUNK, start):
            os.pwrite(self.descriptor, chunk, start)
            start += len(chunk)
        self._system.sync(self.descriptor)

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Let SQLite close the database inside: it then removes any file that has the log's name.

        The log itself stays as the reserve of the next one. If the database was replaced while it was open, the log's
        name belongs to another log, which gets it back. Both by a second name, which not every file system has.
        """
        is_ours = self.is_in_place()
        second_name = reserve_path(self._database) if is_ours else self.path.with_name(self.path.name + "-spared")
        with suppress(OSError):
            second_name.hardlink_to(self.path)
        yield
        if not is_ours:
            with suppress(OSError):
                second_name.rename(self.path)
