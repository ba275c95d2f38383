"""Who uses the file when: commands are decided on the event loop, and a thread waits for the disk.

To hand each command to a thread and its outcome back costs more than to decide it. So the event loop itself reads and
writes in SQLite's memory, a group of commands at once; what must wait for the disk (the commit, housekeeping, and any
trouble) is done in the thread. File and connection belong to whoever holds `_file_lock`. The loop takes it for a group;
if the group changes something, the lock goes to the thread with the group.
"""

import asyncio
import logging
import sqlite3
from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import NamedTuple

from crypt_api.server.stores.reporting import Observer, Usage
from crypt_api.server.stores.sqlite.database import SqliteFile
from crypt_api.server.stores.sqlite.group_commit import Answer, Decided, GroupCommit, Task
from crypt_api.server.stores.sqlite.housekeeping import Housekeeping
from crypt_api.server.stores.sqlite.settlement import CannotSettle
from crypt_api.server.stores.sqlite.system import System
from crypt_core.errors import StorageUnavailable

logger = logging.getLogger(__name__)

MAX_GROUP = 128
"""Commands in one transaction: for small messages, the event loop does nothing else for some milliseconds."""

MAX_GROUP_BYTES = 1 << 20
"""Of messages in one transaction, and one message more. So a group adds little to the log."""

LOOK_SECONDS = 0.001
"""Between two attempts of the thread to get the file for housekeeping, while the event loop has it."""

PATIENCE_SECONDS = 0.1
"""An event loop that has not decided its commands by then is busy, or has stopped: the thread decides them itself."""


class Job(NamedTuple):
    """A group for the thread, decided or not; the file goes with it."""

    group: list[Task]
    decided: Decided | None


