"""What is kept of one message, and how stores write it down."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from crypt_core.encoding import encode_json
from crypt_core.lease import Lease

State = Literal["asked", "unread", "read", "destroyed"]
"""`asked`: the content is a question, and its answer will be the message."""

MAX_PASSPHRASE_TRIES = 10
"""The last wrong one destroys the message. Only a caller with the link can try: ten are for typing errors."""


class AccessHashes(NamedTuple):
    """Who may do what with a sealed message: the digests of the proofs (see `encoding.digest`).

    Attributes:
        proof_hash: Digest of the link's proof, which finds the message, shows its receipt and destroys it.
        passphrase_hash: Digest of the passphrase's proof, which a reader needs as well; None without a passphrase.
    """

    proof_hash: str
    passphrase_hash: str | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """What a store keeps under a message's id.

    A sealed message leaves a tombstone: a record without content, which stays until the message's time is up.

    Attributes:
        content: The message, or the question; in the `kv` store the key of its payload; None in a tombstone.
        expires_at: Unix time in seconds at which the message is gone, read or not.
        access: The hashes of what opens the message; None for a plain message.
        request_hash: Digest of the request with the content, to recognize a repeated request; else empty.
        reads_left: The number of readers that the message still has.
        tries_left: The number of wrong passphrases after which the message is destroyed.
        leases: The readers who may fetch the message again.
        state: What has become of the message.
        at: Unix time in seconds at which the message was last read, or destroyed unread; None before.
        answer_hash: Digest of the proof to answer a question, also after the answer; empty if nobody asked.
        answer_ttl: Seconds that the answer will be kept; 0 once it is there.
        reference: The sender's own word for the message, for the operator's webhook; empty if nobody is to be told.
    """

    content: str | None
    expires_at: float
    access: AccessHashes | None = None
    request_hash: str = ""
    reads_left: int = 1
    tries_left: int = MAX_PASSPHRASE_TRIES
    leases: tuple[Lease, ...] = ()
    state: State = "unread"
    at: float | None = None
    answer_hash: str = ""
    answer_ttl: int = 0
    reference: str = ""

    @property
    def tells_end(self) -> bool:
        """Whether the sender is to be told if the message's time is up now."""
        return self.reference != "" and self.content is not None and self.state != "read"

    @property
    def due_at(self) -> float:
        """Unix time in seconds at which `messages.expire` changes this record."""
        if self.content is not None and self.reads_left == 0:
            return min(self.expires_at, max((lease.until for lease in self.leases), default=self.expires_at))
        return self.expires_at


_DEFAULTS = {name: field.default for name, field in Record.__dataclass_fields__.items()}


def encode(record: Record, names: Iterable[str] = Record.__slots__) -> str:
    """Write the fields `names` of a record as JSON, but for those that have their default. Tuples become arrays."""
    return encode_json({name: value for name in names if (value := getattr(record, name)) != _DEFAULTS[name]})


class UnreadableRecord(ValueError):
    """The text is damaged, or another release wrote it: it has a field that this release does not know.

    The text is not quoted, since it may hold a message.
    """


def decode(text: str, **others: Any) -> Record:
    """Read what `encode` wrote; `others` are the fields that it was not given.

    Raises:
        UnreadableRecord: The text is no record that this release can use.
    """
    try:
        fields: dict[str, Any] = json.loads(text)
        if "access" in fields:
            fields["access"] = AccessHashes(*fields["access"])
        fields["leases"] = tuple(Lease(*lease) for lease in fields.get("leases", ()))
        record = Record(**fields, **others)
        # A field of a wrong type is found here.
        _ = record.due_at + record.reads_left + record.tries_left + record.answer_ttl
        _ = sum(lease.until for lease in record.leases)
        (fields.get("content") or "").encode()
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise UnreadableRecord(type(error).__name__) from None
    return record
