"""A primary of the engine: a connection that reads, a connection that only writes, and both anew when one fails.

`WAIT` blocks its connection, so writes and their fences have one of their own. The two are opened and closed together.
Commands of callers are sent only after the engine was examined and a first fence has held, so that nothing is begun
that the engine cannot confirm.
"""

import asyncio
import logging
import random
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from redis.exceptions import ResponseError

from crypt_api.server.stores.valkey.compare_and_set import KEEP_LIFE, replace, replace_by_script
from crypt_api.server.stores.valkey.connection import (
    Address,
    Connection,
    ConnectionLost,
    EngineCommand,
    connect,
    refusal,
)
from crypt_api.server.stores.valkey.engine import LOOK, Engine, EngineClock, Findings, examine
from crypt_api.server.stores.valkey.group_commit import ASKING, TIME, GroupCommit
from crypt_api.server.stores.valkey.lease_ends import forget, over, remember
from crypt_api.server.stores.valkey.url import ValkeySettings

logger = logging.getLogger(__name__)

FIRST_PAUSE = 0.01
LONGEST_PAUSE = 1.0
"""Seconds between two attempts to connect. The pauses double, and each is shortened at random, so that many servers do
not connect at the same moment."""

SHORT_LIFE = 0.1
"""Seconds. After a session that lived longer, pauses are short again, even if its first fence failed."""

FENCE_KEY_LIFE = 1_000  # milliseconds


