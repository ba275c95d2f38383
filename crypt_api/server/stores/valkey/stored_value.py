"""What lies under a key: a message's record, and the tokens that tell whose write it was.

A value is a line of its own, and then the record as `record.encode` writes it, or nothing:

    1 <write> <claim>,<claim>,...
    {"content": ...}

- `1` is the version of this form. Servers of two releases may run side by side, so a form that an older release
  cannot read gets another number.
- `write` is drawn anew for each write. So no two values are alike, and a compare-and-set never takes one state for
  another that only looks like it. And a write that is repeated for its fence alone changes nothing but this.
- `claim` is the `write` of each change of the record, the last one last. An operation whose answer was lost looks for
  its own: it is there if the change took effect, whatever was changed after it.

Without a record it is a *marker*: nothing is left of the message. It stays for `MARKER_SECONDS`, so that a reader whose
answer was lost is told from a reader who came too late.
"""

import secrets
from dataclasses import dataclass

from crypt_core.errors import StorageUnavailable
from crypt_core.record import Record, decode, encode

VERSION = b"1"

MARKER_SECONDS = 60
"""How long the marker of a destroyed message stays; no operation is settled later than that."""

MAX_CLAIMS = 128
"""Claims that are kept: more than readers and wrong passphrases of one message."""

UNREADABLE = "a value in the engine is of a newer release, or of another program"


@dataclass(frozen=True, slots=True)
class Value:
    """A value as it was read or is to be written.

    Attributes:
        write: The token of the write that made this value.
        claims: The tokens of the changes of the record.
        record: The record; None in a marker.
        stored: The bytes under the key.
    """

    write: bytes
    claims: tuple[bytes, ...]
    record: Record | None
    stored: bytes


def changed(before: Value | None, record: Record | None) -> Value:
    """The value of a change: `record` in place of what is in `before`."""
    write = _new_token()
    claims = () if before is None else before.claims
    return _value(write, (*claims[1 - MAX_CLAIMS :], write), record)


def touched(before: Value | None) -> Value:
    """The value of a write that changes nothing, so that what is there already comes before a fence."""
    if before is None:
        return _value(_new_token(), (), None)
    write = _new_token()
    head, _, record = before.stored.partition(b"\n")
    _, _, claims = head.split(b" ")
    return Value(write, before.claims, before.record, b"%s %s %s\n%s" % (VERSION, write, claims, record))


def restored(before: Value | None) -> Value:
    """The value of a write that takes a change back; a marker if there was no value before it."""
    return _value(_new_token(), before.claims, before.record) if before is not None else touched(None)


def parse(stored: bytes) -> Value:
    """Read what a server wrote.

    Raises:
        StorageUnavailable: A newer release wrote it, or something else did.
    """
    head, _, record = stored.partition(b"\n")
    version, *rest = head.split(b" ")
    if version != VERSION or len(rest) != 2:  # noqa: PLR2004
        raise StorageUnavailable(UNREADABLE)
    write, claims = rest
    return Value(write, tuple(claims.split(b",")) if claims else (), _record(record), stored)


def _record(text: bytes) -> Record | None:
    try:
        return decode(text.decode()) if text else None
    except ValueError:  # of the text, or the record
        raise StorageUnavailable(UNREADABLE) from None


def _value(write: bytes, claims: tuple[bytes, ...], record: Record | None) -> Value:
    head = b"%s %s %s\n" % (VERSION, write, b",".join(claims))
    return Value(write, claims, record, head if record is None else head + encode(record).encode())


def _new_token() -> bytes:
    """48 random bits: unique among the writes of one key."""
    return secrets.token_urlsafe(6).encode()
