"""Other servers look at a message while a server cannot confirm what it did to it, since the replica is away.

Everybody gets 503, so nothing has happened: the message is there when the replica is back, after any
looks of others.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import cast

import pytest

from crypt_api.server.stores.valkey import take_back
from crypt_api.server.stores.valkey.keys import Keys
from crypt_api.server.stores.valkey.store import ValkeyStore
from crypt_api.server.stores.valkey.stored_value import changed
from crypt_api.server.stores.valkey.take_back import TakeBacks
from crypt_api.server.stores.valkey.update import Update
from crypt_api.server.stores.valkey.url import parse_url
from crypt_core.commands import Acknowledge, Command, Create, Destroy, GetReceipt, Read
from crypt_core.events import Event
from crypt_core.outcomes import Granted, Missing, Receipt
from crypt_core.record import AccessHashes, Record
from crypt_core.store import StorageUnavailable
from tests.support.valkey import recovered, restored, until
from tests.support.valkey_topologies import Pair

DAY = 86_400  # seconds
PLAIN = Create("content", DAY)
SEALED = Create("content", DAY, AccessHashes("proof", "passphrase"), 1, "request")
TWICE = Create("content", DAY, AccessHashes("proof", "passphrase"), 2, "request")
READ = Read("proof", "passphrase")
STATUS = GetReceipt("proof")
DEADLINE = 0.8  # seconds


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    with Pair(tmp_path_factory.mktemp("pair")) as pair:
        yield pair


@pytest.fixture
def names(request: pytest.FixtureRequest) -> str:
    """What the ids of a test start with."""
    return "".join(character for character in request.node.name if character.isalnum())


@pytest.fixture
async def servers(pair: Pair) -> AsyncIterator[list[ValkeyStore]]:
    url = f"{pair.address.url}?replicas=1&deadline={DEADLINE}"
    servers = [ValkeyStore(parse_url(url)) for _ in range(3)]
    yield servers
    repair(pair)
    for server in servers:
        server.close()


def repair(pair: Pair) -> None:
    pair.link.is_cut = False
    pair.link.reset()


def stored(pair: Pair, message_id: str) -> bytes:
    """The value on the primary."""
    with pair.primary.client as client:
        value = client.get(f"crypt:{message_id}")
    assert isinstance(value, bytes)
    return value


async def refused(server: ValkeyStore, message_id: str, command: Command, after: float = 0.0) -> None:
    await asyncio.sleep(after)
    with pytest.raises(StorageUnavailable):
        await server.apply(message_id, command)


CASES: dict[str, tuple[Create, Command, list[Command]]] = {
    "status": (SEALED, READ, [STATUS]),
    "read": (SEALED, READ, [READ]),
    "plain": (PLAIN, Read(), [Read()]),
    "many": (PLAIN, Read(), [Read(), Read(None, None, "a"), Destroy(), Read()]),
    "lease": (PLAIN, Read(None, None, "a"), [Read(None, None, "a"), Acknowledge(None, "a")]),
    "destroy": (SEALED, Destroy("proof"), [STATUS, READ, STATUS]),
    "passphrase": (SEALED, Read("proof", "wrong"), [Read("proof", "wrong"), STATUS]),
    "first of two": (TWICE, READ, [READ, STATUS, READ]),
}


@pytest.mark.parametrize("case", CASES)
async def test_looks_at_an_unconfirmed_change_lose_nothing(
    pair: Pair, servers: list[ValkeyStore], names: str, case: str
) -> None:
    create, command, looks = CASES[case]
    for server in servers:  # connected, so that the first one is not late
        await recovered(server, f"{names}other", Read())
    await recovered(servers[0], names, create)
    pair.cut()
    others = [refused(servers[n % 2 + 1], names, look, 0.05 * (n + 1)) for n, look in enumerate(looks)]
    await asyncio.gather(refused(servers[0], names, command), *others)
    await restored(names, *servers)
    repair(pair)
    asked = await asyncio.gather(*(recovered(server, names, STATUS) for server in servers))
    states = [receipt.state for receipt in asked if isinstance(receipt, Receipt)]
    assert states == ([] if create is PLAIN else ["unread"] * 3)
    for _ in range(create.reads):
        assert await recovered(servers[1], names, Read() if create is PLAIN else READ) == Granted("content")
    assert await recovered(servers[2], names, Read() if create is PLAIN else READ) == Missing()


async def test_a_404_that_rests_on_an_unconfirmed_acknowledgement_is_not_told(
    pair: Pair, servers: list[ValkeyStore], names: str
) -> None:
    """The message has reads left, so the proof is right, and the lease alone decides."""
    leased = Read("proof", "passphrase", "a")
    await recovered(servers[0], names, TWICE)
    await recovered(servers[1], names, STATUS)
    assert await recovered(servers[0], names, leased) == Granted("content")
    pair.cut()
    acknowledge = Acknowledge("proof", "a")
    await asyncio.gather(refused(servers[0], names, acknowledge), refused(servers[1], names, acknowledge, 0.1))
    await restored(names, *servers)
    repair(pair)
    assert await recovered(servers[1], names, leased) == Granted("content")


async def test_it_is_there_again_while_the_replica_is_still_away(
    pair: Pair, servers: list[ValkeyStore], names: str
) -> None:
    """So a server that looks as soon as the replica is back finds the message, however slow the first server is."""
    await recovered(servers[0], names, SEALED)
    await recovered(servers[1], names, STATUS)
    unread = stored(pair, names).partition(b"\n")[2]
    pair.cut()
    await asyncio.gather(refused(servers[0], names, READ), refused(servers[1], names, STATUS, 0.1))
    await restored(names, *servers)
    assert stored(pair, names).partition(b"\n")[2] == unread
    repair(pair)


async def test_what_another_server_has_told_stays(pair: Pair, servers: list[ValkeyStore], names: str) -> None:
    """The first server never hears that its read was executed; the second one confirms it, and tells."""
    url = f"{pair.address.url}?replicas=1&deadline=30"  # nobody gives up
    first, second = (ValkeyStore(parse_url(url)) for _ in range(2))
    await recovered(second, names, SEALED)
    await recovered(first, names, STATUS)
    pair.cut()
    reading = asyncio.ensure_future(first.apply(names, READ))
    await until(lambda: b'"read"' in stored(pair, names), "the read is not executed")
    looking = asyncio.ensure_future(second.apply(names, STATUS))
    await until(lambda: b"~" in stored(pair, names), "nobody looks")
    first.close()  # its take-back comes too late
    repair(pair)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    receipt = await looking
    assert isinstance(receipt, Receipt)
    assert receipt.state == "read"
    assert await recovered(servers[2], names, READ) == Missing()
    second.close()


@pytest.mark.parametrize("is_hindered", [True, False])
async def test_a_sender_is_told_of_a_read_that_stays_since_others_were_told_of_it(
    monkeypatch: pytest.MonkeyPatch,
    is_hindered: bool,  # noqa: FBT001
) -> None:
    """A reader who leaves in the middle, and comes back by another server, hides nothing."""

    async def never_ends(_keys: object, _key: bytes, _attempts: object, progress: take_back.Progress) -> None:
        if is_hindered:
            progress.hindered()
        raise TimeoutError

    monkeypatch.setattr(take_back, "take_back", never_ends)
    keys = cast("Keys", None)
    told: list[Event] = []
    update: Update[Granted] = Update(keys, b"key", lambda *_: (None, Granted("content")), on_event=told.append)
    record = Record("content", 1e10, reference="x")
    update._considered(changed(None, record), 0.0)  # noqa: SLF001 - what it has decided
    TakeBacks(keys, patience=0.01).take_back(update)
    await asyncio.sleep(0.05)
    assert told == [Event("read", "x", 0.0)] * is_hindered


async def test_it_is_taken_back_on_the_promoted_replica_too(tmp_path: Path, names: str) -> None:
    with Pair(tmp_path) as pair:
        url = f"{pair.address.url}?replicas=1&deadline={DEADLINE}"
        one, two = (ValkeyStore(parse_url(url)) for _ in range(2))
        await recovered(one, names, SEALED)
        await recovered(two, names, STATUS)
        pair.cut()
        await asyncio.gather(refused(one, names, READ), refused(two, names, STATUS, 0.1))
        await restored(names, one, two)
        await asyncio.to_thread(pair.fail_over)
        assert await recovered(two, names, READ) == Granted("content")
        assert await recovered(one, names, READ) == Missing()
        one.close()
        two.close()
