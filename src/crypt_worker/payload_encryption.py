"""Payloads are encrypted by the runtime's WebCrypto: AES-256-GCM, with a key of its own for each payload."""

import secrets
from typing import Any

from crypt_core.encoding import decode_base64url, encode_base64url
from crypt_worker.javascript import JavaScript

KEY_BYTES = 32

_IV = bytes(12)
"""Always the same, because each key encrypts one payload and no other."""


class PayloadEncryption:
    """Encrypts into the runtime's buffers, which go to KV and come from KV without being copied into Python."""

    def __init__(self, javascript: JavaScript) -> None:
        self._js = javascript
        self._algorithm = javascript.to_object({"name": "AES-GCM"})
        self._algorithm.iv = javascript.to_js(_IV)

    async def encrypt(self, payload: str) -> tuple[str, Any]:
        """Encrypt under a new key; return the key as base64url, and the buffer."""
        key = secrets.token_bytes(KEY_BYTES)
        encrypted = await self._js.subtle.encrypt(
            *await self._parameters(key, "encrypt"), self._js.to_js(payload.encode())
        )
        return encode_base64url(key), encrypted

    async def decrypt(self, key: str, encrypted: Any) -> str:
        """Decrypt what `encrypt` returned. The runtime's error is raised if the buffer has been changed."""
        raw = decode_base64url(key, KEY_BYTES) or b""
        decrypted = await self._js.subtle.decrypt(*await self._parameters(raw, "decrypt"), encrypted)
        payload: str = decrypted.to_bytes().decode()
        return payload

    async def _parameters(self, key: bytes, usage: str) -> tuple[Any, Any]:
        to_js, is_extractable = self._js.to_js, False
        imported = await self._js.subtle.importKey("raw", to_js(key), "AES-GCM", is_extractable, to_js([usage]))
        return self._algorithm, imported
