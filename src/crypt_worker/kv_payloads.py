"""Payloads in the KV namespace `MESSAGES`: every call to KV is in this file.

Each payload is encrypted under a random key that is used once, lies under the digest of that key, and expires by
itself. Which message has which key is known to the message's shard alone. So a value that stays in KV's caches, or
whose creation failed halfway, opens nothing once the shard has destroyed the key.
"""

import logging
from typing import Any

from crypt_core.encoding import decode_base64url, digest
from crypt_core.record import Record
from crypt_core.store import StorageUnavailable
from crypt_worker.payload_encryption import KEY_BYTES, PayloadEncryption
from crypt_worker.platform_calls import platform_call

logger = logging.getLogger(__name__)


class KvPayloads:
    """The payloads of one KV namespace. `put` and `get` raise `StorageUnavailable` when KV fails."""

    def __init__(self, namespace: Any, encryption: PayloadEncryption) -> None:
        self._namespace = namespace
        self._encryption = encryption

    async def put(self, payload: str, ttl: int) -> str:
        """Store a payload for `ttl` seconds, and return its key."""
        key: str
        key, encrypted = await platform_call(self._encryption.encrypt(payload))
        await platform_call(self._namespace.put(_name(key), encrypted, expirationTtl=ttl))
        return key

    async def get(self, key: str) -> str:
        """Fetch a payload. A replica that lags does not show a new payload; that raises `StorageUnavailable`, too."""
        stored = await platform_call(self._namespace.get(_name(key), "arrayBuffer"))
        if not stored:
            raise StorageUnavailable("KV does not show the message here yet")
        payload: str = await platform_call(self._encryption.decrypt(key, stored))
        return payload

    async def delete(self, key: str) -> None:
        """Delete the payload of a message that is gone.

        If KV fails, the payload stays until it expires. Nobody has its key.
        """
        try:
            await platform_call(self._namespace.delete(_name(key)))
        except StorageUnavailable as error:
            logger.warning("a payload that nobody can open stays until it expires: %s", error)


def released_key(before: Record | None, after: Record | None, now: float) -> str | None:
    """The key of a payload whose message is gone before its time; None without one. KV itself expires the others."""
    if before is None or before.content is None or before.expires_at <= now:
        return None
    return before.content if after is None or after.content != before.content else None


def _name(key: str) -> str:
    """The payload's name in KV. Nobody guesses it, no two payloads meet, and it tells nothing of the key."""
    return digest(decode_base64url(key, KEY_BYTES) or b"")
