"""Group commit: commands that wait are applied in one transaction, committed once, and answered after that.

A disk that syncs 500 times a second still answers thousands of requests. Every answer is true: a success is on the
disk, and `StorageUnavailable` means that nothing happened.

`decide` does not sync, and runs on the event loop; `apply` waits for the disk, and runs in a thread.
"""

import asyncio
import logging
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from crypt_api.server.stores.sqlite.connection import describe, is_corrupt
from crypt_api.server.stores.sqlite.database import CommitUncertain, LogReplaced, SqliteFile
from crypt_api.server.stores.sqlite.disk_space import CAP_REACHED, DiskFull
from crypt_api.server.stores.sqlite.records import Batch, Change, DamagedRecord
from crypt_api.server.stores.sqlite.settlement import CannotSettle, settle
from crypt_api.server.stores.sqlite.system import REAL, System
from crypt_core.encoding import utf8_size
from crypt_core.errors import StorageUnavailable
from crypt_core.messages import Command, Create, Created, Outcome, Read, decide

logger = logging.getLogger(__name__)

Answer = Outcome | Exception

READ_BYTES = 16_384
"""What a message that is read counts for in a group: most have less, and the largest has nine times as much."""


class NewMessageRefused(StorageUnavailable):
    """There is no room for a new message. Whatever else is asked for is done."""


@dataclass(slots=True, eq=False)
class Task:
    """A command on its way to the writer, and where its outcome is awaited."""

    message_id: str
    command: Command
    answer: asyncio.Future[Outcome]

    @property
    def is_abandoned(self) -> bool:
        """Whether nobody waits for the answer any more. Then a read must not take what nobody would get."""
        return self.answer.cancelled() or self.answer.get_loop().is_closed()

    @property
    def added_bytes(self) -> int:
        """What the command adds to the file."""
        if not isinstance(self.command, Create):
            return 0
        return utf8_size(self.command.content, errors="surrogatepass")

    @property
    def size(self) -> int:
        """Bytes of the message that the command is about; of one that is read, a guess."""
        return READ_BYTES if isinstance(self.command, Read) else self.added_bytes


class Decided(NamedTuple):
    """A group that is decided and written, in a transaction that is still open if there are changes."""

    answers: list[Answer]
    changes: dict[str, Change]


class GroupCommit:
    """Applies groups of commands to the file."""

    def __init__(
        self, file: SqliteFile, clock: Callable[[], float], on_damaged: Callable[[str], None], system: System = REAL
    ) -> None:
        """`on_damaged` is told the id of a record that cannot be read."""
        self._file = file
        self._clock = clock
        self._on_damaged = on_damaged
        self._system = system
        self.refuses = ""
        """Why new messages are refused at the moment; empty if they are not. Housekeeping takes it away again."""
        self.destroyed_remains = True
        """Whether something destroyed may still be in the log, or in the file behind it: perhaps a crash came."""

    def decide(self, group: Sequence[Task]) -> Decided | None:
        """Decide `group` without a sync of the disk. If there are changes, `apply` must commit them.

        None if that fails, or would have to wait: then nothing has happened, and `apply` does all of it.
        """
        if not self._file.is_ready:
            return None
        try:
            decided = self._decide_in_transaction(group, may_wait=False)
            if not decided.changes:
                self._file.commit()  # nothing to wait for, but whether the file is still in its place
        except Exception:  # noqa: BLE001 - `apply` meets it again, and knows what to do
            return None
        return decided

    def apply(self, group: Sequence[Task], decided: Decided | None = None) -> list[Answer]:
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
                self.refuses = self.refuses or str(full)
                error, decided = full, None
            except StorageUnavailable as unavailable:
                if isinstance(unavailable, LogReplaced):
                    self._file.disconnect()  # SQLite carries over what it knows; the next group finds a new log
                return [unavailable] * len(group)
            except CannotSettle:
                raise
            except Exception as other:  # noqa: BLE001 - whatever it was, somebody waits for an answer
                error = other
                break
            else:
                return decided.answers
        return self._each_alone(group, error)

    def _each_alone(self, group: Sequence[Task], error: Exception) -> list[Answer]:
        if len(group) > 1:
            return [answer for task in group for answer in self.apply([task])]
        if isinstance(error, sqlite3.Error):
            if is_corrupt(error):
                self._on_damaged(group[0].message_id)
            else:
                self._file.disconnect()  # the next group tries with the file opened afresh
            error = StorageUnavailable(f"SQLite: {describe(error)}")
        return [error]

    def _decide_in_transaction(
        self, group: Sequence[Task], *, from_reserve: bool = False, may_wait: bool = True
    ) -> Decided:
        """Decide and write, and leave the transaction open, ready for its commit."""
        file = self._file
        file.make_ready()
        file.begin()
        try:
            if from_reserve:
                file.space.release_reserve()
            batch = self._load(group)
            answers = self._decide_all(group, batch)
            changes = file.records.write(batch)
            file.take_commits_room(may_wait=may_wait)
        except BaseException:
            file.roll_back()
            raise
        return Decided(answers, changes)

    def _commit(self, changes: Mapping[str, Change]) -> None:
        self.destroyed_remains |= any(change.before is not None for change in changes.values())
        try:
            self._file.commit()
        except CommitUncertain as error:
            logger.warning("a commit failed, and is looked for: %s", error)
            if not self._settle(changes):
                if isinstance(error.__cause__, DiskFull):
                    raise error.__cause__ from None
                raise StorageUnavailable(f"the commit failed: {error}") from None

    def _settle(self, changes: Mapping[str, Change]) -> bool:
        try:
            return settle(self._file, changes, self._system)
        except CannotSettle:
            raise
        except Exception as error:  # whatever it was, the commit must not be repeated
            raise CannotSettle(type(error).__name__) from error

    def _load(self, group: Sequence[Task]) -> Batch:
        readers = {task.message_id for task in group if isinstance(task.command, Read)}
        return self._file.records.load({task.message_id for task in group}, with_content=readers)

    def _decide_all(self, group: Sequence[Task], batch: Batch) -> list[Answer]:
        now = self._clock()
        used_bytes = self._file.space.pages().used_bytes
        answers: list[Answer] = []
        for task in group:
            if task.is_abandoned:  # since the group was gathered: it is decided again after trouble
                answers.append(StorageUnavailable())
                continue
            try:
                after, outcome = decide(batch.get(task.message_id), task.command, now)
            except DamagedRecord as error:
                self._on_damaged(task.message_id)
                answers.append(error)
                continue
            if isinstance(outcome, Created):
                refused = self._refused(used_bytes, task.added_bytes)
                if refused:
                    answers.append(NewMessageRefused(refused))
                    continue
                used_bytes += task.added_bytes
            batch.keep(task.message_id, after)
            answers.append(outcome)
        return answers

    def _refused(self, used_bytes: int, added_bytes: int) -> str:
        """Why a new message is refused; empty if it is not."""
        return self.refuses or (CAP_REACHED if self._file.space.exceeds_cap(used_bytes, added_bytes) else "")
