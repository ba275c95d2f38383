"""What Python's `os` leaves open about bytes that must be on the disk."""

import errno
import os
from pathlib import Path

try:
    from fcntl import F_FULLFSYNC, fcntl  # type: ignore[attr-defined,unused-ignore] # macOS: there fsync is not enough
except ImportError:
    F_FULLFSYNC = None

FULL_ERRORS = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
"""The disk, the user's share of it, or the size that one file may have, is used up."""

_CHUNK = 1 << 20  # bytes


def sync(descriptor: int) -> None:
    """Return when the file's bytes are on the disk."""
    if F_FULLFSYNC is not None:
        fcntl(descriptor, F_FULLFSYNC)
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
    """Lengthen the file to `end`, and take the room from the disk at once.

    Raises:
        OSError: With an `errno` of `FULL_ERRORS` if there is no room.
    """
    try:
        os.posix_fallocate(descriptor, start, end - start)
    except AttributeError:  # macOS has no such call
        write_zeros(descriptor, start, end)
    except OSError as error:
        if error.errno in FULL_ERRORS:
            raise
        write_zeros(descriptor, start, end)  # not every file system has it
