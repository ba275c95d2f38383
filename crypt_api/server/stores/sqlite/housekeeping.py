"""What the store does on its own, in small steps between requests: sweep, erase, give room back, take room again."""

import logging
import sqlite3
from collections import deque
from collections.abc import Callable
from contextlib import suppress

from crypt_api.server.stores.reporting import Observer, Usage
from crypt_api.server.stores.sqlite.connection import describe, is_corrupt
from crypt_api.server.stores.sqlite.database import CommitUncertain, SqliteFile
from crypt_api.server.stores.sqlite.disk_space import CAP_REACHED, LOG_ALLOWANCE, DiskFull
from crypt_api.server.stores.sqlite.group_commit import GroupCommit
from crypt_api.server.stores.sqlite.sweep import Sweeper
from crypt_api.server.stores.sqlite.system import REAL, System
from crypt_core.errors import StorageUnavailable

logger = logging.getLogger(__name__)

MIN_PAUSE_SECONDS = 0.5
"""Between two looks for expired messages, and for what was destroyed and is still in the files."""

MAX_PAUSE_SECONDS = 5.0
"""The same while the disk is busy: what was destroyed is gone from the files after that time and one look."""

MAX_SHARE = 1 / 200
"""Of the time that erasing what was destroyed may take. Requests wait meanwhile: with more than a hundredth, one
request of a hundred would meet it, and it would be what the 99th percentile measures."""


class Housekeeping:
    """Rounds of a few steps. While one lasts, requests wait."""

    def __init__(  # noqa: PLR0913, PLR0917
        self,
        file: SqliteFile,
        commits: GroupCommit,
        clock: Callable[[], float],
        observer: Observer,
        on_damaged: Callable[[str], None],
        system: System = REAL,
    ) -> None:
        """`observer` is told of messages that nobody read in time, `on_damaged` the id of one that cannot be read."""
        self._file = file
        self._sweeper = Sweeper(file)
        self._commits = commits
        self._clock = clock
        self._observer = observer
        self._on_damaged = on_damaged
        self._system = system
        self._complained: set[str] = set()
        self._steps: deque[Callable[[], bool]] = deque()  # those of this round that are to come
        self._has_more = False  # to be done in the next round, at once
        self._is_well = True  # in this round
        self._is_malformed = False
        self._rest_is_due_at = 0.0  # by the monotonic clock
        self.pause = MIN_PAUSE_SECONDS
        """Seconds until `run` is to be called again, if there is nothing to do at once."""
        self._messages = 0

    def run(self) -> bool:
        """Take one step, and return whether another one is to be taken at once. Requests get the file in between.

        While much is to be swept, a round is a step that sweeps a part of it. The other steps come in one round of
        many: they sync the disk several times.
        """
        if self._steps:
            self._has_more |= self._attempt(self._steps.popleft())
        else:
            self._has_more = self._attempt(self._sweep)
            if not self._has_more or self._system.monotonic() >= self._rest_is_due_at or self._file.is_log_long:
                self._steps += (self._give_back, self._erase, self._accept_messages)
        if self._steps:
            return True
        if self._is_well:
            self._complained.clear()
        self._is_well = True
        return self._has_more

    @property
    def is_between_rounds(self) -> bool:
        """Whether a round has ended, and the next one has not begun."""
        return not self._steps

    def after_group(self) -> None:
        """Carry over a log that has grown long, and take room for the next group; call it after each group."""
        if self._file.is_log_long:
            self._attempt(self._erase)
        if self._file.needs_room_ahead:
            self._attempt(self._take_room_ahead)

    def _attempt(self, step: Callable[[], bool]) -> bool:
        try:
            self._file.make_ready()
            return step()
        except (sqlite3.Error, OSError, StorageUnavailable, CommitUncertain) as error:
            self._complain(describe(error))
            if is_corrupt(error):
                self._is_malformed = True
            elif not isinstance(error, DiskFull):
                self._file.disconnect()
            return False

    def usage(self, max_bytes: int, damaged: int) -> Usage:
        """The state of the store, with what others know of it."""
        used_bytes = self._file.space.pages().used_bytes
        refuses = self._commits.refuses or (CAP_REACHED if self._file.space.exceeds_cap(used_bytes, 0) else "")
        free = self._file.space.disk_free_bytes()
        with suppress(sqlite3.Error):  # a page that is damaged must not hide all else
            self._messages = self._file.records.count_contents()
        return Usage(used_bytes + LOG_ALLOWANCE, max_bytes, free, refuses, damaged, self._is_malformed, self._messages)

    def _erase(self) -> bool:
        """Overwrite what was destroyed, and a log that has grown long."""
        started = self._system.monotonic()
        if self._commits.destroyed_remains or self._file.is_log_long:
            self._file.carry_over()
            self._commits.destroyed_remains = False
        now = self._system.monotonic()
        self.pause = min(max((now - started) / MAX_SHARE, MIN_PAUSE_SECONDS), MAX_PAUSE_SECONDS)
        self._rest_is_due_at = now + self.pause
        return False

    def _sweep(self) -> bool:
        swept = self._sweeper.run(self._clock())
        self._commits.destroyed_remains |= swept.rows > 0
        self._observer.expired(swept.unread)
        for message_id in swept.damaged:
            self._on_damaged(message_id)
        return swept.is_more

    def _give_back(self) -> bool:
        with self._file.transaction():
            self._file.records.remove_unused_slots()
        gave_back = self._file.give_back()
        self._commits.destroyed_remains |= gave_back
        return gave_back

    def _accept_messages(self) -> bool:
        """Refuse new messages while the room for all else is not complete."""
        try:
            with self._file.transaction():
                was_filled = self._file.space.fill_reserve()
            if was_filled or self._commits.refuses:
                self._file.take_room()
        except DiskFull as error:
            self._commits.refuses = str(error)
            return False
        self._commits.refuses = ""
        return False

    def _take_room_ahead(self) -> bool:
        with suppress(DiskFull):  # the group that needs it finds out
            self._file.take_room_ahead()
        return False

    def _complain(self, trouble: str) -> None:
        """Log each trouble once, until a round goes well."""
        self._is_well = False
        if trouble not in self._complained:
            self._complained.add(trouble)
            logger.warning("housekeeping failed, and is tried again: %s", trouble)
