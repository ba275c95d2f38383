"""Guess protection: how many plain ids without a message one client may ask for.

`docs/guessing.md` says what this is worth. A miss is a command for a plain id that found nothing.
Sealed ids do not count: nobody guesses one of 2^128.
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from crypt_core import ids
from crypt_core.errors import NoMissLeft
from crypt_core.limits.addresses import client_groups
from crypt_core.limits.rate_limiter import NETWORK_FACTOR
from crypt_core.messages import Command, Destroy, Missing, Outcome, Read
from crypt_core.store import Store

HOUR = 3_600.0
"""Seconds."""

ROUNDING = 1e-4
"""Seconds by which sums of many seconds may be wrong: a clock may count from 1970, and has steps of 2e-7 s then."""


class MissBudgets:
    """A token bucket for each client: `per_hour` misses at once, and then as many in an hour, evenly spread.

    An IPv6 network has a bucket of its own, with `NETWORK_FACTOR` times as many.

    Memory is bounded by `max_buckets`. Beyond that, the clients and networks that have been quiet longest are
    forgotten. A bucket that is full is not remembered at all, so readers who miss nothing take no room.
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

    def wait(self, client: str) -> float:
        """Seconds until the client has a miss; 0 if it has one."""
        now = self._clock()
        wait = 0.0
        for key, interval in self._of(client):
            if key in self._full_at:
                self._full_at.move_to_end(key)
                wait = max(wait, self._full_at[key] + interval - now - HOUR)
        return wait if wait > ROUNDING else 0.0

    def take(self, client: str) -> float:
        """Take one miss. Returns 0 if it was taken, and else the seconds until the client has one."""
        wait = self.wait(client)
        if wait:
            return wait
        now = self._clock()
        for key, interval in self._of(client):
            self._full_at[key] = max(self._full_at.get(key, now), now) + interval
        while len(self._full_at) > self._max_buckets:
            self._full_at.popitem(last=False)
        return 0.0

    def give_back(self, client: str) -> None:
        """Give one miss back that was taken."""
        for key, interval in self._of(client):
            full_at = self._full_at.get(key, 0.0) - interval
            if full_at > self._clock() + ROUNDING:
                self._full_at[key] = full_at
            else:
                self._full_at.pop(key, None)

    def _of(self, client: str) -> Iterator[tuple[str, float]]:
        """The buckets that a client has to do with, and the seconds in which each gets one miss."""
        return zip(client_groups(client), self._intervals, strict=False)


def is_guess(message_id: str, command: Command) -> bool:
    """Whether the command may be somebody's guess of a plain id: a miss, if it finds nothing."""
    # An `Acknowledge` tells nothing of the messages that nobody has read, so it is no guess.
    return isinstance(command, (Read, Destroy)) and ids.is_plain(message_id)


@dataclass(slots=True)
class GuardedStore:
    """The store as one request may ask it: without a miss left, it gets no look at plain ids.

    Attributes:
        store: The store.
        wait: Seconds until the request's client has a miss again; 0 if it has one, None if nobody counts.
        missed: Whether the request was a miss, or was refused as a guess by the store itself.
    """

    store: Store
    wait: float | None
    missed: bool = False

    async def apply(self, message_id: str, command: Command) -> Outcome:
        """Apply the command as the store does.

        Raises:
            NoMissLeft: The client has used up its misses. Nobody has looked.
            StorageUnavailable: As the store's own `apply`.
        """
        if self.wait and is_guess(message_id, command):
            raise NoMissLeft(self.wait)
        try:
            outcome = await self.store.apply(message_id, command)
        except NoMissLeft:  # by a store that counts, too: it is not asked for ever by a client that it refuses
            self.missed = True
            raise
        self.missed |= isinstance(outcome, Missing) and is_guess(message_id, command)
        return outcome
