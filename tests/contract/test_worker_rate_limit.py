"""The Worker's rate limit over a platform whose time and failures the tests decide."""

import asyncio
import json
import tracemalloc
from collections import Counter
from types import SimpleNamespace
from typing import Any

import pytest

from crypt_core.limits.rate_limiter import NETWORK_FACTOR, SlidingWindow
from crypt_core.settings import Settings
from crypt_worker.rate_limit import (
    COUNTERS,
    MAX_CLIENTS,
    MAX_ENTRIES,
    PAUSE,
    Counters,
    GlobalWindow,
    open_worker_limits,
)
from crypt_worker.shard_misses import MAX_BUCKETS, ShardMisses
from crypt_worker.shards import SHARDS
from crypt_worker.variables import Variables
from tests.support.cloudflare import PlatformError
from tests.support.stores import Clock


class CounterNamespace:
    """The Durable Objects that count. They have no storage at all."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.objects: dict[str, Counters] = {}
        self.calls: Counter[str] = Counter()
        self.failing = False

    def getByName(self, name: str) -> Any:  # noqa: N802 - the platform's name
        counters = self.objects.setdefault(name, Counters(self._clock))

        async def admit(client: str, limit: int) -> str:
            self.calls[name] += 1
            await asyncio.sleep(0)
            if self.failing:
                raise PlatformError("Exceeded allowed volume of requests in Durable Objects free tier.")
            return await counters.admit(client, limit)

        return SimpleNamespace(admit=admit)


class Isolates:
    """Isolates that share the objects."""

    def __init__(self, count: int, limit: int = 3) -> None:
        self.clock = Clock()
        self.objects = CounterNamespace(self.clock)
        self.limiters = [
            GlobalWindow(self.objects, limit, SlidingWindow(limit, clock=self.clock), clock=self.clock)
            for _ in range(count)
        ]


async def test_over_ten_isolates_a_client_has_one_limit() -> None:
    isolates = Isolates(10)
    for _ in range(3):
        answers = [await limiter.admit("192.0.2.1") for limiter in isolates.limiters for _ in range(2)]
        assert [answer.admitted for answer in answers] == [True] * 3 + [False] * 17
        assert [answer.remaining for answer in answers[:4]] == [2, 1, 0, 0]
        isolates.clock.now += 1


async def test_a_refused_client_is_admitted_as_soon_as_its_time_has_come() -> None:
    isolates = Isolates(2)
    one, other = isolates.limiters
    for limiter in (one, other, one):
        assert (await limiter.admit("192.0.2.1")).admitted
        isolates.clock.now += 0.25
    refusal = await other.admit("192.0.2.1")
    assert (refusal.admitted, refusal.reset) == (False, 0.25)
    isolates.clock.now += 0.125
    assert (await other.admit("192.0.2.1")).reset == 0.125
    isolates.clock.now += 0.125
    assert (await other.admit("192.0.2.1")).admitted


async def test_a_flood_of_one_client_costs_few_calls() -> None:
    isolates = Isolates(2)
    for _ in range(10):  # seconds
        for _ in range(1_000):
            for limiter in isolates.limiters:
                await limiter.admit("192.0.2.1")
        isolates.clock.now += 1
    assert isolates.objects.calls.total() <= 10 * (3 + 2)
    assert len(isolates.objects.objects) == 1


async def test_a_flood_at_once_costs_few_calls() -> None:
    isolates = Isolates(1)
    answers = await asyncio.gather(*(isolates.limiters[0].admit("192.0.2.1") for _ in range(500)))
    assert sum(answer.admitted for answer in answers) == 3
    assert isolates.objects.calls.total() == 3


async def test_clients_do_not_make_more_objects_and_an_ipv6_network_has_one() -> None:
    isolates = Isolates(1)
    for number in range(1_000):
        await isolates.limiters[0].admit(f"10.0.{number >> 8}.{number & 255}")
    assert len(isolates.objects.objects) == COUNTERS
    network = Isolates(3)
    admitted = [
        (await network.limiters[n % 3].admit(f"2001:db8:48:{n:x}::1")).admitted for n in range(3 * NETWORK_FACTOR + 5)
    ]
    assert admitted == [True] * 3 * NETWORK_FACTOR + [False] * 5
    assert len(network.objects.objects) == 1


async def test_while_the_objects_fail_each_isolate_counts_and_calls_rarely(caplog: pytest.LogCaptureFixture) -> None:
    isolates = Isolates(2)
    isolates.objects.failing = True
    for limiter in isolates.limiters:
        answers = [await limiter.admit("192.0.2.1") for _ in range(100)]
        assert [answer.admitted for answer in answers] == [True] * 3 + [False] * 97
    assert isolates.objects.calls.total() == 2
    assert "192.0.2.1" not in caplog.text
    isolates.objects.failing = False
    isolates.clock.now += PAUSE
    answers = [await limiter.admit("192.0.2.1") for limiter in isolates.limiters for _ in range(2)]
    assert [answer.admitted for answer in answers] == [True] * 3 + [False]


async def test_a_request_that_died_under_way_is_forgotten() -> None:
    isolates = Isolates(1)
    limiter = isolates.limiters[0]
    requests = [limiter.admit("192.0.2.1") for _ in range(3)]
    for request in requests:
        request.send(None)  # and never again, as when the runtime gives a request up
    assert not (await limiter.admit("192.0.2.1")).admitted
    isolates.clock.now += PAUSE
    assert (await limiter.admit("192.0.2.1")).admitted
    for request in requests:
        request.close()


def address(number: int) -> str:
    return f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}"


async def test_an_isolate_remembers_no_more_clients_than_it_may_and_none_for_nothing() -> None:
    isolates = Isolates(1, limit=1)
    limiter = isolates.limiters[0]
    for number in range(MAX_CLIENTS + 500):
        for is_admitted in (True, False):
            assert (await limiter.admit(address(number))).admitted == is_admitted
    assert limiter.clients == MAX_CLIENTS
    isolates.clock.now += 1
    for _ in range(MAX_CLIENTS // 3):
        await limiter.admit("192.0.2.1")
    assert limiter.clients < 10


async def test_all_that_limits_remember_takes_a_small_part_of_an_isolates_128_mb() -> None:
    """All objects may be in one isolate. A few clients of each are measured, and none remembers more than its bound."""
    clock, clients = Clock(), 200
    tracemalloc.start()
    isolates = Isolates(1, limit=1)
    counters = [Counters(clock) for _ in range(COUNTERS)]
    shards = [ShardMisses(clock) for _ in range(SHARDS)]
    own = open_worker_limits(Variables(Settings(), "kv", "isolate"), SimpleNamespace())
    assert own is not None
    for number in range(clients):
        client = address(number)
        await own.admit(client, may_miss=True)
        await isolates.limiters[0].admit(client)
        await isolates.limiters[0].admit(client)
        for index in range(COUNTERS):
            await counters[index].admit(client, 3)
            shards[index].take(client, 60)
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert max(MAX_CLIENTS, MAX_BUCKETS, MAX_ENTRIES) * size / clients < 60_000_000


async def test_the_windows_of_the_worker_remember_no_more_than_their_bound() -> None:
    clock = Clock()
    own = open_worker_limits(Variables(Settings(), "kv", "isolate"), SimpleNamespace(), clock=clock)
    assert own is not None
    counters = Counters(clock)

    async def are_admitted(client: str) -> tuple[bool, bool]:
        admission, _ = await own.admit(client, may_miss=False)
        is_admitted, *_ = json.loads(await counters.admit(client, 3))
        return admission.admitted, is_admitted

    assert [await are_admitted("192.0.2.1") for _ in range(4)] == [(True, True)] * 3 + [(False, False)]
    for number in range(MAX_ENTRIES):
        await are_admitted(address(number))
    assert await are_admitted("192.0.2.1") == (True, True)  # it was forgotten


class Binding:
    """Cloudflare's binding: it counts in its own way, and says no more than yes or no."""

    def __init__(self, answers: list[bool | Exception]) -> None:
        self._answers = answers
        self.keys: list[str] = []

    async def limit(self, *, key: str) -> Any:
        self.keys.append(key)
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return SimpleNamespace(success=answer)


async def test_the_binding_comes_first_and_its_failure_refuses_nobody() -> None:
    binding = Binding([True, False, PlatformError("503")])
    limits = open_worker_limits(Variables(Settings(), "kv", "isolate"), SimpleNamespace(RATE_LIMITER=binding))
    assert limits is not None
    answers = [(await limits.admit("2001:db8:1:2::7", may_miss=False))[0] for _ in range(3)]
    assert [answer.admitted for answer in answers] == [True, False, True]
    assert [answer.remaining for answer in answers] == [2, 0, 1]
    assert binding.keys == ["2001:0db8:0001:0002/64"] * 3


def test_a_limit_of_zero_switches_every_line_off() -> None:
    env = SimpleNamespace(RATE_LIMITER=Binding([]), CLIENT_COUNTERS=None)
    assert open_worker_limits(Variables(Settings(rate_limit_per_second=0), "kv", "global"), env) is None
