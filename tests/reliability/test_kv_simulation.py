"""The protocol between KV and the shards, stepped through in every order, and in thousands of random ones with faults.

One thread, and no real time. A seed that fails is played again by `python -m tests.reliability.test_kv_simulation N`.
"""

import asyncio
import itertools
import random
import sys
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from crypt_core.commands import Command, Create, Destroy, Read
from crypt_core.outcomes import Granted
from crypt_core.store import StorageUnavailable
from crypt_worker.kv_store import KvStore
from crypt_worker.shards import Shards
from tests.support.cloudflare import Buffer, KvNamespace, PlatformError, ShardNamespace, payloads
from tests.support.linearizable import Event, is_linearizable, refused
from tests.support.seeds import replayable
from tests.support.simulated_loop import run
from tests.support.simulation import Choose, explore
from tests.support.wire_commands import ASKED, QUESTION

DAY = 86_400  # seconds
NOW = 1_800_000_000.0
ID = "abc12"
NO_FAULT: Callable[[Sequence[Any]], Any] = lambda options: options[0]  # noqa: E731
COMMANDS: list[Command] = [
    *(Create("x", DAY), Create("y", DAY), Read(), Read(), Read(None, None, "a"), Read(None, None, "b")),
    Destroy(),
]


class SteppedKv(KvNamespace):
    """KV, each of whose calls is a step of its caller, and perhaps goes wrong."""

    def __init__(self, choose: Choose) -> None:
        super().__init__(lambda: NOW)
        self.choose = choose
        self.lags: Sequence[bool] = [False]
        self.fates: Sequence[str] = ["done"]
        self.deletes_are_steps = True

    async def put(self, key: str, value: Buffer, *, expirationTtl: int) -> None:  # noqa: N803
        await self._step(super().put(key, value, expirationTtl=expirationTtl))

    async def get(self, key: str, kind: str) -> Buffer | None:
        await asyncio.sleep(0)
        return None if self.choose(self.lags) else await super().get(key, kind)

    async def delete(self, key: str) -> None:
        if self.deletes_are_steps:
            await self._step(super().delete(key))
        else:
            await super().delete(key)

    async def _step(self, call: Any) -> Any:
        await asyncio.sleep(0)
        fate = self.choose(self.fates)
        if fate == "not done":
            call.close()
            raise PlatformError("KV failed")
        result = await call
        if fate == "answer lost":
            raise PlatformError("KV failed")
        return result


class SteppedShards(ShardNamespace):
    """The shards, each of whose calls is a step of its caller, and perhaps goes wrong."""

    def __init__(self, kv: SteppedKv) -> None:
        super().__init__(kv, lambda: NOW)
        self._kv = kv

    async def _apply(self, name: str, *arguments: Any) -> Any:
        return await self._kv._step(super()._apply(name, *arguments))  # noqa: SLF001


class World:
    """One store, its callers, and what they were told."""

    def __init__(self, choose: Choose) -> None:
        self.kv = SteppedKv(NO_FAULT)
        self.shards = SteppedShards(self.kv)
        self.store = KvStore(payloads(self.kv), Shards(self.shards))
        self.choose = choose
        self.events: list[Event] = []
        self._time = itertools.count()

    async def caller(self, command: Command) -> None:
        began = next(self._time)
        try:
            outcome = await self.store.apply(ID, command)
            self.events.append(Event(began, next(self._time), command, outcome))
        except StorageUnavailable:
            self.events.append(refused(began, command))

    def at_once(self, *commands: Command) -> None:
        """The commands, each by a caller of its own, with the faults that are switched on."""
        self.kv.choose = self.choose
        run([self.caller(command) for command in commands], self.choose)

    def alone(self, command: Command) -> Any:
        """One command, with nothing beside it and no fault."""
        self.kv.choose = NO_FAULT
        run([self.caller(command)], NO_FAULT)
        return self.events[-1].outcome

    def check(self) -> None:
        granted = [event for event in self.events if isinstance(event.outcome, Granted)]
        created = [event for event in self.events if isinstance(event.command, Create)]
        plain = [event for event in granted if event.command == Read()]
        assert len(plain) <= len(created)
        assert is_linearizable(self.events), self.events
        self.shards.close()


@pytest.mark.parametrize(
    ("deletes_are_steps", "orders"), [(False, 500), pytest.param(True, 8_000, marks=pytest.mark.long)]
)
def test_two_readers_and_a_destroyer_in_every_order(orders: int, *, deletes_are_steps: bool) -> None:
    def play(choose: Choose) -> None:
        world = World(choose)
        world.kv.deletes_are_steps = deletes_are_steps
        world.alone(Create("x", DAY))
        world.at_once(Read(), Read(), Destroy())
        world.check()

    assert explore(play) > orders


def test_a_replica_that_lags_loses_nothing_in_any_order() -> None:
    def play(choose: Choose) -> None:
        world = World(choose)
        world.alone(Create("x", DAY))
        world.kv.lags = [False, True]
        world.at_once(Read(), Read())
        world.kv.lags = [False]
        got = [event.outcome for event in world.events if isinstance(event.outcome, Granted)]
        if not got:
            assert world.alone(Read()) == Granted("x")
        assert len(got) <= 1
        world.check()

    assert explore(play) > 100


def play_seed(seed: int) -> None:
    chosen = random.Random(seed)
    world = World(chosen.choice)
    commands = chosen.choice([COMMANDS, COMMANDS, ASKED])
    if commands is ASKED:
        world.alone(QUESTION)
    world.kv.lags = [False] * 5 + [True]
    world.kv.fates = ["done"] * 10 + ["not done", "answer lost"]
    world.at_once(*chosen.choices(commands, k=6))
    with replayable(__spec__.name, seed):
        world.check()


@pytest.mark.parametrize(("seeds", "first"), [(1_000, 0), pytest.param(100_000, 1_000, marks=pytest.mark.long)])
def test_random_callers_and_faults(seeds: int, first: int) -> None:
    for seed in range(first, first + seeds):
        play_seed(seed)


if __name__ == "__main__":
    play_seed(int(sys.argv[1]))
