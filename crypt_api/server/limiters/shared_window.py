"""The sliding window over all servers: the logs of times are in the engine that keeps the messages.

One script looks at a client's log and at its network's, and counts: one round trip, and atomic. If the engine does not
answer soon, this server's own window counts the request: a client may then make its limit on each server.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from redis.exceptions import ResponseError

from crypt_api.server.stores.valkey.connection import Command
from crypt_api.server.stores.valkey.group_commit import NotSent, Unanswered
from crypt_api.server.stores.valkey.topology import Topology
from crypt_core.limits.addresses import client_groups
from crypt_core.limits.rate_limiter import NETWORK_FACTOR, POLICIES, Admission, RateLimiter, tighter

TIMEOUT = 0.25
"""Seconds that a request waits for the engine to count it."""

_SCRIPT = Path(__file__).with_name("sliding_window.lua").read_bytes()


class SharedWindow:
    """At most `limit` requests of one client in any `window` seconds, whichever servers it asks."""

    def __init__(  # noqa: PLR0913 - what it is made of
        self,
        topology: Callable[[], Topology],
        prefix: str,
        limit: int,
        own: RateLimiter,
        on_fallback: Callable[[], None],
        *,
        window: float = 1.0,
    ) -> None:
        """Count in the engine.

        Args:
            topology: Where the engine is, on the event loop that runs.
            prefix: What the names of all keys start with.
            limit: Requests in a window.
            own: Counts while the engine does not answer.
            on_fallback: Is told of each request that `own` counted.
            window: Seconds.
        """
        self._topology = topology
        self._prefix = prefix
        self._limits = (limit, limit * NETWORK_FACTOR)
        self._own = own
        self._on_fallback = on_fallback
        self._window = window

    async def admit(self, client: str) -> Admission:
        # A task, since the caller need not be one: only a task can have a deadline.
        admission = await asyncio.ensure_future(self._count(client_groups(client)))
        if admission is None:
            self._on_fallback()
            return await self._own.admit(client)
        return admission

    async def _count(self, groups: tuple[str, ...]) -> Admission | None:
        # The braces keep a client's log and its network's in one slot of a Cluster.
        keys = [f"{self._prefix}!rate:{{{groups[-1]}}}:{group}".encode() for group in groups]
        with suppress(TimeoutError, NotSent, Unanswered):
            async with asyncio.timeout(TIMEOUT):
                topology = self._topology()
                session = (await topology.primary(keys[0])).session
                if session is None:
                    return None
                [reply] = (await session.reads.submit([self._command(keys)])).replies
                if isinstance(reply, list):
                    return self._admission(*reply)
                if isinstance(reply, ResponseError):
                    topology.redirected(reply)
        return None

    def _command(self, keys: list[bytes]) -> Command:
        limits = self._limits[: len(keys)]
        return (b"EVAL", _SCRIPT, len(keys), *keys, int(self._window * 1_000_000), *limits)

    def _admission(self, admitted: int, *logs: int) -> Admission:
        answers = [
            Admission(bool(admitted), limit, self._window, limit - length, reset / 1_000_000, policy)
            for limit, policy, length, reset in zip(self._limits, POLICIES, logs[::2], logs[1::2], strict=False)
        ]
        return tighter(answers)
