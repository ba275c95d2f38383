"""What a command costs: round trips, as an engine counts them."""

from collections.abc import Iterator

import pytest

from crypt_api.server.stores.valkey import lease_sweep, memory_watch
from crypt_api.server.stores.valkey.store import ValkeyStore
from crypt_api.server.stores.valkey.url import parse_url
from crypt_core.commands import Acknowledge, Command, Create, Destroy, GetReceipt, Read
from crypt_core.record import AccessHashes
from tests.support.valkey import Pieces, Proxy, new_prefix, shared_engine

DAY = 86_400  # seconds
PLAIN = Create("plain", DAY)
SEALED = Create("sealed", DAY, AccessHashes("proof"), 1, "request")


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    with Proxy(shared_engine().port) as proxy:
        yield proxy


STEPS: list[tuple[str, Command, int]] = [
    ("abc12", Read(), 1),  # a miss
    ("abc12", PLAIN, 1),  # create-if-absent
    ("abc12", Read(), 2),  # look, and take
    ("abc12", Read(), 2),  # its marker is a moment old: safe from a failover before anybody is told
    ("sealed", SEALED, 1),
    ("sealed", SEALED, 3),  # create-if-absent fails, look, and write it again for its fence
    ("sealed", Read("wrong"), 1),
    ("sealed", GetReceipt("proof"), 2),
    ("sealed", Read("proof", None, "key"), 2),  # with the end of the lease, in the same group
    ("sealed", Read("proof", None, "key"), 2),
    ("sealed", Acknowledge("proof", "key"), 2),
    ("abc13", PLAIN, 1),
    ("abc13", Destroy(), 2),
]


async def test_round_trips_of_each_command(proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease_sweep, "INTERVAL", 1_000)
    monkeypatch.setattr(memory_watch, "INTERVAL", 1_000)
    pieces = Pieces()
    proxy.faults = pieces
    store = ValkeyStore(parse_url(f"{proxy.url}?prefix={new_prefix()}"))
    await store.apply("connect", Read())
    costs = []
    for message_id, command, _ in STEPS:
        before = pieces.count
        await store.apply(message_id, command)
        costs.append((message_id, command, pieces.count - before))
    assert costs == STEPS
    store.close()
