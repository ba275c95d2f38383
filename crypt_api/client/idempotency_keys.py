"""The idempotency keys of messages that were asked for and have not arrived.

The service leases a message for a minute to the idempotency key that asked for it. So a reader who was interrupted
has to ask again with the same key, or the message is lost.
"""

import os
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from crypt_api.client.errors import NotFound

LEASE = 60.0
"""Seconds that the service keeps a message for the idempotency key that got it (`docs/protocol.md`)."""


@dataclass
class Claim:
    """What one read asks for a message with.

    Attributes:
        key: The idempotency key.
        is_leased: Whether the service has given the message to this key.
        process: The process whose read it is.
        until: When the lease has ended for sure; 0 while the read goes on.
    """

    key: str = field(default_factory=lambda: secrets.token_urlsafe(16), repr=False)
    is_leased: bool = False
    process: int = field(default_factory=os.getpid)
    until: float = 0.0


class IdempotencyKeys:
    """Keeps the key of each read that failed, for the next read of the same message by the same client.

    A key belongs to one read at a time, in one process: of two reads at the same moment, one alone gets the message.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._kept: dict[str, Claim] = {}

    @contextmanager
    def claim(self, message: str) -> Iterator[Claim]:
        """Give the key for a read of `message`. It is kept for a minute if the block fails, and forgotten if not.

        The block says in the claim that it has got the message. Of two reads that fail, the key of that one is kept.
        """
        claim = self._take(message)
        try:
            yield claim
        except BaseException as error:  # a cancellation, too
            other = self._kept.get(message)
            is_useless = isinstance(error, NotFound) or (other is not None and other.is_leased)
            if claim.is_leased or not is_useless:
                claim.until = self._clock() + LEASE
                self._kept[message] = claim
            raise

    def _take(self, message: str) -> Claim:
        now, process = self._clock(), os.getpid()
        for other, kept in list(self._kept.items()):
            if kept.until < now or kept.process != process:
                self._kept.pop(other, None)
        return self._kept.pop(message, None) or Claim()
