"""Guess protection: how many plain ids without a message one client may ask for.

A *miss* is a command for a plain id that finds nothing. Whether a request is a miss is known only after the store has
looked. So a miss is taken of the client's budget before the look, and given back if the request was none: a client gets
no more looks than it has misses, however many requests it sends at once.

Sealed ids do not count: nobody guesses one of 2^128. `docs/guessing.md` says what all of this is worth.
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from crypt_core import ids
from crypt_core.limits.addresses import client_groups
from crypt_core.limits.rate_limiter import MAX_DROPPED, NETWORK_FACTOR
from crypt_core.messages import Command, Create, Missing, Outcome
from crypt_core.store import Store

HOUR = 3_600.0
"""Seconds."""

ROUNDING = 1e-4
"""Seconds. Tolerance for sums of times: near today's Unix time, floats step by 2e-7 s."""


@dataclass(frozen=True, slots=True)
class Uncounted:
    """No miss was taken: the request cannot be one, or nobody counts."""


@dataclass(frozen=True, slots=True)
class Taken:
    """One miss was taken. The request may look, and gives the miss back if it finds something."""


@dataclass(frozen=True, slots=True)
class Exhausted:
    """The client has no miss left. The request must not look; `wait` is the seconds until there is a miss again."""

    wait: float


Miss = Uncounted | Taken | Exhausted
"""What became of the miss of one request."""


class NoMissLeft(Exception):
    """The client has used up its misses, and nobody looked for a message."""

    def __init__(self, wait: float) -> None:
        """`wait` is in seconds: until the client has a miss again."""
        super().__init__()
        self.wait = wait


class MissBudgets:
    """A token bucket for each client: `per_hour` misses at once, and then as many in an hour, evenly spread.

    An IPv6 network has a bucket of its own, with `NETWORK_FACTOR` times as many.

    A bucket that is full need not be remembered: readers who miss nothing take no room, and a client that has been
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

    def take(self, client: str) -> Taken | Exhausted:
        """Take one miss of the client's and of its network's, if both have one."""
        now = self._clock()
        full_at = {key: max(self._full_at.get(key, now), now) + interval for key, interval in self._of(client)}
        for key in full_at.keys() & self._full_at.keys():
            self._full_at.move_to_end(key)
        wait = max(full_at.values()) - now - HOUR
        if wait > ROUNDING:
            return Exhausted(wait)
        self._full_at.update(full_at)
        self._forget(now)
        return Taken()

    def give_back(self, client: str) -> None:
        """Give one miss back that was taken."""
        for key, interval in self._of(client):
            full_at = self._full_at.get(key, 0.0) - interval
            if full_at > self._clock() + ROUNDING:
                self._full_at[key] = full_at
            else:
                self._full_at.pop(key, None)

    def _forget(self, now: float) -> None:
        """Drop buckets that are full, and then the quietest ones while there are too many."""
        for _ in range(MAX_DROPPED):
            quietest, full_at = next(iter(self._full_at.items()))
            if full_at > now:
                break
            del self._full_at[quietest]
        while len(self._full_at) > self._max_buckets:
            self._full_at.popitem(last=False)

    def _of(self, client: str) -> Iterator[tuple[str, float]]:
        """The buckets of a client and its network, and the seconds in which each gets one miss."""
        return zip(client_groups(client), self._intervals, strict=False)


def is_guess(message_id: str, command: Command) -> bool:
    """Whether the command may be somebody's guess of a plain id: a miss, if it finds nothing.

    Every command counts that a client can send for an id of its choice, whatever the outcome tells: how long a store
    takes for an `Acknowledge` may tell a message that waits from none.
    """
    return not isinstance(command, Create) and ids.is_plain(message_id)


class GuardedStore:
    """The store as one request may ask it: if its client has no miss left, the request gets no look at plain ids."""

    def __init__(self, store: Store, miss: Miss) -> None:
        """`miss` is that of the request."""
        self._store = store
        self._miss = miss
        self._missed = False

    @property
    def to_give_back(self) -> Taken | None:
        """The miss that was taken for the request, if the request was none."""
        return self._miss if isinstance(self._miss, Taken) and not self._missed else None

    async def apply(self, message_id: str, command: Command) -> Outcome:
        """Apply the command as the store does.

        Raises:
            NoMissLeft: The client has used up its misses. Nobody has looked.
            StorageUnavailable: As the store's own `apply`.
        """
        if isinstance(self._miss, Exhausted) and is_guess(message_id, command):
            raise NoMissLeft(self._miss.wait)
        try:
            outcome = await self._store.apply(message_id, command)
        except NoMissLeft:
            # The store counts misses, too. The miss is kept, so that the store is soon asked no more for this client.
            self._missed = True
            raise
        self._missed |= isinstance(outcome, Missing) and is_guess(message_id, command)
        return outcome
