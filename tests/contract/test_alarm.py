"""The alarm of a shard: it sweeps in short turns, and comes back when the platform fails to set it or to ring it."""

import logging
from collections.abc import Iterator
from zlib import crc32

import pytest

from crypt_core.commands import Create, Read
from crypt_core.lease import LEASE_SECONDS
from crypt_core.outcomes import Created, Granted
from crypt_core.record import AccessHashes
from crypt_core.store import StorageUnavailable
from crypt_worker.kv_store import KvStore
from crypt_worker.shards import SHARDS, Shards
from crypt_worker.sweep import SWEEP_INTERVAL, SWEEP_RECORDS
from tests.support.cloudflare import KvNamespace, PlatformError, ShardNamespace, Storage, payloads
from tests.support.stores import Clock

IDS = [message_id for n in range(90_000) if crc32((message_id := f"a{n:04}").encode()) % SHARDS == 0]
"""Ids of one shard."""


class OneShard:
    """The Worker's store, for ids of one shard."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.kv = KvNamespace(self.clock)
        self.shards = ShardNamespace(self.kv, self.clock)
        self.store = KvStore(payloads(self.kv), Shards(self.shards))

    @property
    def storage(self) -> Storage:
        [storage] = self.shards.storages
        return storage

    async def create(self, *ids: str, ttl: int = 60) -> None:
        for message_id in ids:
            assert isinstance(await self.store.apply(message_id, Create("secret", ttl)), Created)


@pytest.fixture
def shard() -> Iterator[OneShard]:
    shard = OneShard()
    yield shard
    shard.shards.close()


async def test_what_is_created_while_no_alarm_can_be_set_is_kept_and_told(
    shard: OneShard, caplog: pytest.LogCaptureFixture
) -> None:
    await shard.create(IDS[0], ttl=3_600)
    shard.shards.hibernate()
    shard.storage.refuses_alarms = True
    with caplog.at_level(logging.WARNING):
        await shard.create(IDS[1])  # asserts that the answer is Created
    assert "no alarm is set" in caplog.text
    assert not any(text in caplog.text for text in (IDS[1], "secret"))
    assert await shard.store.apply(IDS[1], Read()) == Granted("secret")


async def test_an_alarm_that_could_not_be_set_is_set_with_the_next_change(shard: OneShard) -> None:
    await shard.create(IDS[0], ttl=3_600)
    shard.storage.refuses_alarms = True
    await shard.create(IDS[1])
    shard.storage.refuses_alarms = False
    await shard.create(IDS[2], ttl=3_600)  # would not need an alarm before its own time
    shard.clock.now += 60
    await shard.shards.ring()
    assert shard.shards.count() == 2


async def test_an_alarm_that_the_platform_never_rings_is_set_again(shard: OneShard) -> None:
    await shard.create(IDS[0])
    shard.storage.alarm_at = None  # the platform has given up on it
    shard.clock.now += 60 + SWEEP_INTERVAL
    await shard.create(IDS[1])
    shard.clock.now += 60
    await shard.shards.ring()
    assert shard.shards.count() == 0


async def test_a_sweep_that_cannot_set_the_next_alarm_is_repeated_by_the_platform(shard: OneShard) -> None:
    await shard.create(IDS[0])
    await shard.create(IDS[1], ttl=3_600)
    shard.clock.now += 60
    shard.storage.refuses_alarms = True
    with pytest.raises(StorageUnavailable):  # for the platform: only an alarm that raises is repeated
        await shard.shards.ring()
    shard.storage.refuses_alarms = False
    assert shard.storage.alarm_at is None
    await shard.create(IDS[2])  # and when the platform gives up, the next change sets the alarm
    shard.clock.now += 60
    await shard.shards.ring()
    assert shard.shards.count() == 1
    assert shard.storage.alarm_at == shard.clock.now + 3_600 - 120


async def test_a_sweep_that_leaves_nothing_needs_a_new_alarm_for_the_next_message(shard: OneShard) -> None:
    await shard.create(IDS[0])
    shard.clock.now += 60
    await shard.shards.ring()
    assert shard.storage.alarm_at is None
    await shard.create(IDS[1])
    assert shard.storage.alarm_at == shard.clock.now + 60


async def test_an_alarm_rings_no_millisecond_before_its_record_is_due(shard: OneShard) -> None:
    shard.clock.now += 0.000_25
    await shard.create(IDS[0])
    assert shard.storage.alarm_at is not None
    assert 0 <= shard.storage.alarm_at - (shard.clock.now + 60) < 0.001


@pytest.mark.parametrize("count", [20_000, pytest.param(100_000, marks=pytest.mark.long)])
async def test_many_due_records_are_swept_in_short_turns_with_requests_between(shard: OneShard, count: int) -> None:
    await shard.create(IDS[0])
    shard.storage.sql.exec(
        "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < ?) "
        """INSERT INTO messages SELECT 'x' || n, 1, '{"content": "key", "expires_at": 1}' FROM n""",
        count - 1,
    )
    shard.clock.now += 60
    for turn in range(1, count // SWEEP_RECORDS + 1):
        await shard.shards.ring()
        assert shard.shards.count() == count - turn * SWEEP_RECORDS
        await shard.create(IDS[turn], ttl=3_600)
        assert await shard.store.apply(IDS[turn], Read()) == Granted("secret")
    await shard.create(IDS[0], ttl=3_600)
    await shard.shards.ring()
    assert shard.storage.alarm_at == shard.clock.now + 3_600


async def test_a_sweep_deletes_few_payloads_at_a_time(shard: OneShard) -> None:
    """Of leases that ended: the payloads of what expires go by themselves."""
    sealed = Create("secret", 86_400, AccessHashes("proof"))
    count = SWEEP_RECORDS * 2 + 10
    for message_id in IDS[:count]:
        await shard.store.apply(message_id, sealed)
        assert await shard.store.apply(message_id, Read("proof", idempotency_hash="key")) == Granted("secret")
    at_once = most = 0
    delete = shard.kv.delete

    async def slow_delete(key: str) -> None:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        await delete(key)
        at_once -= 1

    shard.kv.delete = slow_delete  # type: ignore[method-assign]
    shard.clock.now += LEASE_SECONDS
    for left in (count - SWEEP_RECORDS, count - 2 * SWEEP_RECORDS, 0):
        await shard.shards.ring()
        assert len(shard.kv.values) == left
    assert most <= SWEEP_RECORDS


async def test_a_payload_that_cannot_be_deleted_stops_no_sweep(shard: OneShard) -> None:
    await shard.store.apply(IDS[0], Create("secret", 86_400, AccessHashes("proof")))
    await shard.store.apply(IDS[0], Read("proof", idempotency_hash="key"))

    async def failing(key: str) -> None:
        raise PlatformError(f"KV DELETE {key} failed: 503 Service Unavailable")

    shard.kv.delete = failing  # type: ignore[method-assign]
    shard.clock.now += LEASE_SECONDS
    await shard.shards.ring()
    assert shard.storage.alarm_at == shard.clock.now + 86_400 - LEASE_SECONDS


async def test_a_message_that_comes_while_a_sweep_waits_is_swept_in_its_time(shard: OneShard) -> None:
    await shard.create(IDS[0], ttl=86_400)
    await shard.store.apply(IDS[1], Create("secret", 86_400, AccessHashes("proof")))
    await shard.store.apply(IDS[1], Read("proof", idempotency_hash="key"))
    delete = shard.kv.delete

    async def slow_delete(key: str) -> None:
        await shard.create(IDS[2], ttl=60)
        await delete(key)

    shard.kv.delete = slow_delete  # type: ignore[method-assign]
    shard.clock.now += LEASE_SECONDS
    await shard.shards.ring()
    shard.clock.now += 60
    await shard.shards.ring()
    assert shard.shards.count() == 2
