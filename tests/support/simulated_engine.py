"""An engine in this process: it does what Valkey does with the commands that the store sends.

It has an append-only file and a replica that lags; or neither, and then it only gets out of reach of one server.

It refuses whatever else it is sent. `tests/valkey/test_simulation.py` compares it with a real one.
"""

import asyncio
import random
from collections.abc import Sequence

from redis.exceptions import ResponseError

from crypt_api.server.stores.valkey import compare_and_set, lease_ends
from crypt_api.server.stores.valkey.connection import ConnectionLost, EngineCommand, Reply

INFO = b"""
redis_version:7.2.4
valkey_version:9.1.2
role:master
connected_slaves:%d
aof_enabled:%d
maxmemory:0
maxmemory_policy:noeviction
"""

REPLIES: dict[EngineCommand, Reply] = {
    (b"TIME",): [b"1800000000", b"0"],
    (b"DBSIZE",): 1,
    (b"CONFIG", b"GET", b"appendfsync"): [b"appendfsync", b"always"],
}

COMPARE_AND_SET = compare_and_set._SCRIPT  # noqa: SLF001
REMEMBER = lease_ends._SCRIPT  # noqa: SLF001

FAR = "server0"
"""The name of the server that has the longer way to the engine."""

Write = tuple[bytes, bytes | None]


class Data:
    """The keys of one engine. Time stands still, so none expires."""

    def __init__(self, *, is_fenced: bool = True) -> None:
        self._info = INFO % (is_fenced, is_fenced)
        self.values: dict[bytes, bytes] = {}
        self.log: list[Write] = []
        """Everything that was ever written."""
        self._remembered: set[tuple[bytes, bytes]] = set()

    def execute(self, command: EngineCommand) -> Reply:  # noqa: C901, PLR0911 - a table
        match command:
            case (b"INFO", *_):
                return self._info
            case (b"GET", bytes(key)):
                return self.values.get(key)
            case (b"SET", bytes(key), bytes(new), b"NX", *life) if _is_life(life):
                return self._replace(key, None, new)
            case (b"SET", bytes(key), bytes(new), b"IFEQ", bytes(old), *life) if _is_life(life):
                return self._replace(key, old, new)
            case (b"EVAL", script, 1, bytes(key), bytes(old), bytes(new), *life) if script == COMPARE_AND_SET:
                if self.values.get(key, b"") != old:
                    return None
                if _is_life(life):
                    return self._replace(key, self.values.get(key), new)
            case (b"EVAL", script, 1, bytes(ends), bytes(), bytes(key)) if script == REMEMBER:
                is_new = (ends, key) not in self._remembered
                self._remembered.add((ends, key))
                self.log.append((b"", None))
                return int(is_new)
            case (b"ZRANGE", bytes(ends), b"-inf", _, b"BYSCORE", b"LIMIT", int(skipped), int(count)):
                return sorted(key for known, key in self._remembered if known == ends)[skipped : skipped + count]
            case (b"ZREM", bytes(ends), bytes(key)):
                was_there = (ends, key) in self._remembered
                self._remembered.discard((ends, key))
                return int(was_there)
        return REPLIES.get(command, ResponseError("ERR syntax error"))

    def _replace(self, key: bytes, old: bytes | None, new: bytes) -> Reply:
        if self.values.get(key) != old:
            return None
        self.values[key] = new
        self.log.append((key, new))
        return b"OK"


def _is_life(words: Sequence[bytes | int]) -> bool:
    match words:
        case [b"KEEPTTL"]:
            return True
        case [b"PX", int(milliseconds)]:
            return milliseconds > 0
    return False


