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

from crypt_api.server.stores.valkey import connection, lease_sweep, primary, update
from crypt_api.server.stores.valkey.compare_and_set import KEEP_LIFE, create, replace, replace_by_script
from crypt_api.server.stores.valkey.engine import Engine
from crypt_api.server.stores.valkey.fence import NO_FENCE, Fence
from crypt_api.server.stores.valkey.keys import Keys, Written
from crypt_api.server.stores.valkey.lease_ends import remember
from crypt_api.server.stores.valkey.store import ValkeyStore
from crypt_api.server.stores.valkey.stored_value import Value, changed, rewritten
from crypt_api.server.stores.valkey.take_back import Progress, TakeBacks, take_back
from crypt_api.server.stores.valkey.update import Attempt, Update
from crypt_api.server.stores.valkey.url import parse_url
from crypt_core.commands import Command, Create, Destroy, Read
from crypt_core.messages import decide
from crypt_core.store import StorageUnavailable
from tests.support.isolation import PROCESSES_AND_CONNECTIONS, allow
from tests.support.linearizable import Event, is_linearizable, refused
from tests.support.seeds import replayable
from tests.support.simulated_engine import Data, SimulatedEngine
from tests.support.simulated_loop import Loop
from tests.support.simulation import Turns
from tests.support.valkey import new_prefix, shared_engine
from tests.support.wire_commands import ASKED, CREATE, QUESTION
from tests.support.wire_commands import COMMANDS as SEALED

DAY = 86_400  # seconds
NOW = 1_800_000_000.0
UNFENCED = 4
"""In each of so many worlds, the engine has neither a replica nor an append-only file."""

PATIENT = 30.0
"""Seconds: a deadline that no trouble of a simulation uses up."""

PLAIN: list[Command] = [
    *(Create("x", DAY), Create("y", DAY), Read(), Read()),
    *(Read(None, None, "a"), Read(None, None, "b"), Destroy()),
]

LONG_IDS: dict[str, list[Command]] = {"sealed": [CREATE, *SEALED], "asked": [QUESTION, *ASKED]}
LAST_READS = {"sealed": Read("proof", "passphrase"), "asked": Read("proof")}


class World:
    """One server or two, patient or not; their callers, and what these were told.

    The patient ones outlast every trouble here: they answer no 503. Of the others, a command with 503 was taken back,
    or somebody else was told of it before that could be: so it has happened, or not. If nobody was told anything of the
    message since the command began, it has not.
    """

    def __init__(self, chosen: random.Random, *, is_fenced: bool) -> None:
        self.chosen = chosen
        self.engine = SimulatedEngine(chosen, is_fenced=is_fenced)
        self.history: dict[str, list[Event]] = defaultdict(list)
        self._loop = Loop(Turns(chosen.choice))
        self._time = itertools.count()
        self._deadlines = chosen.choice([(0.6,), (PATIENT, PATIENT), (0.6, 0.6), (0.6, 0.6), (0.6, PATIENT)])
        self._stores = [self._store(f"server{number}", deadline) for number, deadline in enumerate(self._deadlines)]
        self._observer = self._store("observer", PATIENT)

    def _store(self, server: str, deadline: float) -> ValkeyStore:
        url = f"valkey://{server}:6379/0?replicas={int(self.engine.is_fenced)}&deadline={deadline}"
        return ValkeyStore(parse_url(url), clock=lambda: NOW)

    def play(self) -> None:
        callers = [self._loop.create_task(self._call()) for _ in range(6)]
        try:
            self._run([*callers, self._loop.create_task(self._disturb())])
            self._run([self._loop.create_task(self._ask_while_the_link_is_cut())])
            self._run([self._loop.create_task(self._observe())])
        finally:
            for store in (*self._stores, self._observer):
                self._loop.call_soon(store.close)
            self._loop.run_until(lambda: all(task.done() for task in self._loop.tasks))

    def _run(self, tasks: list[asyncio.Task[None]]) -> None:
        self._loop.run_until(lambda: all(task.done() for task in tasks))
        for task in tasks:
            task.result()

    async def _call(self) -> None:
        for _ in range(3):
            await asyncio.sleep(self.chosen.choice([0, 0, 0.1, 0.6]))
            message_id, commands = self.chosen.choice([("abc12", PLAIN), *LONG_IDS.items()])
            await self._ask(self.chosen.randrange(len(self._stores)), message_id, self.chosen.choice(commands))

    async def _ask(self, server: int, message_id: str, command: Command) -> None:
        began = next(self._time)
        try:
            outcome = await self._stores[server].apply(message_id, command)
            self.history[message_id].append(Event(began, next(self._time), command, outcome))
        except StorageUnavailable:
            assert self._deadlines[server] < PATIENT
            self.history[message_id].append(refused(began, command))

    async def _ask_while_the_link_is_cut(self) -> None:
        """Several callers look at a message, on any server, while nothing can be confirmed."""
        message_id, commands = self.chosen.choice(
            [("abc13", PLAIN), *((f"{name}2", commands) for name, commands in LONG_IDS.items())]
        )
        await self._ask(0, message_id, commands[0])
        await asyncio.gather(*(self._ask(number, "other", Read()) for number in range(len(self._stores))))
        self.engine.is_cut = True

        async def ask() -> None:
            await asyncio.sleep(self.chosen.choice([0, 0.05, 0.1, 0.3]))
            await self._ask(self.chosen.randrange(len(self._stores)), message_id, self.chosen.choice(commands))

        asking = [asyncio.ensure_future(ask()) for _ in range(self.chosen.choice([1, 2, 2, 3]))]
        await asyncio.sleep(self.chosen.choice([0.5, 1, 4]))
        if self.chosen.random() < 0.3:
            self.engine.fail_over()
        self.engine.is_cut = False
        await asyncio.gather(*asking)

    async def _observe(self) -> None:
        """Look at the messages when nothing is being taken back any more, and nothing is under way."""
        await asyncio.sleep(1)
        while any(store.live._take_backs._tasks for store in self._stores):  # noqa: SLF001, ASYNC110 - no real time
            await asyncio.sleep(1)
        for message_id, events in self.history.items():
            assert is_linearizable(events), (message_id, sorted(events, key=lambda event: event.began))
            last_told = max((event.ended for event in events if not event.is_refused), default=-1)
            told = [event for event in events if not event.is_refused or event.began < last_told]
            command = LAST_READS.get(message_id.rstrip("2"), Read())
            outcome = await self._observer.apply(message_id, command)
            told.append(Event(next(self._time), next(self._time), command, outcome))
            assert is_linearizable(told), (message_id, sorted(events, key=lambda event: event.began), outcome)

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
def simulated(chosen: random.Random, *, is_fenced: bool) -> Iterator[World]:
    """A world with an engine in place of connections and chance."""
    world = World(chosen, is_fenced=is_fenced)

    async def open_connection(address: tuple[str, int], _: object) -> Any:
        return world.engine.connect(address[0])

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
    with simulated(random.Random(seed), is_fenced=seed % UNFENCED != 0) as world, replayable(__spec__.name, seed):
        world.play()


