"""The idempotency keys of messages that were asked for and have not arrived.

The service leases a message for a minute to the idempotency key that asked for it. So a reader who was interrupted
has to ask again with the same key, or the message is lost.
"""

import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

LEASE = 60.0
"""Seconds that the service keeps a message for the idempotency key that got it (`docs/protocol.md`)."""


@dataclass(frozen=True)
class _Kept:
    key: str = field(repr=False)
    until: float


class IdempotencyKeys:
    """Keeps the key of each read that failed, for the next read of the same message by the same client.

    A key belongs to one read at a time: of two reads at the same moment, one alone gets the message.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._kept: dict[str, _Kept] = {}

    @contextmanager
    def key_for(self, message: str) -> Iterator[str]:
        """Give the key for a read of `message`. It is kept for a minute if the block fails, and forgotten if not."""
        key = self._take(message)
        try:
            yield key
        except BaseException:  # a cancellation, too
            self._kept[message] = _Kept(key, self._clock() + LEASE)
            raise

    def _take(self, message: str) -> str:
        now = self._clock()
        for other, kept in list(self._kept.items()):
            if kept.until < now:
                self._kept.pop(other, None)
        taken = self._kept.pop(message, None)
        return taken.key if taken else secrets.token_urlsafe(16)
