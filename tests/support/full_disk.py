"""A disk without room, for a process that runs, and for this one."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.platforms import Process


@contextmanager
def full_disk(process: Process, room: int = 0) -> Iterator[None]:
    """Let no file of the process grow beyond `room` bytes: to SQLite, writes fail as on a full disk."""
    unlimited = resource.prlimit(process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (room, unlimited[1]))
    yield
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, unlimited)


@contextmanager
def full_disk_here(room: int) -> Iterator[None]:
    """The same for this process, for a moment: others are writing, too."""
    unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, unlimited[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)
