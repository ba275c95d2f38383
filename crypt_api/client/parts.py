"""Parts: the bytes of large files, encrypted piece by piece, beside the sealed message that lists the files.

A part decides nothing. Its key, and the proof that fetches and deletes it, are derived from the key of the list, which
the service gives to the message's reader alone. `docs/protocol.md` is the specification.
"""

import os
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256

from crypt_api.client.errors import BadEnvelope
from crypt_api.client.sealing import OVERHEAD_BYTES, derive, seal, unseal
from crypt_core.encoding import encode_base64url

PART_VERSION = b"\x04"
KEY_BYTES = 32
ID_BYTES = 16

MAX_PART_BYTES = 4 * 1_048_576 - 1
"""Bytes of files in one part. With its marker the padded plaintext has exactly 4 MiB."""

MAX_SEALED_PART_BYTES = OVERHEAD_BYTES + MAX_PART_BYTES + 1
"""Bytes of the largest part on the wire: 4 MiB, and 29."""


def part_lengths(total: int, part_bytes: int) -> list[int]:
    """The lengths of the parts of `total` bytes that are cut every `part_bytes` bytes; none for no bytes."""
    full, rest = divmod(total, part_bytes)
    return [part_bytes] * full + [rest] * (rest > 0)


@dataclass(frozen=True)
class PartKeys:
    """What is derived from the key of a list of files. Printing it shows nothing.

    Attributes:
        key: 32 random bytes, new for each sending. One key and one number seal one content.
    """

    key: bytes = field(repr=False)

    @classmethod
    def generate(cls) -> "PartKeys":
        return cls(os.urandom(KEY_BYTES))

    def proof(self, number: int) -> bytes:
        """What fetches and deletes the part with this number; the first one has number 0."""
        return derive(self.key, b"crypt-api v1 part proof %d" % number, 32)

    def id(self, number: int) -> str:
        """The part's id: a hash of the proof, so that the service can check a proof with nothing but the id."""
        return encode_base64url(self._id(number))

    def seal(self, number: int, data: bytes, *, nonce: bytes | None = None) -> bytes:
        """Encrypt a part.

        `nonce` is AES-GCM's. Only test vectors pass one: each key seals one part, so a random nonce cannot repeat.
        """
        return seal(self.content_key(number), PART_VERSION, self._id(number), data, nonce)

    def unseal(self, number: int, part: bytes, length: int) -> bytes:
        """Decrypt a part, whose content must have `length` bytes.

        Raises:
            BadEnvelope: The part is not what the sender sealed under this number.
        """
        if part.startswith(PART_VERSION):
            with suppress(ValueError):
                data = unseal(self.content_key(number), self._id(number), part)
                if len(data) == length:
                    return data
        raise BadEnvelope("A part of the files is damaged or forged.")

    def _id(self, number: int) -> bytes:
        return sha256(self.proof(number)).digest()[:ID_BYTES]

    def content_key(self, number: int) -> bytes:
        return derive(self.key, b"crypt-api v1 part key %d" % number, KEY_BYTES)
