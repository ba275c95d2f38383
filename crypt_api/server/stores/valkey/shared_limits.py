"""The limits over all servers: what is counted is in the engine that keeps the messages.

One script looks at the logs and budgets of a client and of its network, and counts: one round trip, and atomic. If the
engine does not answer in time, this server counts the request alone, its miss too: a client may then make its limit on
each server.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from redis.exceptions import ResponseError

from crypt_api.server.stores.valkey.connection import EngineCommand
from crypt_api.server.stores.valkey.group_commit import NotSent, Unanswered
from crypt_api.server.stores.valkey.topology import Topology
from crypt_api.server.stores.valkey.url import ValkeySettings
from crypt_core.limits.addresses import client_groups
from crypt_core.limits.client_limits import ClientLimits
from crypt_core.limits.guesses import Miss, Uncounted
from crypt_core.limits.hourly_budgets import HOUR, Exhausted, Taken
from crypt_core.limits.rate_limiter import NETWORK_FACTOR, POLICIES, Admission, tighter
from crypt_core.settings import Settings

MICROSECONDS = 1_000_000

_ADMIT = Path(__file__).with_name("admit.lua").read_bytes()
_GIVE_BACK = Path(__file__).with_name("give_back_miss.lua").read_bytes()


class TakenHere(Taken):
    """The miss was taken of this server's own budget."""


class SharedLimits:
    """The limits of a client, whichever servers it asks: requests in any second, and misses in an hour."""

    def __init__(
        self,
        topology: Callable[[], Topology],
        url: ValkeySettings,
        settings: Settings,
        own: ClientLimits,
        on_fallback: Callable[[], None],
    ) -> None:
        """Count in the engine.

        Args:
            topology: Where the engine is, on the event loop that runs.
            url: The prefix of all keys; and its deadline: a request waits for half of it to be counted.
            settings: The limits.
            own: Counts while the engine does not answer in time.
            on_fallback: Is called for each request that `own` counts.
        """
        self._topology = topology
        self._prefix = url.prefix
        self._timeout = url.deadline / 2
        self._own = own
        self._on_fallback = on_fallback
        self._window = 1.0
        self._limits = _of_client_and_network(settings.rate_limit_per_second)
        self._misses = _of_client_and_network(settings.misses_per_hour)
        self._calls: set[asyncio.Task[object]] = set()

    async def admit(self, client: str, *, may_miss: bool) -> tuple[Admission, Miss]:
        groups = client_groups(client)
        logs = self._keys("rate", groups)
        budgets = self._keys("misses", groups) if may_miss and self._misses[0] else []
        limits, intervals = self._limits[: len(logs)], self._intervals(len(budgets))
        window = round(self._window * MICROSECONDS)
        call = self._call(_ADMIT, [*logs, *budgets], len(logs), window, *limits, *intervals)
        reply = await _reply_in_time(call, self._timeout)
        if isinstance(reply, list):
            return self._admission(*reply), _miss(reply) if budgets else Uncounted()
        if budgets:
            call.add_done_callback(lambda call: self._came_late(groups, call))
        self._on_fallback()
        admission, miss = await self._own.admit(client, may_miss=may_miss)
        return admission, TakenHere() if isinstance(miss, Taken) else miss

    async def give_back_miss(self, client: str, miss: Taken) -> None:
        """Nobody waits for the engine's reply: if it is lost, the client has a miss less for a while."""
        if isinstance(miss, TakenHere):
            await self._own.give_back_miss(client, miss)
        else:
            self._give_back(client_groups(client))

    def _admission(self, admitted: int, *numbers: int) -> Admission:
        answers = [
            Admission(bool(admitted), limit, self._window, limit - length, reset / MICROSECONDS, policy)
            for limit, policy, length, reset in zip(self._limits, POLICIES, numbers[::2], numbers[1::2], strict=False)
        ]
        return tighter(answers)

    def _came_late(self, groups: tuple[str, ...], call: asyncio.Task[object]) -> None:
        """Give back what the engine has counted after this server had counted alone."""
        if not call.cancelled() and isinstance(reply := call.result(), list) and isinstance(_miss(reply), Taken):
            self._give_back(groups)

    def _give_back(self, groups: tuple[str, ...]) -> None:
        budgets = self._keys("misses", groups)
        self._call(_GIVE_BACK, budgets, *self._intervals(len(budgets)))

    def _call(self, script: bytes, keys: list[bytes], *arguments: int) -> asyncio.Task[object]:
        task: asyncio.Task[object] = asyncio.ensure_future(
            self._evaluate(keys[0], (b"EVAL", script, len(keys), *keys, *arguments))
        )
        self._calls.add(task)
        task.add_done_callback(self._calls.discard)
        return task

    async def _evaluate(self, key: bytes, command: EngineCommand) -> object:
        """The engine's reply; None if there is none."""
        topology = self._topology()
        with suppress(TimeoutError, NotSent, Unanswered):
            async with asyncio.timeout(self._timeout):
                session = (await topology.primary(key)).session
            if session is not None:
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


async def _reply_in_time(call: asyncio.Task[object], seconds: float) -> object:
    await asyncio.wait([call], timeout=seconds)
    return call.result() if call.done() else None


def _miss(reply: list[int]) -> Miss:
    """What became of the miss: the script's last number is how long until the client has one; 0 if one was taken."""
    admitted, *_, microseconds = reply
    if not admitted:
        return Uncounted()
    return Exhausted(microseconds / MICROSECONDS) if microseconds else Taken()


def _of_client_and_network(limit: int) -> tuple[int, int]:
    return limit, limit * NETWORK_FACTOR
