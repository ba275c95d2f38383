"""All that one client may do: so many requests in a second, so many misses in an hour. The port, and one process's."""

from typing import Protocol

from crypt_core.limits.guesses import Miss, MissBudgets, Taken, Uncounted
from crypt_core.limits.rate_limiter import Admission, RateLimiter, SlidingWindow
from crypt_core.settings import Settings


class ClientLimits(Protocol):
    """The port: counts requests and misses, in this process or elsewhere."""

    async def admit(self, client: str, *, may_miss: bool) -> tuple[Admission, Miss]:
        """Count one request as a `RateLimiter` does. If it is admitted and `may_miss`, take a miss of the client's.

        Both are one step, since a limiter that is elsewhere should be asked once.
        """
        ...

    async def give_back_miss(self, client: str, miss: Taken) -> None:
        """Give back the miss that `admit` returned for a request which found something."""
        ...


class OwnLimits:
    """Requests are counted by a limiter, and misses in this process."""

    def __init__(self, limiter: RateLimiter, budgets: MissBudgets | None = None) -> None:
        """Without `budgets`, misses are not counted."""
        self._limiter = limiter
        self._budgets = budgets

    async def admit(self, client: str, *, may_miss: bool) -> tuple[Admission, Miss]:
        admission = await self._limiter.admit(client)
        if self._budgets is None or not (may_miss and admission.admitted):
            return admission, Uncounted()
        return admission, self._budgets.take(client)

    async def give_back_miss(self, client: str, miss: Taken) -> None:  # noqa: ARG002 - it is this process's
        if self._budgets is not None:
            self._budgets.give_back(client)


def open_limits(settings: Settings) -> OwnLimits | None:
    """The limits that the settings ask for, counted in this process; None if they switch every limit off."""
    limit = settings.rate_limit_per_second
    if not limit:
        return None
    misses = settings.misses_per_hour
    return OwnLimits(SlidingWindow(limit), MissBudgets(misses) if misses else None)
