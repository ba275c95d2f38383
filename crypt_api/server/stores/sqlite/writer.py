"""Who uses the file when: commands are decided on the event loop, and a thread waits for the disk.

To hand each command to a thread, and its outcome back, costs more than to decide it. So the event loop itself reads and
writes in SQLite's memory, a group of commands at once. What must wait for the disk (the commit, housekeeping, and any
trouble) is done in the thread. File and connection belong to the holder of `_file_lock`. The loop takes it for a group;
if the group changes something, the lock goes to the thread with the group.

No command waits unnoticed: `submit` has the loop decide if nobody holds the file, and the holder looks at what waits
after it has given the file away.
"""

import asyncio
import logging
from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import NamedTuple

from crypt_api.server.stores.reporting import Observer, Usage
from crypt_api.server.stores.sqlite.database import Database
from crypt_api.server.stores.sqlite.group_commit import (
    CannotSettle,
    Decided,
    GroupCommit,
    OutcomeOrError,
    QueuedCommand,
)
from crypt_api.server.stores.sqlite.housekeeping import Housekeeping
from crypt_api.server.stores.sqlite.system import System
from crypt_core.events import OnEvent, ignore
from crypt_core.store import StorageUnavailable

logger = logging.getLogger(__name__)

MAX_GROUP = 128
"""Commands in one transaction: for small messages, the event loop does nothing else for some milliseconds."""

MAX_GROUP_BYTES = 1 << 20
"""Of messages in one transaction, and one message more. So a group adds little to the log."""

LOOK_SECONDS = 0.001
"""Between two attempts of the thread to get the file for housekeeping, while the event loop has it."""

BUSY_LOOP_SECONDS = 0.1
"""An event loop that has not decided its commands by then is busy, or has stopped: the thread decides them itself."""


class Job(NamedTuple):
    """A group for the thread, decided or not; the file goes with it."""

    group: list[QueuedCommand]
    decided: Decided | None


