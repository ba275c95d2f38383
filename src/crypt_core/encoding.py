"""Secrets and values as text: base64url for the proofs and keys that requests carry, and JSON.

Only the hashes of proofs and keys go further than the handlers.
"""

import base64
import hashlib
import json

PROOF_BYTES = 32
HASH_BYTES = 32
SEALED_ID_BYTES = 16

BASE64URL_OF_16_BYTES = "[A-Za-z0-9_-]{21}[AQgw]"
"""Regular expression for the one way to write 16 bytes, such as a sealed id or a link's secret, in base64url."""

BASE64URL_OF_32_BYTES = "[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]"
"""The same for 32 bytes, such as a proof, a hash or a key."""

encode_json = json.JSONEncoder(ensure_ascii=False, check_circular=False).encode
"""Write a value, which does not contain itself, as JSON. `json.dumps` builds an encoder for each call."""


def utf8_size(text: str, errors: str = "strict") -> int:
    """Bytes of `text` in UTF-8. `errors` is that of `str.encode`.

    Raises:
        UnicodeEncodeError: `text` has half of a surrogate pair, and `errors` is `strict`.
    """
    return len(text) if text.isascii() else len(text.encode(errors=errors))


def whole_number(value: object) -> int | None:
    """Give the whole number that a value of JSON is; None if it is anything else.

    JSON does not tell 60.0 from 60, so both are whole numbers. `true` is an integer in Python, but not in JSON.
    """
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def digest(secret: bytes) -> str:
    """SHA-256 as 43 characters of base64url. The secrets are random and long, so it needs no salt and no slowness."""
    return encode_base64url(hashlib.sha256(secret).digest())


def encode_base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def decode_base64url(text: str, size: int) -> bytes | None:
    """Decode the one way to write `size` bytes in base64url without padding (RFC 4648, section 5).

    Returns:
        The bytes; None if `text` is anything else, such as another alphabet, or stray bits at its end.
    """
    try:
        data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except ValueError:
        return None
    return data if len(data) == size and encode_base64url(data) == text else None
