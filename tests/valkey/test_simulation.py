"""The store `valkey` with a simulated engine, in thousands of random orders, with lost answers and failovers.

One thread, and no real time. A seed that fails is played again by `python -m tests.valkey.test_simulation N`.
"""

import asyncio
import itertools
import logging
import random
import sys
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from redis.exceptions import ResponseError

from crypt_api.server.stores.valkey import connection, lease_sweep, primary
from crypt_api.server.stores.valkey.compare_and_set import KEEP_LIFE, create, replace, replace_by_script
from crypt_api.server.stores.valkey.fence import Fence
from crypt_api.server.stores.valkey.keys import Keys, Written
from crypt_api.server.stores.valkey.lease_ends import remember
from crypt_api.server.stores.valkey.operation import Operation
from crypt_api.server.stores.valkey.store import ValkeyStore
from crypt_api.server.stores.valkey.stored_value import Value
from crypt_api.server.stores.valkey.url import parse_url
from crypt_core.errors import StorageUnavailable
from crypt_core.messages import Command, Create, Destroy, Read
from tests.support.isolation import PROCESSES_AND_CONNECTIONS, allow
from tests.support.linearizable import Event, is_linearizable, refused
from tests.support.seeds import replayable
from tests.support.simulated_engine import Data, SimulatedEngine
from tests.support.simulated_loop import Loop
from tests.support.simulation import Turns
from tests.support.valkey import new_prefix, shared_engine
from tests.support.wire_commands import COMMANDS as SEALED
from tests.support.wire_commands import CREATE

DAY = 86_400  # seconds
NOW = 1_800_000_000.0
PLAIN: list[Command] = [
    *(Create("x", DAY), Create("y", DAY), Read(), Read()),
    *(Read(None, None, "a"), Read(None, None, "b"), Destroy()),
]


class World:
    """Two servers that are patient, or one that is not; their callers, and what these were told.

    The patient ones outlast every trouble here: they answer no 503. Of the other, a command with 503 was taken back, or
    somebody else was told of it before that could be: so it has happened, or not.
    """

    def __init__(self, chosen: random.Random) -> None:
        self.chosen = chosen
        self.engine = SimulatedEngine(chosen)
        self.history: dict[str, list[Event]] = defaultdict(list)
        self._loop = Loop(Turns(chosen.choice))
        self._time = itertools.count()
        deadlines = chosen.choice([(0.6,), (30, 30)])
        url = "valkey://engine:6379/0?replicas=1&deadline="
        self._stores = [ValkeyStore(parse_url(f"{url}{deadline}"), clock=lambda: NOW) for deadline in deadlines]

    def play(self) -> None:
        callers = [self._loop.create_task(self._call()) for _ in range(6)]
        callers += [self._loop.create_task(self._disturb())]
        self._loop.run_until(lambda: all(caller.done() for caller in callers))
        for store in self._stores:
            self._loop.call_soon(store.close)
        self._loop.run_until(lambda: all(task.done() for task in self._loop.tasks))
        for caller in callers:
            caller.result()
        for message_id, events in self.history.items():
            assert is_linearizable(events), (message_id, sorted(events, key=lambda event: event.began))

    async def _call(self) -> None:
        for _ in range(3):
            await asyncio.sleep(self.chosen.choice([0, 0, 0.1, 0.6]))
            message_id, commands = self.chosen.choice([("abc12", PLAIN), ("sealed", [CREATE, *SEALED])])
            command = self.chosen.choice(commands)
            began = next(self._time)
            try:
                outcome = await self.chosen.choice(self._stores).apply(message_id, command)
                self.history[message_id].append(Event(began, next(self._time), command, outcome))
            except StorageUnavailable:
                assert len(self._stores) == 1
                self.history[message_id].append(refused(began, command))

    async def _disturb(self) -> None:
        self.engine.loses = self.chosen.random() < 0.7
        for _ in range(2):
            await asyncio.sleep(self.chosen.choice([0, 0.01, 0.1, 0.6]))
            self.engine.is_cut = self.chosen.random() < 0.5
            for _ in range(self.chosen.randrange(40)):
                await asyncio.sleep(0)
            await asyncio.sleep(self.chosen.choice([0, 0, 0.3, 1]))
            if self.chosen.random() < 0.5:
                self.engine.fail_over()
            self.engine.is_cut = False
        self.engine.loses = False


