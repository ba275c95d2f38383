"""The primary dies and a replica takes over: nothing is read twice, nothing acknowledged is lost, nothing comes back.

In each round the link between the two is cut at another moment, so that the replica has not got what the primary had
executed. Only a fence tells the two cases apart.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from crypt_api.server.stores.valkey.store import ValkeyStore
from crypt_api.server.stores.valkey.url import parse_url
from crypt_core.commands import Create, Destroy, Read
from crypt_core.outcomes import Created, Granted, Missing, Repeated
from crypt_core.record import AccessHashes
from crypt_core.store import StorageUnavailable
from tests.support.valkey import recovered
from tests.support.valkey_topologies import Pair

DAY = 86_400  # seconds
PLAIN = Create("plain", DAY)
SEALED = Create("sealed", DAY, AccessHashes("proof"), 1, "request")
NEVER = 30.0  # seconds; a deadline that a failover does not use up

rounds = pytest.mark.parametrize("rounds", [10, pytest.param(200, marks=pytest.mark.long)])


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    with Pair(tmp_path) as pair:
        yield pair


def open_store(pair: Pair, deadline: float) -> ValkeyStore:
    return ValkeyStore(parse_url(f"{pair.address.url}?replicas=1&deadline={deadline}"))


@pytest.fixture
async def store(pair: Pair) -> AsyncIterator[ValkeyStore]:
    store = open_store(pair, NEVER)
    yield store
    store.close()


@pytest.fixture
async def other(pair: Pair) -> AsyncIterator[ValkeyStore]:
    """Another server on the same engine."""
    store = open_store(pair, NEVER)
    yield store
    store.close()


async def fail_over(pair: Pair) -> None:
    await asyncio.to_thread(pair.fail_over)


async def moment(chosen: random.Random) -> None:
    """Now, or a few milliseconds later."""
    await asyncio.sleep(chosen.choice([0, 0, 0.001, 0.002, 0.005]))


@rounds
@pytest.mark.parametrize("cut_first", [True, False], ids=["link cut before", "link cut meanwhile"])
async def test_a_message_has_one_reader_over_a_failover(
    pair: Pair, store: ValkeyStore, other: ValkeyStore, rounds: int, *, cut_first: bool
) -> None:
    chosen = random.Random(rounds)
    for number in range(rounds):
        message_id = f"abc{number}"
        assert isinstance(await store.apply(message_id, PLAIN), Created)
        if cut_first:
            pair.cut()
        readers = [asyncio.ensure_future(server.apply(message_id, Read())) for server in (store, other, store)]
        await moment(chosen)
        pair.cut()
        await moment(chosen)
        await fail_over(pair)
        outcomes = [*await asyncio.gather(*readers), await other.apply(message_id, Read())]
        assert outcomes.count(Granted("plain")) == 1, (number, outcomes)


@rounds
async def test_what_was_answered_before_a_failover_holds_after_it(pair: Pair, store: ValkeyStore, rounds: int) -> None:
    """The link is cut at once after the answer: the replica had it before."""
    for number in range(rounds):
        await store.apply(f"read{number}", PLAIN)
        await store.apply(f"gone{number}", PLAIN)
        assert await store.apply(f"read{number}", Read()) == Granted("plain")
        await store.apply(f"gone{number}", Destroy())
        await store.apply(f"kept{number}", PLAIN)
        pair.cut()
        await fail_over(pair)
        assert await store.apply(f"read{number}", Read()) == Missing()
        assert await store.apply(f"gone{number}", Read()) == Missing()
        assert await store.apply(f"kept{number}", Read()) == Granted("plain")


@rounds
async def test_a_repeated_idempotency_key_rests_on_what_a_failover_keeps(
    pair: Pair, store: ValkeyStore, other: ValkeyStore, rounds: int
) -> None:
    """The first request is executed and not yet safe, when the same reader comes to another server."""
    for number in range(rounds):
        message_id = f"abc{number}"
        await store.apply(message_id, PLAIN)
        pair.cut()
        first = asyncio.ensure_future(store.apply(message_id, Read(None, None, "a")))
        await asyncio.sleep(0.02)
        again = asyncio.ensure_future(other.apply(message_id, Read(None, None, "a")))
        await asyncio.sleep(0.02)
        told_early = again.done()
        for reading in (first, again):
            reading.cancel()
        await asyncio.wait([first, again])
        failing_over = asyncio.ensure_future(fail_over(pair))
        stranger = await store.apply(message_id, Read(None, None, "b"))
        await failing_over
        assert not (told_early and stranger == Granted("plain"))
        assert stranger == Granted("plain"), "nobody was told anything, so the message is still there"


@rounds
async def test_a_repeated_put_rests_on_what_a_failover_keeps(
    pair: Pair, store: ValkeyStore, other: ValkeyStore, rounds: int
) -> None:
    for number in range(rounds):
        message_id = f"sealed{number}"
        pair.cut()
        putting = [asyncio.ensure_future(server.apply(message_id, SEALED)) for server in (store, other)]
        await asyncio.sleep(0.02)
        assert not any(put.done() for put in putting)
        await fail_over(pair)
        outcomes = await asyncio.gather(*putting)
        assert all(isinstance(outcome, Created | Repeated) for outcome in outcomes), outcomes
        assert await store.apply(message_id, Read("proof")) == Granted("sealed")


@rounds
async def test_what_was_refused_with_503_is_still_there_after_a_failover(pair: Pair, rounds: int) -> None:
    """The fence fails until the deadline is over: the read is taken back, whichever engine has executed it."""
    store = open_store(pair, 0.8)
    for number in range(rounds):
        message_id = f"abc{number}"
        await recovered(store, message_id, PLAIN)
        pair.cut()
        with pytest.raises(StorageUnavailable):
            await store.apply(message_id, Read())
        if number % 2:
            await fail_over(pair)
        else:
            pair.link.is_cut = False
            pair.link.reset()
        assert await recovered(store, message_id, Read()) == Granted("plain")
        assert await recovered(store, message_id, Read()) == Missing()
    store.close()
