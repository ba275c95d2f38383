"""The value of a key: a message's record, and the tokens of the writes that it rests on.

A value is a line of its own, and then the record as `record.encode` writes it, or nothing:

    1 <write> <claim>,<claim>,...
    {"content": ...}

- `1` is the version of this form. A server refuses a value of any other version, and leaves it as it is.
- `write` is drawn anew for each write. So no two values are alike, and a compare-and-set never takes one state for
  another that only looks like it.
- `claim` is the `write` of each change of the record and of each touch, the last one last. A *touch* writes the record
  again, as it is, so that a fence covers what an outcome rests on.

The claims are a stack. An update whose reply was lost looks for its own claim: it is there if the write took effect,
whatever was written after it. An update that ended with 503 takes its write back only while its claim is the last one:
the update of a claim above it may have told its caller what rests on both.

Without a record it is a *marker*: nothing is left of the message. It stays for `MARKER_SECONDS`, so that a reader whose
answer was lost is told from a reader who came too late.
"""

import secrets
from dataclasses import dataclass

from crypt_core.record import Record, decode, encode
from crypt_core.store import StorageUnavailable

VERSION = b"1"

MARKER_SECONDS = 60
"""How long the marker of a destroyed message stays; no update is taken back later than that."""

MAX_CLAIMS = 128
"""Claims that are kept: more than readers and wrong passphrases of one message."""

MAX_TOUCHES = 8
"""Touches among them: more than can wait for their fence at the same time, a few for each server."""

TOUCH = b"~"
"""The first character of a touch's token. No other token has it."""

UNREADABLE = "a value in the engine is of another release, or of another program"


@dataclass(frozen=True, slots=True)
class Value:
    """A value as it was read or is to be written.

    Attributes:
        write: The token of the write that made this value.
        claims: The tokens of the changes and touches that the record rests on.
        record: The record; None in a marker.
        stored: The bytes under the key.
    """

    write: bytes
    claims: tuple[bytes, ...]
    record: Record | None
    stored: bytes

    @property
    def last_claim(self) -> bytes:
        """Empty if there is none."""
        return self.claims[-1] if self.claims else b""


def changed(before: Value | None, record: Record | None) -> Value:
    """The value of a change: `record` in place of what is in `before`."""
    write = _new_token()
    text = b"" if record is None else encode(record).encode()
    return _value(write, _claims(before, write), record, text)


def touched(before: Value) -> Value:
    """The value of a touch: what is there already comes before a fence."""
    write = TOUCH + _new_token()
    return _value(write, _claims(before, write), before.record, _text(before))


def rewritten(before: Value | None) -> Value:
    """The same value by another write, which claims nothing; a marker if there was no value."""
    if before is None:
        return _value(_new_token(), (), None, b"")
    return _value(_new_token(), before.claims, before.record, _text(before))


def parse(stored: bytes) -> Value:
    """Read what a server wrote.

    Raises:
        StorageUnavailable: Another release wrote it, or something else did.
    """
    head, _, text = stored.partition(b"\n")
    version, *rest = head.split(b" ")
    if version != VERSION or len(rest) != 2:  # noqa: PLR2004
        raise StorageUnavailable(UNREADABLE)
    write, claims = rest
    return Value(write, tuple(claims.split(b",")) if claims else (), _record(text), stored)


def _claims(before: Value | None, write: bytes) -> tuple[bytes, ...]:
    claims = (write,) if before is None else (*before.claims, write)
    touches = [claim for claim in claims if claim.startswith(TOUCH)]
    old = touches[:-MAX_TOUCHES]
    return tuple(claim for claim in claims if claim not in old)[-MAX_CLAIMS:]


def _record(text: bytes) -> Record | None:
    try:
        return decode(text.decode()) if text else None
    except ValueError:  # of the text, or the record
        raise StorageUnavailable(UNREADABLE) from None


def _text(value: Value) -> bytes:
    return value.stored.partition(b"\n")[2]


def _value(write: bytes, claims: tuple[bytes, ...], record: Record | None, text: bytes) -> Value:
    return Value(write, claims, record, b"%s %s %s\n%s" % (VERSION, write, b",".join(claims), text))


def _new_token() -> bytes:
    """48 random bits: unique among the writes of one key."""
    return secrets.token_urlsafe(6).encode()
