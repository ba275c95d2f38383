"""The rate limit: how many requests a client may make. The port, and the sliding window that counts in one process."""

import time
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from crypt_core.limits.addresses import client_group
from crypt_core.settings import Settings


@dataclass(frozen=True, slots=True)
class Admission:
    """A limiter's answer to one request.

    Attributes:
        admitted: Whether the request is within its client's limit.
        limit: Requests that the client may make in a window.
        window: Seconds.
        remaining: Requests that the client may still make at once.
        reset: Seconds until the client may make one more than that.
    """

    admitted: bool
    limit: int
    window: float
    remaining: int
    reset: float


class RateLimiter(Protocol):
    """The port: counts requests, in this process or elsewhere."""

    async def admit(self, client: str) -> Admission:
        """Count one request of `client` if the request is within the limit; a refused request does not count."""
        ...


class SlidingWindow:
    """At most `limit` requests of one client in any `window` seconds, exactly: a log of times for each client.

    Memory is bounded by `max_entries` times in all. Beyond that, the clients that have been quiet longest are
    forgotten. So each of an attacker's addresses meets its own limit while it is in use, however many there are.
    """

    def __init__(
        self,
        limit: int,
        *,
        window: float = 1.0,
        max_entries: int = 100_000,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limit = limit
        self._window = window
        self._max_entries = max(max_entries, limit)
        self._clock = clock
        self.entries = 0
        self._times: OrderedDict[str, deque[float]] = OrderedDict()

    async def admit(self, client: str) -> Admission:
        now = self._clock()
        client = client_group(client)
        times = self._times.setdefault(client, deque())
        self._times.move_to_end(client)
        while times and times[0] <= now - self._window:
            times.popleft()
            self.entries -= 1
        admitted = len(times) < self._limit
        if admitted:
            times.append(now)
            self.entries += 1
        reset = times[0] + self._window - now
        remaining = self._limit - len(times)
        self._forget_quiet_clients()
        return Admission(admitted, self._limit, self._window, remaining, reset)

    def _forget_quiet_clients(self) -> None:
        while self.entries > self._max_entries:
            _, times = self._times.popitem(last=False)
            self.entries -= len(times)


def open_limiter(settings: Settings) -> RateLimiter | None:
    """The limiter that the settings ask for; None if they switch the limit off.

    It counts in this process: on the server all requests, in the Worker those of one isolate.
    """
    limit = settings.rate_limit_per_second
    return SlidingWindow(limit) if limit else None