class Session:
    """The connections to a primary, while they last.

    Attributes:
        is_safe: Whether the first fence has held.
        has_ifeq: Whether `SET` has a comparison of its own; not known before the first fence has held.
        reads: What is sent over the connection that reads.
        writes: What is sent over the other one, each group with a fence.
    """

    def __init__(self, reads: GroupCommit, writes: GroupCommit) -> None:
        self.is_safe = False
        self.has_ifeq = False
        self.reads = reads
        self.writes = writes
        self._failed: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    @property
    def is_up(self) -> bool:
        return not (self._failed.done() or self.reads.has_ended or self.writes.has_ended)

    def fail(self, reason: str) -> None:
        """End the session: the engine refuses commands, for now or as it is no primary any more."""
        if not self._failed.done():
            self._failed.set_result(reason)

    async def live(self, begin: Callable[[], Awaitable[None]]) -> str:
        """Send groups until something fails; return the reason. Writes wait for `begin`: it holds the first fence."""

        async def write() -> None:
            await begin()
            await self.writes.run()

        tasks = [asyncio.ensure_future(self.reads.run()), asyncio.ensure_future(write())]
        try:
            futures: list[asyncio.Future[Any]] = [*tasks, self._failed]
            await asyncio.wait(futures, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            ended = await asyncio.gather(*tasks, return_exceptions=True)
        if self._failed.done():
            return self._failed.result()
        for error in ended:
            if not isinstance(error, ConnectionLost | asyncio.CancelledError) and error is not None:
                raise error
        return next(str(error) for error in ended if isinstance(error, ConnectionLost))


class Primary:
    """Keeps a session with one primary, wherever that is.

    Attributes:
        reason: Why the last session ended, or did not begin.
        fence_key: A prefix for keys on this primary; the first fence of a session writes a key with it.
    """

    def __init__(
        self,
        locate: Callable[[], Awaitable[Address]],
        settings: ValkeySettings,
        clock: EngineClock,
        findings: Findings,
        fence_key: bytes,
    ) -> None:
        """Start connecting.

        Args:
            locate: Finds out where the primary is; raises `ConnectionLost` if it cannot.
            settings: The operator's.
            clock: Receives the engine's time.
            findings: Receives what the engine says of itself.
            fence_key: As the attribute.
        """
        self.reason = "not connected yet"
        self.fence_key = fence_key
        self._session: Session | None = None
        self._is_lost = False
        self._locate = locate
        self._settings = settings
        self._clock = clock
        self._findings = findings
        self._news: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._task = asyncio.ensure_future(self._run_and_tell())

    @property
    def session(self) -> Session | None:
        """The session, if there is one and its first fence has held."""
        session = self.any_session
        return session if session is not None and session.is_safe else None

    @property
    def any_session(self) -> Session | None:
        """The session, if there is one: its primary answers, and may miss replicas or a disk."""
        return self._session if self._session is not None and self._session.is_up else None

    async def news(self) -> None:
        """Wait until a session has begun, is safe, or has ended, or an attempt to begin one has failed."""
        await asyncio.shield(self._news)

    def close(self) -> None:
        self._task.cancel()

    def _tell(self) -> None:
        news, self._news = self._news, asyncio.get_running_loop().create_future()
        news.set_result(None)

    async def _run_and_tell(self) -> None:
        try:
            await self._run()
        finally:
            self._tell()  # a node has left the Cluster: who waits for it must look for its successor

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        failures = 0
        while True:
            began = loop.time()
            session = None
            try:
                async with self._open() as (session, begin):
                    self._session = session
                    self._tell()
                    self.reason = await session.live(begin)
            except ConnectionLost as error:
                self.reason = str(error)
            except Exception as error:  # a mistake of ours must not end this task
                logger.exception("the engine is not understood")
                self.reason = type(error).__name__
            finally:
                self._session = None
                self._tell()
            failures = 0 if session is not None and loop.time() - began > SHORT_LIFE else failures + 1
            if not self._is_lost:
                self._is_lost = True
                logger.warning("the engine is lost: %s", self.reason)
            pause = min(FIRST_PAUSE * 2 ** min(failures, 16), LONGEST_PAUSE)
            await asyncio.sleep(pause * random.uniform(0.5, 1))  # noqa: S311 - no secret

    @asynccontextmanager
    async def _open(self) -> AsyncIterator[tuple[Session, Callable[[], Awaitable[None]]]]:
        """Connect, and examine the engine. Gives the session, and the function that holds its first fence.

        Raises:
            ConnectionLost: The engine cannot be used.
        """
        connections: list[Connection] = []
        try:
            async with asyncio.timeout(2 * self._settings.deadline):
                address = await self._locate()
                connections += [await open_connection(address, self._settings)]
                connections += [await open_connection(address, self._settings)]
                engine = await examine(connections[0])
            if refusal := engine.refusal(self._settings):
                raise ConnectionLost(refusal)
            reads, writes = connections
            fence = engine.fence(self._settings)
            timeout = self._settings.deadline
            session = Session(
                GroupCommit(reads, self._clock, timeout),
                GroupCommit(writes, self._clock, timeout + fence.timeout, fence),
            )
            yield session, partial(self._begin, session, engine, writes)
        except TimeoutError:
            raise ConnectionLost("the engine does not answer") from None
        finally:
            for connection in connections:
                connection.close()

    async def _begin(self, session: Session, engine: Engine, connection: Connection) -> None:
        """Try the commands that messages need, and hold the first fence.

        An engine may tell a wrong version, and its user may not be allowed every command.
        """
        fence = engine.fence(self._settings)
        key, ends = b"%s:%s" % (self.fence_key, secrets.token_hex(6).encode()), self.fence_key + b":ends"
        needed: dict[str, EngineCommand] = {
            "TIME": TIME,
            "GET and SET in a script": replace_by_script(key, b"", b"1", FENCE_KEY_LIFE),
            "GET": (b"GET", key),
            "ZADD in a script": remember(ends, key, 0.0),
            "ZRANGE": over(ends, 0.0),
            "ZREM": forget(ends, [key]),
            **LOOK,
        }
        if self._settings.cluster:
            needed["ASKING"] = ASKING
        by_ifeq = replace(key, b"1", b"2", KEEP_LIFE)
        async with asyncio.timeout(self._settings.deadline + fence.timeout):
            replies = await connection.call([*needed.values(), by_ifeq, *fence.commands])
        for name, reply in zip(needed, replies, strict=False):
            if isinstance(reply, ResponseError):
                raise ConnectionLost(refusal(name, reply))
        compared, *fenced = replies[len(needed) :]
        fence.check(fenced)
        session.has_ifeq = compared == b"OK"
        session.is_safe = True
        if self._is_lost:
            self._is_lost = False
            logger.warning("the engine is back")
        self._findings.tell(engine, self._settings, has_ifeq=session.has_ifeq)
        self._tell()


async def open_connection(address: Address, settings: ValkeySettings) -> Connection:
    """Connect to an engine that keeps messages (and not to a Sentinel)."""
    return await connect(address, settings, db=settings.db, username=settings.username, password=settings.password)
