"""Holds a test to its tier: a test that does what its tier must not do fails."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

PROCESSES_AND_CONNECTIONS = {"subprocess.Popen", "os.system", "os.fork", "socket.connect", "socket.bind"}
WRITTEN_FILES = {"open"}
"""Audit events of Python (https://docs.python.org/3/library/audit_events.html)."""

_WRITE = os.O_WRONLY | os.O_RDWR | os.O_CREAT

_refused: set[str] = set()


@contextmanager
def refuse(events: set[str]) -> Iterator[None]:
    """Make the events raise `AssertionError` for a while."""
    added = events - _refused
    _refused.update(added)
    yield
    _refused.difference_update(added)


@contextmanager
def allow(events: set[str]) -> Iterator[None]:
    """Do not refuse the events for a while: a store's engine is a process."""
    allowed = _refused & events
    _refused.difference_update(allowed)
    yield
    _refused.update(allowed)


def _check(event: str, arguments: tuple[object, ...]) -> None:
    if event not in _refused:
        return
    if event == "open":
        path, _, flags = arguments
        if not (isinstance(flags, int) and flags & _WRITE) or ".hypothesis" in str(path):
            return
    raise AssertionError(f"{event} {arguments} does not belong in this tier")


sys.addaudithook(_check)  # for good: Python has no way to remove it
