"""Sealed messages: everything is derived from one secret.

`docs/protocol.md` is the specification, `vectors/` are its test vectors.
"""

import secrets
import unicodedata
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC

from crypt_api.client.content import VERSIONS, Content, decode, encode, utf8
from crypt_api.client.errors import BadEnvelope
from crypt_api.client.manifest import Manifest
from crypt_api.client.sealing import derive, seal, unseal
from crypt_core.encoding import decode_base64url, encode_base64url

SECRET_BYTES = 16

PBKDF2_ITERATIONS = 600_000
"""OWASP's figure for PBKDF2-HMAC-SHA-256 (Password Storage Cheat Sheet, 2023)."""


@dataclass(frozen=True)
class Secret:
    """The 16 random bytes that a link carries in its fragment. Printing it shows nothing."""

    value: bytes = field(repr=False)

    @classmethod
    def generate(cls) -> "Secret":
        return cls(secrets.token_bytes(SECRET_BYTES))

    def link(self, origin: str) -> str:
        """The link to the message at a service such as `https://example.org`."""
        return f"{origin.rstrip('/')}/#{encode_base64url(self.value)}"

    @cached_property
    def id(self) -> str:
        return encode_base64url(self._id)

    @cached_property
    def _id(self) -> bytes:
        return derive(self.value, b"crypt-api v1 id", 16)

    @cached_property
    def proof(self) -> bytes:
        return derive(self.value, b"crypt-api v1 proof", 32)

    def keys(self, passphrase: str | None) -> "Keys":
        """Derive what opens the message. With a passphrase this takes a good part of a second, on purpose.

        Raises:
            InvalidText: The passphrase cannot be written in UTF-8.
        """
        if not passphrase:
            return Keys(derive(self.value, b"crypt-api v1 key", 32), None)
        salt = derive(self.value, b"crypt-api v1 salt", 16)
        stretch = PBKDF2HMAC(SHA256(), length=32, salt=salt, iterations=PBKDF2_ITERATIONS)
        material = self.value + stretch.derive(utf8(unicodedata.normalize("NFC", passphrase), "The passphrase"))
        return Keys(derive(material, b"crypt-api v1 key", 32), derive(material, b"crypt-api v1 passphrase proof", 32))

    def seal(self, content: Content | Manifest, keys: "Keys", *, nonce: bytes | None = None) -> str:
        """Encrypt `content` into an envelope. Only test vectors pass a `nonce`.

        Raises:
            ContentTooLarge: The content has more than `MAX_CONTENT_BYTES`, or the file's name is too long.
            InvalidText: The content is a text and not UTF-8, or the file's name or type cannot be written in UTF-8.
        """
        version, plaintext = encode(content)
        return encode_base64url(seal(keys.key, version, self._id, plaintext, nonce))

    def unseal(self, envelope: str, keys: "Keys") -> Content | Manifest:
        """Decrypt an envelope.

        Raises:
            BadEnvelope: The envelope is not what the sender sealed with these keys.
        """
        return unseal_envelope(keys.key, self._id, envelope)


def unseal_envelope(key: bytes, name: bytes, envelope: str) -> Content | Manifest:
    """Decrypt an envelope that is stored under the id `name`.

    Raises:
        BadEnvelope: The envelope is not what the sender sealed with this key.
    """
    data = decode_base64url(envelope, len(envelope) * 3 // 4)
    if not data:
        raise BadEnvelope("The message is damaged.")
    version = data[:1]
    if version not in VERSIONS:
        raise BadEnvelope("The message was sealed by a newer version; update this program.")
    with suppress(ValueError, RecursionError):  # raised below: an error from here would carry the text as its context
        return decode(version, unseal(key, name, data))
    raise BadEnvelope("The message is damaged or forged, or the link is not the one it was sealed for.")


@dataclass(frozen=True)
class Keys:
    """What is derived from the secret and the passphrase, if there is one, to open a message."""

    key: bytes = field(repr=False)
    passphrase_proof: bytes | None = field(repr=False)
