"""The time that messages live by: Unix time that a jump of the machine's clock does not move at once.

A wall clock that is two days ahead for a second would expire, and so destroy, a day's messages. The steady clock beside
it shows such a jump: it cannot be set. After a jump the time goes on as the steady clock counts, so messages expire as
if nothing had happened, until the wall clock has stayed where it is for `SURE_AFTER_SECONDS`. Then it is believed.
"""

import logging
import time
from collections.abc import Callable

logger = logging.getLogger(__name__)

TOLERANCE_SECONDS = 5.0
"""Differences up to this one are followed at once: time servers slew a clock, or step it by fractions of a second."""

SURE_AFTER_SECONDS = 300.0
"""How long a wall clock must keep to its new time before it is believed.

For so long a real change of the clock has no effect on messages: five minutes are longer than the glitches of virtual
machines and time servers, and short beside the day that a message lives by default.
"""


def steady_clock() -> float:
    """Seconds since some moment, also of those in which the machine was suspended where the system counts them."""
    boot_time = getattr(time, "CLOCK_BOOTTIME", None)  # Linux
    return time.monotonic() if boot_time is None else time.clock_gettime(boot_time)


class WallClock:
    """Call it for the Unix time in seconds. For one thread at a time."""

    def __init__(self, wall: Callable[[], float] = time.time, steady: Callable[[], float] = steady_clock) -> None:
        """Believe the time that `wall` tells now: at the start nothing is known that could contradict it."""
        self._wall = wall
        self._steady = steady
        self._offset = wall() - steady()
        self._new_offset: float | None = None
        """What the wall clock shows since a jump that is not believed yet."""
        self._jumped_at = 0.0  # by the steady clock

    def __call__(self) -> float:
        steady = self._steady()
        offset = self._wall() - steady
        if abs(offset - self._offset) <= TOLERANCE_SECONDS:
            self._follow(offset)
        elif self._new_offset is None or abs(offset - self._new_offset) > TOLERANCE_SECONDS:
            self._jumped_at = steady
            self._new_offset = offset
            logger.warning(
                "the machine's clock jumped by %+.0f s; messages expire as before until it has kept that for %.0f s",
                offset - self._offset,
                SURE_AFTER_SECONDS,
            )
        elif steady - self._jumped_at >= SURE_AFTER_SECONDS:
            logger.warning("the machine's clock is believed again: %+.0f s", offset - self._offset)
            self._offset, self._new_offset = offset, None
        else:
            self._new_offset = offset
        return steady + self._offset

    def _follow(self, offset: float) -> None:
        self._offset = offset
        if self._new_offset is not None:
            self._new_offset = None
            logger.warning("the machine's clock is back where it was")
