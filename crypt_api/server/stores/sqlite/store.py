"""Messages in one SQLite file: the default store of a server, with no service beside it to run.

One thread owns the file. It takes every command that has come in meanwhile, applies them in one transaction and
commits once (group commit): a disk that syncs 500 times a second still answers thousands of requests.
No answer is given before its commit is on the disk.
"""

import asyncio
import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue

from crypt_api.server.stores.sqlite.database import SqliteFile
from crypt_core.errors import StorageUnavailable
from crypt_core.messages import Command, Outcome, decide
from crypt_core.record import plain_messages

logger = logging.getLogger(__name__)

MAX_GROUP = 512
"""Commands in one transaction: enough for a full server, and few enough that none waits for long."""

HOUSEKEEPING_INTERVAL = 0.5
"""Seconds between two looks for expired messages, and for destroyed text that is still in the files."""

SWEEP_CHUNK = 32
"""Records swept in one transaction: requests that come in meanwhile wait a few milliseconds for it."""


@dataclass(slots=True, eq=False)
class _Task:
    """A command on its way to the writer, and where its outcome is awaited."""

    message_id: str
    command: Command
    answer: asyncio.Future[Outcome]


class SqliteStore:
    """Keeps messages in the file at `path`, which no other process can have open at the same time."""

    def __init__(
        self,
        path: Path,
        *,
        clock: Callable[[], float] = time.time,
        on_expired: Callable[[int], None] = lambda _: None,
    ) -> None:
        """Open the file, or create it. `on_expired` is told how many messages were swept that nobody had read.

        Raises:
            StorageUnavailable: It cannot be used; the text says why.
        """
        self._writer = _Writer(path, clock, on_expired)
        self._thread = threading.Thread(target=self._writer.run, name="sqlite-writer", daemon=True)
        self._thread.start()

    def plain_messages(self) -> int:
        return self._writer.plain_messages

    async def apply(self, message_id: str, command: Command) -> Outcome:
        answer: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._writer.tasks.put(_Task(message_id, command, answer))
        return await answer

    def close(self) -> None:
        """Apply what still waits, erase from the files what was destroyed, and let go of them."""
        self._writer.tasks.put(None)
        self._thread.join()


class _Writer:
    """What the thread does."""

    def __init__(self, path: Path, clock: Callable[[], float], on_expired: Callable[[int], None]) -> None:
        self.tasks: SimpleQueue[_Task | None] = SimpleQueue()
        self._path = path
        self._clock = clock
        self._on_expired = on_expired
        self._file: SqliteFile | None = SqliteFile(path)
        self.plain_messages = self._file.count_plain_messages()
        self._destroyed_text_remains = True  # perhaps: a crash may have come before the WAL was emptied

    def run(self) -> None:
        housekeeping_at = time.monotonic()
        closing = False
        while not closing:
            group, closing = self._next_group(housekeeping_at - time.monotonic())
            if group:
                self._answer(group)
            if closing or time.monotonic() >= housekeeping_at:
                more = self._keep_house()
                housekeeping_at = time.monotonic() + (0 if more else HOUSEKEEPING_INTERVAL)
        self._let_go()

    def _next_group(self, timeout: float) -> tuple[list[_Task], bool]:
        """Wait up to `timeout` seconds for a task, take all that wait; and whether they are the last ones."""
        group: list[_Task] = []
        with suppress(Empty):
            task = self.tasks.get(timeout=max(timeout, 0))
            while task is not None:
                group.append(task)
                if len(group) == MAX_GROUP:
                    return group, False
                task = self.tasks.get_nowait()
            return group, True
        return group, False

    def _answer(self, group: list[_Task]) -> None:
        """Apply `group` in one transaction and say what came of it; where that fails, each task in its own."""
        # Who asked may be gone by now. Then a read must not take what nobody would get.
        group = [task for task in group if not task.answer.cancelled()]
        answers: Sequence[Outcome | Exception]
        try:
            answers = self._apply(group)
        except StorageUnavailable as error:
            answers = [error] * len(group)
        except Exception as error:  # noqa: BLE001 - whatever it was, somebody waits for an answer
            if len(group) > 1:
                for task in group:
                    self._answer([task])
                return
            if isinstance(error, sqlite3.Error):
                self._let_go()  # the next task tries with the file opened afresh
                error = StorageUnavailable(f"SQLite: {error}")
            answers = [error]
        _settle(group, answers)

    def _apply(self, group: list[_Task]) -> list[Outcome]:
        file = self._opened()
        now = self._clock()
        outcomes: list[Outcome] = []
        destroyed = False
        new_messages = 0
        with file.transaction():
            for task in group:
                before = file.table.load(task.message_id)
                after, outcome = decide(before, task.command, now)
                file.table.keep(task.message_id, before, after)
                destroyed |= before is not None and after is not before
                new_messages += plain_messages(after) - plain_messages(before)
                outcomes.append(outcome)
        self._destroyed_text_remains |= destroyed
        self.plain_messages += new_messages
        return outcomes

    def _keep_house(self) -> bool:
        """Sweep a chunk of what has expired, erase what was destroyed; True if there is more to sweep."""
        try:
            file = self._opened()
            with file.transaction():
                swept = file.table.sweep(self._clock(), SWEEP_CHUNK)
            self.plain_messages += sum(plain_messages(after) - plain_messages(before) for before, after in swept)
            self._on_expired(sum(before.reads_left > 0 and after is None for before, after in swept))
            if swept or self._destroyed_text_remains:
                file.truncate_wal()
                self._destroyed_text_remains = False
        except (sqlite3.Error, StorageUnavailable) as error:
            logger.warning("housekeeping failed, and is tried again: %s", error)
            self._let_go()
            return False
        return len(swept) == SWEEP_CHUNK

    def _opened(self) -> SqliteFile:
        if self._file is None:
            self._file = SqliteFile(self._path)
        return self._file

    def _let_go(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            with suppress(sqlite3.Error):
                file.close()


def _settle(group: list[_Task], answers: Sequence[Outcome | Exception]) -> None:
    """Hand each task its answer, on the event loop that waits for it (one wake-up for all of them)."""
    by_loop: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[Outcome], Outcome | Exception]]] = {}
    for task, answer in zip(group, answers, strict=True):
        by_loop.setdefault(task.answer.get_loop(), []).append((task.answer, answer))
    for loop, settled in by_loop.items():
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(_resolve, settled)


def _resolve(settled: list[tuple[asyncio.Future[Outcome], Outcome | Exception]]) -> None:
    for future, answer in settled:
        if future.cancelled():
            continue
        if isinstance(answer, Exception):
            future.set_exception(answer)
        else:
            future.set_result(answer)
