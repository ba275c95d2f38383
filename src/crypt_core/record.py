"""What is kept of one message, and how stores write it down."""

import json
from dataclasses import dataclass
from typing import Any, Literal

State = Literal["unread", "read", "destroyed"]

MAX_PASSPHRASE_TRIES = 10
"""Wrong passphrases; the last one destroys the message."""


@dataclass(frozen=True, slots=True)
class Hold:
    """A reader's right to fetch the message again, should the answer have been lost.

    Attributes:
        nonce_hash: What the reader must show again; see `tokens.digest`.
        until: Unix time in seconds at which it ends.
    """

    nonce_hash: str
    until: float


@dataclass(frozen=True, slots=True)
class Seal:
    """What opens a sealed message: of either proof only the hash is known here (see `tokens.digest`).

    Attributes:
        proof_hash: Of the link's proof: finds the message, shows its receipt, destroys it.
        passphrase_hash: Of the passphrase's proof, which is needed to read it, too; None if it takes none.
    """

    proof_hash: str
    passphrase_hash: str | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """What a store keeps under a message's id.

    A sealed message leaves a tombstone: a record without content, until its time is up.

    Attributes:
        content: The message, in the `kv` store the key under which it lies; None in a tombstone.
        expires_at: Unix time in seconds at which it is gone, read or not.
        seal: What opens it; None for a plain message.
        request_hash: Of the request that created it, so that a repetition of it can be recognized; else empty.
        reads_left: How many readers it still has.
        tries_left: Wrong passphrases until it is destroyed.
        holds: Readers who may fetch it again.
        state: What has become of it.
        at: Unix time in seconds at which it was last read, or destroyed; None while unread.
    """

    content: str | None
    expires_at: float
    seal: Seal | None = None
    request_hash: str = ""
    reads_left: int = 1
    tries_left: int = MAX_PASSPHRASE_TRIES
    holds: tuple[Hold, ...] = ()
    state: State = "unread"
    at: float | None = None

    @property
    def due_at(self) -> float:
        """Unix time in seconds from which on `messages.age` makes something else of it."""
        if self.content is not None and self.reads_left == 0:
            return min(self.expires_at, max((hold.until for hold in self.holds), default=self.expires_at))
        return self.expires_at


_DEFAULTS = {name: field.default for name, field in Record.__dataclass_fields__.items()}


def encode(record: Record) -> str:
    """Write a record as JSON, without what is as it is by default."""
    fields: dict[str, Any] = {
        name: value for name in Record.__slots__ if (value := getattr(record, name)) != _DEFAULTS[name]
    }
    if record.seal is not None:
        fields["seal"] = [record.seal.proof_hash, record.seal.passphrase_hash]
    if record.holds:
        fields["holds"] = [[hold.nonce_hash, hold.until] for hold in record.holds]
    return json.dumps(fields, ensure_ascii=False)


def decode(text: str) -> Record:
    """Read what `encode` wrote."""
    fields = json.loads(text)
    if "seal" in fields:
        fields["seal"] = Seal(*fields["seal"])
    fields["holds"] = tuple(Hold(*hold) for hold in fields.get("holds", ()))
    return Record(**fields)
