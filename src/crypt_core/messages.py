"""What may happen to a message: one pure function from (record, command, now) to (record, outcome).

Stores keep the record under the message's id and apply commands to it atomically; they know nothing of what a
command means. So that a message is read at most once is decided here, once, for every store.
"""

from dataclasses import dataclass
from typing import NamedTuple, assert_never


@dataclass(frozen=True, slots=True)
class Record:
    """What a store keeps of one message.

    Attributes:
        content: The message; in the `kv` store the key under which it lies.
        expires_at: Unix time in seconds at which it is gone, read or not.
    """

    content: str
    expires_at: float


@dataclass(frozen=True, slots=True)
class Create:
    """Keep `content` for `ttl` seconds, if the id is free."""

    content: str
    ttl: int


@dataclass(frozen=True, slots=True)
class Read:
    """Hand out the content and destroy it."""


@dataclass(frozen=True, slots=True)
class Created:
    """It is kept."""


@dataclass(frozen=True, slots=True)
class IdTaken:
    """Another message lives under this id."""


@dataclass(frozen=True, slots=True)
class Granted:
    """The asker, and nobody else, gets the content."""

    content: str


@dataclass(frozen=True, slots=True)
class Missing:
    """Nothing lives under this id. Whether something did is not to be told."""


Command = Create | Read
Outcome = Created | IdTaken | Granted | Missing


class Decision(NamedTuple):
    """The record to keep from now on (None: keep nothing), and what the asker is told."""

    record: Record | None
    outcome: Outcome


def decide(record: Record | None, command: Command, now: float) -> Decision:
    """Decide what `command` does at `now` (Unix time in seconds) to the record under its id."""
    if record is not None and record.expires_at <= now:
        record = None
    match command:
        case Create(content, ttl):
            if record is not None:
                return Decision(record, IdTaken())
            return Decision(Record(content, now + ttl), Created())
        case Read():
            if record is None:
                return Decision(None, Missing())
            return Decision(None, Granted(record.content))
        case _:
            assert_never(command)
