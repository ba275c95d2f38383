"""The sweep of a shard whose table is large: it reads few rows, ends leases in time, and passes damaged records."""

import logging
from collections.abc import Iterator
from zlib import crc32

import pytest

from crypt_core.commands import Create, Read
from crypt_core.lease import LEASE_SECONDS
from crypt_core.outcomes import Granted
from crypt_core.store import StorageUnavailable
from crypt_worker.durable_store import DurableStore
from crypt_worker.shards import SHARDS, Shards
from crypt_worker.sweep import ROWS_READ_A_DAY, SWEEP_INTERVAL
from tests.support.cloudflare import ShardNamespace, Storage
from tests.support.stores import Clock

IDS = [message_id for n in range(9_000) if crc32((message_id := f"a{n:04}").encode()) % SHARDS == 0]
"""Ids of one shard."""

DAY = 86_400  # seconds


class OneShard:
    """The store `durable`, for ids of one shard."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.shards = ShardNamespace(None, self.clock)
        self.store = DurableStore(Shards(self.shards))

    @property
    def storage(self) -> Storage:
        [storage] = self.shards.storages
        return storage

    def fill(self, rows: int, expires_at: float) -> None:
        """Add messages, as they lie in the table."""
        self.storage.sql.exec(
            "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < ?) INSERT INTO messages "
            """SELECT 'x' || n, ?, '{"content": "secret", "expires_at": ' || ? || '}' FROM n""",
            rows,
            expires_at,
            expires_at,
        )


@pytest.fixture
def shard() -> Iterator[OneShard]:
    shard = OneShard()
    yield shard
    shard.shards.close()


async def test_all_passes_of_a_day_read_a_million_rows_at_most(shard: OneShard) -> None:
    """Although each minute a message comes that lives for a minute."""
    await shard.store.apply(IDS[0], Create("secret", 60))
    shard.fill(5_000, shard.clock.now + 2 * DAY)
    before = shard.storage.statements.copy()
    for minute in range(DAY // 60):
        shard.clock.now += 60
        await shard.shards.ring()
        await shard.store.apply(IDS[minute % len(IDS)], Create("secret", 60))
        if minute % 7 == 0:
            shard.shards.hibernate()
    passes = sum(
        shard.storage.statements[sql] - before[sql] for sql in shard.storage.statements if "count(*), count(*)" in sql
    )
    assert passes > 5
    assert passes * 2 * 5_000 * SHARDS < ROWS_READ_A_DAY * 1.1


async def test_in_a_large_table_a_lease_ends_in_its_minute(shard: OneShard) -> None:
    await shard.store.apply(IDS[0], Create("secret", 60))
    shard.fill(5_000, shard.clock.now + 2 * DAY)
    shard.clock.now += 60
    await shard.shards.ring()  # from now on, the next pass is two hours away
    for message_id in IDS[1:3]:
        await shard.store.apply(message_id, Create("secret", DAY))
        assert await shard.store.apply(message_id, Read(idempotency_hash="key")) == Granted("secret")
    assert shard.shards.count() == 5_002
    shard.shards.hibernate()
    shard.clock.now += LEASE_SECONDS
    await shard.shards.ring()
    assert shard.shards.count() == 5_000


async def test_a_large_pass_goes_on_where_it_was(shard: OneShard) -> None:
    """What is due lies between what is not."""
    await shard.store.apply(IDS[0], Create("secret", 60))
    shard.fill(1_000, shard.clock.now + 60)
    shard.storage.sql.exec("UPDATE messages SET due_at = due_at + 3600 WHERE id LIKE 'x%1'")
    shard.clock.now += 60
    left = []
    for _ in range(11):
        await shard.shards.ring()
        left.append(shard.shards.count())
    assert left[0] == 901
    assert left[-1] == 100
    assert shard.storage.alarm_at == shard.clock.now + 3_600


async def test_a_record_that_cannot_be_read_stops_no_sweep(shard: OneShard, caplog: pytest.LogCaptureFixture) -> None:
    for message_id in IDS[:3]:
        await shard.store.apply(message_id, Create("secret", 60))
    for message_id, text in zip(IDS[:2], ("not json", '{"content": "secret", "expires_at": "soon"}'), strict=True):
        shard.storage.sql.exec("UPDATE messages SET record = ? WHERE id = ?", text, message_id)
    shard.clock.now += 60
    with caplog.at_level(logging.ERROR):
        await shard.shards.ring()
    assert caplog.messages == ["2 records cannot be read, and are set aside"]
    assert shard.shards.count() == 2
    assert shard.storage.alarm_at is None
    for message_id in IDS[:2]:
        with pytest.raises(StorageUnavailable, match="a record cannot be read"):
            await shard.store.apply(message_id, Read())
    await shard.store.apply(IDS[2], Create("another", 60))
    assert await shard.store.apply(IDS[2], Read()) == Granted("another")


async def test_an_object_that_slept_does_not_set_its_alarm_again(shard: OneShard) -> None:
    """Setting an alarm is billed as a row."""
    for message_id in IDS[:20]:
        await shard.store.apply(message_id, Create("secret", DAY))
        shard.shards.hibernate()
        shard.clock.now += 10
    assert shard.storage.alarms_set == 1


async def test_an_earlier_message_is_swept_earlier(shard: OneShard) -> None:
    await shard.store.apply(IDS[0], Create("secret", DAY))
    shard.shards.hibernate()
    await shard.store.apply(IDS[1], Create("secret", 60))
    shard.clock.now += SWEEP_INTERVAL
    await shard.shards.ring()
    assert shard.shards.count() == 1
