"""The Worker's rate limit: who a client is to Cloudflare, and how its requests are counted.

Three lines, each optional. Cloudflare's own rate-limiting binding refuses floods, and costs nothing. The isolate's
window counts exactly, but a client whose requests reach several isolates has the limit in each. With
`RATE_LIMIT_SCOPE = "global"`, a Durable Object counts for all isolates, for one call a request.
"""

import json
import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from zlib import crc32

from crypt_core.limits.addresses import client_group, client_groups
from crypt_core.limits.client_limits import ClientLimits, OwnLimits
from crypt_core.limits.hourly_budgets import HourlyBudgets
from crypt_core.limits.rate_limiter import MAX_DROPPED, Admission, RateLimiter, SlidingWindow
from crypt_core.store import StorageUnavailable
from crypt_worker.platform_calls import platform_call
from crypt_worker.shard_misses import MAX_BUCKETS
from crypt_worker.variables import Variables

logger = logging.getLogger(__name__)

COUNTERS = 8
"""Durable Objects that share all clients between them. No client can make more."""

MAX_CLIENTS = 10_000
"""Clients of the objects that an isolate remembers."""

MAX_ENTRIES = 5_000
"""Times that one window remembers: more than the requests that an isolate or an object answers in a second.

An isolate has 128 MB for everything. The window of its own and those of all `COUNTERS` may be in it, and Python's heap
never shrinks.
"""

WINDOW = 1.0
"""Seconds."""

PAUSE = 10.0
"""Seconds for which an object that failed is not called again."""

BINDING_PERIOD = 10.0
"""Seconds, as in `wrangler.toml`."""


def client_address(headers: Mapping[str, str]) -> str:
    """The client's address, which Cloudflare sets; no client can set this header."""
    return headers.get("cf-connecting-ip", "")


def open_worker_limits(
    variables: Variables, env: Any, *, clock: Callable[[], float] = time.monotonic
) -> ClientLimits | None:
    """The limits that the variables and the bindings in `env` ask for; None if every limit is switched off.

    Misses are counted in each isolate, in both scopes. The shards count them over all isolates (`shard_misses`).
    """
    limit = variables.settings.rate_limit_per_second
    misses = variables.settings.misses_per_hour
    if not limit:
        return None
    limiter: RateLimiter = SlidingWindow(limit, max_entries=MAX_ENTRIES, clock=clock)
    if variables.rate_limit_scope == "global":
        limiter = GlobalWindow(env.CLIENT_COUNTERS, limit, limiter, clock=clock)
    binding = getattr(env, "RATE_LIMITER", None)
    if binding is not None:
        limiter = BindingFirst(binding, limit, limiter)
    budgets = HourlyBudgets(misses, max_buckets=MAX_BUCKETS, clock=clock) if misses else None
    return OwnLimits(limiter, budgets)


class BindingFirst:
    """Cloudflare's binding, which counts for each of its locations, and then the next limiter."""

    def __init__(self, binding: Any, limit: int, limiter: RateLimiter) -> None:
        self._binding = binding
        self._refusal = Admission(admitted=False, limit=limit, window=WINDOW, remaining=0, reset=BINDING_PERIOD)
        self._limiter = limiter

    async def admit(self, client: str) -> Admission:
        try:
            answer = await platform_call(self._binding.limit(key=client_group(client)))
        except StorageUnavailable as error:
            logger.warning("the rate-limiting binding does not answer: %s", error)
            return await self._limiter.admit(client)
        return await self._limiter.admit(client) if answer.success else self._refusal


@dataclass(slots=True)
class _Client:
    """What an isolate knows of a client. Times are those of the isolate's clock.

    Attributes:
        calls: When each call that is under way was made.
        refusal: The last refusal, which holds until `refused_until`.
    """

    calls: list[float] = field(default_factory=list)
    refusal: Admission | None = None
    refused_until: float = 0.0

    def matters(self, now: float) -> bool:
        """Whether what is known of the client can refuse a request at `now`."""
        return now < self.refused_until or any(began > now - PAUSE for began in self.calls)


class GlobalWindow:
    """One window for all isolates, in Durable Objects; while these fail, the isolate's own window.

    A client that was refused is refused without a call until its time has come, and so is a client with as many calls
    under way as the limit: if one of these is refused, this request would be, too. So the flood of one client costs few
    calls, however large it is.
    """

    def __init__(
        self, counters: Any, limit: int, own_window: RateLimiter, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`counters` is the Durable Objects' binding."""
        self._counters = counters
        self._limit = limit
        self._own_window = own_window
        self._clock = clock
        self._clients: OrderedDict[str, _Client] = OrderedDict()
        self._paused_until = 0.0

    async def admit(self, client: str) -> Admission:
        now = self._clock()
        known = self._known(client_group(client), now)
        if known.refusal is not None and now < known.refused_until:
            return known.refusal._replace(reset=known.refused_until - now)
        if now < self._paused_until:
            return await self._own_window.admit(client)
        known.calls = [began for began in known.calls if began > now - PAUSE]
        if len(known.calls) >= self._limit:
            return Admission(admitted=False, limit=self._limit, window=WINDOW, remaining=0, reset=WINDOW)
        known.calls.append(now)
        try:
            admission = await self._count(client)
        except StorageUnavailable as error:
            logger.warning("requests are counted in each isolate for a while: %s", error)
            self._paused_until = self._clock() + PAUSE
            return await self._own_window.admit(client)
        finally:
            if now in known.calls:
                known.calls.remove(now)
        if not admission.admitted:
            known.refusal, known.refused_until = admission, self._clock() + admission.reset
        return admission

    @property
    def clients(self) -> int:
        """Clients that are remembered."""
        return len(self._clients)

    async def _count(self, client: str) -> Admission:
        counter = self._counters.getByName(counter_name(client))
        return Admission(*json.loads(await platform_call(counter.admit(client, self._limit))))

    def _known(self, group: str, now: float) -> _Client:
        client = self._clients.pop(group, None) or _Client()
        for _ in range(MAX_DROPPED):
            if not self._clients or next(iter(self._clients.values())).matters(now):
                break
            self._clients.popitem(last=False)
        self._clients[group] = client  # as the latest of all
        if len(self._clients) > MAX_CLIENTS:
            self._clients.popitem(last=False)
        return client


def counter_name(client: str) -> str:
    """The object that counts for a client, and for all of its network."""
    return f"clients-{crc32(client_groups(client)[-1].encode()) % COUNTERS}"


class Counters:
    """The Durable Object's part: the windows of its clients, in memory. An object that slept begins anew."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._windows: dict[int, SlidingWindow] = {}

    async def admit(self, client: str, limit: int) -> str:
        """Count one request of `client`, as `RateLimiter.admit`; return the admission's fields as JSON.

        The Worker says the limit, so that a new deployment's limit holds at once.
        """
        if limit not in self._windows:
            self._windows = {limit: SlidingWindow(limit, max_entries=MAX_ENTRIES, clock=self._clock)}
        return json.dumps(await self._windows[limit].admit(client))
