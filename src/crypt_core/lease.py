"""The lease: for a minute, a reader may fetch the message again."""

from typing import NamedTuple

LEASE_SECONDS = 60
"""How long a reader who sent an idempotency key may fetch the message again."""


class Lease(NamedTuple):
    """A reader's right to fetch the message again, in case the response was lost.

    Attributes:
        idempotency_hash: Digest of the idempotency key that the reader must show again (see `encoding.digest`).
        until: Unix time in seconds at which the lease ends.
    """

    idempotency_hash: str
    until: float
