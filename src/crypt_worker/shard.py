"""The Durable Object's part: it keeps whose an id is, and grants the one read of its message.

A few shards share all ids between them. There is no object for each id: every guessed id would make an object, and
each object would stay.
"""

import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any
from zlib import crc32

from crypt_core.errors import StorageUnavailable
from crypt_core.messages import Granted, decide
from crypt_core.record import Record
from crypt_core.sql_records import SqlRecords
from crypt_worker.alarm import Alarm
from crypt_worker.kv_payloads import KvPayloads
from crypt_worker.wire import Fetch, command_from_wire, to_wire

logger = logging.getLogger(__name__)

SHARDS = 8
"""One object takes 200 to 500 writes a second. Never change this number while messages live: their ids would be
looked up in other shards."""

SWEEP_CHUNK = 500
"""Records that are read, and so kept in memory, at a time."""

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
        namespace: Any,
        wait_until: Callable[[Awaitable[None]], object],
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Open the shard, with an empty table if the shard is new.

        Args:
            storage: The Durable Object's storage.
            namespace: The KV binding with the payloads.
            wait_until: The SDK's function that lets work go on after the response. (The context's own `waitUntil`
                drops a coroutine in a Durable Object without a word.)
            clock: Unix time in seconds.
        """
        self._storage = storage
        self._wait_until = wait_until
        self._payloads = KvPayloads(namespace)
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
        self._delete_released_payload(before, after, now)
        if after is not None and after is not before and self._alarm.is_too_late_for(after.due_at):
            await self._alarm.set(self._records.next_due(), now)
        return to_wire(outcome)

    async def sweep(self) -> None:
        """Expire all records that are due, and set the next alarm."""
        now = self._clock()
        more = True
        while more:
            changes = self._records.sweep(now, SWEEP_CHUNK)
            for before, after in changes:
                self._delete_released_payload(before, after, now)
            more = len(changes) == SWEEP_CHUNK
        await self._alarm.set(self._records.next_due(), now)

    def _delete_released_payload(self, before: Record | None, after: Record | None, now: float) -> None:
        """Delete the payload of a message that is gone before its time. KV itself expires the others."""
        if before is None or before.content is None or before.expires_at <= now:
            return
        if after is None or after.content != before.content:
            self._wait_until(self._delete_payload(before.content))

    async def _delete_payload(self, key: str) -> None:
        try:
            await self._payloads.delete(key)
        except StorageUnavailable as error:  # nobody is granted this payload again
            logger.warning("a read message's payload stays until it expires: %s", error)
