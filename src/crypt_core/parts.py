"""Parts of files: ciphertext that lies beside messages, and decides nothing.

The bytes of large files are sent in parts. Their ids and keys are derived from a key that is inside a sealed message,
so one reader of the message can find and open the parts (`docs/protocol.md`). The service stores them, and knows
neither readers nor messages of them.
"""

from collections.abc import AsyncIterable, AsyncIterator
from hashlib import sha256
from typing import NamedTuple, Protocol, runtime_checkable

from crypt_core.encoding import SEALED_ID_BYTES, encode_base64url

MAX_PART_BYTES = 4 * 1_048_576 + 29
"""Bytes of a part on the wire: 4 MiB of padded plaintext, and version (1), nonce (12) and tag (16)."""

EXTRA_TTL = 14_400
"""Seconds that a part may outlive the longest message: sending many parts takes a while, and so does fetching them."""

MAX_FETCHES = 300
"""How often a part may be fetched: a reader whose line breaks needs a few, and a file host would need many."""


class PartKept(NamedTuple):
    """A part is in the store.

    Attributes:
        is_new: Whether this call has put it there. If not, the part that was there is unchanged.
        expires_at: Unix time in seconds at which it goes.
    """

    is_new: bool
    expires_at: float


class StoredPart(NamedTuple):
    """A part on its way out.

    Attributes:
        length: Bytes.
        body: Its bytes, in pieces; in the Worker, a stream of the platform's.
    """

    length: int
    body: AsyncIterable[bytes]


class PartStore(Protocol):
    """Keeps parts until they expire. A positive answer is durable, as a message store's is."""

    async def put(self, part_id: str, ttl: int, length: int, body: AsyncIterable[bytes]) -> PartKept:
        """Keep the `length` bytes of `body` for `ttl` seconds, unless there is a part with this id.

        Raises:
            StorageUnavailable: Nothing is kept.
        """
        ...

    async def get(self, part_id: str) -> StoredPart | None:
        """The part, if it is there and has not expired. StorageUnavailable if that is not known."""
        ...

    async def delete(self, part_id: str) -> bool:
        """Remove the part; False if there is none. StorageUnavailable if that is not known."""
        ...


def part_id(proof: bytes) -> str:
    """The id of the part that this proof fetches and deletes. So an id certifies itself, and no digest is stored."""
    return encode_base64url(sha256(proof).digest()[:SEALED_ID_BYTES])


@runtime_checkable
class Collected(Protocol):
    """A body that counts its pieces as memory until the request ends, unless they are taken from `pieces`."""

    def pieces(self) -> AsyncIterator[bytes]:
        """The body, for a handler that keeps no piece: each one is counted until the next one is taken."""
        ...


def pieces_of(body: AsyncIterable[bytes]) -> AsyncIterable[bytes]:
    """The body's bytes, for somebody who keeps none of them."""
    return body.pieces() if isinstance(body, Collected) else body