class SimulatedEngine:
    """A primary, its replica if it has one, and the connections to the primary.

    Attributes:
        is_fenced: Whether it has an append-only file and a replica.
        is_cut: Whether the replica gets nothing; without a replica, whether the server `FAR` gets no answer to its next
            write, nor to anything after that.
        loses: Whether connections fail, now and then.
    """

    def __init__(self, chosen: random.Random, *, is_fenced: bool = True) -> None:
        self.chosen = chosen
        self.is_fenced = is_fenced
        self.data = Data(is_fenced=is_fenced)
        self.replicated = 0
        """So many of the writes does the replica have."""
        self.is_cut = False
        self.loses = False
        self.has_lost_far = False
        self.connections: list[SimulatedConnection] = []

    def connect(self, server: str) -> "SimulatedConnection":
        """Connect a server, which has a name of its own for the engine."""
        connection = SimulatedConnection(self, server)
        if connection.is_out_of_reach:
            raise ConnectionLost("no route to host")
        self.connections.append(connection)
        return connection

    def fail_over(self) -> None:
        """The primary is gone; the replica takes its place, with what it has, and has a new replica."""
        if not self.is_fenced:
            return
        promoted = Data()
        for key, value in self.data.log[: self.replicated]:
            if value is not None:
                promoted.values[key] = value
            promoted.log.append((key, value))
        self.data = promoted
        self.is_cut = False
        for connection in self.connections:
            connection.is_lost = True
        self.connections.clear()

    def replicate(self) -> None:
        if not self.is_cut:
            self.replicated = len(self.data.log)


class SimulatedConnection:
    """Stands for a `Connection`."""

    def __init__(self, engine: SimulatedEngine, server: str) -> None:
        self.is_lost = False
        self._engine = engine
        self._server = server
        self._last_write = 0

    @property
    def is_out_of_reach(self) -> bool:
        engine = self._engine
        engine.has_lost_far &= engine.is_cut
        return self._server == FAR and engine.has_lost_far

    async def call(self, commands: Sequence[EngineCommand]) -> list[Reply]:
        """Execute the commands, one a step; other connections' come in between."""
        chosen, replies = self._engine.chosen, list[Reply]()
        loses_at = chosen.randrange(len(commands) + 1) if self._engine.loses and chosen.random() < 0.06 else None
        for number, command in enumerate(commands):
            if number == loses_at:
                if chosen.random() < 0.5:  # what is on its way may be executed later
                    self._late = asyncio.ensure_future(self._execute_late(commands[number:]))
                self.is_lost = True
            await self._pass_turns()
            replies.append(await self._execute(command))
        await self._pass_turns()
        if self.is_lost or self.is_out_of_reach or loses_at == len(commands):
            raise ConnectionLost("connection reset")
        return replies

    def close(self) -> None:
        self.is_lost = True

    async def _execute_late(self, commands: Sequence[EngineCommand]) -> None:
        primary = self._engine.data
        await asyncio.sleep(self._engine.chosen.choice([0, 0.01, 0.5]))
        for command in commands:
            if primary is self._engine.data:
                primary.execute(command)

    async def _execute(self, command: EngineCommand) -> Reply:
        if self.is_lost:
            raise ConnectionLost("connection reset")
        match command:
            case (b"WAIT", 1, int(milliseconds)):
                return await self._wait(milliseconds)
            case (b"WAITAOF", 1, 1, int(milliseconds)):
                return [1, await self._wait(milliseconds)]
        engine = self._engine
        count = len(engine.data.log)
        reply = engine.data.execute(command)
        if len(engine.data.log) > count:
            self._last_write = len(engine.data.log)
            engine.has_lost_far |= self._server == FAR and engine.is_cut and not engine.is_fenced
        if engine.chosen.random() < 0.3:
            engine.replicate()
        return reply

    async def _wait(self, milliseconds: int) -> int:
        """Wait for the replica to have the writes of this connection, not those of others."""
        self._engine.replicate()
        if self._engine.replicated < self._last_write:
            await asyncio.sleep(milliseconds / 1_000)
            self._engine.replicate()
        return int(self._engine.replicated >= self._last_write and not self.is_lost)

    async def _pass_turns(self) -> None:
        for _ in range(self._engine.chosen.choice([0, 0, 1, 3])):
            await asyncio.sleep(0)
