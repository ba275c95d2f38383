"""The sweep of a shard: what is due is expired although nobody asks for it, in short turns, for few rows.

Leases end within a minute: an index has them. All else waits for a pass over the whole table. The platform bills each
row that a pass reads, so passes are further apart the larger the table is.
"""

import logging
from asyncio import gather
from collections.abc import Callable, Iterable
from typing import Any

from crypt_core.events import OnEvent, event_of
from crypt_core.record import Record
from crypt_core.store import StorageUnavailable
from crypt_worker.alarm import Alarm
from crypt_worker.kv_payloads import KvPayloads, released_key
from crypt_worker.shard_records import Expiry, ShardRecords
from crypt_worker.shards import SHARDS

logger = logging.getLogger(__name__)

SWEEP_RECORDS = 100
"""Records that one alarm expires at most, and so the payloads that it deletes. Requests wait for it: some 30 ms."""

SWEEP_INTERVAL = 60.0
"""Seconds between two sweeps at least: an alarm is billed like a request."""

ROWS_READ_A_DAY = 1_000_000
"""Rows that the passes of all shards read in a day at most, of the 5 million of Cloudflare's free plan."""

INTERVAL_PER_ROW = 2 * SHARDS * 86_400 / ROWS_READ_A_DAY
"""Seconds between two passes over one shard for each of its rows: a pass reads a row twice."""


class Sweep:
    """The sweep of one shard, and the alarm that wakes the shard for it."""

    def __init__(
        self,
        records: ShardRecords,
        storage: Any,
        payloads: KvPayloads | None,
        clock: Callable[[], float],
        on_event: OnEvent,
    ) -> None:
        """`storage` is the object's; `payloads` are those of the records, None if the records have none."""
        self._records = records
        self._alarm = Alarm(storage)
        self._payloads = payloads
        self._clock = clock
        self._on_event = on_event
        self._passed = ""  # the last id that the pass under way has looked at

    async def schedule(self, record: Record, now: float) -> None:
        """Set the alarm so that `record`, which has just been kept, is swept in its time.

        If the alarm cannot be set, the record is kept all the same, and the next change of this shard tries again.
        """
        if self._alarm.is_before(record.due_at, now):
            return
        is_leased = record.due_at < record.expires_at
        try:
            await self._alarm.wake_by(record.due_at if is_leased else max(record.due_at, self._records.next_pass), now)
        except StorageUnavailable as error:
            logger.warning("no alarm is set to sweep what expires: %s", error)

    async def sweep(self) -> None:
        """Expire records that are due, `SWEEP_RECORDS` at most, and set the next alarm: for at once if more are due.

        Raises:
            StorageUnavailable: The alarm is not set. The platform repeats an alarm that fails.
        """
        self._alarm.rings()
        now = self._clock()
        expired = self._records.end_leases(now, SWEEP_RECORDS)
        next_pass: float | None = self._records.next_pass
        if len(expired) == SWEEP_RECORDS:
            next_pass = now
        elif self._records.next_pass <= now:
            others, self._passed = self._records.expire_after(self._passed, now, SWEEP_RECORDS - len(expired))
            expired += others
            next_pass = now if self._passed else self._end_pass(now)
        elif self._records.is_empty():
            next_pass = None
        for before, after in expired:
            if event := event_of(before, after, None, now):
                self._on_event(event)
        # Before the next alarm is set, or the payloads of many sweeps would be waited for at the same time.
        await self._delete_payloads(expired, now)
        now = self._clock()
        lease_end = self._records.next_lease_end()
        next_sweep = None if lease_end is None else max(lease_end, now + SWEEP_INTERVAL)
        times = [time for time in (next_pass, next_sweep) if time is not None]
        if times:  # meanwhile, a new record may have set an earlier alarm
            await self._alarm.wake_by(min(times), now)

    def _end_pass(self, now: float) -> float | None:
        """Decide when the next pass is, as Unix time in seconds; None if there is no record to sweep."""
        table = self._records.look_over()
        if table.set_aside:
            logger.error("%d records cannot be read, and are set aside", table.set_aside)
        interval = max(SWEEP_INTERVAL, table.rows * INTERVAL_PER_ROW)
        if interval > SWEEP_INTERVAL:
            self._records.next_pass = now + interval
        return None if table.next_due is None else max(table.next_due, now + interval)

    async def _delete_payloads(self, expired: Iterable[Expiry], now: float) -> None:
        if self._payloads:
            keys = (released_key(before, after, now) for before, after in expired)
            await gather(*(self._payloads.delete(key) for key in keys if key is not None))
