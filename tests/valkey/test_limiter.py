"""One rate limit over all servers, counted in the engine; each server's own while the engine does not answer."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from crypt_api.server.limiters import open_limiter, shared_window
from crypt_api.server.stores.memory import MemoryStore
from crypt_api.server.stores.valkey.store import ValkeyStore
from crypt_api.server.stores.valkey.url import parse_url
from crypt_core.limits.rate_limiter import Admission, RateLimiter, SlidingWindow
from crypt_core.messages import Read
from crypt_core.settings import Settings
from tests.support.valkey import Engine, Proxy, new_prefix, shared_engine


class Never:
    """The own window of a server whose engine answers."""

    async def admit(self, client: str) -> Admission:
        raise AssertionError(client)


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


async def connected(store: ValkeyStore, limit: int) -> RateLimiter:
    await store.apply("connect", Read())
    return store.shared_window(limit, Never(), lambda: None)


async def test_of_64_requests_over_two_servers_as_many_are_admitted_as_the_limit_says(server: Server) -> None:
    limiters = [await connected(server(), 5), await connected(server(), 5)]
    for _ in range(2):
        began = time.monotonic()
        admissions = await asyncio.gather(*(limiters[number % 2].admit("192.0.2.1") for number in range(64)))
        assert time.monotonic() - began < 0.9
        assert [admission.admitted for admission in admissions].count(True) == 5
        assert {admission.remaining for admission in admissions if admission.admitted} == {4, 3, 2, 1, 0}
        resets = [admission.reset for admission in admissions]
        assert all(0 < reset <= 1 for reset in resets)
        await asyncio.sleep(max(resets) + 0.01)


async def test_a_stranger_is_not_refused(server: Server) -> None:
    limiter = await connected(server(), 1)
    assert (await limiter.admit("192.0.2.1")).admitted
    assert not (await limiter.admit("192.0.2.1")).admitted
    assert (await limiter.admit("192.0.2.2")).admitted


async def test_the_answers_are_those_of_one_servers_window(server: Server) -> None:
    """A client of IPv6 and its network, and which of the two limits is told."""
    shared = await connected(server(), 3)
    own = SlidingWindow(3)
    clients = [f"2001:db8:48:{subnet:x}::1" for subnet in range(18) for _ in range(3)] + ["192.0.2.1"] * 4
    for client in clients:
        expected, found = await own.admit(client), await shared.admit(client)
        assert found.reset == pytest.approx(expected.reset, abs=0.5)
        assert (found.admitted, found.limit, found.remaining, found.policy) == (
            expected.admitted, expected.limit, expected.remaining, expected.policy,
        )  # fmt: skip


async def test_what_is_counted_is_gone_after_the_window_and_in_no_file(tmp_path: Path) -> None:
    with Engine(tmp_path) as engine, engine.client as client:
        store = ValkeyStore(parse_url(engine.url))
        limiter = await connected(store, 3)
        for _ in range(10):
            await limiter.admit("192.0.2.1")
        [key] = client.keys("*rate*")
        assert client.llen(key) == 3
        assert 0 < client.pttl(key) <= 1_000
        assert b"192.0.2.1" not in stored_bytes(tmp_path)
        store.close()


async def test_while_the_engine_does_not_answer_each_server_counts_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    alone = 0

    def count() -> None:
        nonlocal alone
        alone += 1

    with Proxy(shared_engine().port) as proxy:
        store = ValkeyStore(parse_url(f"{proxy.url}?prefix={new_prefix()}&deadline=0.5"))
        await store.apply("connect", Read())
        limiter = store.shared_window(2, SlidingWindow(2, window=60), count)
        assert (await limiter.admit("192.0.2.1")).admitted
        assert alone == 0
        proxy.is_cut = True
        monkeypatch.setattr(shared_window, "TIMEOUT", 0.05)
        began = time.monotonic()
        assert [(await limiter.admit("192.0.2.1")).admitted for _ in range(3)] == [True, True, False]
        assert time.monotonic() - began < 0.5
        assert alone == 3
        proxy.is_cut = False
        proxy.reset()
        while alone < 1_000:
            counted = alone
            await limiter.admit("192.0.2.3")
            if alone == counted:
                break
            await asyncio.sleep(0.01)
        assert alone < 1_000
        store.close()


async def test_a_store_that_cannot_count_leaves_it_to_each_server() -> None:
    assert isinstance(open_limiter(Settings(), MemoryStore(), lambda: None), SlidingWindow)
    assert open_limiter(Settings(rate_limit_per_second=0), ValkeyStore(parse_url("valkey://x/0")), lambda: None) is None
