"""One limit over all servers, counted in the engine; each server's own while the engine does not answer."""

import asyncio
import itertools
import threading
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from crypt_api.server.stores import open_limits
from crypt_api.server.stores.memory import MemoryStore
from crypt_api.server.stores.valkey import lease_sweep, memory_watch
from crypt_api.server.stores.valkey.shared_limits import TakenHere
from crypt_api.server.stores.valkey.store import ValkeyStore
from crypt_api.server.stores.valkey.url import parse_url
from crypt_core.commands import Read
from crypt_core.limits.client_limits import ClientLimits, OwnLimits
from crypt_core.limits.guesses import Miss, Uncounted
from crypt_core.limits.hourly_budgets import HOUR, Exhausted, HourlyBudgets, Taken
from crypt_core.limits.rate_limiter import Admission, SlidingWindow
from crypt_core.settings import Settings
from tests.support.rate import awaited_within_a_second
from tests.support.valkey import Engine, Filter, Pieces, Proxy, as_it_is, new_prefix, shared_engine, until
from tests.support.valkey_topologies import ClusterOfThree


class Never:
    """The own limits of a server whose engine answers."""

    async def admit(self, client: str, *, may_miss: bool) -> tuple[Admission, Miss]:
        raise AssertionError(client, may_miss)

    async def give_back_miss(self, client: str, miss: Taken) -> None:
        raise AssertionError(client, miss)


Server = Callable[[], ValkeyStore]


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    """Servers on one engine."""
    url = f"{shared_engine().url}?prefix={new_prefix()}"
    stores: list[ValkeyStore] = []

    def start() -> ValkeyStore:
        stores.append(ValkeyStore(parse_url(url)))
        return stores[-1]

    yield start
    for store in stores:
        store.close()


def stored_bytes(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in folder.rglob("*") if file.is_file())


async def connected(store: ValkeyStore, limit: int, misses: int = 60) -> ClientLimits:
    await store.apply("connect", Read())
    settings = Settings(rate_limit_per_second=limit, misses_per_hour=misses)
    return store.shared_limits(settings, Never(), lambda: None)


async def admission(limits: ClientLimits, client: str) -> Admission:
    admission, miss = await limits.admit(client, may_miss=False)
    assert miss == Uncounted()
    return admission


async def takes_a_miss(limits: ClientLimits, client: str) -> bool:
    _, miss = await limits.admit(client, may_miss=True)
    assert miss != Uncounted()
    return miss == Taken()


async def test_of_64_requests_over_two_servers_as_many_are_admitted_as_the_limit_says(server: Server) -> None:
    limiters = [await connected(server(), 5), await connected(server(), 5)]

    async def ask() -> list[Admission]:
        return await asyncio.gather(*(admission(limiters[number % 2], "192.0.2.1") for number in range(64)))

    for _ in range(2):
        admissions = await awaited_within_a_second(ask)
        assert [admission.admitted for admission in admissions].count(True) == 5
        assert {admission.remaining for admission in admissions if admission.admitted} == {4, 3, 2, 1, 0}
        resets = [admission.reset for admission in admissions]
        assert all(0 < reset <= 1 for reset in resets)
        await asyncio.sleep(max(resets) + 0.01)


async def test_a_stranger_is_not_refused(server: Server) -> None:
    limiter = await connected(server(), 1)

    async def ask() -> list[bool]:
        return [(await admission(limiter, client)).admitted for client in ("192.0.2.1", "192.0.2.1", "192.0.2.2")]

    assert await awaited_within_a_second(ask) == [True, False, True]


async def test_the_answers_are_those_of_one_servers_window(server: Server) -> None:
    """A client of IPv6 and its network, and which of the two limits is told."""
    shared = await connected(server(), 3)
    clients = [f"2001:db8:48:{subnet:x}::1" for subnet in range(18) for _ in range(3)] + ["192.0.2.1"] * 4

    async def ask() -> list[tuple[Admission, Admission]]:
        own = SlidingWindow(3)
        return [(await own.admit(client), await admission(shared, client)) for client in clients]

    for expected, found in await awaited_within_a_second(ask):
        assert found.reset == pytest.approx(expected.reset, abs=0.5)
        assert (found.admitted, found.limit, found.remaining, found.policy) == (
            expected.admitted, expected.limit, expected.remaining, expected.policy,
        )  # fmt: skip


