"""What the store does on its own, in small steps between requests: sweep, erase, give room back, take room again."""

import logging
import sqlite3
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

from crypt_api.server.stores.reporting import LARGEST_MESSAGE_BYTES, Observer, Usage
from crypt_api.server.stores.sqlite.connection import describe, is_corrupt
from crypt_api.server.stores.sqlite.database import CommitUncertain, Database
from crypt_api.server.stores.sqlite.files import DiskFull
from crypt_api.server.stores.sqlite.records import UnreadableRow
from crypt_api.server.stores.sqlite.storage_room import LOG_ALLOWANCE
from crypt_api.server.stores.sqlite.system import REAL, System
from crypt_core.events import Event, OnEvent, event_of, ignore
from crypt_core.messages import expire
from crypt_core.store import StorageUnavailable

logger = logging.getLogger(__name__)

MIN_PAUSE_SECONDS = 0.5
"""Between two looks for expired messages, and for what was destroyed and is still in the files."""

MAX_PAUSE_SECONDS = 5.0
"""The same while the disk is busy: what was destroyed is gone from the files after that time and one look."""

MAX_SHARE = 1 / 200
"""Of the time that erasing what was destroyed may take. Requests wait meanwhile: with more than a hundredth, one
request of a hundred would meet it, and it would be what the 99th percentile measures."""

SWEEP_CHUNK = 32
"""Records swept in one transaction: requests that come in meanwhile wait a few milliseconds for it."""


class Housekeeping:
    """Rounds of a few steps. During a step, requests wait.

    Attributes:
        usage: The state of the store at the end of the last round.
        due_at: When the next step is due, in seconds of the monotonic clock.
        pause: Seconds between two rounds, if there is nothing to do at once.
    """

    def __init__(
        self,
        database: Database,
        clock: Callable[[], float],
        observer: Observer,
        system: System = REAL,
        on_event: OnEvent = ignore,
    ) -> None:
        """`observer` hears of messages that nobody read in time, and of records that cannot be read."""
        self._database = database
        self._sweep = Sweep(database)
        self._clock = clock
        self._observer = observer
        self._on_event = on_event
        self._system = system
        self._complained: set[str] = set()
        self._unreadable: set[str] = set()
        self._steps: deque[Callable[[], bool]] = deque()  # those of this round that are to come
        self._has_more = False  # to be done in the next round, at once
        self._is_well = True  # in this round
        self._is_malformed = False
        self._rest_is_due_at = 0.0  # by the monotonic clock
        self.due_at = 0.0
        self.pause = MIN_PAUSE_SECONDS
        self.usage = Usage(max_bytes=database.room.max_bytes)
        self.take_stock()

    @property
    def is_due(self) -> bool:
        """Whether `run` has something to do."""
        return self._database.is_log_long or self._database.needs_room_ahead or self._system.monotonic() >= self.due_at

    def run(self) -> None:
        """Do what the next group needs, and take a step if one is due. Call it after each group, and at `due_at`."""
        self.prepare_next_group()
        if self._system.monotonic() >= self.due_at:
            self.step()

    def run_round(self) -> None:
        """Take all steps of a round."""
        self.step()
        while self._steps:
            self.step()

    def prepare_next_group(self) -> None:
        """Carry over a log that has grown long, and take room from the disk."""
        if self._database.is_log_long:
            self._attempt(self._erase)
        if self._database.needs_room_ahead:
            self._attempt(self._take_room_ahead)

    def step(self) -> bool:
        """Take one step, and return whether another one is to be taken at once. Requests get the file in between.

        While much is to be swept, a round is a step that sweeps a part of it. The other steps come in one round of
        many: they sync the disk several times.
        """
        if self._steps:
            self._has_more |= self._attempt(self._steps.popleft())
        else:
            self._has_more = self._attempt(self._sweep_chunk)
            is_rest_due = self._system.monotonic() >= self._rest_is_due_at
            if not self._has_more or is_rest_due or self._database.is_log_long:
                self._steps += (self._give_back, self._erase, self._accept_messages)
        if not self._steps:
            self.take_stock()
            if self._is_well:
                self._complained.clear()
            self._is_well = True
        is_more = bool(self._steps) or self._has_more
        self.due_at = self._system.monotonic() + (0.0 if is_more else self.pause)
        return is_more

    def take_stock(self) -> None:
        """Bring `usage` up to date, if the file can be read."""
        room, records = self._database.room, self._database.records
        messages = self.usage.messages
        with suppress(sqlite3.Error, OSError, StorageUnavailable):
            used_bytes = room.pages().used_bytes
            with suppress(sqlite3.Error):  # a page that is damaged must not hide all else
                messages = records.count_contents()
            self.usage = Usage(
                bytes=used_bytes + LOG_ALLOWANCE,
                max_bytes=room.max_bytes,
                disk_free_bytes=room.disk_free_bytes(),
                refuses=room.refusal(used_bytes, LARGEST_MESSAGE_BYTES),
                damaged=len(self._unreadable),
                is_malformed=self._is_malformed,
                messages=messages,
            )

    def found_unreadable(self, message_id: str) -> None:
        """Count a record that cannot be read, once."""
        if message_id not in self._unreadable:
            self._unreadable.add(message_id)
            logger.error("a message cannot be read; it stays where it is until its time is up")
            self._observer.damaged()

    def _attempt(self, step: Callable[[], bool]) -> bool:
        try:
            self._database.make_ready()
            return step()
        except (sqlite3.Error, OSError, StorageUnavailable, CommitUncertain) as error:
            self._complain(describe(error))
            if is_corrupt(error):
                self._is_malformed = True
            elif not isinstance(error, DiskFull):
                self._database.disconnect()
            return False

    def _complain(self, trouble: str) -> None:
        """Log each trouble once, until a round goes well."""
        self._is_well = False
        if trouble not in self._complained:
            self._complained.add(trouble)
            logger.warning("housekeeping failed, and is tried again: %s", trouble)

    # The steps. Each returns whether there is more to do at once.

    def _sweep_chunk(self) -> bool:
        swept = self._sweep.run(self._clock())
        self._observer.expired(swept.unread)
        for event in swept.events:
            self._on_event(event)
        for message_id in swept.unreadable:
            self.found_unreadable(message_id)
        return swept.is_more

    def _give_back(self) -> bool:
        with self._database.transaction():
            self._database.records.remove_unused_slots()
        return self._database.give_back()

    def _erase(self) -> bool:
        """Overwrite what was destroyed, and a log that has grown long."""
        started = self._system.monotonic()
        if self._database.must_carry_over:
            self._database.carry_over()
        now = self._system.monotonic()
        self.pause = min(max((now - started) / MAX_SHARE, MIN_PAUSE_SECONDS), MAX_PAUSE_SECONDS)
        self._rest_is_due_at = now + self.pause
        return False

    def _accept_messages(self) -> bool:
        """Refuse new messages while the room for all else is not complete."""
        room = self._database.room
        try:
            with self._database.transaction():
                was_filled = room.fill_reserve()
            if was_filled or room.is_refusing:
                self._database.take_room()
        except DiskFull as error:
            room.refuse_messages(str(error))
        else:
            room.accept_messages()
        return False

    def _take_room_ahead(self) -> bool:
        with suppress(DiskFull):  # the group that needs it finds out
            self._database.take_room_ahead()
        return False


