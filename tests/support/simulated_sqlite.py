"""The SQLite store on threads that take turns, with a disk that fails and a process that crashes between any two steps.

SQLite and its files are real. A crash leaves the files as they are at that moment. They are not synced: this is about
the process; `tests/reliability/test_sqlite_durability.py` is about power cuts.
"""

import asyncio
import itertools
import logging
import math
import random
import shutil
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from queue import Empty
from types import SimpleNamespace
from typing import Any

import pytest

from crypt_api.server.stores.sqlite import database, disk_space, group_commit, housekeeping, settlement, wal, writer
from crypt_api.server.stores.sqlite import store as sqlite_store
from crypt_api.server.stores.sqlite.connection import open_exclusively
from crypt_api.server.stores.sqlite.database import SqliteFile
from crypt_api.server.stores.sqlite.disk_space import DiskFull
from crypt_api.server.stores.sqlite.store import SqliteStore
from crypt_api.server.stores.sqlite.wal import WriteAheadLog
from crypt_core.errors import StorageUnavailable
from crypt_core.messages import Command
from tests.support.linearizable import Event, is_linearizable, refused
from tests.support.simulated_loop import Loop
from tests.support.simulated_threads import Crashed, Deque, Flag, Lock, Queue, Thread, Turns

NOW = 1_800_000_000.0
SMALL = 1 << 16
"""Bytes that stand for the log's room, and for a step of the file's growth: so that a process starts fast."""

FAILED = sqlite3.OperationalError("disk I/O error")
FATES: Sequence[tuple[bool, Exception]] = [
    (True, FAILED),
    (True, MemoryError()),
    (False, FAILED),
    (False, DiskFull("SQLite finds no room")),
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
        self.turns = Turns(chosen, self._copy_files, self._look_for_lost_wake_up)
        self.files: list[SqliteFile] = []
        self.connections: list[sqlite3.Connection] = []
        self.fails = False
        """Whether the disk does, now and then."""
        self.sleeps = False
        """Whether the store waits for the disk to be well again."""
        self._chosen = chosen
        self._folders = (folder / str(number) for number in itertools.count())
        self._folder = next(self._folders)
        self._folder.mkdir()
        self._time = itertools.count()
        self._asked: dict[asyncio.Task[None], tuple[int, str, Command]] = {}

    def live(self, commands: Iterable[tuple[str, Command]], *, steps: float = math.inf, fails: bool = False) -> None:
        """Have a process serve the commands. After so many steps it crashes, if it has not ended before."""
        self.turns = Turns(self._chosen, self._copy_files, self._look_for_lost_wake_up)
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

    def check(self) -> None:
        for message_id, events in self.history.items():
            assert is_linearizable(events), (message_id, sorted(events, key=lambda event: event.began))

    def _serve(
        self, callers: list[asyncio.Task[None]], commands: Iterable[tuple[str, Command]], *, fails: bool
    ) -> None:
        loop = Loop(self.turns)
        self._store = SqliteStore(self._folder / "messages.db", clock=lambda: NOW, end=self.turns.crash)
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
            waiting = self._store._writer._waiting  # noqa: SLF001 - whose turn has not come
            if not any(task.command is command for task in waiting):
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
        for file in self.files:
            file.close()
        for connection in self.connections:
            connection.close()
        self.files.clear()
        self.connections.clear()

    def _look_for_lost_wake_up(self) -> None:
        if self._asked and not self.sleeps:
            self.turns.fail("a command waits, and nobody has been told")

    def execute(self, execute: Callable[..., list[Any]], file: SqliteFile, sql: str, *values: object) -> list[Any]:
        """One statement: it is a turn, and may fail."""
        self.turns.turn()
        if not self.fails or self._chosen.random() > (0.15 if sql == "COMMIT" else 0.003):
            return execute(file, sql, *values)
        takes_place, error = self._chosen.choice(FATES) if sql == "COMMIT" else (False, FAILED)
        if takes_place:
            execute(file, sql, *values)
        raise error

    def open(self, *arguments: Any) -> SqliteFile:
        file = SqliteFile(*arguments)
        self.files.append(file)
        return file

    @contextmanager
    def kept(self, kept: Callable[[WriteAheadLog], AbstractContextManager[None]], log: WriteAheadLog) -> Iterator[None]:
        """Between two steps of closing, there is a turn, too, and more often a crash than elsewhere."""
        with kept(log):
            if not self.turns.has_crashed:
                try:
                    self.turns.turn()
                    if self._chosen.random() < 0.1:
                        self.turns.crash()
                except Crashed:
                    log.close()
                    raise
            yield

    def connect(self, path: Path) -> sqlite3.Connection:
        connection = open_exclusively(path)
        self.connections.append(connection)
        return connection

    def sync(self, _: int) -> None:
        self.turns.turn()

    def sleep(self, seconds: float) -> None:
        self.sleeps = True
        self.turns.turn(lambda: False, self.turns.now + seconds)
        self.sleeps = False


@contextmanager
def simulated(chosen: random.Random, folder: Path) -> Iterator[World]:
    """A world in place of threads, time and disk."""
    world = World(chosen, folder)
    execute, kept = SqliteFile.execute, WriteAheadLog.kept
    time = SimpleNamespace(monotonic=lambda: world.turns.now)
    settings = [*database._SETTINGS, "PRAGMA synchronous = OFF"]  # noqa: SLF001
    substitutes: list[tuple[object, str, object]] = [
        (sqlite_store, "threading", SimpleNamespace(Thread=lambda target, **_: Thread(world.turns, target))),
        (
            writer,
            "threading",
            SimpleNamespace(Event=lambda: Flag(world.turns), Lock=lambda: Lock(world.turns)),
        ),
        (writer, "SimpleQueue", lambda: Queue(world.turns, Empty)),
        (writer, "deque", lambda: Deque(world.turns)),
        (writer, "SqliteFile", world.open),
        (database, "open_exclusively", world.connect),
        (WriteAheadLog, "kept", lambda log: world.kept(kept, log)),
        *((module, "time", time) for module in (writer, housekeeping, settlement)),
        (group_commit, "settle", partial(settlement.settle, sleep=world.sleep)),
        (SqliteFile, "execute", lambda *arguments: world.execute(execute, *arguments)),
        *((module, "sync", world.sync) for module in (database, wal)),
        (database, "sync_folder", lambda _: None),
        (database, "_SETTINGS", settings),
        *((module, "LOG_BYTES", SMALL) for module in (database, wal)),
        (disk_space, "GROWTH_BYTES", SMALL),
    ]
    logging.disable()
    with pytest.MonkeyPatch.context() as patch:
        for owner, name, substitute in substitutes:
            patch.setattr(owner, name, substitute)
        try:
            yield world
        finally:
            logging.disable(logging.NOTSET)
