"""How much a client may ask of all servers together."""

from collections.abc import Callable
from typing import Protocol, runtime_checkable

from crypt_api.server.stores import ServerStore
from crypt_core.limits import client_limits
from crypt_core.limits.client_limits import ClientLimits
from crypt_core.limits.rate_limiter import RateLimiter, SlidingWindow
from crypt_core.settings import Settings


@runtime_checkable
class SharesLimits(Protocol):
    """What a store may be able to do besides: count for all servers that use it."""

    def shared_limits(self, settings: Settings, own: RateLimiter, on_fallback: Callable[[], None]) -> ClientLimits:
        """The limits over all servers; `own` counts requests while the store's engine does not answer."""
        ...


def open_limits(settings: Settings, store: ServerStore, on_fallback: Callable[[], None]) -> ClientLimits | None:
    """The limits that the settings ask for: over all servers if the store can count for them, else over this one.

    None if the settings switch every limit off. `on_fallback` is told of each request that this server counted alone,
    since the engine did not answer.
    """
    limit = settings.rate_limit_per_second
    if not limit or not isinstance(store, SharesLimits):
        return client_limits.open_limits(settings)
    return store.shared_limits(settings, SlidingWindow(limit), on_fallback)