class Swept(NamedTuple):
    """What one step of the sweep did."""

    unread: int = 0
    """How many of the records that were due nobody had read in time."""

    unreadable: tuple[str, ...] = ()
    """The ids of those that could not be read."""

    events: tuple[Event, ...] = ()
    """What senders want to be told."""

    is_more: bool = False
    """Whether more records may be due."""


class Sweep:
    """Destroys messages whose time is up, and with them rows that cannot be read; a chunk at a time."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._skipped = 0
        """The first entries of the index that cannot be swept: SQLite finds no row for the entry, or a damaged page."""

    def run(self, now: float) -> Swept:
        """Expire the records that are due at `now` (Unix time in seconds), up to a chunk of them.

        Raises:
            sqlite3.Error: It failed. With an error that `is_corrupt`, the index of due times itself is damaged.
        """
        try:
            return self._expire(now, SWEEP_CHUNK)
        except sqlite3.Error as error:
            if not is_corrupt(error):
                raise
        next_due = self._database.records.ids_due(now, 1, self._skipped)
        if not next_due:
            return Swept()
        try:
            return self._expire(now, 1)
        except sqlite3.Error as error:
            if not is_corrupt(error):
                raise
        self._skipped += 1
        return Swept(unreadable=tuple(next_due), is_more=True)

    def _expire(self, now: float, limit: int) -> Swept:
        """Expire records in one transaction; if it finds no room, with the reserve's pages."""
        try:
            with self._database.transaction():
                return self._expire_loaded(now, limit)
        except DiskFull:
            with self._database.transaction():
                self._database.room.release_reserve()
                return self._expire_loaded(now, limit)

    def _expire_loaded(self, now: float, limit: int) -> Swept:
        records = self._database.records
        batch, due = records.load_due(now, limit, self._skipped)
        lost = 0 if len(due) == limit else len(records.ids_due(now, limit, self._skipped)) - len(due)
        unread = 0
        unreadable = []
        events = []
        for message_id in due:
            try:
                before = batch.get(message_id)
            except UnreadableRow:
                batch.remove_unreadable(message_id)
                unreadable.append(message_id)
                continue
            after = None if before is None else expire(before, now)
            unread += before is not None and before.reads_left > 0 and after is None
            batch.keep(message_id, after)
            if event := event_of(before, after, None, now):
                events.append(event)
        self._database.write(batch)
        self._skipped += lost  # when the swept ones are gone, these are the first
        return Swept(unread, tuple(unreadable), tuple(events), is_more=len(due) + lost == limit)
