"""How much a client may ask of all servers together."""

from collections.abc import Callable
from typing import Protocol, runtime_checkable

from crypt_api.server.stores import ServerStore
from crypt_core.limits import rate_limiter
from crypt_core.limits.rate_limiter import RateLimiter
from crypt_core.settings import Settings


@runtime_checkable
class SharesLimits(Protocol):
    """What a store may be able to do besides: count for all servers that use it."""

    def shared_window(self, limit: int, own: RateLimiter, on_fallback: Callable[[], None]) -> RateLimiter:
        """A sliding window for all servers; `own` counts while the store's engine does not answer."""
        ...


def open_limiter(settings: Settings, store: ServerStore, on_fallback: Callable[[], None]) -> RateLimiter | None:
    """The limiter that the settings ask for: over all servers if the store can count for them, else over this one.

    None if the settings switch the limit off. `on_fallback` is told of each request that this server counted alone,
    since the engine did not answer.
    """
    own = rate_limiter.open_limiter(settings)
    if own is None or not isinstance(store, SharesLimits):
        return own
    return store.shared_window(settings.rate_limit_per_second, own, on_fallback)
