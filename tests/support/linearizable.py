"""Whether what a store told its callers can have happened in some order, one command at a time.

The search is that of Wing and Gong, "Testing and Verifying Concurrent Objects" (1993), with `decide` itself as the
model. A command that was refused with 503 may have taken effect at any time after it began, or never.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from crypt_core.commands import Command
from crypt_core.messages import decide
from crypt_core.outcomes import Answered, Created, Outcome, Question, Receipt, Repeated, RepeatedAnswer
from crypt_core.record import Record


@dataclass(frozen=True)
class Event:
    """One command on one id. Times are the event loop's.

    Attributes:
        began: When it was given to the store.
        ended: When it was answered; infinite if it was refused.
        command: The command.
        outcome: What the caller was told; None if it was refused.
    """

    began: float
    ended: float
    command: Command
    outcome: Outcome | None

    @property
    def is_refused(self) -> bool:
        return self.outcome is None


def refused(began: float, command: Command) -> Event:
    return Event(began, math.inf, command, None)


def is_linearizable(events: Sequence[Event]) -> bool:
    """Whether there is an order in which `decide` gives every outcome, and no event comes before one that had ended."""
    seen: set[tuple[frozenset[int], Record | None]] = set()

    def search(left: frozenset[int], record: Record | None) -> bool:
        if all(events[number].is_refused for number in left):
            return True
        if (left, record) in seen:
            return False
        seen.add((left, record))
        first_end = min(events[number].ended for number in left)
        for number in sorted(left, key=lambda number: events[number].ended):  # the refused ones last
            event = events[number]
            if event.began > first_end:
                continue
            kept, outcome = decide(record, event.command, now=0.0)
            # A refused command that would change nothing need not be tried: it may as well have had no effect.
            is_possible = kept != record if event.is_refused else _timeless(outcome) == _timeless(event.outcome)
            if is_possible and search(left - {number}, kept):
                return True
        return False

    return search(frozenset(range(len(events))), None)


def _timeless(outcome: Outcome | None) -> Outcome | None:
    """The outcome without times, which the model has not."""
    match outcome:
        case Created() | Repeated() | Question() | Answered() | RepeatedAnswer():
            return replace(outcome, expires_at=0.0)
        case Receipt():
            return replace(outcome, at=None, expires_at=0.0)
        case _:
            return outcome
