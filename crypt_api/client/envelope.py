"""Sealed messages: everything is derived from one secret.

`docs/protocol.md` is the specification, `vectors/` are its test vectors.
"""

import json
import os
import secrets
import unicodedata
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC

from crypt_api.client.errors import BadEnvelope, ContentTooLarge, InvalidText
from crypt_core.encoding import decode_base64url, encode_base64url, whole_number

SECRET_BYTES = 16
VERSION = b"\x01"
VERSION_WITH_NOTE = b"\x02"
"""Of a file with a note: readers that know version 1 only say that the message is from a newer version."""

NONCE_BYTES = 12
TAG_BYTES = 16
STEP = 4_096
"""Bytes: the plaintext is padded to a multiple, so that the envelope tells its size to 4 KiB only."""

MAX_CONTENT_BYTES = 102_400
MAX_HEADER_BYTES = 4_000

PBKDF2_ITERATIONS = 600_000
"""OWASP's figure for PBKDF2-HMAC-SHA-256 (Password Storage Cheat Sheet, 2023)."""


@dataclass(frozen=True)
class Content:
    """What a message says: a text, or a file, which may have a note. Printing it shows neither text nor note.

    Attributes:
        data: The bytes. The bytes of a text are UTF-8.
        name: The file's name; None for a text.
        media_type: The file's type, such as `image/png`; None for a text.
        note: The text that comes with a file; empty if there is none.

    Example:
        >>> Content.from_text("the key is under the mat").text
        'the key is under the mat'
        >>> Content(b"...", name="map.png", media_type="image/png")
        Content(name='map.png', media_type='image/png')
    """

    data: bytes = field(repr=False)
    name: str | None = None
    media_type: str | None = None
    note: str = field(default="", repr=False)

    @classmethod
    def from_text(cls, text: str) -> "Content":
        """Make the content of a text.

        Raises:
            InvalidText: The text cannot be written in UTF-8.
        """
        return cls(_utf8(text, "The text"))

    @property
    def text(self) -> str:
        """The data as text. Raises UnicodeDecodeError for a file that does not hold UTF-8."""
        return self.data.decode()


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
        return _derive(self.value, b"crypt-api v1 id", 16)

    @cached_property
    def proof(self) -> bytes:
        return _derive(self.value, b"crypt-api v1 proof", 32)

    def keys(self, passphrase: str | None) -> "Keys":
        """Derive what opens the message. With a passphrase this takes a good part of a second, on purpose.

        Raises:
            InvalidText: The passphrase cannot be written in UTF-8.
        """
        if not passphrase:
            return Keys(_derive(self.value, b"crypt-api v1 key", 32), None)
        salt = _derive(self.value, b"crypt-api v1 salt", 16)
        stretch = PBKDF2HMAC(SHA256(), length=32, salt=salt, iterations=PBKDF2_ITERATIONS)
        material = self.value + stretch.derive(_utf8(unicodedata.normalize("NFC", passphrase), "The passphrase"))
        return Keys(_derive(material, b"crypt-api v1 key", 32), _derive(material, b"crypt-api v1 passphrase proof", 32))

    def seal(self, content: Content, keys: "Keys", *, nonce: bytes | None = None) -> str:
        """Encrypt `content` into an envelope.

        `nonce` is AES-GCM's. Only test vectors pass one: each key seals one message, so a random nonce cannot repeat.

        Raises:
            ContentTooLarge: The content has more than `MAX_CONTENT_BYTES`, or the file's name is too long.
            InvalidText: The content is a text and not UTF-8, or the file's name or type cannot be written in UTF-8.
        """
        nonce = nonce or os.urandom(NONCE_BYTES)
        version = VERSION_WITH_NOTE if content.note else VERSION
        sealed = AESGCM(keys.key).encrypt(nonce, _pad(_plaintext(content)), version + self._id)
        return encode_base64url(version + nonce + sealed)

    def unseal(self, envelope: str, keys: "Keys") -> Content:
        """Decrypt an envelope.

        Raises:
            BadEnvelope: The envelope is not what the sender sealed with these keys.
        """
        data = decode_base64url(envelope, len(envelope) * 3 // 4)
        if data is None or (len(data) - len(VERSION) - NONCE_BYTES - TAG_BYTES) % STEP or len(data) < STEP:
            raise BadEnvelope("The message is damaged.")
        version = data[:1]
        if version not in (VERSION, VERSION_WITH_NOTE):
            raise BadEnvelope("The message was sealed by a newer version; update this program.")
        nonce, sealed = data[1 : 1 + NONCE_BYTES], data[1 + NONCE_BYTES :]
        with suppress(
            InvalidTag, ValueError, RecursionError
        ):  # raised below: an error from here would carry the text as its context
            return _content(version, AESGCM(keys.key).decrypt(nonce, sealed, version + self._id))
        raise BadEnvelope("The message is damaged or forged, or the link is not the one it was sealed for.")


@dataclass(frozen=True)
class Keys:
    """What is derived from the secret and the passphrase, if there is one, to open a message."""

    key: bytes = field(repr=False)
    passphrase_proof: bytes | None = field(repr=False)


def check_size(data: bytes) -> None:
    """Raises ContentTooLarge for more bytes than can be sent."""
    if len(data) > MAX_CONTENT_BYTES:
        raise ContentTooLarge(f"The message has more than {MAX_CONTENT_BYTES:,} bytes.")


def _derive(material: bytes, info: bytes, length: int) -> bytes:
    return HKDF(SHA256(), length=length, salt=None, info=info).derive(material)


def _utf8(text: str, what: str) -> bytes:
    with suppress(UnicodeEncodeError):  # raised below: an error from here would carry the text as its context
        return text.encode()
    raise InvalidText(f"{what} has characters that UTF-8 cannot write.")


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _plaintext(content: Content) -> bytes:
    note = _utf8(content.note, "The note")
    check_size(note + content.data)
    fields: dict[str, str | int] = {"type": "text"}
    if content.name is None and note:
        raise InvalidText("Only a file has a note.")
    if content.name is None and not _is_utf8(content.data):
        raise InvalidText("The text is not UTF-8; binary data needs a file's name.")
    if content.name is not None:
        media_type = "application/octet-stream" if content.media_type is None else content.media_type
        fields = {"type": "file", "name": content.name, "media_type": media_type}
    if note:
        fields |= {"type": "file with note", "note_bytes": len(note)}
    header = _utf8(json.dumps(fields, ensure_ascii=False, separators=(",", ":")), "The file's name")
    if len(header) > MAX_HEADER_BYTES:
        raise ContentTooLarge("The file's name is too long.")
    return len(header).to_bytes(2, "big") + header + note + content.data


def _pad(plaintext: bytes) -> bytes:
    """ISO/IEC 7816-4: a marker, then zeros."""
    return plaintext + b"\x80" + bytes(-(len(plaintext) + 1) % STEP)


def _content(version: bytes, padded: bytes) -> Content:
    """Raises ValueError or RecursionError for a plaintext that breaks the specification."""
    plaintext, marker, zeros = padded.rpartition(b"\x80")
    if not marker or zeros.strip(b"\0") or len(zeros) >= STEP:
        raise ValueError
    length = int.from_bytes(plaintext[:2], "big")
    header, data = plaintext[2 : 2 + length], plaintext[2 + length :]
    if len(plaintext) < 2 or len(header) != length or length > MAX_HEADER_BYTES or len(data) > MAX_CONTENT_BYTES:  # noqa: PLR2004
        raise ValueError
    match version, json.loads(header.decode(), parse_constant=_refuse_constant):
        case b"\x01", {"type": "text"}:
            data.decode()
            return Content(data)
        case b"\x01", {"type": "file", "name": str(name), "media_type": str(media_type)}:
            return Content(data, name, media_type)
        case b"\x02", {
            "type": "file with note",
            "name": str(name),
            "media_type": str(media_type),
            "note_bytes": note_bytes,
        } if 0 < (size := whole_number(note_bytes) or 0) <= len(data):
            return Content(data[size:], name, media_type, data[:size].decode())
    raise ValueError


def _refuse_constant(name: str) -> None:
    """Python's parser takes `NaN`, `Infinity` and `-Infinity`, which are not JSON."""
    raise ValueError(name)
