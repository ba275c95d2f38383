"""Whether an open file is still the one under its path.

A file that was deleted, renamed, or covered by a mount can be written to for as long as it is open; what is written
is lost to everybody who opens the path later. So nothing is acknowledged on the word of the open file alone.
"""

import os
from pathlib import Path


class FileIdentity:
    """A file that is held open, so that its inode number is not given to another file meanwhile.

    Closing any descriptor of a file drops all POSIX locks that the process has on it, SQLite's own among them. So the
    descriptor of a database must be opened after SQLite's, and closed after SQLite's.
    """

    def __init__(self, path: Path) -> None:
        """Open the file for reading and writing; it must exist. OSError if it cannot be opened."""
        self.path = path
        self.descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        self._identity = _identity(os.fstat(self.descriptor))

    def stat_if_under_path(self) -> os.stat_result | None:
        """What the system knows of the file; None if the path names no file, or another one."""
        try:
            stat = os.stat(self.path)  # noqa: PTH116 - four times for each group of commands: as fast as it can be
        except OSError:
            return None
        return stat if _identity(stat) == self._identity else None

    def close(self) -> None:
        os.close(self.descriptor)


def _identity(stat: os.stat_result) -> tuple[int, int]:
    return stat.st_dev, stat.st_ino
