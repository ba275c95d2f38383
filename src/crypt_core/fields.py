"""From the fields of a request's body to what shall be kept: checked one by one, refused by name."""

import json
from typing import Any

from crypt_core.errors import InvalidField, InvalidMessage, MessageTooLarge, UnknownField
from crypt_core.messages import Create
from crypt_core.record import Seal
from crypt_core.settings import MIN_TTL, Settings
from crypt_core.tokens import HASH_BYTES, decode_base64url, digest

MAX_MESSAGE_BYTES = 102_400
"""UTF-8 bytes of a plain message, and of what is in a sealed one."""

MAX_ENVELOPE_BYTES = 142_034
"""Of a sealed message: base64url of version (1), nonce (12), 26 padding steps of 4,096 and tag (16), in bytes.

26 steps hold 102,400 bytes of text or file, and 4,096 for the file's name and type. See `docs/protocol.md`.
"""

MAX_READS = 100

_SEALED_FIELDS = {"message", "proof_hash", "passphrase_hash", "ttl", "reads"}


def plain_message(fields: Any, settings: Settings) -> Create:
    """What `POST /` asks to keep. Fields that it does not know are ignored.

    Raises:
        ApiError: A field is missing, or is not as it has to be.
    """
    message = _message(fields, MAX_MESSAGE_BYTES)
    return Create(message, _ttl(fields, settings))


def sealed_message(fields: Any, settings: Settings) -> Create:
    """What `PUT /{id}` asks to keep.

    Raises:
        ApiError: A field is missing, unknown, or not as it has to be.
    """
    message = _message(fields, MAX_ENVELOPE_BYTES)
    for name in fields:
        if name not in _SEALED_FIELDS:
            raise UnknownField(name)
    seal = Seal(_hash(fields, "proof_hash"), _hash(fields, "passphrase_hash") if "passphrase_hash" in fields else None)
    ttl = _ttl(fields, settings)
    reads = _whole_number(fields.get("reads", 1))
    if reads is None or not 1 <= reads <= MAX_READS:
        raise InvalidField("reads", f"must be a whole number from 1 to {MAX_READS}")
    request = json.dumps([message, seal.proof_hash, seal.passphrase_hash, ttl, reads])
    return Create(message, ttl, seal, reads, digest(request.encode()))


def _message(fields: Any, limit: int) -> str:
    message = fields.get("message") if isinstance(fields, dict) else None
    if not isinstance(message, str) or not message.strip():
        raise InvalidMessage
    try:
        size = len(message.encode())
    except UnicodeEncodeError:  # JSON can escape half of a surrogate pair; no UTF-8 can carry it
        raise InvalidMessage from None
    if size > limit:
        raise MessageTooLarge
    return message


def _ttl(fields: dict[str, Any], settings: Settings) -> int:
    ttl = _whole_number(fields.get("ttl", settings.default_ttl))
    if ttl is None or not MIN_TTL <= ttl <= settings.max_ttl:
        raise InvalidField("ttl", f"must be a whole number of seconds from {MIN_TTL} to {settings.max_ttl}")
    return ttl


def _whole_number(value: Any) -> int | None:
    """JSON does not tell 60.0 from 60, so neither do we. To Python, true is an integer, too; not to JSON."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _hash(fields: dict[str, Any], name: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str) or decode_base64url(value, HASH_BYTES) is None:
        raise InvalidField(name, "must be the 43 characters of a SHA-256 in base64url")
    return value
