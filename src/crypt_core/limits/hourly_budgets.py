"""Budgets that fill up again over an hour: a token bucket for each client, and one for its network."""

import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice

from crypt_core.limits.addresses import client_groups
from crypt_core.limits.rate_limiter import MAX_DROPPED, NETWORK_FACTOR

HOUR = 3_600.0
"""Seconds."""

ROUNDING = 1e-4
"""Seconds. Tolerance for sums of times: near today's Unix time, floats step by 2e-7 s."""


@dataclass(frozen=True, slots=True)
class Taken:
    """The client had enough in its budget, and it was taken."""


@dataclass(frozen=True, slots=True)
class Exhausted:
    """The client has not enough left, and nothing was taken; `wait` is the seconds until there is enough again."""

    wait: float


class HourlyBudgets:
    """A token bucket for each client: `per_hour` at once, and then as many in an hour, evenly spread.

    An IPv6 network has a bucket of its own, with `NETWORK_FACTOR` times as many.

    A bucket that is full need not be remembered: a client that takes nothing needs no room, and one that has been
    quiet for an hour is forgotten, soon after. Memory is bounded by `max_buckets`. Beyond that, the clients and
    networks that have been quiet longest are forgotten earlier.
    """

    def __init__(
        self, per_hour: int, *, max_buckets: int = 100_000, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._intervals = (HOUR / per_hour, HOUR / per_hour / NETWORK_FACTOR)
        self._max_buckets = max_buckets
        self._clock = clock
        self._full_at: OrderedDict[str, float] = OrderedDict()
        """When each bucket is full again; the later, the emptier it is now."""

    @property
    def buckets(self) -> int:
        """The number of clients and networks that are remembered."""
        return len(self._full_at)

    def take(self, client: str, amount: int = 1) -> Taken | Exhausted:
        """Take so much of the client's budget and of its network's, if both have it."""
        now = self._clock()
        full_at = {key: max(self._full_at.get(key, now), now) + amount * each for key, each in self._of(client)}
        for key in full_at.keys() & self._full_at.keys():
            self._full_at.move_to_end(key)
        wait = max(full_at.values()) - now - HOUR
        if wait > ROUNDING:
            return Exhausted(wait)
        self._full_at.update(full_at)
        self._forget(now)
        return Taken()

    def give_back(self, client: str, amount: int = 1) -> None:
        """Give back what was taken."""
        for key, each in self._of(client):
            full_at = self._full_at.get(key, 0.0) - amount * each
            if full_at > self._clock() + ROUNDING:
                self._full_at[key] = full_at
            else:
                self._full_at.pop(key, None)

    def _forget(self, now: float) -> None:
        """Drop buckets that are full, and then the quietest ones while there are too many."""
        for quietest, full_at in list(islice(self._full_at.items(), MAX_DROPPED)):
            if full_at > now:
                break
            del self._full_at[quietest]
        while len(self._full_at) > self._max_buckets:
            self._full_at.popitem(last=False)

    def _of(self, client: str) -> Iterator[tuple[str, float]]:
        """The buckets of a client and its network, and the seconds in which each gets one more."""
        return zip(client_groups(client), self._intervals, strict=False)
