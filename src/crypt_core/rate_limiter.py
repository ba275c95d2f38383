"""How many requests a client may make."""

import time
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv6Address, IPv6Network, ip_address
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Admission:
    """What a limiter says to one request.

    Attributes:
        admitted: Whether it is within its client's limit.
        limit: Requests that the client may make in a window.
        window: Seconds.
        remaining: Requests that it may still make at once.
        reset: Seconds until it may make one more than that.
    """

    admitted: bool
    limit: int
    window: float
    remaining: int
    reset: float


class RateLimiter(Protocol):
    """Counts requests, wherever it counts them."""

    async def admit(self, client: str) -> Admission:
        """Count one request of `client`, if it is within its limit; a refused one does not count."""
        ...


class SlidingWindow:
    """At most `limit` requests of one client in any `window` seconds, exactly: a log of times for each client.

    Memory is bounded by `max_entries` times in all. Beyond that the clients that have been quiet longest are
    forgotten, so however many addresses an attacker has, each still meets its own limit while it is in use.
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


def client_group(address: str) -> str:
    """The address that is counted: an IPv6 client's /64, since a single household has 2^64 addresses in it."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address[:64]
    if isinstance(parsed, IPv6Address):
        if parsed.ipv4_mapped:
            return str(parsed.ipv4_mapped)
        return str(IPv6Network((parsed.packed, 64), strict=False).network_address)
    return str(parsed)
