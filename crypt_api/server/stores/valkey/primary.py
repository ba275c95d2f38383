"""A primary of the engine: a connection that reads, a connection that only writes, and both anew when one fails.

`WAIT` blocks its connection, so writes and their fences have one of their own. The two are opened and closed together,
and only after the engine was examined and a first fence has held: a primary that is up can keep the promises.
"""

import asyncio
import logging
import random
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from redis.exceptions import ResponseError

from crypt_api.server.stores.valkey.compare_and_set import replace_by_script
from crypt_api.server.stores.valkey.connection import Address, Connection, ConnectionLost, connect, error_code
from crypt_api.server.stores.valkey.engine import Engine, EngineClock, Findings, examine
from crypt_api.server.stores.valkey.fence import Fence
from crypt_api.server.stores.valkey.group_commit import GroupCommit
from crypt_api.server.stores.valkey.url import ValkeySettings

logger = logging.getLogger(__name__)

FIRST_PAUSE = 0.01
LONGEST_PAUSE = 1.0
"""Seconds between two attempts to connect. They double, and each is cut at random, so that many servers do not come at
once."""

FENCE_KEY_LIFE = 1_000  # milliseconds


class Session:
    """The connections to a primary, while they last."""

    def __init__(self, engine: Engine, fence: Fence, reads: GroupCommit, writes: GroupCommit) -> None:
        self.engine = engine
        self.is_fenced = bool(fence.commands)
        self.reads = reads
        self.writes = writes
        self._failed: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    @property
    def is_up(self) -> bool:
        return not (self._failed.done() or self.reads.has_ended or self.writes.has_ended)

    def fail(self, reason: str) -> None:
        """End it: the engine has said that it is not, or not now, the one to ask."""
        if not self._failed.done():
            self._failed.set_result(reason)

    async def live(self) -> str:
        """Send groups until something fails; return what."""
        tasks = [asyncio.ensure_future(pipeline.run()) for pipeline in (self.reads, self.writes)]
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
        fence_key: What the names of keys on this primary may start with; the first fence of a session writes one.
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
            clock: Is told the engine's time.
            findings: Are told what the engine is.
            fence_key: See above.
        """
        self.reason = "not connected yet"
        self.fence_key = fence_key
        self._session: Session | None = None
        self._locate = locate
        self._settings = settings
        self._clock = clock
        self._findings = findings
        self._news: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._task = asyncio.ensure_future(self._run_and_tell())

    @property
    def session(self) -> Session | None:
        """The session, if there is one."""
        return self._session if self._session is not None and self._session.is_up else None

    async def news(self) -> None:
        """Wait until a session has begun or ended, or an attempt to begin one has failed."""
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
            try:
                async with self._open() as session:
                    self._session = session
                    if failures:
                        logger.warning("the engine is back")
                    self._tell()
                    self.reason = await session.live()
            except ConnectionLost as error:
                self.reason = str(error)
            except Exception as error:  # a mistake of ours must not end this task
                logger.exception("the engine is not understood")
                self.reason = type(error).__name__
            finally:
                had_session, self._session = self._session is not None, None
                self._tell()
            if had_session and loop.time() - began > LONGEST_PAUSE:
                failures = 0
            failures += 1
            if had_session or failures == 1:
                logger.warning("the engine is lost: %s", self.reason)
            pause = min(FIRST_PAUSE * 2 ** min(failures, 16), LONGEST_PAUSE)
            await asyncio.sleep(pause * random.uniform(0.5, 1))  # noqa: S311 - no secret

    @asynccontextmanager
    async def _open(self) -> AsyncIterator[Session]:
        """Connect, examine, and hold a first fence; raise `ConnectionLost` where something does not hold."""
        connections: list[Connection] = []
        try:
            async with asyncio.timeout(2 * self._settings.deadline):
                address = await self._locate()
                connections += [await open_connection(address, self._settings)]
                connections += [await open_connection(address, self._settings)]
                engine = await examine(connections[0])
                fence = engine.fence(self._settings)
                self._check(engine)
                await self._hold_first_fence(connections[1], fence)
            reads, writes = connections
            timeout = self._settings.deadline
            yield Session(
                engine,
                fence,
                GroupCommit(reads, self._clock, timeout),
                GroupCommit(writes, self._clock, timeout + fence.timeout, fence),
            )
        except TimeoutError:
            raise ConnectionLost("the engine does not answer") from None
        finally:
            for connection in connections:
                connection.close()

    def _check(self, engine: Engine) -> None:
        if not engine.is_primary:
            raise ConnectionLost("READONLY: this is a replica")
        if refusal := engine.refusal(self._settings):
            raise ConnectionLost(refusal)
        self._findings.tell(engine, self._settings)

    async def _hold_first_fence(self, connection: Connection, fence: Fence) -> None:
        if not fence.commands:
            return
        key = b"%s:%s" % (self.fence_key, secrets.token_hex(6).encode())
        write = replace_by_script(key, b"", b"1", FENCE_KEY_LIFE)
        reply, *fenced = await connection.call([write, *fence.commands])
        if isinstance(reply, ResponseError):
            raise ConnectionLost(error_code(reply))
        fence.check(fenced)


async def open_connection(address: Address, settings: ValkeySettings) -> Connection:
    """Connect to an engine that keeps messages (and not to a Sentinel)."""
    return await connect(address, settings, db=settings.db, username=settings.username, password=settings.password)
