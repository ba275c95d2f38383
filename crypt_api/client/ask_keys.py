"""Asking for a secret: what the two links of a question carry, and the answer, which only the asker can open.

The answer link carries the asker's public key itself, so there is no key that the service could exchange.
`docs/protocol.md` is the specification, `vectors/ask.json` has its test vectors.
"""

import secrets
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from crypt_api.client.content import VERSIONS, Content, decode, encode
from crypt_api.client.envelope import SECRET_BYTES, unseal_envelope
from crypt_api.client.errors import BadEnvelope, InvalidLink
from crypt_api.client.manifest import Manifest
from crypt_api.client.sealing import derive, pad, seal, unpad
from crypt_core.encoding import decode_base64url, encode_base64url

ANSWER_VERSION = b"\x05"
PUBLIC_KEY_BYTES = 32

SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
"""Of HPKE (RFC 9180), which is used in base mode."""


@dataclass(frozen=True)
class AnswerKey:
    """The asker's public key, of which the answer link consists. Printing it shows nothing.

    Nobody but those who have one of the two links knows it. So what the question needs is derived from it.

    Attributes:
        value: The 32 bytes of an X25519 public key.
    """

    value: bytes = field(repr=False)

    def link(self, origin: str) -> str:
        """The link that the asker sends to somebody who has the answer."""
        return f"{origin}/#answer.{encode_base64url(self.value)}"

    @cached_property
    def id(self) -> str:
        return encode_base64url(self._id)

    @cached_property
    def _id(self) -> bytes:
        return derive(self.value, b"crypt-api v1 request id", 16)

    @cached_property
    def proof(self) -> bytes:
        """What lets its owner see the question, and answer it."""
        return derive(self.value, b"crypt-api v1 answer proof", 32)

    @cached_property
    def question_key(self) -> bytes:
        return derive(self.value, b"crypt-api v1 question key", 32)

    @property
    def info(self) -> bytes:
        """What binds an answer to its question."""
        return b"crypt-api v1 answer" + self._id

    def seal_question(self, text: str, *, nonce: bytes | None = None) -> str:
        """Encrypt the question, which may be empty. Only test vectors pass a `nonce`.

        Raises:
            ContentTooLarge: The text has more than `MAX_CONTENT_BYTES`.
            InvalidText: The text cannot be written in UTF-8.
        """
        version, plaintext = encode(Content.from_text(text))
        return encode_base64url(seal(self.question_key, version, self._id, plaintext, nonce))

    def unseal_question(self, envelope: str) -> str:
        """Decrypt the question.

        Raises:
            BadEnvelope: It is not what the asker sealed, or no text.
        """
        content = unseal_envelope(self.question_key, self._id, envelope)
        if isinstance(content, Manifest) or content.name is not None:
            raise BadEnvelope("The question is no text.")
        return content.text

    def seal(self, content: Content | Manifest) -> str:
        """Encrypt the answer for the asker alone.

        Raises:
            ContentTooLarge: The content has more than `MAX_CONTENT_BYTES`, or the file's name is too long.
            InvalidText: The content is a text and not UTF-8, or the file's name or type cannot be written in UTF-8.
            InvalidLink: The key is one of the few with which anybody could open the answer.
        """
        version, plaintext = encode(content)
        with suppress(ValueError):  # raised below: an error from here would carry the text as its context
            sealed = SUITE.encrypt(version + pad(plaintext), X25519PublicKey.from_public_bytes(self.value), self.info)
            return encode_base64url(ANSWER_VERSION + sealed)
        raise InvalidLink("The link has a key with which anybody could read the answer. Nothing was sent.")


@dataclass(frozen=True)
class AskSecret:
    """The 16 random bytes of the ask link, which opens the answer. Printing it shows nothing."""

    value: bytes = field(repr=False)

    @classmethod
    def generate(cls) -> "AskSecret":
        return cls(secrets.token_bytes(SECRET_BYTES))

    def link(self, origin: str) -> str:
        """The link that the asker keeps."""
        return f"{origin}/#ask.{encode_base64url(self.value)}"

    @cached_property
    def private_key(self) -> X25519PrivateKey:
        return X25519PrivateKey.from_private_bytes(derive(self.value, b"crypt-api v1 ask key", 32))

    @cached_property
    def answer_key(self) -> AnswerKey:
        return AnswerKey(self.private_key.public_key().public_bytes_raw())

    @property
    def id(self) -> str:
        return self.answer_key.id

    @cached_property
    def proof(self) -> bytes:
        """What lets its owner read the answer, and destroy question and answer."""
        return derive(self.value, b"crypt-api v1 ask proof", 32)

    def unseal(self, answer: str) -> Content | Manifest:
        """Decrypt the answer.

        Raises:
            BadEnvelope: Nobody sealed this for the asker, as the answer to this question.
        """
        data = decode_base64url(answer, len(answer) * 3 // 4)
        if not data:
            raise BadEnvelope("The answer is damaged.")
        plaintext = b""
        if data[:1] == ANSWER_VERSION:
            with suppress(InvalidTag, ValueError, RecursionError):  # raised below, without the text as its context
                plaintext = SUITE.decrypt(data[1:], self.private_key, self.answer_key.info)
                return decode(plaintext[:1], unpad(plaintext[1:]))
        if data[:1] != ANSWER_VERSION or (plaintext and plaintext[:1] not in VERSIONS):
            raise BadEnvelope("The answer was sealed by a newer version; update this program.")
        raise BadEnvelope("The answer is damaged or forged, or it does not belong to this link.")
