"""The Durable Object's part: it keeps whose an id is, and grants the one read of its message.

A few shards share all ids between them. There is no object for each id: every guessed id would make an object, and
each object would stay.
"""

import logging
import time
from asyncio import gather
from collections.abc import Callable, Coroutine
from typing import Any
from zlib import crc32

from crypt_core.errors import StorageUnavailable
from crypt_core.messages import Granted, decide
from crypt_core.sql_records import SqlRecords
from crypt_worker.alarm import SWEEP_INTERVAL, Alarm
from crypt_worker.kv_payloads import KvPayloads, released_key
from crypt_worker.wire import Fetch, command_from_wire, to_wire

logger = logging.getLogger(__name__)

SHARDS = 8
"""One object takes 200 to 500 writes a second. Never change this number while messages live: their ids would be
looked up in other shards."""

SWEEP_RECORDS = 100
"""Records that one alarm expires at most, and so the payloads that it deletes. Requests wait for it: some 30 ms."""

# Without a rowid and without a second index, keeping or removing a record is billed as one row.
_SCHEMA = "CREATE TABLE IF NOT EXISTS messages (id TEXT PRIMARY KEY, due_at REAL, record TEXT) WITHOUT ROWID"


def shard_name(message_id: str) -> str:
    """The shard that an id belongs to."""
    return f"messages-{crc32(message_id.encode()) % SHARDS}"


class Shard:
    """One shard's records: in each, `content` is the key of the message's payload in KV."""

    def __init__(
        self,
        storage: Any,
        payloads: KvPayloads,
        in_background: Callable[[Coroutine[Any, Any, None]], object],
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Open the shard, with an empty table if the shard is new.

        Args:
            storage: The Durable Object's storage.
            payloads: The payloads of the messages.
            in_background: Lets work go on after the response.
            clock: Unix time in seconds.
        """
        self._storage = storage
        self._in_background = in_background
        self._payloads = payloads
        self._clock = clock
        self._alarm = Alarm(storage)
        self._records = SqlRecords(self._execute)
        self._execute(_SCHEMA)

    def _execute(self, sql: str, *values: object) -> list[Any]:
        return [list(row) for row in self._storage.sql.exec(sql, *values).raw()]

    async def apply(self, message_id: str, command: str, fetched_key: str | None) -> str:
        """Apply `command` to the id's record and return the outcome, both as `wire` writes them.

        A read is granted only to a caller that has fetched the payload already: `fetched_key` is the payload's key.
        Any other caller gets a `Fetch`, and nothing has happened. So a payload that a lagging KV replica does not
        show yet is not lost.
        """
        # From here to the last write nothing awaits: the platform commits all of it at once or nothing,
        # and no other request of this object comes in between.
        now = self._clock()
        before = self._records.load(message_id)
        after, outcome = decide(before, command_from_wire(command), now)
        if isinstance(outcome, Granted) and outcome.content != fetched_key:
            return to_wire(Fetch(outcome.content))
        self._records.keep(message_id, before, after)
        key = released_key(before, after, now)
        if key is not None:
            self._in_background(self._payloads.delete(key))
        if after is not None and after is not before and not self._alarm.wakes_for(after.due_at, now):
            await self._set_alarm_or_log(now)
        return to_wire(outcome)

    async def sweep(self) -> None:
        """Expire records that are due, `SWEEP_RECORDS` at most, and set the next alarm: for at once if more are due.

        Raises:
            StorageUnavailable: The alarm is not set. The platform repeats an alarm that fails.
        """
        self._alarm.rings()
        now = self._clock()
        changes = self._records.sweep(now, SWEEP_RECORDS)
        # Before the next alarm is set, or the payloads of many sweeps would be waited for at the same time.
        keys = (released_key(before, after, now) for before, after in changes)
        await gather(*(self._payloads.delete(key) for key in keys if key is not None))
        if len(changes) == SWEEP_RECORDS:
            await self._alarm.set(self._clock())
        else:
            await self._set_alarm(self._clock())

    async def _set_alarm(self, now: float) -> None:
        """Wake the object when the next record is due, or a sweep's interval from now; never if there is no record."""
        due_at = self._records.next_due()
        if due_at is not None:
            await self._alarm.set(max(due_at, now + SWEEP_INTERVAL))

    async def _set_alarm_or_log(self, now: float) -> None:
        """The record is kept, and the caller is told so; the next change of this shard tries again."""
        try:
            await self._set_alarm(now)
        except StorageUnavailable as error:
            logger.warning("no alarm is set to sweep what expires: %s", error)
