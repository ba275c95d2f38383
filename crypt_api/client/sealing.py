"""What sealed messages and parts of files share: derivation, padding, and authenticated encryption.

`docs/protocol.md` is the specification, `vectors/` are its test vectors.
"""

import os
from contextlib import suppress

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

NONCE_BYTES = 12
TAG_BYTES = 16
OVERHEAD_BYTES = 1 + NONCE_BYTES + TAG_BYTES
"""Of the version, the nonce and the tag, around the padded plaintext."""

STEP = 4_096
"""Bytes: the plaintext is padded to a multiple, so that the ciphertext tells its size to 4 KiB only."""


def derive(material: bytes, info: bytes, length: int) -> bytes:
    """HKDF-SHA-256 (RFC 5869) without salt."""
    return HKDF(SHA256(), length=length, salt=None, info=info).derive(material)


def seal(key: bytes, version: bytes, name: bytes, plaintext: bytes, nonce: bytes | None = None) -> bytes:
    """Encrypt with AES-256-GCM, bound to the version and to the name under which the result is stored.

    `nonce` is random unless a test vector needs its own: each key seals one plaintext, so no nonce repeats under it.
    """
    nonce = nonce or os.urandom(NONCE_BYTES)
    return version + nonce + AESGCM(key).encrypt(nonce, pad(plaintext), version + name)


def unseal(key: bytes, name: bytes, sealed: bytes) -> bytes:
    """Decrypt what `seal` made.

    Raises:
        ValueError: It is something else. The error carries nothing of the plaintext.
    """
    version, nonce, encrypted = sealed[:1], sealed[1 : 1 + NONCE_BYTES], sealed[1 + NONCE_BYTES :]
    if len(sealed) >= OVERHEAD_BYTES:
        with suppress(InvalidTag):
            return unpad(AESGCM(key).decrypt(nonce, encrypted, version + name))
    raise ValueError


def pad(plaintext: bytes) -> bytes:
    """ISO/IEC 7816-4: a marker, then zeros."""
    return plaintext + b"\x80" + bytes(-(len(plaintext) + 1) % STEP)


def unpad(padded: bytes) -> bytes:
    """Undo `pad`. Raises ValueError, without the plaintext, for what `pad` does not make."""
    plaintext, marker, zeros = padded.rpartition(b"\x80")
    if not marker or zeros.strip(b"\0") or len(zeros) >= STEP or len(padded) % STEP:
        raise ValueError
    return plaintext
