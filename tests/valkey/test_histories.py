"""Random commands of several callers on two servers, while answers are lost, links are cut and engines are killed.

Whatever the callers were told must have happened in some order (`tests/support/linearizable.py`).
"""

import asyncio
import random
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import pytest

from crypt_api.server.stores.valkey.store import ValkeyStore
from crypt_api.server.stores.valkey.url import parse_url
from crypt_core.commands import Acknowledge, Command, Create, Destroy, GetReceipt, Read
from crypt_core.record import AccessHashes
from crypt_core.store import StorageUnavailable
from tests.support.linearizable import Event, is_linearizable, refused
from tests.support.valkey import Filter, as_it_is, recovered, restored
from tests.support.valkey_topologies import Pair

DAY = 86_400  # seconds
PLAIN: list[Command] = [
    Create("x", DAY),
    Create("y", DAY),
    Read(),
    Read(None, None, "a"),
    Read(None, None, "b"),
    Destroy(),
]
PLAIN += [Acknowledge(None, "a"), Read(), Read()]
SEALED: list[Command] = [
    Create("x", DAY, AccessHashes("proof", "passphrase"), 2, "request"),
    Create("x", DAY, AccessHashes("proof", "passphrase"), 2, "request"),
    Read("proof", "passphrase"),
    Read("proof", "passphrase", "a"),
    Read("proof", "passphrase", "b"),
    Read("proof", "wrong"),
    GetReceipt("proof"),
    GetReceipt("proof"),
    Destroy("proof"),
    Acknowledge("proof", "a"),
]


class LosesSome:
    """Resets a connection in one of some answers, and delays others."""

    def __init__(self, chosen: random.Random) -> None:
        self._chosen = chosen
        self.is_on = False

    def __call__(self) -> tuple[Filter, Filter]:
        def answers(piece: bytes) -> bytes | None:
            return None if self.is_on and self._chosen.random() < 0.04 else piece

        return as_it_is, answers


async def caller(
    store: ValkeyStore, chosen: random.Random, history: dict[str, list[Event]], number: int, commands: int
) -> None:
    for _ in range(commands):
        kind = chosen.choice([PLAIN, SEALED])
        message_id = f"{'abc' if kind is PLAIN else 'sealed'}{number}x{chosen.randrange(3)}"
        await ask(store, history, message_id, chosen.choice(kind))
        await asyncio.sleep(chosen.choice([0, 0, 0.001, 0.005]))


async def disturb(pair: Pair, chosen: random.Random) -> None:
    """One trouble: a cut link that comes back, or one that the primary does not survive."""
    await asyncio.sleep(chosen.uniform(0, 0.02))
    trouble = chosen.choice(["none", "cut", "cut and failover", "failover", "reset"])
    if trouble.startswith("cut"):
        pair.cut()
        await asyncio.sleep(chosen.uniform(0, 0.3))
    if trouble == "cut":
        pair.link.is_cut = False
        pair.link.reset()
    elif trouble.endswith("failover"):
        await asyncio.to_thread(pair.fail_over)
    elif trouble == "reset":
        pair.address.reset()


async def ask(
    store: ValkeyStore, history: dict[str, list[Event]], message_id: str, command: Command, after: float = 0.0
) -> None:
    clock = asyncio.get_running_loop().time
    await asyncio.sleep(after)
    began = clock()
    try:
        outcome = await store.apply(message_id, command)
        history[message_id].append(Event(began, clock(), command, outcome))
    except StorageUnavailable:
        history[message_id].append(refused(began, command))


async def ask_while_the_link_is_cut(
    pair: Pair, stores: Sequence[ValkeyStore], chosen: random.Random, history: dict[str, list[Event]], number: int
) -> None:
    """Two hasty servers look at a message while nothing can be confirmed; the link is back when both have given up."""
    kind = chosen.choice([PLAIN, SEALED])
    message_id = f"{'abc' if kind is PLAIN else 'sealed'}{number}y"
    history[message_id] = []
    for store in stores:
        await recovered(store, f"{message_id}other", Read())
    await ask(stores[0], history, message_id, kind[0])
    pair.cut()
    commands = [chosen.choice(kind[2:]) for _ in range(2)]
    await asyncio.gather(*(ask(stores[n], history, message_id, command, n / 10) for n, command in enumerate(commands)))
    await restored(message_id, *stores)
    pair.link.is_cut = False
    pair.link.reset()


async def observe(store: ValkeyStore, history: dict[str, list[Event]]) -> None:
    """What was refused has not happened, if nobody was told anything of the message since the command began."""
    for message_id, events in history.items():
        last_told = max((event.ended for event in events if not event.is_refused), default=-1)
        told = [event for event in events if not event.is_refused or event.began < last_told]
        await ask(store, {message_id: told}, message_id, Read() if "abc" in message_id else Read("proof", "passphrase"))
        assert is_linearizable(told), (message_id, sorted(events, key=lambda event: event.began), told[-1])


@pytest.mark.parametrize(("rounds", "seed"), [(6, 1), pytest.param(300, 2, marks=pytest.mark.long)])
async def test_what_callers_are_told_has_happened_in_some_order(tmp_path: Path, rounds: int, seed: int) -> None:
    chosen = random.Random(seed)
    with Pair(tmp_path) as pair:
        pair.address.faults = faults = LosesSome(chosen)
        url = f"{pair.address.url}?replicas=1&deadline="
        stores = [ValkeyStore(parse_url(f"{url}{deadline}")) for deadline in (0.6, 4, 0.6)]
        for number in range(rounds):
            history: dict[str, list[Event]] = defaultdict(list)
            faults.is_on = True
            callers = [caller(stores[n % 2], chosen, history, number, 6) for n in range(6)]
            await asyncio.gather(disturb(pair, chosen), *callers)
            faults.is_on = False
            await ask_while_the_link_is_cut(pair, stores[::2], chosen, history, number)
            for message_id, events in history.items():
                assert is_linearizable(events), (seed, number, message_id, sorted(events, key=lambda e: e.began))
            await observe(stores[1], history)
        for store in stores:
            store.close()