def play_seeds(first: int, count: int, step: int = 1) -> None:
    for seed in range(first, first + step * count, step):
        play_seed(seed)


@pytest.mark.parametrize(("first", "count"), [(0, 150), pytest.param(150, 20_000, marks=pytest.mark.long)])
def test_random_orders_lost_answers_and_failovers(first: int, count: int) -> None:
    play_seeds(first, count)


async def test_the_simulated_engine_answers_as_a_real_one() -> None:
    chosen = random.Random(1)
    prefix = new_prefix().encode()
    commands: list[connection.EngineCommand] = []
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


class WithReplica:
    """Stands for `Keys` of one key, whose replica has an older value than the primary until a fence has held."""

    def __init__(self, value: Value, replica: Value) -> None:
        self.value = value
        self.replica = replica

    async def read(self, *_: object, **__: object) -> tuple[Value, float]:
        return self.value, NOW

    async def write_unfenced(self, _key: bytes, _before: Value, after: Value, **_: object) -> None:
        self.value = after

    async def write(self, _key: bytes, _before: Value, after: Value, **_: object) -> Written:
        self.value = self.replica = after
        return Written.DONE


async def test_what_another_server_has_taken_away_from_below_does_not_come_back_by_a_failover() -> None:
    record, _ = decide(None, CREATE, NOW)
    theirs = changed(None, record)
    ours = changed(theirs, record)
    keys: Any = WithReplica(rewritten(None), replica=ours)
    await take_back(keys, b"key", [Attempt(theirs, ours)], Progress(1))
    assert ours.write not in keys.replica.claims


def no_write_for_the_fence(*_: object) -> bool:
    return False


write = Keys.write


async def take_uncertain_for_done(keys: Keys, *arguments: Any, **options: Any) -> Written:
    written = await write(keys, *arguments, **options)
    return Written.DONE if written is Written.UNCERTAIN else written


def forget_what_was_decided(it: Update[Any], value: Value | None, now: float) -> tuple[object, object, bool]:
    record = None if value is None else value.record
    kept, outcome = it._decide(record, now)  # noqa: SLF001
    return kept, outcome, kept is not record


def take_nothing_back(*_: object) -> Progress:
    progress = Progress(1)
    progress.ended()
    return progress


@pytest.mark.parametrize(
    ("owner", "name", "fault"),
    [
        (Engine, "fence", lambda *_: NO_FENCE),
        (Fence, "check", lambda *_: None),
        (Update, "_must_fence", no_write_for_the_fence),
        (Update, "_considered", forget_what_was_decided),
        (Keys, "write", take_uncertain_for_done),
        (TakeBacks, "take_back", take_nothing_back),
        (update, "touched", rewritten),  # so that a change is taken back although somebody was told of it
    ],
)
def test_a_fault_is_found(owner: object, name: str, fault: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(owner, name, fault)
    with pytest.raises(AssertionError, match="python -m"):
        play_seeds(0, 600)


def test_without_a_fence_too_nothing_is_taken_back_that_somebody_was_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Update, "_must_fence", no_write_for_the_fence)
    with pytest.raises(AssertionError, match="python -m"):
        play_seeds(0, 600, step=UNFENCED)


if __name__ == "__main__":
    play_seed(int(sys.argv[1]))
