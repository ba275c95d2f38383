"""The alarm of a Durable Object: when the object is woken to sweep."""

import math
from typing import Any

from crypt_worker.platform_calls import platform_call

LOST_AFTER = 60.0
"""Seconds. An alarm that should have rung that long ago is lost: the platform repeats a failing alarm only 6 times."""


class Alarm:
    """The one alarm that an object has. All times are Unix times in seconds."""

    def __init__(self, storage: Any) -> None:
        """`storage` is the object's."""
        self._storage = storage
        self._at: float | None = None
        self._is_known = False
        self._missed = math.inf  # for when an alarm could not be set

    async def wake_by(self, at: float, now: float) -> None:
        """Wake the object at `at` or before.

        Setting an alarm is billed as a row that is written. So an object that has slept asks for its alarm first.

        Raises:
            StorageUnavailable: The alarm is not set.
        """
        if not self._is_known:
            milliseconds = await platform_call(self._storage.getAlarm())
            self._at = milliseconds / 1_000 if milliseconds else None
            self._is_known = True
        at = min(at, self._missed)
        if self._at is None or at < self._at or now >= self._at + LOST_AFTER:
            await self.set(at)

    def is_before(self, at: float, now: float) -> bool:
        """Whether it is known, without a call, that the object is woken by `at`."""
        return self._is_known and self._at is not None and self._at <= at and now < self._at + LOST_AFTER

    async def set(self, at: float) -> None:
        """Wake the object at `at`, and at no other time.

        Raises:
            StorageUnavailable: The alarm is not set.
        """
        self._at, self._is_known, self._missed = None, True, at
        await platform_call(self._storage.setAlarm(math.ceil(at * 1_000)))
        self._at, self._missed = at, math.inf

    def rings(self) -> None:
        """The platform has woken the object, and now no alarm is set."""
        self._at, self._is_known = None, True
