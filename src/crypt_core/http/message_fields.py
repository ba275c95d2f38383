"""From the fields of a request to the command that creates a message. A refusal names the field."""

import json
from collections.abc import Mapping
from typing import Any

from crypt_core.commands import Answer, Create
from crypt_core.encoding import HASH_BYTES, decode_base64url, digest, utf8_size, whole_number
from crypt_core.http.errors import (
    InvalidField,
    InvalidMessage,
    InvalidText,
    InvalidTtlHeader,
    MessageTooLarge,
    UnknownField,
)
from crypt_core.record import AccessHashes
from crypt_core.settings import MIN_TTL, Settings
from crypt_core.webhook import MAX_REFERENCE_LENGTH, is_reference

MAX_MESSAGE_BYTES = 102_400
"""The limit of 100 KB: UTF-8 bytes of a plain message, and of the content of a sealed one."""

MAX_ENVELOPE_BYTES = 142_034
"""Bytes of a sealed message: base64url of version (1), nonce (12), 26 padding steps of 4,096 and tag (16).

26 steps hold 102,400 bytes of text or file, and 4,096 for the file's name and type. See `docs/protocol.md`.
"""

MAX_ANSWER_BYTES = 142_062
"""Bytes of an answer: as an envelope, but version (1), encapsulated key (32), inner version (1), padding steps, tag."""

MAX_READS = 100

_SEALED_FIELDS = {"message", "proof_hash", "passphrase_hash", "ttl", "reads", "answer_hash", "notify"}
_NOT_OF_A_QUESTION = ("reads", "passphrase_hash")


def plain_message(fields: Any, settings: Settings) -> Create:
    """The command of a `POST /`. Unknown fields are ignored.

    Raises:
        ApiError: A field is missing or invalid.
    """
    message = _message(fields, MAX_MESSAGE_BYTES)
    return Create(message, _ttl(fields, settings), reference=_reference(fields, settings))


def plain_text(body: bytes, headers: Mapping[str, str], settings: Settings) -> Create:
    """The command of a `PUT /`, whose body is the message itself.

    Raises:
        InvalidText: The body is not UTF-8, or blank.
        InvalidTtlHeader: There is such a header, and it cannot be used.
    """
    try:
        text = body.decode()
    except UnicodeDecodeError:
        raise InvalidText from None
    if not text.strip():
        raise InvalidText
    return Create(text, ttl_header(headers, settings.max_ttl) if "ttl" in headers else settings.default_ttl)


def ttl_header(headers: Mapping[str, str], most: int) -> int:
    """Seconds, `most` at most, of the header `TTL` (RFC 8030, section 5.2).

    Raises:
        InvalidTtlHeader: The header is missing, or out of its bounds.
    """
    text = headers.get("ttl", "")
    ttl = int(text) if text.isascii() and text.isdigit() and len(text) <= len(str(most)) else 0
    if not MIN_TTL <= ttl <= most:
        raise InvalidTtlHeader(MIN_TTL, most)
    return ttl


def sealed_message(fields: Any, settings: Settings) -> Create:
    """The command of a `PUT /{id}`; with `answer_hash`, the message is a question.

    Raises:
        ApiError: A field is missing, unknown or invalid.
    """
    message = _message(fields, MAX_ENVELOPE_BYTES)
    _check_names(fields, _SEALED_FIELDS)
    answer_hash = _hash(fields, "answer_hash") if "answer_hash" in fields else ""
    for name in _NOT_OF_A_QUESTION:
        if answer_hash and name in fields:
            raise InvalidField(name, "cannot go with 'answer_hash': an answer has one reader and no passphrase")
    passphrase_hash = _hash(fields, "passphrase_hash") if "passphrase_hash" in fields else None
    access = AccessHashes(_hash(fields, "proof_hash"), passphrase_hash)
    ttl = _ttl(fields, settings)
    reads = whole_number(fields.get("reads", 1))
    if reads is None or not 1 <= reads <= MAX_READS:
        raise InvalidField("reads", f"must be a whole number from 1 to {MAX_READS}")
    reference = _reference(fields, settings)
    request: list[object] = [message, access.proof_hash, access.passphrase_hash, ttl, reads]
    request += filter(None, [answer_hash, {"notify": reference} if reference else None])
    return Create(message, ttl, access, reads, digest(json.dumps(request).encode()), answer_hash, reference)


def answer(fields: Any, proof_hash: str) -> Answer:
    """The command of a `PUT /{id}/answer` with this proof.

    Raises:
        ApiError: A field is missing, unknown or invalid.
    """
    message = _message(fields, MAX_ANSWER_BYTES)
    _check_names(fields, {"message"})
    return Answer(message, proof_hash, digest(json.dumps([message]).encode()))


def _check_names(fields: dict[str, Any], known: set[str]) -> None:
    for name in fields:
        if name not in known:
            raise UnknownField(name)


def _message(fields: Any, limit: int) -> str:
    message = fields.get("message") if isinstance(fields, dict) else None
    if not isinstance(message, str) or not message.strip():
        raise InvalidMessage
    try:
        size = utf8_size(message)
    except UnicodeEncodeError:  # JSON can escape half of a surrogate pair; UTF-8 cannot
        raise InvalidMessage from None
    if size > limit:
        raise MessageTooLarge
    return message


def _ttl(fields: dict[str, Any], settings: Settings) -> int:
    ttl = whole_number(fields.get("ttl", settings.default_ttl))
    if ttl is None or not MIN_TTL <= ttl <= settings.max_ttl:
        raise InvalidField("ttl", f"must be a whole number of seconds from {MIN_TTL} to {settings.max_ttl}")
    return ttl


def _reference(fields: dict[str, Any], settings: Settings) -> str:
    """The sender's word for the message; empty if nobody is to be told what becomes of it."""
    if "notify" not in fields:
        return ""
    if settings.webhook is None:  # a sender who waits for news must not wait in vain
        raise InvalidField("notify", "cannot be used: this service has no webhook")
    reference = fields["notify"]
    if not is_reference(reference):
        raise InvalidField("notify", f"must be 1 to {MAX_REFERENCE_LENGTH} visible ASCII characters")
    return str(reference)


def _hash(fields: dict[str, Any], name: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str) or decode_base64url(value, HASH_BYTES) is None:
        raise InvalidField(name, "must be the 43 characters of a SHA-256 in base64url")
    return value
