"""The Durable Object's part: whose an id is, and who gets the one read of its message.

A few shards share all ids between them. There is never one for each id: whoever guesses ids would make one
with every guess, and each would stay.
"""

import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any
from zlib import crc32

from crypt_core.messages import Granted, decide
from crypt_core.record import Record
from crypt_core.record_table import RecordTable
from crypt_worker.wire import Fetch, command_from_wire, to_wire

logger = logging.getLogger(__name__)

SHARDS = 8
"""One object takes 200 to 500 writes a second. Never change it while messages live: their ids would be looked up
in other shards."""

SWEEP_INTERVAL = 60.0
"""Seconds between two sweeps at least: an alarm is billed like a request."""

SWEEP_CHUNK = 500
"""Records that are read, and so held in memory, at a time."""

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
        """Open the shard, with an empty table if it is new.

        Args:
            storage: The Durable Object's own.
            namespace: The KV with the payloads.
            wait_until: The SDK's, which lets work go on after the answer. (A context's own `waitUntil` would drop
                a coroutine in a Durable Object without a word.)
            clock: Unix time in seconds.
        """
        self._storage = storage
        self._wait_until = wait_until
        self._namespace = namespace
        self._clock = clock
        self._alarm_at: float | None = None  # None: not known since the object woke up
        self._table = RecordTable(self._execute)
        self._execute(_SCHEMA)

    def _execute(self, sql: str, *values: object) -> list[Any]:
        return [list(row) for row in self._storage.sql.exec(sql, *values).raw()]

    async def apply(self, message_id: str, command: str, holding: str | None) -> str:
        """Apply `command` to the id's record, and give the outcome, both as `wire` writes them.

        A read is granted only to a caller who already has the payload: `holding` is its key. Any other caller
        gets a `Fetch`, and nothing has happened. So a payload that a lagging KV replica does not show yet is
        not lost.
        """
        # From here to the last write nothing awaits: the platform commits all of it at once or nothing,
        # and no other request of this object comes in between.
        now = self._clock()
        before = self._table.load(message_id)
        after, outcome = decide(before, command_from_wire(command), now)
        if isinstance(outcome, Granted) and outcome.content != holding:
            return to_wire(Fetch(outcome.content))
        self._table.keep(message_id, before, after)
        self._release_payload(before, after, now)
        if after is not None and after is not before and (self._alarm_at is None or after.due_at < self._alarm_at):
            await self._set_alarm(now)
        return to_wire(outcome)

    async def sweep(self) -> None:
        """Let time do its work on what is due."""
        now = self._clock()
        more = True
        while more:
            changes = self._table.sweep(now, SWEEP_CHUNK)
            for before, after in changes:
                self._release_payload(before, after, now)
            more = len(changes) == SWEEP_CHUNK
        await self._set_alarm(now)

    def _release_payload(self, before: Record | None, after: Record | None, now: float) -> None:
        """Delete the payload of a message that is gone before its time; others KV lets expire itself."""
        if before is None or before.content is None or before.expires_at <= now:
            return
        if after is None or after.content != before.content:
            self._wait_until(self._delete_payload(before.content))

    async def _set_alarm(self, now: float) -> None:
        due_at = self._table.next_due()
        self._alarm_at = None if due_at is None else max(due_at, now + SWEEP_INTERVAL)
        if self._alarm_at is not None:
            await self._storage.setAlarm(int(self._alarm_at * 1_000))

    async def _delete_payload(self, key: str) -> None:
        try:
            await self._namespace.delete(key)
        except Exception as error:  # noqa: BLE001 - the platform's; nobody is granted this payload again
            logger.warning("a read message's payload stays until it expires: %s", type(error).__name__)
