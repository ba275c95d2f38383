"""A message's content as it lies in the file: encrypted under a random key of its own.

So destroying a key of 32 bytes destroys the content, wherever SQLite and the disk still have copies of it. The key
lies in the same file (see `key_slots`): this protects what is destroyed, not what waits.
"""

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

FORMAT = 1
"""The first byte of every encrypted content. Another format gets another number."""

KEY_BYTES = 32
"""AES-256."""

_NONCE = bytes(12)
"""Always the same one: a key encrypts one content, once (NIST SP 800-38D asks for no more)."""


class DamagedContentError(ValueError):
    """What lies there is not what was encrypted under this key for this id, or has an unknown format."""


def new_key() -> bytes:
    return os.urandom(KEY_BYTES)


def encrypt(key: bytes, message_id: str, content: str) -> bytes:
    """Encrypt `content` with AES-256-GCM; format and id are authenticated with it."""
    return bytes((FORMAT,)) + AESGCM(key).encrypt(_NONCE, content.encode(), _associated_data(message_id))


def decrypt(key: bytes, message_id: str, encrypted: bytes) -> str:
    """Return what `encrypt` was given.

    Raises:
        DamagedContentError: Key, id and encrypted content do not belong together.
    """
    if encrypted[:1] != bytes((FORMAT,)):
        raise DamagedContentError("unknown format")
    try:
        return AESGCM(key).decrypt(_NONCE, encrypted[1:], _associated_data(message_id)).decode()
    except (InvalidTag, ValueError):  # ValueError: a key or a content of an impossible length
        raise DamagedContentError("not what was encrypted") from None


def _associated_data(message_id: str) -> bytes:
    return bytes((FORMAT,)) + message_id.encode()
