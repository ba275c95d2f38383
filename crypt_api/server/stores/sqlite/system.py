"""What the store takes from the machine: time, threads, files, and SQLite's connections.

It is passed to the store's constructor, and from there down to whatever needs it. So a simulation replaces the machine
without knowing which module uses which part of it.
"""

import os
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from sqlite3 import Connection
from typing import Any

from crypt_api.server.stores.sqlite import files
from crypt_api.server.stores.sqlite.connection import open_exclusively

EXIT_CODE = 70
"""Of a process that cannot go on (`EX_SOFTWARE` of sysexits.h)."""


def _end_process() -> None:
    os._exit(EXIT_CODE)


@dataclass(frozen=True, slots=True)
class System:
    """The machine; the default is the real one.

    Attributes:
        monotonic: Seconds since some moment; nobody can set this clock.
        exit: End the process at once. A server whose writer is gone would answer nobody, and look alive.
        sleep: Wait for so many seconds.
        connect: Open the database at a path, and lock it for the connection that is returned.
        sync: Return when a file's bytes are on the disk.
        sync_folder: Return when the names in a folder are on the disk.
        write_zeros: Overwrite the bytes of a file from one place to another.
        allocate: Lengthen a file from one size to another, and take the room from the disk.
        log_bytes: The size of the log: what is carried over at a time, and one group of commands. What a sweep destroys
            at a time needs less.
        growth_bytes: The database takes its room from the disk in steps of this size.
    """

    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    lock: Callable[[], threading.Lock] = threading.Lock
    event: Callable[[], threading.Event] = threading.Event
    deque: Callable[[], deque[Any]] = deque
    queue: Callable[[], SimpleQueue[Any]] = SimpleQueue
    thread: Callable[..., threading.Thread] = threading.Thread
    exit: Callable[[], None] = _end_process
    connect: Callable[[Path], Connection] = open_exclusively
    sync: Callable[[int], None] = files.sync
    sync_folder: Callable[[Path], None] = files.sync_folder
    write_zeros: Callable[[int, int, int], None] = files.write_zeros
    allocate: Callable[[int, int, int], None] = files.allocate
    log_bytes: int = 4 << 20
    growth_bytes: int = 1 << 20


REAL = System()
