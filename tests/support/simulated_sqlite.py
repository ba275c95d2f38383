"""The SQLite store on threads that take turns, with a disk that fails and a process that crashes between any two steps.

SQLite and its files are real. A crash leaves the files as they are at that moment. They are not synced: this is about
the process; `tests/reliability/test_sqlite_durability.py` is about power cuts.
"""

import asyncio
import itertools
import math
import random
import shutil
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from crypt_api.server.stores.sqlite.connection import open_exclusively
from crypt_api.server.stores.sqlite.group_commit import QueuedCommand
from crypt_api.server.stores.sqlite.store import SqliteStore
from crypt_api.server.stores.sqlite.system import System
from crypt_core.commands import Command
from crypt_core.store import StorageUnavailable
from tests.support.linearizable import Event, is_linearizable, refused
from tests.support.simulated_loop import Loop
from tests.support.simulated_threads import Deque, Flag, Lock, Queue, Thread
from tests.support.simulation import PAUSES, Crashed, Turns

T = TypeVar("T")

NOW = 1_800_000_000.0
SMALL = 1 << 16
"""Bytes that stand for the log's room, and for a step of the file's growth: so that a process starts fast."""

FAILED = sqlite3.OperationalError("disk I/O error")
FULL = sqlite3.OperationalError("database or disk is full")
FULL.sqlite_errorcode = sqlite3.SQLITE_FULL
FATES: Sequence[tuple[bool, Exception]] = [
    (True, FAILED),
    (True, MemoryError()),
    (False, FAILED),
    (False, FULL),
]
"""Of a commit that fails: whether it takes place all the same, and what is raised."""


