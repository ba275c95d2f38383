"""Guess protection over all isolates: each shard counts the misses of its ids, in memory, without a further call."""

import math
from collections.abc import Callable

from crypt_core.limits.guesses import Miss, MissBudgets, Uncounted
from crypt_worker.shards import SHARDS

SLACK = 2
"""The shards' budgets of one client together, as a multiple of `MISSES_PER_HOUR`. Random ids do not meet all shards
equally often, so with even shares a client would be refused too early."""

MAX_BUCKETS = 10_000
"""Clients and networks whose misses a shard or an isolate remembers. All may be in one process of 128 MB."""


def share(misses_per_hour: int) -> int:
    """Misses an hour that each shard gives to a client; at least one."""
    return math.ceil(misses_per_hour * SLACK / SHARDS)


class ShardMisses:
    """The budgets of one shard's clients. A shard that was moved or has slept begins anew."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._budgets: dict[int, MissBudgets] = {}

    def take(self, client: str, misses_per_hour: int) -> Miss:
        """Take one miss of the client's.

        The Worker says the limit, so that a new deployment's limit holds at once. Zero misses an hour are no limit.
        """
        return self._of(misses_per_hour).take(client) if misses_per_hour else Uncounted()

    def give_back(self, client: str, misses_per_hour: int) -> None:
        """Give one miss back that was taken."""
        self._of(misses_per_hour).give_back(client)

    def _of(self, misses_per_hour: int) -> MissBudgets:
        if misses_per_hour not in self._budgets:
            budgets = MissBudgets(share(misses_per_hour), max_buckets=MAX_BUCKETS, clock=self._clock)
            self._budgets = {misses_per_hour: budgets}
        return self._budgets[misses_per_hour]