class Writer:
    """What is done to the file. `run` is the thread; everything else may be called from others."""

    def __init__(
        self,
        path: Path,
        max_bytes: int,
        clock: Callable[[], float],
        observer: Observer,
        system: System,
    ) -> None:
        """Open the file. StorageUnavailable if that cannot be done."""
        self.usage = Usage(max_bytes=max_bytes)
        self._max_bytes = max_bytes
        self._observer = observer
        self._damaged: set[str] = set()
        self._system = system
        self._waiting: deque[Task] = system.deque()
        self._jobs: SimpleQueue[Job | None] = system.queue()
        self._closing = system.event()
        self._closed = system.event()
        self._file_lock = system.lock()
        self._file_lock.acquire()  # the thread begins with a round of housekeeping
        self._file = SqliteFile(path, max_bytes, system)
        self._commits = GroupCommit(self._file, clock, self._found_damaged, system)
        self._housekeeping = Housekeeping(self._file, self._commits, clock, observer, self._found_damaged, system)
        try:
            self._take_stock()
        except BaseException:
            self._file.close()
            raise

    def submit(self, task: Task) -> None:
        """Have the command applied. Call it on the event loop that waits for the answer."""
        self._waiting.append(task)
        if self._closed.is_set():
            self._refuse_waiting()
        # Who has the file now looks, when it is given away, for what waits.
        elif not self._file_lock.locked():
            # Not at once: what else comes in this turn of the event loop belongs to the same group.
            task.answer.get_loop().call_soon(self._decide)

    def close(self) -> None:
        """Have `run` apply what still waits, and return."""
        self._closing.set()
        self._jobs.put(None)

    def run(self) -> None:
        """Serve until `close`. If that cannot go on, the process ends."""
        try:
            self._serve()
        except BaseException as error:  # noqa: BLE001 - nothing but the end of the process is left
            # Only the kind: the text of an unforeseen exception may quote a message or an id.
            reason = str(error) if isinstance(error, StorageUnavailable | CannotSettle) else type(error).__name__
            try:
                logger.critical("the store cannot go on, and the process ends: %s", reason)
            finally:
                self._system.exit()
        finally:
            self._end_serving()

    def _end_serving(self) -> None:
        try:
            self._file.close()
        finally:
            self._closed.set()
            self._refuse_waiting()

    def _decide(self) -> None:
        """Decide a group on an event loop, and hand it to the thread if it changes something."""
        if not self._waiting or self._closing.is_set() or not self._file_lock.acquire(blocking=False):
            return
        group: list[Task] = []
        try:
            self._gather(group)
            decided = self._commits.decide(group)
        except BaseException:  # such as KeyboardInterrupt; somebody waits for an answer all the same
            self._file.roll_back()
            self._jobs.put(Job(group, None))
            raise
        if decided is None or decided.changes:
            self._jobs.put(Job(group, decided))
            return
        self._file_lock.release()
        _hand_over(group, decided.answers)
        if self._waiting:
            asyncio.get_running_loop().call_soon(self._decide)  # connections come in between

    def _gather(self, group: list[Task]) -> None:
        """Fill a group with what waits."""
        size = 0
        while self._waiting and len(group) < MAX_GROUP and size < MAX_GROUP_BYTES:
            task = self._waiting.popleft()
            if not task.is_abandoned:
                group.append(task)
                size += task.size

    def _serve(self) -> None:
        pause = self._keep_house_for_a_round()
        self._give_file_away()
        housekeeping_at = self._system.monotonic() + pause
        while True:
            job = self._next_job(housekeeping_at - self._system.monotonic())
            if job:
                self._apply(job)
            closing = self._closing.is_set()
            while self._waiting and (closing or not job):
                group: list[Task] = []
                self._gather(group)
                self._apply(Job(group, None))
            if closing:
                self._keep_house_for_a_round()
                break
            if self._system.monotonic() >= housekeeping_at:
                pause = self._keep_house()
                housekeeping_at = self._system.monotonic() + pause
            self._give_file_away()

    def _keep_house_for_a_round(self) -> float:
        """Take all steps of a round, and return the seconds until the next round."""
        pause = self._keep_house()
        while not self._housekeeping.is_between_rounds:
            pause = self._keep_house()
        return pause

    def _keep_house(self) -> float:
        """Take a step of a round, and return the seconds until the next step."""
        more = self._housekeeping.run()
        if self._housekeeping.is_between_rounds:
            self._take_stock()
        return 0.0 if more else self._housekeeping.pause

    def _next_job(self, timeout: float) -> Job | None:
        """Wait up to `timeout` seconds for a job; then, or when it is time to close, for the file alone.

        Commands that wait come before housekeeping: an event loop has been told to decide them, and has time for it.
        """
        patience_ends = self._system.monotonic() + max(timeout, 0) + PATIENCE_SECONDS
        while True:
            with suppress(Empty):
                job = self._jobs.get(timeout=max(timeout, 0))
                if job is not None:
                    return job
            may_take = not self._waiting or self._closing.is_set() or self._system.monotonic() >= patience_ends
            if may_take and self._file_lock.acquire(blocking=False):
                return None
            timeout = LOOK_SECONDS

    def _apply(self, job: Job) -> None:
        _hand_over(job.group, self._commits.apply(*job))
        self._housekeeping.after_group()

    def _give_file_away(self) -> None:
        """Release the file, and have an event loop decide what came meanwhile."""
        self._file_lock.release()
        with suppress(IndexError, RuntimeError):  # nothing waits, or the loop is closed: `_next_job` sees to it
            self._waiting[0].answer.get_loop().call_soon_threadsafe(self._decide)

    def _refuse_waiting(self) -> None:
        """Answer what came too late to be applied."""
        with suppress(IndexError):
            while True:
                _hand_over([self._waiting.popleft()], [StorageUnavailable("the store is closed")])

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
    by_loop: defaultdict[asyncio.AbstractEventLoop, list[tuple[Task, Answer]]] = defaultdict(list)
    for task, answer in zip(group, answers, strict=True):
        by_loop[task.answer.get_loop()].append((task, answer))
    for loop, answered in by_loop.items():
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(_answer, answered)


def _answer(answered: Sequence[tuple[Task, Answer]]) -> None:
    for task, answer in answered:
        if task.answer.cancelled():
            continue
        if isinstance(answer, Exception):
            task.answer.set_exception(answer)
        else:
            task.answer.set_result(answer)