@contextmanager
def simulated(chosen: random.Random) -> Iterator[World]:
    """A world with an engine in place of connections and chance."""
    world = World(chosen)

    async def open_connection(*_: object) -> Any:
        return world.engine.connect()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(primary, "open_connection", open_connection)
        for module in (primary, lease_sweep):
            patch.setattr(module, "random", chosen)
        logging.disable()
        try:
            yield world
        finally:
            logging.disable(logging.NOTSET)


def play_seed(seed: int) -> None:
    with simulated(random.Random(seed)) as world, replayable(__spec__.name, seed):
        world.play()


def play_seeds(first: int, count: int) -> None:
    for seed in range(first, first + count):
        play_seed(seed)


@pytest.mark.parametrize(("first", "count"), [(0, 150), pytest.param(150, 20_000, marks=pytest.mark.long)])
def test_random_orders_lost_answers_and_failovers(first: int, count: int) -> None:
    play_seeds(first, count)


async def test_the_simulated_engine_answers_as_a_real_one() -> None:
    chosen = random.Random(1)
    prefix = new_prefix().encode()
    commands: list[connection.Command] = []
    for _ in range(500):
        key = b"%s%d" % (prefix, chosen.randrange(100))
        old, new = chosen.choices([b"", b"a", b"b"], k=2)
        life = chosen.choice([60_000, 60_000, KEEP_LIFE, 0])
        commands += [
            chosen.choice([create(key, new, life or 0), replace(key, old, new, life), (b"GET", key)]),
            chosen.choice([replace_by_script(key, old, new, life), (b"GET", key)]),
            remember(prefix + b"ends", key, NOW),
        ]
    settings = parse_url(shared_engine().url)
    with allow(PROCESSES_AND_CONNECTIONS):
        real = await primary.open_connection(settings.hosts[0], settings)
    replies = await real.call(commands)
    real.close()
    double = Data()
    for command, reply in zip(commands, replies, strict=True):
        simulated_reply = double.execute(command)
        assert isinstance(reply, ResponseError) == isinstance(simulated_reply, ResponseError), command
        assert isinstance(reply, ResponseError) or simulated_reply == reply, command


def no_fence(_: Fence) -> list[connection.Command]:
    return []


async def no_write_for_the_fence(*_: object) -> bool:
    return False


write = Keys.write


async def take_uncertain_for_done(keys: Keys, *arguments: Any, **options: Any) -> Written:
    written = await write(keys, *arguments, **options)
    return Written.DONE if written is Written.UNCERTAIN else written


def forget_what_was_decided(operation: Operation[Any], value: Value | None, now: float) -> tuple[object, object, bool]:
    record = None if value is None else value.record
    kept, outcome = operation._decide(record, now)  # noqa: SLF001
    return kept, outcome, kept is not record


@pytest.mark.parametrize(
    ("owner", "name", "fault"),
    [
        (Fence, "commands", property(no_fence)),
        (Fence, "check", lambda *_: None),
        (Operation, "_must_fence", no_write_for_the_fence),
        (Operation, "_considered", forget_what_was_decided),
        (Keys, "write", take_uncertain_for_done),
    ],
)
def test_a_fault_is_found(owner: type, name: str, fault: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(owner, name, fault)
    with pytest.raises(AssertionError, match="python -m"):
        play_seeds(0, 600)


if __name__ == "__main__":
    play_seed(int(sys.argv[1]))