class Writer:
    """The holder of the database. `run` is the thread; everything else may be called from other threads."""

    def __init__(
        self,
        database: Database,
        clock: Callable[[], float],
        observer: Observer,
        system: System,
        on_event: OnEvent = ignore,
    ) -> None:
        self._database = database
        self._system = system
        self._housekeeping = Housekeeping(database, clock, observer, system, on_event)
        self._commits = GroupCommit(database, clock, self._housekeeping.found_unreadable, system, on_event)
        self._waiting: deque[QueuedCommand] = system.deque()
        self._jobs: SimpleQueue[Job | None] = system.queue()
        self._closing = system.event()
        self._closed = system.event()
        self._file_lock = system.lock()
        self._file_lock.acquire()  # the thread begins with a round of housekeeping
        self._called_loop: asyncio.AbstractEventLoop | None = None  # that is to decide soon

    @property
    def usage(self) -> Usage:
        return self._housekeeping.usage

    # On event loops

    def submit(self, queued: QueuedCommand) -> None:
        """Have the command applied. Call it on the event loop that waits for the outcome."""
        self._waiting.append(queued)
        if self._closed.is_set():
            self._refuse_waiting()
        elif not self._file_lock.locked():
            self._decide_soon(queued.loop)

    def _decide_soon(self, loop: asyncio.AbstractEventLoop) -> None:
        """Have `loop`, which runs this, decide after the first turn that brings no further command.

        A group costs the same for one command as for many. What arrives together takes several turns to come in.
        """
        if self._called_loop is not loop:
            self._called_loop = loop
            loop.call_soon(self._decide, loop, len(self._waiting))

    def _decide(self, loop: asyncio.AbstractEventLoop, waited: int) -> None:
        """Decide a group, and hand it to the thread if it changes something. A turn ago, `waited` commands waited."""
        if waited < len(self._waiting) < MAX_GROUP:
            loop.call_soon(self._decide, loop, len(self._waiting))
            return
        self._called_loop = None
        if not self._waiting or self._closing.is_set() or not self._file_lock.acquire(blocking=False):
            return
        group: list[QueuedCommand] = []
        try:
            self._gather(group)
            decided = self._commits.decide(group)
        except BaseException:  # such as KeyboardInterrupt; somebody waits for an answer all the same
            self._database.roll_back()
            self._jobs.put(Job(group, None))
            raise
        if decided is None or decided.changes:
            self._jobs.put(Job(group, decided))
        else:
            self._give_file_away(group, decided.outcomes, loop)

    def _gather(self, group: list[QueuedCommand]) -> None:
        """Fill a group with what waits."""
        size = 0
        while self._waiting and len(group) < MAX_GROUP and size < MAX_GROUP_BYTES:
            queued = self._waiting.popleft()
            if not queued.is_abandoned:
                group.append(queued)
                size += queued.size

    def _arrive(self, told: Sequence[tuple[QueuedCommand, OutcomeOrError]]) -> None:
        """Give the callers of one event loop, which runs this, their outcomes, and decide what waits."""
        for queued, outcome in told:
            if queued.outcome.done():  # the caller has left
                continue
            if isinstance(outcome, Exception):
                queued.outcome.set_exception(outcome)
            else:
                queued.outcome.set_result(outcome)
        if self._waiting:
            self._decide_soon(asyncio.get_running_loop())

    # In any thread

    def _give_file_away(
        self,
        group: Sequence[QueuedCommand] = (),
        outcomes: Sequence[OutcomeOrError] = (),
        here: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        """Release the file, and then `_tell`."""
        self._file_lock.release()
        self._tell(group, outcomes, here)

    def _tell(
        self,
        group: Sequence[QueuedCommand],
        outcomes: Sequence[OutcomeOrError],
        here: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        """Let the outcomes of a group go, and have an event loop decide what waits: one wake-up for each loop.

        `here` is the event loop that runs this, if one does.
        """
        by_loop: defaultdict[asyncio.AbstractEventLoop, list[tuple[QueuedCommand, OutcomeOrError]]] = defaultdict(list)
        for queued, outcome in zip(group, outcomes, strict=True):
            by_loop[queued.loop].append((queued, outcome))
        with suppress(IndexError):
            by_loop.setdefault(self._waiting[0].loop, [])
        for loop, told in by_loop.items():
            if loop is here:
                self._arrive(told)
            else:
                with suppress(RuntimeError):  # it is closed: its callers are gone, and `_next_job` sees to the others
                    loop.call_soon_threadsafe(self._arrive, told)

    def _refuse_waiting(self) -> None:
        """Refuse what came too late to be applied."""
        with suppress(IndexError):
            while True:
                self._tell([self._waiting.popleft()], [StorageUnavailable("the store is closed")])

    def close(self) -> None:
        """Have `run` apply what still waits, and return."""
        self._closing.set()
        self._jobs.put(None)

    # In the thread

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
            self._end()

    def _end(self) -> None:
        try:
            self._database.close()
        finally:
            self._closed.set()
            self._refuse_waiting()

    def _serve(self) -> None:
        self._housekeeping.run_round()
        self._give_file_away()
        while True:
            job = self._next_job()
            is_closing = self._closing.is_set()
            if job:
                outcomes = self._commits.apply(*job)
                if not is_closing and not self._housekeeping.is_due:
                    self._give_file_away(job.group, outcomes)
                    continue
                self._tell(job.group, outcomes)  # nobody waits for what follows
            if is_closing or not job:
                self._apply_waiting()
            if is_closing:
                break
            self._housekeeping.run()
            self._give_file_away()
        self._housekeeping.run_round()

    def _next_job(self) -> Job | None:
        """Wait for a job until housekeeping is due; then, or when it is time to close, for the file alone.

        Commands that wait come before housekeeping: an event loop has been told to decide them, and has time for it.
        """
        timeout = max(self._housekeeping.due_at - self._system.monotonic(), 0)
        patience_ends = self._system.monotonic() + timeout + BUSY_LOOP_SECONDS
        while True:
            with suppress(Empty):
                job = self._jobs.get(timeout=timeout)
                if job is not None:
                    return job
            may_take = not self._waiting or self._closing.is_set() or self._system.monotonic() >= patience_ends
            if may_take and self._file_lock.acquire(blocking=False):
                return None
            timeout = LOOK_SECONDS

    def _apply_waiting(self) -> None:
        """Apply what no event loop has decided."""
        while self._waiting:
            group: list[QueuedCommand] = []
            self._gather(group)
            self._tell(group, self._commits.apply(group))
            self._housekeeping.prepare_next_group()
