"""Payloads in the KV namespace `MESSAGES`: every call to KV is in this file.

A payload lies under a random key that is used once, and expires by itself. Which message has which key is known to
the message's shard alone.
"""

import logging
import secrets
from typing import Any

from crypt_core.errors import StorageUnavailable
from crypt_core.record import Record
from crypt_worker.platform_calls import platform_call

logger = logging.getLogger(__name__)

KEY_BYTES = 24
"""Random bytes of a key: nobody guesses it, and no two payloads meet."""


class KvPayloads:
    """The payloads of one KV namespace. Every method raises `StorageUnavailable` when KV fails."""

    def __init__(self, namespace: Any) -> None:
        self._namespace = namespace

    async def put(self, payload: str, ttl: int) -> str:
        """Store a payload for `ttl` seconds, and return its key."""
        key = secrets.token_urlsafe(KEY_BYTES)
        await platform_call(self._namespace.put(key, payload, expirationTtl=ttl))
        return key

    async def get(self, key: str) -> str:
        """Fetch a payload. A replica that lags does not show a new payload; that raises `StorageUnavailable`, too."""
        payload: str | None = await platform_call(self._namespace.get(key))
        if payload is None:
            raise StorageUnavailable("KV does not show the message here yet")
        return payload

    async def delete(self, key: str) -> None:
        await platform_call(self._namespace.delete(key))

    async def delete_or_log(self, key: str) -> None:
        """Delete the payload of a message that is gone. If KV fails, the payload stays until it expires."""
        try:
            await self.delete(key)
        except StorageUnavailable as error:  # nobody is granted this payload again
            logger.warning("a read message's payload stays until it expires: %s", error)


def released_key(before: Record | None, after: Record | None, now: float) -> str | None:
    """The key of a payload whose message is gone before its time; None without one. KV itself expires the others."""
    if before is None or before.content is None or before.expires_at <= now:
        return None
    return before.content if after is None or after.content != before.content else None
