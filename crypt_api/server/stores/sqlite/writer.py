"""The one thread that owns the file: it takes the commands that wait, answers them, and keeps house in between."""

import asyncio
import logging
import os
import sqlite3
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue

from crypt_api.server.stores.reporting import Observer, Usage
from crypt_api.server.stores.sqlite.database import SqliteFile
from crypt_api.server.stores.sqlite.group_commit import Answer, GroupCommit, Task
from crypt_api.server.stores.sqlite.housekeeping import INTERVAL_SECONDS, Housekeeping
from crypt_api.server.stores.sqlite.settlement import CannotSettle
from crypt_core.errors import StorageUnavailable
from crypt_core.messages import Outcome

logger = logging.getLogger(__name__)

MAX_GROUP = 512
"""Commands in one transaction: enough for a full server, and few enough that none waits for long."""

MAX_GROUP_BYTES = 4 << 20
"""Of new messages in one transaction. Together with `MAX_GROUP` it bounds what a group adds to the log."""

EXIT_CODE = 70
"""Of a process that cannot go on (`EX_SOFTWARE` of sysexits.h)."""


def end_process() -> None:
    """End the process at once: a server whose writer is gone would answer nobody, and look alive."""
    os._exit(EXIT_CODE)


class Writer:
    """What the thread does. `run` is the thread; everything else may be called from others."""

    def __init__(
        self,
        path: Path,
        max_bytes: int,
        clock: Callable[[], float],
        observer: Observer,
        end: Callable[[], None],
    ) -> None:
        """Open the file. StorageUnavailable if that cannot be done."""
        self.tasks: SimpleQueue[Task | None] = SimpleQueue()
        self.usage = Usage(max_bytes=max_bytes)
        self._max_bytes = max_bytes
        self._observer = observer
        self._damaged: set[str] = set()
        self._end = end
        self._file = SqliteFile(path, max_bytes)
        self._commits = GroupCommit(self._file, clock, self._found_damaged)
        self._housekeeping = Housekeeping(self._file, self._commits, clock, observer, self._found_damaged)
        self._take_stock()

    def run(self) -> None:
        """Serve until `None` is taken from `tasks`. If that cannot go on, the process ends."""
        try:
            self._serve()
        except BaseException as error:  # noqa: BLE001 - nothing but the end of the process is left
            # Only the kind: the text of an unforeseen exception may quote a message or an id.
            reason = str(error) if isinstance(error, StorageUnavailable | CannotSettle) else type(error).__name__
            logger.critical("the store cannot go on, and the process ends: %s", reason)
            self._end()

    def _serve(self) -> None:
        housekeeping_at = time.monotonic()
        closing = False
        while not closing:
            group, closing = self._next_group(housekeeping_at - time.monotonic())
            if group:
                self._answer(group)
            if closing or time.monotonic() >= housekeeping_at:
                more = self._housekeeping.run()
                self._take_stock()
                housekeeping_at = time.monotonic() + (0 if more else INTERVAL_SECONDS)
        self._file.close()

    def _next_group(self, timeout: float) -> tuple[list[Task], bool]:
        """Wait up to `timeout` seconds for a task, take all that wait; and whether they are the last ones."""
        group: list[Task] = []
        size = 0
        with suppress(Empty):
            task = self.tasks.get(timeout=max(timeout, 0))
            while task is not None:
                group.append(task)
                size += task.content_bytes
                if len(group) == MAX_GROUP or size >= MAX_GROUP_BYTES:
                    return group, False
                task = self.tasks.get_nowait()
            return group, True
        return group, False

    def _answer(self, group: list[Task]) -> None:
        # Who asked may be gone by now. Then a read must not take what nobody would get.
        group = [task for task in group if not task.answer.cancelled()]
        _hand_over(group, self._commits.apply(group))
        self._housekeeping.shorten_log()

    def _found_damaged(self, message_id: str) -> None:
        if message_id not in self._damaged:
            self._damaged.add(message_id)
            logger.error("a message cannot be read; it stays where it is until its time is up")
            self._observer.damaged()

    def _take_stock(self) -> None:
        with suppress(sqlite3.Error, OSError, StorageUnavailable):
            self.usage = self._housekeeping.usage(self._max_bytes, len(self._damaged))


def _hand_over(group: Sequence[Task], answers: Sequence[Answer]) -> None:
    """Give each task its answer, on the event loop that waits for it (one wake-up for all of them)."""
    by_loop: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[Outcome], Answer]]] = {}
    for task, answer in zip(group, answers, strict=True):
        by_loop.setdefault(task.answer.get_loop(), []).append((task.answer, answer))
    for loop, settled in by_loop.items():
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(_resolve, settled)


def _resolve(settled: list[tuple[asyncio.Future[Outcome], Answer]]) -> None:
    for future, answer in settled:
        if future.cancelled():
            continue
        if isinstance(answer, Exception):
            future.set_exception(answer)
        else:
            future.set_result(answer)
