"""What may happen to a message: one pure function from (record, command, now) to (record, outcome).

Stores keep the record under the message's id and apply commands to it atomically; they know nothing of what a
command means. So that a message is read at most once is decided here, once, for every store.
"""

from dataclasses import dataclass
from typing import NamedTuple, assert_never

from crypt_core.record import Record


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


def age(record: Record, now: float) -> Record | None:
    """What time alone has made of the record by `now` (Unix time in seconds); None when nothing is left of it."""
    return None if record.expires_at <= now else record


def decide(record: Record | None, command: Command, now: float) -> Decision:
    """Decide what `command` does at `now` (Unix time in seconds) to the record under its id."""
    if record is not None:
        record = age(record, now)
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
