"""The `kv` store over a Cloudflare whose time, lag and failures the tests decide."""

from collections.abc import Iterator

import pytest

from crypt_core.commands import Answer, Create, GetQuestion, Read
from crypt_core.lease import LEASE_SECONDS
from crypt_core.outcomes import AlreadyAnswered, Answered, Created, Granted, Missing, Question, Repeated, RepeatedAnswer
from crypt_core.record import AccessHashes
from crypt_core.store import StorageUnavailable
from crypt_worker.kv_store import KvStore
from crypt_worker.shards import SHARDS, Shards, shard_name
from crypt_worker.sweep import SWEEP_INTERVAL
from crypt_worker.wire import to_wire
from tests.support.cloudflare import Buffer, KvNamespace, ShardNamespace, payloads
from tests.support.stores import Clock

DAY = 86_400  # seconds


class FakeCloudflare:
    """The Worker's store over a platform whose time, lag and failures are ours."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.kv = KvNamespace(self.clock)
        self.shards = ShardNamespace(self.kv, self.clock)
        self.store = KvStore(payloads(self.kv), Shards(self.shards))


@pytest.fixture
def cloudflare() -> Iterator[FakeCloudflare]:
    cloudflare = FakeCloudflare()
    yield cloudflare
    cloudflare.shards.close()


async def test_a_lagging_replica_reads_nothing(cloudflare: FakeCloudflare) -> None:
    await cloudflare.store.apply("abc12", Create("secret", DAY))
    cloudflare.kv.lagging = True
    for _ in range(2):
        with pytest.raises(StorageUnavailable):
            await cloudflare.store.apply("abc12", Read())
    cloudflare.kv.lagging = False
    assert await cloudflare.store.apply("abc12", Read()) == Granted("secret")


@pytest.mark.parametrize("part", ["kv", "shards"])
async def test_while_a_part_is_down_nothing_is_lost_and_nothing_read(cloudflare: FakeCloudflare, part: str) -> None:
    await cloudflare.store.apply("abc12", Create("secret", DAY))
    setattr(getattr(cloudflare, part), "failing", True)  # noqa: B010
    for command in (Read(), Create("another", DAY)):
        with pytest.raises(StorageUnavailable) as error:
            await cloudflare.store.apply("abc12", command)
        assert "secret" not in str(error.value)
    setattr(getattr(cloudflare, part), "failing", False)  # noqa: B010
    assert await cloudflare.store.apply("abc12", Read()) == Granted("secret")


async def test_a_payload_that_lost_its_id_is_removed(cloudflare: FakeCloudflare) -> None:
    await cloudflare.store.apply("abc12", Create("first", DAY))
    await cloudflare.store.apply("abc12", Create("second", DAY))
    assert len(cloudflare.kv.values) == 1
    assert await cloudflare.store.apply("abc12", Read()) == Granted("first")


async def test_the_last_of_a_message_goes_with_its_read(cloudflare: FakeCloudflare) -> None:
    await cloudflare.store.apply("abc12", Create("secret", DAY))
    await cloudflare.store.apply("abc12", Read())
    assert cloudflare.kv.values == []
    assert cloudflare.shards.count() == 0


async def test_expired_records_are_swept_by_alarm(cloudflare: FakeCloudflare) -> None:
    await cloudflare.store.apply("abc12", Create("secret", 60))
    await cloudflare.store.apply("abc13", Create("secret", DAY))
    cloudflare.clock.now += 59
    await cloudflare.shards.ring()
    assert cloudflare.shards.count() == 2
    cloudflare.clock.now += SWEEP_INTERVAL
    await cloudflare.shards.ring()
    assert cloudflare.shards.count() == 1
    cloudflare.clock.now += DAY
    await cloudflare.shards.ring()
    assert cloudflare.shards.count() == 0
    assert all(storage.alarm_at is None for storage in cloudflare.shards.storages)


async def test_what_a_nonce_held_is_removed_by_alarm(cloudflare: FakeCloudflare) -> None:
    await cloudflare.store.apply("abc12", Create("secret", DAY, AccessHashes("proof")))
    assert await cloudflare.store.apply("abc12", Read("proof", idempotency_hash="nonce")) == Granted("secret")
    cloudflare.clock.now += LEASE_SECONDS - 1
    await cloudflare.shards.ring()
    assert len(cloudflare.kv.values) == 1
    cloudflare.clock.now += 1
    await cloudflare.shards.ring()
    assert cloudflare.kv.values == []
    assert cloudflare.shards.count() == 1  # the tombstone
    cloudflare.clock.now += DAY
    await cloudflare.shards.ring()
    assert cloudflare.shards.count() == 0


async def test_a_repeated_request_leaves_no_second_payload(cloudflare: FakeCloudflare) -> None:
    for kind in (Created, Repeated):
        outcome = await cloudflare.store.apply("abc12", Create("secret", DAY, AccessHashes("proof"), 1, "request"))
        assert isinstance(outcome, kind)
    assert len(cloudflare.kv.values) == 1


async def test_an_object_that_slept_keeps_its_alarms(cloudflare: FakeCloudflare) -> None:
    same_shard = [f"abc{n:02}" for n in range(90) if shard_name(f"abc{n:02}") == "messages-0"]
    await cloudflare.store.apply(same_shard[0], Create("a", 100))
    cloudflare.shards.hibernate()
    await cloudflare.store.apply(same_shard[1], Create("b", 200))
    cloudflare.shards.hibernate()
    cloudflare.clock.now += 100
    await cloudflare.shards.ring()
    assert cloudflare.shards.count() == 1
    assert await cloudflare.store.apply(same_shard[1], Read()) == Granted("b")


async def test_no_request_can_make_more_objects(cloudflare: FakeCloudflare) -> None:
    for number in range(1_000):
        assert await cloudflare.store.apply(f"guess{number}", Read()) == Missing()
    assert len(cloudflare.shards.names) == SHARDS
    assert cloudflare.shards.count() == 0


async def test_an_id_that_passed_on_while_it_was_read_is_read_anew(cloudflare: FakeCloudflare) -> None:
    """Between the fetch of the payload and the claim, the message expires and its id gets another."""
    await cloudflare.store.apply("abc12", Create("first", 60))
    fetch = cloudflare.kv.get

    is_first = True

    async def slow_get(key: str, kind: str) -> Buffer | None:
        nonlocal is_first
        value = await fetch(key, kind)
        if is_first:
            is_first = False
            cloudflare.clock.now += 60
            assert isinstance(await cloudflare.store.apply("abc12", Create("second", DAY)), Created)
        return value

    cloudflare.kv.get = slow_get  # type: ignore[method-assign]
    assert await cloudflare.store.apply("abc12", Read()) == Granted("second")


async def test_a_payload_that_is_not_encrypted_is_not_read(cloudflare: FakeCloudflare) -> None:
    name = "n" * 32
    await cloudflare.kv.put(name, Buffer(b"secret"), expirationTtl=DAY)
    shard = cloudflare.shards.getByName(shard_name("abc12"))
    await shard.apply("abc12", to_wire(Create(name, DAY)), None)
    with pytest.raises(StorageUnavailable):
        await cloudflare.store.apply("abc12", Read())


async def test_a_payload_that_has_been_changed_is_not_read(cloudflare: FakeCloudflare) -> None:
    await cloudflare.store.apply("abc12", Create("secret", DAY))
    cloudflare.kv.change(lambda value: Buffer(value[:-1] + bytes([value[-1] ^ 1])))
    with pytest.raises(StorageUnavailable):
        await cloudflare.store.apply("abc12", Read())
    cloudflare.kv.change(lambda value: Buffer(value[:-1] + bytes([value[-1] ^ 1])))
    assert await cloudflare.store.apply("abc12", Read()) == Granted("secret")


QUESTION = Create("question", DAY, AccessHashes("proof"), 1, "request", "answer proof")


async def test_an_answer_that_is_refused_writes_no_payload(cloudflare: FakeCloudflare) -> None:
    """Answers need no create token, and Cloudflare's free plan has 1,000 writes a day."""
    await cloudflare.store.apply("asked", QUESTION)
    written: list[str] = []
    put = cloudflare.kv.put

    async def counted_put(key: str, value: Buffer, *, expirationTtl: int) -> None:  # noqa: N803
        written.append(key)
        await put(key, value, expirationTtl=expirationTtl)

    cloudflare.kv.put = counted_put  # type: ignore[method-assign]
    assert await cloudflare.store.apply("asked", Answer("answer", "wrong", "answer")) == Missing()
    assert isinstance(await cloudflare.store.apply("asked", Answer("answer", "answer proof", "answer")), Answered)
    assert await cloudflare.store.apply("asked", Answer("other", "answer proof", "other")) == AlreadyAnswered()
    assert isinstance(await cloudflare.store.apply("asked", Answer("answer", "answer proof", "answer")), RepeatedAnswer)
    assert len(written) == 1
    assert len(cloudflare.kv.values) == 1  # the question's is deleted


@pytest.mark.parametrize("trouble", ["lagging", "failing"])
async def test_an_answer_that_kv_does_not_take_leaves_the_question(cloudflare: FakeCloudflare, trouble: str) -> None:
    await cloudflare.store.apply("asked", QUESTION)
    setattr(cloudflare.kv, trouble, True)
    with pytest.raises(StorageUnavailable):
        await cloudflare.store.apply("asked", GetQuestion("answer proof"))
    if trouble == "failing":
        with pytest.raises(StorageUnavailable):
            await cloudflare.store.apply("asked", Answer("answer", "answer proof", "answer"))
    setattr(cloudflare.kv, trouble, False)
    asked = await cloudflare.store.apply("asked", GetQuestion("answer proof"))
    assert isinstance(asked, Question)
    assert asked.content == "question"
