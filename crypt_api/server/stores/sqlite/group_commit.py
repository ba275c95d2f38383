"""Group commit: commands that wait are applied in one transaction, committed once, and answered after that.

A disk that syncs 500 times a second still answers thousands of requests. Every answer is true: a success is on the
disk, and `StorageUnavailable` means that nothing happened.

`decide` does not sync, and runs on the event loop; `apply` waits for the disk, and runs in a thread.

A commit that failed may have taken effect all the same: after a failed sync, the commit can be in the log. To answer
"nothing happened" on a guess would be as wrong as to answer "it is done". So `settle` opens the file anew, as after a
crash, and looks: the file has either all changes of the transaction or none, since a transaction is atomic. While the
file cannot be opened, nobody is answered. After `MAX_SETTLE_SECONDS` the process ends: then the caller's connection
breaks, which is the true answer, and the next start finds out.
"""

import asyncio
import logging
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import NamedTuple

from crypt_api.server.stores.sqlite.connection import describe, is_corrupt
from crypt_api.server.stores.sqlite.database import CommitUncertain, Database, LogReplaced, State
from crypt_api.server.stores.sqlite.files import DiskFull
from crypt_api.server.stores.sqlite.records import Batch, RowChange, UnreadableRow
from crypt_api.server.stores.sqlite.system import REAL, System
from crypt_core.commands import Answer, Command, Create, GetQuestion, Read
from crypt_core.encoding import utf8_size
from crypt_core.events import Event, OnEvent, event_of, ignore
from crypt_core.messages import decide
from crypt_core.outcomes import Answered, Created, Outcome
from crypt_core.store import StorageUnavailable

logger = logging.getLogger(__name__)

OutcomeOrError = Outcome | Exception
"""What a caller gets: returned, or raised."""

READ_BYTES = 16_384
"""What a message that is read counts for in a group: most have less, and the largest has nine times as much."""

MAX_SETTLE_SECONDS = 20.0
"""How long one commit is looked for, while its callers wait: less than HTTP clients and proxies wait at least."""

_RETRY_SECONDS = 0.2


class NewMessageRefused(StorageUnavailable):
    """There is no room for a new message. All other commands are applied."""


class CannotSettle(Exception):
    """It cannot be found out whether a transaction took effect. Nobody may be answered."""


