"""The Durable Object's part: it keeps the record of each of its ids, and grants the one read of a message.

A few shards share all ids between them. There is no object for each id: every guessed id would make an object, and
each object would stay.
"""

import time
from collections.abc import Callable, Coroutine
from typing import Any

from crypt_core.commands import Answer
from crypt_core.events import OnEvent, event_of, ignore
from crypt_core.limits.hourly_budgets import Exhausted, Taken
from crypt_core.messages import decide
from crypt_core.outcomes import Answered, Granted, Missing, Outcome
from crypt_core.record import Record
from crypt_worker.kv_payloads import KvPayloads, released_key
from crypt_worker.shard_misses import ShardMisses
from crypt_worker.shard_records import DamagedRecord, ShardRecords
from crypt_worker.sweep import Sweep
from crypt_worker.wire import Damaged, Fetch, Put, command_from_wire, to_wire


class Shard:
    """One shard's records. In the store `kv`, `content` in each is the key of the message's payload."""

    def __init__(
        self,
        storage: Any,
        payloads: KvPayloads | None,
        in_background: Callable[[Coroutine[Any, Any, None]], object],
        *,
        clock: Callable[[], float] = time.time,
        on_event: OnEvent = ignore,
    ) -> None:
        """Open the shard, with an empty table if the shard is new.

        Args:
            storage: The Durable Object's storage.
            payloads: The payloads of the messages; None if the records have the messages themselves.
            in_background: Lets work go on after the response.
            clock: Unix time in seconds.
            on_event: Receives what senders want to be told. The platform lets nothing out of an object before what it
                rests on is stored.
        """
        self._sql = storage.sql
        self._in_background = in_background
        self._payloads = payloads
        self._clock = clock
        self._records = ShardRecords(self._execute)
        self._on_event = on_event
        self._sweep = Sweep(self._records, storage, payloads, clock, on_event)
        self._misses = ShardMisses(clock)

    def _execute(self, sql: str, *values: object) -> list[Any]:
        rows: list[Any] = self._sql.exec(sql, *values).raw().toArray().to_py()
        return rows

    async def apply(
        self, message_id: str, command: str, fetched_key: str | None = None, client: str = "", misses_per_hour: int = 0
    ) -> str:
        """Apply `command` to the id's record and return the outcome, both as `wire` writes them.

        A read of a payload is granted only to a caller that has fetched the payload already: `fetched_key` is the
        payload's key. Any other caller gets a `Fetch`, and nothing has happened. So a payload that a lagging KV
        replica does not show yet is not lost.

        An answer without content is that of a caller who has put no payload yet. If it would be kept, its caller gets a
        `Put`, and nothing has happened. So answers that are refused cost no payload.

        If the command may be a guess, `misses_per_hour` says how many misses its `client` has. Without one left, the
        caller gets `Exhausted`, and nobody has looked.
        """
        now = self._clock()
        miss = self._misses.take(client, misses_per_hour)
        if isinstance(miss, Exhausted):
            return to_wire(miss)
        is_miss = False
        try:
            answer, changed = self._decide(message_id, command, fetched_key, now)
            is_miss = isinstance(answer, Missing)
        finally:
            if isinstance(miss, Taken) and not is_miss:
                self._misses.give_back(client, misses_per_hour)
        if changed is not None:
            await self._sweep.schedule(changed, now)
        return to_wire(answer)

    def _decide(
        self, message_id: str, command: str, fetched_key: str | None, now: float
    ) -> tuple[Outcome | Fetch | Put | Damaged, Record | None]:
        """Apply `command`, and return the answer, and the new record if there is one.

        Nothing here awaits: the platform commits all of it at once or nothing, and no other request of this object
        comes in between.
        """
        try:
            before = self._records.load(message_id)
        except DamagedRecord:
            return Damaged(), None
        asked = command_from_wire(command)
        after, outcome = decide(before, asked, now)
        if self._payloads and isinstance(outcome, Granted) and outcome.content != fetched_key:
            return Fetch(outcome.content), None
        if self._payloads and isinstance(asked, Answer) and isinstance(outcome, Answered) and not asked.content:
            return Put(round(outcome.expires_at - now)), None
        self._records.keep(message_id, before, after)
        self._release(before, after, now)
        if event := event_of(before, after, outcome, now):
            self._on_event(event)
        return outcome, None if after is before else after

    async def sweep(self) -> None:
        """Answer the alarm. Raises `StorageUnavailable` if the next alarm is not set: the platform repeats this one."""
        await self._sweep.sweep()

    def _release(self, before: Record | None, after: Record | None, now: float) -> None:
        key = released_key(before, after, now) if self._payloads else None
        if self._payloads and key is not None:
            self._in_background(self._payloads.delete(key))