class World:
    """One file, the processes that have it one after the other, their callers, and what these were told.

    An answer of 503 means that nothing happened, so such a command has no place in the history; nor has that of a
    caller who left before its turn. A command that a crash left without an answer may have taken effect, or not.
    """

    def __init__(self, chosen: random.Random, folder: Path) -> None:
        self.history: dict[str, list[Event]] = defaultdict(list)
        self.crashes = 0
        self.turns = Turns(chosen.choice, self._copy_files, self._look_for_lost_wake_up)
        self.connections: list[SimulatedConnection] = []
        self.fails = False
        """Whether the disk does, now and then."""
        self.sleeps = False
        """Whether the store waits for the disk to be well again."""
        self.pauses: Sequence[float] = PAUSES
        self._chosen = chosen
        self._folders = (folder / str(number) for number in itertools.count())
        self._folder = next(self._folders)
        self._folder.mkdir(parents=True)
        self._time = itertools.count()
        self._asked: dict[asyncio.Task[None], tuple[int, str, Command]] = {}

    def live(self, commands: Iterable[tuple[str, Command]], *, steps: float = math.inf, fails: bool = False) -> None:
        """Have a process serve the commands. After so many steps it crashes, if it has not ended before."""
        self.turns = Turns(self._chosen.choice, self._copy_files, self._look_for_lost_wake_up, self.pauses)
        self.turns.steps_left = steps
        callers: list[asyncio.Task[None]] = []
        try:
            self._serve(callers, commands, fails=fails)
        except Crashed:
            self.crashes += 1
        finally:
            self.fails = self.sleeps = False
            self.turns.end()
            self._let_go()
            for caller in callers:
                caller.get_coro().close()
        for began, message_id, command in self._asked.values():
            self.history[message_id].append(refused(began, command))
        self._asked.clear()
        assert not self.turns.failure, self.turns.failure

    def waiting(self) -> list[QueuedCommand]:
        """The commands whose turn has not come."""
        return [*self._store._writer._waiting]  # noqa: SLF001

    def check(self) -> None:
        for message_id, events in self.history.items():
            assert is_linearizable(events), (message_id, sorted(events, key=lambda event: event.began))

    def _serve(
        self, callers: list[asyncio.Task[None]], commands: Iterable[tuple[str, Command]], *, fails: bool
    ) -> None:
        loop = Loop(self.turns)
        self._store = SqliteStore(self._folder / "messages.db", clock=lambda: NOW, system=self._system())
        self.fails = fails
        for message_id, command in commands:
            caller = loop.create_task(self._call(message_id, replace(command)))  # its own, to be told from others
            callers.append(caller)
            if self._chosen.random() < 0.1:
                callers.append(loop.create_task(self._leave(caller)))
        patience = self._chosen.choice([1, self._chosen.random()])
        loop.run_until(lambda: sum(caller.done() for caller in callers) >= patience * len(callers))
        self._store.close()
        loop.run_until(lambda: all(caller.done() for caller in callers))
        for caller in callers:
            if not caller.cancelled():
                caller.result()

    async def _call(self, message_id: str, command: Command) -> None:
        await asyncio.sleep(self._chosen.choice([0, 0, 0, 0.3, 0.6]))
        await self._pass_turns(self._chosen.choice([0, 20]))
        me: Any = asyncio.current_task()
        began = next(self._time)
        self._asked[me] = began, message_id, command
        try:
            outcome = await self._store.apply(message_id, command)
        except StorageUnavailable:
            del self._asked[me]
        else:
            del self._asked[me]
            self.history[message_id].append(Event(began, next(self._time), command, outcome))

    async def _leave(self, caller: asyncio.Task[None]) -> None:
        """End the caller at some moment."""
        await self._pass_turns(8)
        caller.cancel()
        if caller in self._asked:
            began, message_id, command = self._asked.pop(caller)
            if not any(queued.command is command for queued in self.waiting()):
                self.history[message_id].append(refused(began, command))

    async def _pass_turns(self, most: int) -> None:
        for _ in range(self._chosen.randint(0, most)):
            await asyncio.sleep(0)

    def _copy_files(self) -> None:
        """As a crash leaves them. What this process does to its own from now on, nobody sees."""
        crashed, self._folder = self._folder, next(self._folders)
        shutil.copytree(crashed, self._folder)

    def _let_go(self) -> None:
        """Close what a process that ended would have closed."""
        for connection in self.connections:
            connection.close()
        self.connections.clear()

    def _look_for_lost_wake_up(self) -> None:
        if self._asked and not self.sleeps:
            self.turns.fail("a command waits, and nobody has been told")

    def connect(self, path: Path) -> sqlite3.Connection:
        connection = open_exclusively(path, SimulatedConnection)
        assert isinstance(connection, SimulatedConnection)
        self.connections.append(connection)
        connection.world = self
        return connection

    def step(self, sql: str, run: Callable[[], T]) -> T:
        """One statement: it is a turn, and may fail."""
        self.turns.turn()
        if not self.fails or self._chosen.random() > (0.15 if sql == "COMMIT" else 0.003):
            return run()
        takes_place, error = self._chosen.choice(FATES) if sql == "COMMIT" else (False, FAILED)
        if takes_place:
            run()
        raise error

    def step_of_closing(self) -> None:
        """A turn, with a crash more often than elsewhere; none after a crash."""
        if not self.turns.has_crashed:
            self.turns.turn()
            if self._chosen.random() < 0.1:
                self.turns.crash()

    def _sleep(self, seconds: float) -> None:
        self.sleeps = True
        self.turns.turn(lambda: False, self.turns.now + seconds)
        self.sleeps = False

    def _system(self) -> System:
        turns = self.turns
        substitutes: dict[str, Any] = {
            "lock": Lock,
            "event": Flag,
            "deque": Deque,
            "queue": Queue,
            "thread": Thread,
        }
        return System(
            monotonic=lambda: turns.now,
            sleep=self._sleep,
            exit=turns.crash,
            connect=self.connect,
            sync=lambda _: turns.turn(),
            sync_folder=lambda _: None,
            log_bytes=SMALL,
            growth_bytes=SMALL,
            **{name: partial(substitute, turns) for name, substitute in substitutes.items()},
        )


class SimulatedConnection(sqlite3.Connection):
    """A connection to a real file, whose steps are turns as soon as it has its world. It syncs nothing."""

    world: World | None = None

    def execute(self, sql: str, parameters: Any = ()) -> sqlite3.Cursor:
        if sql == "PRAGMA synchronous = FULL":
            sql = "PRAGMA synchronous = OFF"
        run = partial(super().execute, sql, parameters)
        return self.world.step(sql, run) if self.world else run()

    def executemany(self, sql: str, parameters: Any) -> sqlite3.Cursor:
        run = partial(super().executemany, sql, parameters)
        return self.world.step(sql, run) if self.world else run()

    def close(self) -> None:
        if self.world:
            self.world.step_of_closing()
        super().close()
