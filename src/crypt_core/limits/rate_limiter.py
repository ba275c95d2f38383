"""The rate limit: how many requests a client may make. The port, and the sliding window that counts in one process."""

import time
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from crypt_core.limits.addresses import client_groups

NETWORK_FACTOR = 16
"""An IPv6 network (a /48) may make this many times the requests of one client (a /64)."""

POLICIES = ("default", "network")

MAX_DROPPED = 4
"""Logs or buckets that one request drops at most, since they are too old to count. One request adds two at most."""


class Admission(NamedTuple):
    """A limiter's answer to one request. Of a client's limit and its network's, it tells of the tighter one.

    Attributes:
        admitted: Whether the request is within both limits.
        limit: Requests that the client, or all clients of its network together, may make in a window.
        window: Seconds.
        remaining: Requests that the client may still make at once.
        reset: Seconds until the client may make one more than that.
        policy: Whose limit it is: `default` the client's, `network` the network's.
    """

    admitted: bool
    limit: int
    window: float
    remaining: int
    reset: float
    policy: str = "default"


def tighter(answers: Sequence[Admission]) -> Admission:
    """The answer about the limit with less left. `answers` has the client's, and then its network's."""
    # On a tie the client's own limit wins: it never resets before its network's.
    return min(answers, key=lambda answer: answer.remaining)


class RateLimiter(Protocol):
    """The port: counts requests, in this process or elsewhere."""

    async def admit(self, client: str) -> Admission:
        """Count one request of `client` if the request is within the limit; a refused request does not count."""
        ...


class SlidingWindow:
    """At most `limit` requests of one client in any `window` seconds, exactly: a log of times for each client.

    An IPv6 network has a log of its own, and `NETWORK_FACTOR` times the limit.

    A client or network that has been quiet for a window is forgotten, soon after. Memory is bounded by `max_entries`
    times in all. Beyond that, those that have been quiet longest are forgotten earlier. So each of an attacker's
    addresses meets its own limit while it is in use, however many there are.
    """

    def __init__(
        self,
        limit: int,
        *,
        window: float = 1.0,
        max_entries: int = 100_000,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limits = (limit, limit * NETWORK_FACTOR)
        self._window = window
        self._max_entries = max(max_entries, sum(self._limits))
        self._clock = clock
        self.entries = 0
        self._logs: OrderedDict[str, list[float]] = OrderedDict()
        """Lists: for three times, a deque takes 760 bytes and a list 88."""

    @property
    def logs(self) -> int:
        """Clients and networks that are remembered."""
        return len(self._logs)

    async def admit(self, client: str) -> Admission:
        now = self._clock()
        keys = client_groups(client)
        logs = [self._take_recent(key, now) for key in keys]
        admitted = all(len(times) < limit for times, limit in zip(logs, self._limits, strict=False))
        answers = []
        for key, times, limit, policy in zip(keys, logs, self._limits, POLICIES, strict=False):
            if admitted:
                times.append(now)
                self.entries += 1
            if times:
                self._logs[key] = times  # as the latest of all
            reset = times[0] + self._window - now if times else 0.0
            answers.append(Admission(admitted, limit, self._window, limit - len(times), reset, policy))
        self._forget(now)
        return tighter(answers)

    def _take_recent(self, key: str, now: float) -> list[float]:
        """Take out the log with this key, without the times that no longer count."""
        times = self._logs.pop(key, None) or []
        old = bisect_right(times, now - self._window)
        del times[:old]
        self.entries -= old
        return times

    def _forget(self, now: float) -> None:
        """Drop logs that no longer count, and then the quietest ones while there are too many."""
        for _ in range(MAX_DROPPED):
            quietest = next(iter(self._logs.values()))
            if quietest[-1] > now - self._window:
                break
            self._drop_the_quietest()
        while self.entries > self._max_entries:
            self._drop_the_quietest()

    def _drop_the_quietest(self) -> None:
        _, times = self._logs.popitem(last=False)
        self.entries -= len(times)
