"""The limits over all servers: what is counted is in the engine that keeps the messages.

One script looks at the logs and budgets of a client and of its network, and counts: one round trip, and atomic. If the
engine does not answer soon, this server's own window counts the request, and nobody counts misses: a client may then
make its limit on each server.
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
from crypt_core.limits.guesses import HOUR, Exhausted, Miss, Taken, Uncounted
from crypt_core.limits.rate_limiter import NETWORK_FACTOR, POLICIES, Admission, RateLimiter, tighter
from crypt_core.settings import Settings

TIMEOUT = 0.25
"""Seconds that a request waits for the engine to count it."""

MICROSECONDS = 1_000_000

_ADMIT = Path(__file__).with_name("admit.lua").read_bytes()
_GIVE_BACK = Path(__file__).with_name("give_back.lua").read_bytes()


class SharedLimits:
    """The limits of a client, whichever servers it asks: requests in any second, and misses in an hour."""

    def __init__(
        self,
        topology: Callable[[], Topology],
        prefix: str,
        settings: Settings,
        own: RateLimiter,
        on_fallback: Callable[[], None],
    ) -> None:
        """Count in the engine.

        Args:
            topology: Where the engine is, on the event loop that runs.
            prefix: What the names of all keys start with.
            settings: The limits.
            own: Counts requests while the engine does not answer.
            on_fallback: Is told of each request that `own` counted.
        """
        self._topology = topology
        self._prefix = prefix
        self._own = own
        self._on_fallback = on_fallback
        self._window = 1.0
        self._limits = _of_client_and_network(settings.rate_limit_per_second)
        self._misses = _of_client_and_network(settings.misses_per_hour)
        self._giving_back: set[asyncio.Future[None]] = set()

    async def admit(self, client: str, *, may_miss: bool) -> tuple[Admission, Miss]:
        # A task, since the caller need not be one: only a task can have a deadline.
        counted = await asyncio.ensure_future(self._admit(client_groups(client), may_miss=may_miss))
        if counted is None:
            self._on_fallback()
            return await self._own.admit(client), Uncounted()
        return counted

    async def give_back_miss(self, client: str) -> None:
        """Nobody waits for the engine's reply: if it is lost, the client has a miss less for a while."""
        task = asyncio.ensure_future(self._give_back(client_groups(client)))
        self._giving_back.add(task)
        task.add_done_callback(self._giving_back.discard)

    async def _admit(self, groups: tuple[str, ...], *, may_miss: bool) -> tuple[Admission, Miss] | None:
        logs = self._keys("rate", groups)
        budgets = self._keys("misses", groups) if may_miss and self._misses[0] else []
        limits, intervals = self._limits[: len(logs)], self._intervals(len(budgets))
        window = round(self._window * MICROSECONDS)
        reply = await self._call(_ADMIT, [*logs, *budgets], len(logs), window, *limits, *intervals)
        if not isinstance(reply, list):
            return None
        admission = self._admission(*reply)
        return admission, _miss(reply[-1]) if budgets and admission.admitted else Uncounted()

    def _admission(self, admitted: int, *numbers: int) -> Admission:
        answers = [
            Admission(bool(admitted), limit, self._window, limit - length, reset / MICROSECONDS, policy)
            for limit, policy, length, reset in zip(self._limits, POLICIES, numbers[::2], numbers[1::2], strict=False)
        ]
        return tighter(answers)

    async def _give_back(self, groups: tuple[str, ...]) -> None:
        budgets = self._keys("misses", groups)
        await self._call(_GIVE_BACK, budgets, *self._intervals(len(budgets)))

    async def _call(self, script: bytes, keys: list[bytes], *arguments: int) -> object:
        """The engine's reply; None if it does not answer soon."""
        with suppress(TimeoutError, NotSent, Unanswered):
            async with asyncio.timeout(TIMEOUT):
                topology = self._topology()
                session = (await topology.primary(keys[0])).session
                if session is None:
                    return None
                command: Command = (b"EVAL", script, len(keys), *keys, *arguments)
                [reply] = (await session.reads.submit([command])).replies
                if not isinstance(reply, ResponseError):
                    return reply
                topology.redirected(reply)
        return None

    def _keys(self, kind: str, groups: tuple[str, ...]) -> list[bytes]:
        # The braces keep all that is counted of a client and its network in one slot of a Cluster.
        return [f"{self._prefix}!{kind}:{{{groups[-1]}}}:{group}".encode() for group in groups]

    def _intervals(self, count: int) -> list[int]:
        """The microseconds in which each of the budgets gets one miss."""
        return [round(HOUR * MICROSECONDS / misses) for misses in self._misses[:count]]


def _miss(microseconds: int) -> Miss:
    """The script's last number: how long until the client has a miss; 0 if one was taken."""
    return Exhausted(microseconds / MICROSECONDS) if microseconds else Taken()


def _of_client_and_network(limit: int) -> tuple[int, int]:
    return limit, limit * NETWORK_FACTOR