async def test_of_64_guesses_over_two_servers_as_many_get_a_look_as_the_client_has_misses(server: Server) -> None:
    limiters = [await connected(server(), 1_000, 5), await connected(server(), 1_000, 5)]
    answers = await asyncio.gather(*(limiters[n % 2].admit("192.0.2.1", may_miss=True) for n in range(64)))
    assert all(admission.admitted for admission, _ in answers)
    misses = [miss for _, miss in answers]
    assert misses.count(Taken()) == 5
    assert all(HOUR / 5 - 5 < miss.wait <= HOUR / 5 for miss in misses if isinstance(miss, Exhausted))
    await limiters[0].give_back_miss("192.0.2.1", Taken())
    assert [await takes_a_miss(limiters[0], "192.0.2.1") for _ in range(2)] == [True, False]


async def test_the_budgets_are_those_of_one_server(server: Server) -> None:
    """A client of IPv6 and its network; and a request that is refused takes none."""
    shared = await connected(server(), 3, 2)
    attempts = itertools.count()

    async def ask() -> list[list[tuple[Admission, Miss]]]:
        own, attempt, pairs = OwnLimits(SlidingWindow(3), HourlyBudgets(2)), next(attempts), []
        for number in range(120):
            client = f"2001:db8:{attempt:x}:{number % 40:x}::1"
            for limits in (own, shared) if number % 3 == 1 else ():
                await limits.give_back_miss(client, Taken())
            pairs.append([await limits.admit(client, may_miss=number % 5 > 0) for limits in (own, shared)])
        return pairs

    for expected, found in await awaited_within_a_second(ask):
        assert found[0].admitted == expected[0].admitted
        assert type(found[1]) is type(expected[1])
        if isinstance(found[1], Exhausted) and isinstance(expected[1], Exhausted):
            assert found[1].wait == pytest.approx(expected[1].wait, abs=2)


async def test_a_request_is_counted_in_one_round_trip(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease_sweep, "INTERVAL", 1_000)
    monkeypatch.setattr(memory_watch, "INTERVAL", 1_000)
    pieces = Pieces()
    with Proxy(shared_engine().port) as proxy:
        proxy.faults = pieces
        store = ValkeyStore(parse_url(f"{proxy.url}?prefix={new_prefix()}"))
        limiter = await connected(store, 1_000)
        before = pieces.count
        for _ in range(10):
            assert await takes_a_miss(limiter, "2001:db8::1")
        assert pieces.count - before == 10
        store.close()


async def test_what_is_counted_is_gone_in_time_and_waits_for_no_disk(tmp_path: Path) -> None:
    with Engine(tmp_path) as engine, engine.client as client:
        store = ValkeyStore(parse_url(engine.url))
        limiter = await connected(store, 3)

        async def ask() -> list[tuple[int, int]]:
            for _ in range(10):
                await limiter.admit("192.0.2.1", may_miss=False)
            return [(client.llen(key), client.pttl(key)) for key in client.keys("*rate*")]

        [(length, life)] = await awaited_within_a_second(ask)
        assert length == 3
        assert 0 < life <= 1_000
        for _ in range(5):  # two of them are refused
            await limiter.admit("192.0.2.2", may_miss=True)
        [key] = client.keys("*misses*")
        assert 170_000 < client.pttl(key) <= 180_000
        await limiter.give_back_miss("192.0.2.2", Taken())
        await limiter.admit("192.0.2.2", may_miss=False)
        assert 110_000 < client.pttl(key) <= 120_000
        assert b"192.0.2" not in stored_bytes(tmp_path)  # not until one of the keys expires
        store.close()