@dataclass(slots=True, eq=False)
class QueuedCommand:
    """A command on its way to the file, and the future of the caller that waits for its outcome."""

    message_id: str
    command: Command
    outcome: asyncio.Future[Outcome]

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The event loop on which the caller waits."""
        return self.outcome.get_loop()

    @property
    def is_abandoned(self) -> bool:
        """Whether the caller has left. Then a read must not take the message: nobody would get it."""
        return self.outcome.cancelled() or self.loop.is_closed()

    @property
    def added_bytes(self) -> int:
        """What the command adds to the file."""
        if not isinstance(self.command, Create | Answer):
            return 0
        return utf8_size(self.command.content, errors="surrogatepass")

    @property
    def size(self) -> int:
        """Bytes of the message that the command is about; of one that is read, a guess."""
        return READ_BYTES if isinstance(self.command, Read | GetQuestion) else self.added_bytes


class Decided(NamedTuple):
    """A group that is decided and written. If there are changes, its transaction is open and has to be committed."""

    outcomes: list[OutcomeOrError]
    changes: dict[str, RowChange]
    events: list[Event]


class GroupCommit:
    """Applies groups of commands to the database. It has no state of its own."""

    def __init__(
        self,
        database: Database,
        clock: Callable[[], float],
        on_unreadable: Callable[[str], None],
        system: System = REAL,
        on_event: OnEvent = ignore,
    ) -> None:
        """`on_unreadable` receives the id of a record that cannot be read; `on_event` events that are on the disk."""
        self._database = database
        self._clock = clock
        self._on_unreadable = on_unreadable
        self._system = system
        self._on_event = on_event

    def decide(self, group: Sequence[QueuedCommand]) -> Decided | None:
        """Decide `group` without a sync of the disk. If there are changes, `apply` must commit them.

        None if that fails, or would have to wait: then nothing has happened, and `apply` does all of it.
        """
        if self._database.state is not State.READY:
            return None
        try:
            decided = self._decide_in_transaction(group, may_wait=False)
            if not decided.changes:
                self._database.commit()  # syncs nothing, and looks whether the file is still in its place
        except Exception:  # noqa: BLE001 - `apply` meets it again, and handles it
            return None
        return decided

    def apply(self, group: Sequence[QueuedCommand], decided: Decided | None = None) -> list[OutcomeOrError]:
        """Apply `group` in one transaction; where that fails, each command in its own.

        Args:
            group: The commands.
            decided: What `decide` made of them, if it did.

        Raises:
            CannotSettle: It cannot be found out what became of the group. Nobody may be answered.
        """
        if not group:
            return []
        error: Exception = StorageUnavailable()
        for from_reserve in (False, False, True):
            try:
                decided = decided or self._decide_in_transaction(group, from_reserve=from_reserve)
                self._commit(decided.changes)
            except DiskFull as full:
                # The next time without the new messages; the others need little room, or none.
                self._database.room.refuse_messages(str(full))
                error, decided = full, None
            except StorageUnavailable as unavailable:
                if isinstance(unavailable, LogReplaced):
                    self._database.disconnect()  # SQLite carries over what it knows; the next group finds a new log
                return [unavailable] * len(group)
            except CannotSettle:
                raise
            except Exception as other:  # noqa: BLE001 - whatever it was, somebody waits for an answer
                error = other
                break
            else:
                for event in decided.events:
                    self._on_event(event)
                return decided.outcomes
        return self._each_alone(group, error)

    def _each_alone(self, group: Sequence[QueuedCommand], error: Exception) -> list[OutcomeOrError]:
        if len(group) > 1:
            return [outcome for queued in group for outcome in self.apply([queued])]
        if isinstance(error, sqlite3.Error):
            if is_corrupt(error):
                self._on_unreadable(group[0].message_id)
            else:
                self._database.disconnect()  # the next group tries with the file opened afresh
            error = StorageUnavailable(f"SQLite: {describe(error)}")
        return [error]

    def _decide_in_transaction(
        self, group: Sequence[QueuedCommand], *, from_reserve: bool = False, may_wait: bool = True
    ) -> Decided:
        """Decide and write, and leave the transaction open, ready for its commit."""
        database = self._database
        database.make_ready()
        database.begin()
        try:
            if from_reserve:
                database.room.release_reserve()
            readers = {queued.message_id for queued in group if isinstance(queued.command, Read | GetQuestion)}
            batch = database.records.load({queued.message_id for queued in group}, with_content=readers)
            outcomes, events = self._decide_all(group, batch)
            changes = database.write(batch)
            database.prepare_commit(may_wait=may_wait)
        except BaseException:
            database.roll_back()
            raise
        return Decided(outcomes, changes, events)

    def _decide_all(self, group: Sequence[QueuedCommand], batch: Batch) -> tuple[list[OutcomeOrError], list[Event]]:
        now = self._clock()
        room = self._database.room
        used_bytes = room.pages().used_bytes
        outcomes: list[OutcomeOrError] = []
        events: list[Event] = []
        for queued in group:
            if queued.is_abandoned:  # since the group was gathered: after trouble, it is decided again
                outcomes.append(StorageUnavailable())
                continue
            try:
                before = batch.get(queued.message_id)
                after, outcome = decide(before, queued.command, now)
            except UnreadableRow as error:
                self._on_unreadable(queued.message_id)
                outcomes.append(error)
                continue
            if isinstance(outcome, Created | Answered):
                added_bytes = queued.added_bytes
                refusal = room.refusal(used_bytes, added_bytes)
                if refusal:
                    outcomes.append(NewMessageRefused(refusal))
                    continue
                used_bytes += added_bytes
            batch.keep(queued.message_id, after)
            outcomes.append(outcome)
            if event := event_of(before, after, outcome, now):
                events.append(event)
        return outcomes, events

    def _commit(self, changes: Mapping[str, RowChange]) -> None:
        try:
            self._database.commit()
        except CommitUncertain as error:
            logger.warning("a commit failed, and is looked for: %s", error)
            if not self._settle(changes):
                if isinstance(error.__cause__, DiskFull):
                    raise error.__cause__ from None
                raise StorageUnavailable(f"the commit failed: {error}") from None

    def _settle(self, changes: Mapping[str, RowChange]) -> bool:
        try:
            return settle(self._database, changes, self._system)
        except CannotSettle:
            raise
        except Exception as error:  # whatever it was, the commit must not be repeated
            raise CannotSettle(type(error).__name__) from error


def settle(database: Database, changes: Mapping[str, RowChange], system: System = REAL) -> bool:
    """Open the file anew, and return whether the transaction with these changes took effect, now and for good.

    Raises:
        CannotSettle: The file could not be read for `MAX_SETTLE_SECONDS`, or gave an impossible answer.
    """
    deadline = system.monotonic() + MAX_SETTLE_SECONDS
    while True:
        try:
            return _took_effect(database, changes)
        except (sqlite3.Error, OSError, StorageUnavailable) as error:
            database.disconnect()
            reason = describe(error)
        if system.monotonic() >= deadline:
            raise CannotSettle(reason)
        system.sleep(_RETRY_SECONDS)


def _took_effect(database: Database, changes: Mapping[str, RowChange]) -> bool:
    database.disconnect()
    database.connect()
    has_happened = _has_changes(database, changes)
    if has_happened:
        # What is there is perhaps only in memory: the system forgets what it could not write.
        database.write_log_again()
    with suppress(StorageUnavailable):  # then the next command tries
        database.make_ready()
    return has_happened


def _has_changes(database: Database, changes: Mapping[str, RowChange]) -> bool:
    """Whether the file has the changes. True, too, if there are none: then the outcomes rest on nothing that is new."""
    rows = database.records.rows(changes)
    if all(rows.get(message_id) == change.after for message_id, change in changes.items()):
        return True
    if all(rows.get(message_id) == change.before for message_id, change in changes.items()):
        return False
    raise CannotSettle("the file has neither what was there before nor what was to be kept")
