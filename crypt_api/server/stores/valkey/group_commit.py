"""Group commit: waiting commands are sent together over one connection, with one fence for all of them.

While one group is under way, commands gather for the next one. So an engine that fences 500 times a second still
answers thousands of requests. Nobody gets a reply before the group's fence is checked.
"""

import asyncio
from collections import deque
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from crypt_api.server.stores.valkey.connection import Connection, ConnectionLost, EngineCommand, Reply
from crypt_api.server.stores.valkey.engine import EngineClock
from crypt_api.server.stores.valkey.fence import NO_FENCE, Fence

MAX_GROUP = 512
"""Entries in one pipeline."""

MAX_GROUP_BYTES = 4 << 20

ENOUGH = 128
"""Entries that wait for no others."""


class NotSent(Exception):
    """The commands were not sent, and never will be."""


class Unanswered(Exception):
    """The engine may have executed the commands, or may do so later; or it did, and the fence failed."""


class Executed(NamedTuple):
    """The replies to one entry's commands.

    Attributes:
        replies: One for each command.
        now: The engine's time, just before its group: Unix time in seconds.
        sent_at: The event loop's time at which the group was sent.
    """

    replies: Sequence[Reply]
    now: float
    sent_at: float


class _Entry(NamedTuple):
    commands: Sequence[EngineCommand]
    executed: asyncio.Future[Executed]


class GroupCommit:
    """The pipelines of one connection.

    Attributes:
        has_ended: Whether nothing is sent any more.
    """

    def __init__(self, connection: Connection, clock: EngineClock, timeout: float, fence: Fence = NO_FENCE) -> None:
        """A group that has no reply after `timeout` seconds ends the connection."""
        self._connection = connection
        self._clock = clock
        self._timeout = timeout
        self._fence = fence
        self._waiting: deque[_Entry] = deque()
        self._wake_up: asyncio.Future[None] | None = None
        self.has_ended = False

    def submit(self, commands: Sequence[EngineCommand]) -> asyncio.Future[Executed]:
        """Send the commands with the next group; not if the future is cancelled before.

        Await the future for the replies. It raises `NotSent` or `Unanswered`.
        """
        entry = _Entry(commands, asyncio.get_running_loop().create_future())
        if self.has_ended:
            entry.executed.set_exception(NotSent())
        else:
            self._waiting.append(entry)
            if self._wake_up is not None and not self._wake_up.done():
                self._wake_up.set_result(None)
        return entry.executed

    async def run(self) -> None:
        """Send group after group.

        Raises:
            ConnectionLost: The connection failed, or the fence did.
        """
        try:
            while True:
                if not self._waiting:
                    self._wake_up = asyncio.get_running_loop().create_future()
                    await self._wake_up
                await self._gather()
                await self._send(self._next_group())
        finally:
            self.has_ended = True
            _fail(self._waiting, NotSent)

    async def _gather(self) -> None:
        """Return after the first turn of the event loop that brings no further entry.

        A pipeline's fence costs the same for one entry as for many. What arrives together takes several turns to come
        in.
        """
        waited = 1
        while waited < len(self._waiting) < ENOUGH:
            waited = len(self._waiting)
            await asyncio.sleep(0)

    def _next_group(self) -> list[_Entry]:
        group: list[_Entry] = []
        size = 0
        while self._waiting and len(group) < MAX_GROUP and size < MAX_GROUP_BYTES:
            entry = self._waiting.popleft()
            if not entry.executed.done():
                group.append(entry)
                size += sum(len(word) for command in entry.commands for word in command if isinstance(word, bytes))
        return group

    async def _send(self, group: list[_Entry]) -> None:
        if not group:
            return
        fence = self._fence.commands
        commands = [TIME, *(command for entry in group for command in entry.commands), *fence]
        sent_at = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout(self._timeout):
                replies = await self._connection.call(commands)
            self._fence.check(replies[len(commands) - len(fence) :])
            now = self._clock.observe(replies[0])
        except TimeoutError:
            _fail(group, Unanswered)
            raise ConnectionLost(f"no reply for {self._timeout:g} s") from None
        except BaseException:  # cancelled, too
            _fail(group, Unanswered)
            raise
        at = 1
        for entry in group:
            if not entry.executed.done():
                entry.executed.set_result(Executed(replies[at : at + len(entry.commands)], now, sent_at))
            at += len(entry.commands)


TIME: EngineCommand = (b"TIME",)

ASKING: EngineCommand = (b"ASKING",)
"""Comes before a command to the node of a Cluster that is about to get the key's slot."""


def _fail(entries: Iterable[_Entry], error: type[Exception]) -> None:
    for entry in entries:
        if not entry.executed.done():
            entry.executed.set_exception(error())