async def test_while_the_engine_does_not_answer_each_server_counts_alone() -> None:
    alone, deadline = 0, 3  # seconds

    def count() -> None:
        nonlocal alone
        alone += 1

    with Proxy(shared_engine().port) as proxy:
        store = ValkeyStore(parse_url(f"{proxy.url}?prefix={new_prefix()}&deadline={deadline}"))
        await store.apply("connect", Read())
        own = OwnLimits(SlidingWindow(4, window=60), HourlyBudgets(2))
        limiter = store.shared_limits(Settings(rate_limit_per_second=4, misses_per_hour=2), own, count)
        assert (await admission(limiter, "192.0.2.1")).admitted
        assert alone == 0
        proxy.is_cut = True
        began = time.monotonic()
        answers = await asyncio.gather(*(limiter.admit("192.0.2.1", may_miss=True) for _ in range(4)))
        assert time.monotonic() - began < deadline  # they wait for half of it
        assert alone == 4
        misses = [miss for _, miss in answers]
        assert [type(miss) for miss in misses].count(TakenHere) == 2
        assert [type(miss) for miss in misses].count(Exhausted) == 2
        assert not (await admission(limiter, "192.0.2.1")).admitted
        await limiter.give_back_miss("192.0.2.1", TakenHere())
        assert isinstance((await own.admit("192.0.2.9", may_miss=True))[1], Taken)
        proxy.is_cut = False
        proxy.reset()
        while alone < 1_000:
            counted = alone
            await limiter.admit("192.0.2.3", may_miss=False)
            if alone == counted:
                break
            await asyncio.sleep(0.01)
        assert alone < 1_000
        store.close()


class Slow:
    """Answers of the engine wait until they may go on."""

    def __init__(self) -> None:
        self.go_on = threading.Event()
        self.go_on.set()

    def __call__(self) -> tuple[Filter, Filter]:
        def answers(piece: bytes) -> bytes:
            self.go_on.wait()
            return piece

        return as_it_is, answers


@pytest.mark.parametrize("is_late", [False, True])
async def test_misses_are_counted_while_the_engine_is_slow(*, is_late: bool) -> None:
    """By the engine, if it answers within half of the deadline, and else by the server alone; by one of them, once."""
    prefix, misses, alone = new_prefix(), 3, 0

    def count() -> None:
        nonlocal alone
        alone += 1

    with Proxy(shared_engine().port) as proxy, shared_engine().client as client:
        proxy.faults = slow = Slow()
        settings = Settings(rate_limit_per_second=100, misses_per_hour=misses)
        store = ValkeyStore(parse_url(f"{proxy.url}?prefix={prefix}&deadline={4 if is_late else 20}"))
        await store.apply("connect", Read())
        limits = store.shared_limits(settings, OwnLimits(SlidingWindow(100), HourlyBudgets(misses)), count)
        slow.go_on.clear()
        if not is_late:
            asyncio.get_running_loop().call_later(0.3, slow.go_on.set)
        answers = await asyncio.gather(*(limits.admit("192.0.2.1", may_miss=True) for _ in range(6)))
        assert [isinstance(miss, Taken) for _, miss in answers].count(True) == misses
        assert [isinstance(miss, Exhausted) for _, miss in answers].count(True) == 6 - misses
        slow.go_on.set()
        if not is_late:
            assert alone == 0
            assert client.exists(f"{prefix}!misses:{{192.0.2.1}}:192.0.2.1")
        else:
            assert alone == 6
            key = f"{prefix}!misses:{{192.0.2.1}}:192.0.2.1"
            await until(lambda: not client.exists(key), "what came late is not given back")
        store.close()


async def test_a_cluster_counts_each_client_on_a_node_of_its_own(tmp_path: Path) -> None:
    with ClusterOfThree(tmp_path) as cluster:
        store = ValkeyStore(parse_url(cluster.url + "&deadline=20"))  # beyond it, a server counts alone
        limits = await connected(store, 1_000, 3)
        for number in range(12):
            client = f"2001:db8:{number:x}::1"
            assert [await takes_a_miss(limits, client) for _ in range(4)] == [True, True, True, False]
            await limits.give_back_miss(client, Taken())
            assert await takes_a_miss(limits, client)
        store.close()


async def test_a_store_that_cannot_count_leaves_it_to_each_server() -> None:
    assert isinstance(open_limits(Settings(), MemoryStore(), lambda: None), OwnLimits)
    assert open_limits(Settings(rate_limit_per_second=0), ValkeyStore(parse_url("valkey://x/0")), lambda: None) is None
