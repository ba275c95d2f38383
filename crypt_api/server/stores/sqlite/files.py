"""Portable helpers to sync, zero and allocate files, and files that are watched for being replaced."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from crypt_core.store import StorageUnavailable

try:
    from fcntl import F_FULLFSYNC, fcntl  # type: ignore[attr-defined,unused-ignore] # macOS: there fsync is not enough
except ImportError:
    F_FULLFSYNC = None

_FULL_ERRORS = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
"""The disk, the user's share of it, or the size that one file may have, is used up."""

_CHUNK = 1 << 20  # bytes


class DiskFull(StorageUnavailable):
    """There is no room for what would be added. Nothing happened."""


@contextmanager
def full_disk_told() -> Iterator[None]:
    """Turn the system's errors of a full disk into `DiskFull`."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL_ERRORS:
            raise DiskFull(f"no room on the disk: {os.strerror(error.errno)}") from None
        raise


def sync(descriptor: int, *, with_times: bool = False) -> None:
    """Return when the file's bytes are on the disk; with its times if that is asked for."""
    if F_FULLFSYNC is not None:
        fcntl(descriptor, F_FULLFSYNC)
    elif with_times:
        os.fsync(descriptor)
    else:
        getattr(os, "fdatasync", os.fsync)(descriptor)


def sync_folder(folder: Path) -> None:
    """Return when the names in `folder` are on the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_zeros(descriptor: int, start: int, end: int) -> None:
    """Overwrite the bytes from `start` to `end`."""
    zeros = bytes(min(end - start, _CHUNK)) if end > start else b""
    while start < end:
        start += os.pwrite(descriptor, zeros[: end - start], start)


def allocate(descriptor: int, start: int, end: int) -> None:
    """Lengthen the file from `start` to `end`, and take the room from the disk at once. OSError if it has none."""
    try:
        os.posix_fallocate(descriptor, start, end - start)
    except AttributeError:  # macOS has no such call
        write_zeros(descriptor, start, end)
    except OSError as error:
        if error.errno in _FULL_ERRORS:
            raise
        write_zeros(descriptor, start, end)  # not every file system has it


class HeldFile:
    """A file that is held open, to see whether the path still leads to it.

    A file that was deleted, renamed, or covered by a mount can be written to as long as it is open, and nobody who
    opens the path later finds what was written. So the store looks before it acknowledges anything. While the file is
    open, its inode number is not given to another file.

    Closing any descriptor of a file drops all POSIX locks that the process has on it, SQLite's own among them. So the
    descriptor of a database must be opened after SQLite's, and closed after SQLite's.

    Attributes:
        size: Bytes, at the last look.
    """

    def __init__(self, path: Path) -> None:
        """Open the file for reading and writing; it must exist. OSError if it cannot be opened."""
        self.path = path
        self.descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        stat = os.fstat(self.descriptor)
        self._identity = stat.st_dev, stat.st_ino
        self.size = stat.st_size

    def is_in_place(self) -> bool:
        """Whether the path still leads to this file."""
        try:
            stat = os.stat(self.path)  # noqa: PTH116 - four times for each group of commands: as fast as it can be
        except OSError:
            return False
        if (stat.st_dev, stat.st_ino) != self._identity:
            return False
        self.size = stat.st_size
        return True

    def measure(self) -> int:
        """Look at the size of the file, wherever it is now."""
        self.size = os.fstat(self.descriptor).st_size
        return self.size

    def close(self) -> None:
        os.close(self.descriptor)
