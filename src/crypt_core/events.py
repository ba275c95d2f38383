"""What a sender can be told by the operator's webhook, if the message has a reference: that it was read, or is gone.

A store derives the event from a change of the record, and hands it on after the durable step, whatever becomes of the
caller. So a reader who leaves at the right moment, or asks again with an idempotency key, hides nothing.
"""

from collections.abc import Callable
from typing import Literal, NamedTuple

from crypt_core.outcomes import Answered, Destroyed, Granted, Outcome, WrongPassphrase
from crypt_core.record import Record


class Event(NamedTuple):
    """Something that happened to a message, without its id.

    Attributes:
        kind: `expired` is said of a message that nobody has read, and of a question that nobody has answered.
        reference: The sender's own word for the message.
        at: Unix time in seconds, by the store's clock.
    """

    kind: Literal["read", "destroyed", "expired", "answered"]
    reference: str
    at: float


OnEvent = Callable[[Event], object]
"""Receives events, from any thread. It returns at once, and raises nothing."""


def ignore(_: Event) -> None:
    """There is no webhook."""


def event_of(before: Record | None, after: Record | None, outcome: Outcome | None, now: float) -> Event | None:
    """The event in the change from `before` to `after`, if there is one.

    Args:
        before: The record as the store had it.
        after: The record that `decide` or `expire` made of it at `now`.
        outcome: That of the command; None if time alone has changed the record.
        now: Unix time in seconds.
    """
    if before is None or not before.reference or after is before:
        return None
    if before.expires_at <= now:
        return Event("expired", before.reference, before.expires_at) if before.tells_end else None
    match outcome:
        case Granted():
            return Event("read", before.reference, now)
        case Answered():
            return Event("answered", before.reference, now)
        case Destroyed() | WrongPassphrase(tries_left=0) if before.reads_left:
            return Event("destroyed", before.reference, now)
    return None
