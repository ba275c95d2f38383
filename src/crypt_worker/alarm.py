"""The alarm of a Durable Object: when the object is woken to sweep."""

import math
from typing import Any

from crypt_worker.platform_calls import platform_call

SWEEP_INTERVAL = 60.0
"""Seconds between two sweeps at least: an alarm is billed like a request."""


class Alarm:
    """The one alarm that an object has, and what the object knows of it. All times are Unix times in seconds."""

    def __init__(self, storage: Any) -> None:
        """`storage` is the object's."""
        self._storage = storage
        self._at: float | None = None  # None: no alarm is known to be set

    def wakes_for(self, due_at: float, now: float) -> bool:
        """Whether the alarm is set so that a record that is due at `due_at` is swept in time.

        An alarm that should have rung an interval ago is lost: the platform repeats an alarm that fails only 6 times.
        """
        return self._at is not None and self._at <= due_at and now < self._at + SWEEP_INTERVAL

    async def set(self, at: float) -> None:
        """Wake the object at `at`, and at no other time.

        Raises:
            StorageUnavailable: The alarm is not set.
        """
        self._at = None
        await platform_call(self._storage.setAlarm(math.ceil(at * 1_000)))
        self._at = at

    def rings(self) -> None:
        """The platform has woken the object, and now no alarm is set."""
        self._at = None
