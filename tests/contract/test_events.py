"""What senders are told: each store tells of each change once, whoever asked for it, and of nothing else."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from crypt_api.server.stores.memory import MemoryStore
from crypt_core.commands import Acknowledge, Answer, Create, Destroy, GetQuestion, GetReceipt, Read
from crypt_core.events import Event
from crypt_core.outcomes import Created, Granted, Missing
from crypt_core.record import AccessHashes
from crypt_core.store import Store
from crypt_worker.durable_store import DurableStore
from crypt_worker.shards import Shards
from tests.support.cloudflare import ShardNamespace
from tests.support.stores import STORES, Clock

DAY = 86_400  # seconds
LOCKED = AccessHashes("proof", "passphrase")

Told = list[tuple[str, str]]


class Sender:
    """Sends messages to one store, and is told what becomes of them."""

    def __init__(self) -> None:
        self.store: Store
        self.told: Told = []

    def happened(self, event: Event) -> None:
        self.told.append((event.kind, event.reference))

    async def eventually(self, expected: Told, ask: Callable[[], Awaitable[object]] | None = None) -> None:
        """Wait for what the store says by itself, or when it is asked."""
        for _ in range(400):
            if sorted(self.told) == sorted(expected):
                break
            if ask is not None:
                await ask()
            await asyncio.sleep(0.05)
        await asyncio.sleep(0)
        assert sorted(self.told) == sorted(expected)


@pytest.fixture(params=STORES)
def sender(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> Iterator[Sender]:
    sender = Sender()
    with STORES[request.param](tmp_path, clock, sender.happened) as sender.store:
        yield sender


async def test_a_sender_is_told_of_each_read_and_of_the_end(sender: Sender) -> None:
    apply = sender.store.apply
    await apply("abc12", Create("secret", DAY, reference="plain"))
    await asyncio.gather(*(apply("abc12", Read()) for _ in range(8)))
    assert sender.told == [("read", "plain")]

    await apply("sealed", Create("secret", DAY, AccessHashes("proof"), 3, "request", reference="three readers"))
    await apply("sealed", Create("secret", DAY, AccessHashes("proof"), 3, "request", reference="three readers"))
    for _ in range(2):  # the second time by its lease
        assert isinstance(await apply("sealed", Read("proof", None, "key")), Granted)
    await apply("sealed", Acknowledge("proof", "key"))
    await apply("sealed", Read("wrong"))
    await apply("sealed", GetReceipt("proof"))
    await apply("sealed", Read("proof"))
    await apply("sealed", Destroy("proof"))
    await apply("sealed", Destroy("proof"))
    assert sender.told[1:] == [("read", "three readers")] * 2 + [("destroyed", "three readers")]

    await apply("locked", Create("secret", DAY, LOCKED, 1, "request", reference="guessed"))
    for _ in range(11):
        await apply("locked", Read("proof", "wrong"))
    await apply("silent", Create("secret", DAY))
    await apply("silent", Read())
    assert sender.told[4:] == [("destroyed", "guessed")]

    asked = Create("question", DAY, AccessHashes("proof"), 1, "request", "answer proof", "asked")
    await apply("asked", asked)
    await apply("asked", GetQuestion("answer proof"))
    for _ in range(2):  # the second time since the first response was lost
        await apply("asked", Answer("answer", "answer proof", "answering"))
    await apply("asked", Answer("another", "answer proof", "answering again"))
    await apply("asked", Read("proof"))
    assert sender.told[5:] == [("answered", "asked"), ("read", "asked")]


async def test_a_reader_who_leaves_hides_nothing(sender: Sender) -> None:
    """The message is taken, or it is there for the next reader; one of them is told of."""
    apply = sender.store.apply
    for number in range(20):
        message_id = f"abc{number}"
        await apply(message_id, Create("secret", DAY, AccessHashes("proof"), 1, "request", reference=message_id))
        reading = asyncio.ensure_future(apply(message_id, Read("proof", None, "key")))
        for _ in range(number):
            await asyncio.sleep(0)
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        assert isinstance(await apply(message_id, Read("proof", None, "key")), Granted)
    await sender.eventually([("read", f"abc{number}") for number in range(20)])


@pytest.mark.parametrize("name", STORES)
async def test_a_sender_is_told_once_when_the_time_is_up(name: str, tmp_path: Path, clock: Clock) -> None:
    """By the store itself; in a dict, and in shards whose alarm has not rung, by whoever asks next."""
    sender = Sender()
    with STORES[name](tmp_path, clock, sender.happened) as sender.store:
        apply = sender.store.apply

        async def ask_for_both() -> None:
            await apply("abc12", Read())
            await apply("abc15", Read("proof"))

        await apply("abc12", Create("secret", 60, reference="nobody came"))
        await apply("abc13", Create("secret", 60, AccessHashes("proof"), 2, "request", reference="somebody came"))
        await apply("abc13", Read("proof"))
        await apply("abc14", Create("secret", 60))
        await apply("abc15", Create("question", 60, AccessHashes("proof"), 1, "request", "answer proof", "no answer"))
        clock.now += 60
        asks = name in ("memory", "kv", "durable")
        expected = [("read", "somebody came"), ("expired", "nobody came"), ("expired", "no answer")]
        await sender.eventually(expected, ask_for_both if asks else None)
        assert await apply("abc12", Read()) == Missing()
        assert isinstance(await apply("abc12", Create("another", 60)), Created)
        assert sorted(sender.told) == sorted(expected)


async def test_a_shard_tells_when_its_alarm_rings(clock: Clock) -> None:
    sender = Sender()
    shards = ShardNamespace(None, clock, sender.happened)
    store = DurableStore(Shards(shards))
    await store.apply("abc12", Create("secret", 60, reference="nobody came"))
    clock.now += 60
    await shards.ring()
    await shards.ring()
    shards.close()
    assert sender.told == [("expired", "nobody came")]


async def test_an_id_that_is_used_again_is_told_of_first(clock: Clock) -> None:
    sender = Sender()
    store = MemoryStore(clock, sender.happened)
    await store.apply("abc12", Create("first", 60, reference="first"))
    clock.now += 60
    await store.apply("abc12", Create("second", 60, reference="second"))
    await store.apply("abc12", Read())
    assert sender.told == [("expired", "first"), ("read", "second")]
