"""Guess protection: how many plain ids without a message one client may ask for.

A *miss* is a command for a plain id that finds nothing. Whether a request is a miss is known only after the store has
looked. So a miss is taken of the client's budget before the look, and given back if the request was none: a client gets
no more looks than it has misses, however many requests it sends at once.

Sealed ids do not count: nobody guesses one of 2^128. `docs/guessing.md` says what all of this is worth.
"""

from dataclasses import dataclass

from crypt_core import ids
from crypt_core.commands import Command, Create
from crypt_core.limits.hourly_budgets import Exhausted, Taken
from crypt_core.outcomes import Missing, Outcome
from crypt_core.store import Store


@dataclass(frozen=True, slots=True)
class Uncounted:
    """No miss was taken: the request cannot be one, or nobody counts."""


Miss = Uncounted | Taken | Exhausted
"""What became of the miss of one request. A miss that was taken is given back if the request finds something."""


class NoMissLeft(Exception):
    """The client has used up its misses, and nobody looked for a message."""

    def __init__(self, wait: float) -> None:
        """`wait` is in seconds: until the client has a miss again."""
        super().__init__()
        self.wait = wait


def is_guess(message_id: str, command: Command) -> bool:
    """Whether the command may be somebody's guess of a plain id: a miss, if it finds nothing.

    Every command counts that a client can send for an id of its choice, whatever the outcome tells: how long a store
    takes for an `Acknowledge` may tell a message that waits from none.
    """
    return not isinstance(command, Create) and ids.is_plain(message_id)


class GuardedStore:
    """The store as one request may ask it: if its client has no miss left, the request gets no look at plain ids."""

    def __init__(self, store: Store, miss: Miss) -> None:
        """`miss` is that of the request."""
        self._store = store
        self._miss = miss
        self._missed = False

    @property
    def to_give_back(self) -> Taken | None:
        """The miss that was taken for the request, if the request was none."""
        return self._miss if isinstance(self._miss, Taken) and not self._missed else None

    async def apply(self, message_id: str, command: Command) -> Outcome:
        """Apply the command as the store does.

        Raises:
            NoMissLeft: The client has used up its misses. Nobody has looked.
            StorageUnavailable: As the store's own `apply`.
        """
        if isinstance(self._miss, Exhausted) and is_guess(message_id, command):
            raise NoMissLeft(self._miss.wait)
        try:
            outcome = await self._store.apply(message_id, command)
        except NoMissLeft:
            # The store counts misses, too. The miss is kept, so that the store is soon asked no more for this client.
            self._missed = True
            raise
        self._missed |= isinstance(outcome, Missing) and is_guess(message_id, command)
        return outcome
