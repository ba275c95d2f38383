"""The file of the write-ahead log: room that is kept for a full disk, and zeros where destroyed messages were.

SQLite writes each commit to the log first. It frees the log's blocks without overwriting them, and needs room in the
log even to delete. So the log has `System.log_bytes` from the start, filled with zeros: commits that fit need nothing
from the disk. When the log has been carried over into the database, it is overwritten with zeros and used again.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from crypt_api.server.stores.sqlite.file_identity import FileIdentity
from crypt_api.server.stores.sqlite.system import System

MIN_LOG_BYTES = 256 << 10
"""With less than that, not even single commands can be relied on to find room."""

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
            if any(os.pread(descriptor, _HEADER_BYTES, 0)):  # it was left behind in a hurry
                system.write_zeros(descriptor, 0, _HEADER_BYTES)
                system.sync(descriptor)
            reserve.rename(log)
    except OSError:  # then the log starts without this room
        with suppress(OSError):
            reserve.unlink()
    finally:
        os.close(descriptor)


class WriteAheadLog:
    """The log of a database that SQLite has open in exclusive mode: nobody else reads or writes it."""

    def __init__(self, database: Path, system: System) -> None:
        self._database = database
        self._system = system
        self._file = FileIdentity(log_path(database))
        self.stat_if_under_path = self._file.stat_if_under_path

    def reserve(self) -> None:
        """Take the log's room from the disk. OSError if the disk has not so much, or cannot be written."""
        size = self.size()
        if size < self._system.log_bytes:
            self._system.write_zeros(self._file.descriptor, size, self._system.log_bytes)
            self._system.sync(self._file.descriptor)

    def wipe(self) -> None:
        """Overwrite with zeros what is not zeros, and give back what is over `System.log_bytes`.

        Only safe when SQLite has carried over all of the log, synced the database, and will begin the log anew. The
        header goes first, and must be on the disk before any page goes: a crash in between then finds an empty log.
        With a header, it would find the first pages of the log, and carry old pages over new ones.
        """
        size = self.size()
        end = self._end_of_content(size)
        if end:
            self._system.write_zeros(self._file.descriptor, 0, min(_HEADER_BYTES, size))
            self._system.sync(self._file.descriptor)
            self._system.write_zeros(self._file.descriptor, _HEADER_BYTES, end)
            self._system.sync(self._file.descriptor)
        if size > self._system.log_bytes:
            os.ftruncate(self._file.descriptor, self._system.log_bytes)

    def _end_of_content(self, size: int) -> int:
        """Where the zeros at the end of the log begin, or somewhat later; 0 if there is nothing else."""
        for start in reversed(range(0, size, _CHUNK)):
            chunk = os.pread(self._file.descriptor, _CHUNK, start)  # few calls: threads meet in each of them
            for part_start in reversed(range(0, len(chunk), len(_ZEROS))):
                part = chunk[part_start : part_start + len(_ZEROS)]
                if part != _ZEROS[: len(part)]:
                    return start + part_start + len(part)
        return 0

    def write_again(self) -> None:
        """Write the log's bytes once more, and sync them.

        After a failed sync the system may hold bytes for written that the disk never got. OSError if it fails again.
        """
        start = 0
        while chunk := os.pread(self._file.descriptor, _CHUNK, start):
            os.pwrite(self._file.descriptor, chunk, start)
            start += len(chunk)
        self._system.sync(self._file.descriptor)

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Let SQLite close the database inside: it removes whatever file has the log's name then.

        The log itself stays as the reserve of the next one. Another one's log, which is there when the database was
        replaced under us, gets its name back. Both by a second name, which not every file system has.
        """
        log = log_path(self._database)
        is_ours = self.stat_if_under_path() is not None
        second_name = reserve_path(self._database) if is_ours else log.with_name(log.name + "-spared")
        with suppress(OSError):
            second_name.hardlink_to(log)
        yield
        if not is_ours:
            with suppress(OSError):
                second_name.rename(log)

    def close(self) -> None:
        self._file.close()

    def size(self) -> int:
        return os.fstat(self._file.descriptor).st_size
