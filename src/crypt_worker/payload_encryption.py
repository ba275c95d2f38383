"""Payloads are encrypted by the runtime's WebCrypto: AES-256-GCM, with a key of its own for each payload."""

import secrets
from collections.abc import Callable
from typing import Any

from crypt_core.encoding import decode_base64url, encode_base64url

KEY_BYTES = 32

_IV = bytes(12)
"""Always the same, because each key encrypts one payload and no other."""


class PayloadEncryption:
    """Encrypts into the runtime's buffers, which go to KV and come from KV without being copied into Python."""

    def __init__(self, subtle: Any, to_js: Callable[..., Any], from_entries: Callable[..., Any]) -> None:
        """Take what the runtime has.

        Args:
            subtle: `crypto.subtle`.
            to_js: Makes JavaScript's value of Python's (`pyodide.ffi.to_js`).
            from_entries: Makes a JavaScript object of a dict (`Object.fromEntries`).
        """
        self._subtle = subtle
        self._to_js = to_js
        self._from_entries = from_entries

    async def encrypt(self, payload: str) -> tuple[str, Any]:
        """Encrypt under a new key; return the key as base64url, and the buffer."""
        key = secrets.token_bytes(KEY_BYTES)
        encrypted = await self._subtle.encrypt(*await self._parameters(key, "encrypt"), self._to_js(payload.encode()))
        return encode_base64url(key), encrypted

    async def decrypt(self, key: str, encrypted: Any) -> str:
        """Decrypt what `encrypt` returned. The runtime's error is raised if the buffer has been changed."""
        raw = decode_base64url(key, KEY_BYTES) or b""
        decrypted = await self._subtle.decrypt(*await self._parameters(raw, "decrypt"), encrypted)
        payload: str = decrypted.to_bytes().decode()
        return payload

    async def _parameters(self, key: bytes, usage: str) -> tuple[Any, Any]:
        imported = await self._subtle.importKey("raw", self._to_js(key), "AES-GCM", False, self._to_js([usage]))  # noqa: FBT003
        return self._to_js({"name": "AES-GCM", "iv": _IV}, dict_converter=self._from_entries), imported
