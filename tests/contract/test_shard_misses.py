"""Misses are counted in the shards, so over all isolates, on both stores."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Iterator

import pytest

from crypt_core.commands import Acknowledge, Create, Destroy, Read
from crypt_core.http.app import App
from crypt_core.http.types import Request
from crypt_core.limits.client_limits import OwnLimits
from crypt_core.limits.guesses import NoMissLeft
from crypt_core.limits.hourly_budgets import Exhausted, HourlyBudgets, Taken
from crypt_core.limits.rate_limiter import NETWORK_FACTOR, SlidingWindow
from crypt_core.outcomes import Destroyed, Granted, Missing
from crypt_core.settings import Settings
from crypt_core.store import Store
from crypt_worker.durable_store import DurableStore
from crypt_worker.kv_store import KvStore
from crypt_worker.shard_misses import MAX_BUCKETS, SLACK, ShardMisses, share
from crypt_worker.shards import SHARDS, Shards, shard_name
from tests.support.cloudflare import KvNamespace, ShardNamespace, payloads
from tests.support.stores import Clock

MISSES = 60
CLIENT, OTHER = "192.0.2.1", "192.0.2.2"
IN_ONE_SHARD = [id_ for n in range(1_000) if shard_name(id_ := f"z{n:04}") == "messages-0"]
DAY = 86_400  # seconds


class Cloudflare:
    """The objects, which all isolates share."""

    def __init__(self, store: str) -> None:
        self.clock = Clock()
        self.kv = KvNamespace(self.clock) if store == "kv" else None
        self.shards = ShardNamespace(self.kv, self.clock)

    def isolate(self, client: str, misses: int = MISSES) -> Store:
        """The store of an isolate that has just begun, as a client asks it."""
        shards = Shards(self.shards, client, misses)
        return DurableStore(shards) if self.kv is None else KvStore(payloads(self.kv), shards)

    async def guess(self, message_id: str, client: str = CLIENT) -> float:
        """Read a plain id in an isolate of its own. Returns the wait if the client is refused, else 0."""
        try:
            assert await self.isolate(client).apply(message_id, Read()) == Missing()
        except NoMissLeft as error:
            return error.wait
        return 0.0


@pytest.fixture(params=["kv", "durable"])
def cloudflare(request: pytest.FixtureRequest) -> Iterator[Cloudflare]:
    cloudflare = Cloudflare(request.param)
    yield cloudflare
    cloudflare.shards.close()


def random_ids(seed: int) -> Callable[[], str]:
    chosen = random.Random(seed)
    return lambda: "".join(chosen.choices("abcdefghijklmnopqrstuvwxyz0123456789", k=5))


async def test_over_random_ids_and_new_isolates_a_client_has_its_budget_and_the_slack_and_no_more(
    cloudflare: Cloudflare,
) -> None:
    new_id = random_ids(1)
    waits = [await cloudflare.guess(new_id()) for _ in range(1_000)]
    assert waits[:MISSES] == [0.0] * MISSES
    assert waits.count(0.0) == SLACK * MISSES
    cloudflare.clock.now += 1_800  # half an hour, half of the budgets
    assert [await cloudflare.guess(new_id()) for _ in range(1_000)].count(0.0) == pytest.approx(MISSES, abs=SHARDS)
    assert await cloudflare.guess(new_id(), OTHER) == 0.0


def test_the_shards_give_no_more_than_the_slack_and_at_least_one_miss_each() -> None:
    for misses in range(1, 1_000):
        assert misses * SLACK <= share(misses) * SHARDS < misses * SLACK + SHARDS


async def test_a_client_that_misses_nothing_is_never_refused(cloudflare: Cloudflare) -> None:
    for message_id in IN_ONE_SHARD[:100]:
        for command, outcome in ((Read(), Granted("secret")), (Destroy(), Destroyed())):
            await cloudflare.isolate(CLIENT, 1).apply(message_id, Create("secret", DAY))
            assert await cloudflare.isolate(CLIENT, 1).apply(message_id, command) == outcome
    assert await cloudflare.isolate(CLIENT, 1).apply("zzzzz", Read()) == Missing()


async def test_a_refused_guess_looks_at_nothing_and_tells_the_wait(cloudflare: Cloudflare) -> None:
    allowed = share(MISSES)
    live, *others = IN_ONE_SHARD
    await cloudflare.isolate(OTHER).apply(live, Create("secret", DAY))
    assert [await cloudflare.guess(id_) for id_ in others[:allowed]] == [0.0] * allowed
    for command in (Read(), Destroy(), Acknowledge(None, "digest")):
        with pytest.raises(NoMissLeft) as refusal:
            await cloudflare.isolate(CLIENT).apply(live, command)
        assert refusal.value.wait == pytest.approx(3_600 / allowed)
    assert await cloudflare.isolate(OTHER).apply(live, Read()) == Granted("secret")


async def test_guesses_at_the_same_moment_get_no_further(cloudflare: Cloudflare) -> None:
    waits = await asyncio.gather(*(cloudflare.guess(id_) for id_ in IN_ONE_SHARD[:50]))
    assert waits.count(0.0) == share(MISSES)


async def test_all_addresses_of_a_network_have_one_budget(cloudflare: Cloudflare) -> None:
    clients = [f"2001:db8:48:{subnet:x}:{host:x}::1" for subnet in range(2 * NETWORK_FACTOR) for host in range(2)]
    guesses = [await cloudflare.guess(id_, client) for client in clients for id_ in IN_ONE_SHARD[: share(MISSES)]]
    assert guesses.count(0.0) == NETWORK_FACTOR * share(MISSES)


async def test_a_shard_that_has_slept_begins_anew(cloudflare: Cloudflare) -> None:
    allowed = share(MISSES)
    for _ in range(2):
        assert [await cloudflare.guess(id_) > 0 for id_ in IN_ONE_SHARD[: allowed + 1]] == [False] * allowed + [True]
        cloudflare.shards.hibernate()


def test_a_shard_remembers_no_more_clients_than_it_may_and_a_new_limit_holds_at_once() -> None:
    misses = ShardMisses(Clock())
    assert [misses.take(CLIENT, 4) for _ in range(2)] == [Taken(), Exhausted(3_600)]
    assert [misses.take(CLIENT, 8) for _ in range(3)] == [Taken(), Taken(), Exhausted(1_800)]
    for number in range(MAX_BUCKETS):
        misses.take(f"10.0.{number >> 8}.{number & 255}", 8)
    assert misses.take(CLIENT, 8) == Taken()


async def test_an_isolate_soon_asks_the_shards_no_more_for_a_client_that_they_refuse(cloudflare: Cloudflare) -> None:
    async def no_body() -> AsyncIterator[bytes]:
        return
        yield

    app = App(Settings(), OwnLimits(SlidingWindow(1_000), HourlyBudgets(MISSES)))
    calls = 0

    class Counted:
        async def apply(self, *arguments: object) -> object:
            nonlocal calls
            calls += 1
            return await cloudflare.isolate(CLIENT).apply(*arguments)  # type: ignore[arg-type]

    request = Request("http", "GET", f"/{IN_ONE_SHARD[0]}", {}, CLIENT, no_body())
    answers = [await app.handle(request, Counted()) for _ in range(3 * MISSES)]  # type: ignore[arg-type]
    assert [answer.status for answer in answers] == [404] * share(MISSES) + [429] * (len(answers) - share(MISSES))
    assert calls == MISSES
    assert answers[share(MISSES)].headers["Retry-After"] == str(3_600 // share(MISSES))
