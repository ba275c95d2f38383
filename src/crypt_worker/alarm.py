"""The alarm of a Durable Object: when the object is woken to sweep."""

from typing import Any

SWEEP_INTERVAL = 60.0
"""Seconds between two sweeps at least: an alarm is billed like a request."""


class Alarm:
    """The one alarm that an object has."""

    def __init__(self, storage: Any) -> None:
        """`storage` is the object's."""
        self._storage = storage
        self._at: float | None = None  # None: not known since the object woke up, or not set

    async def set(self, due_at: float | None, now: float) -> None:
        """Wake the object when the next record is due, or a sweep's interval from now; never if `due_at` is None.

        Both times are Unix times in seconds.
        """
        self._at = None
        if due_at is not None:
            at = max(due_at, now + SWEEP_INTERVAL)
            await self._storage.setAlarm(int(at * 1_000))
            self._at = at

    def is_too_late_for(self, due_at: float) -> bool:
        """Whether a record that is due at `due_at` would wait for more than the sweep's interval."""
        return self._at is None or due_at < self._at
