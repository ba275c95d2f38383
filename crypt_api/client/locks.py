"""Locks of files, so that two programs do not do the same work at once."""

import os
from typing import IO

if os.name == "posix":
    import fcntl


def lock(file: IO[bytes]) -> None:
    """Lock the file until it is closed; on Windows, do nothing.

    Raises:
        BlockingIOError: Another program has locked it.
    """
    if os.name == "posix":
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
