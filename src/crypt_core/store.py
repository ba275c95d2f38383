"""The store port: all that the service asks of a place where messages lie."""

from typing import Protocol

from crypt_core.messages import Command, Outcome


class Store(Protocol):
    """Keeps one record an id.

    There is no get and no delete on purpose: two steps would let two readers in between.
    """

    async def apply(self, message_id: str, command: Command) -> Outcome:
        """Load the id's record, let `messages.decide` judge, keep what it says: in one atomic, durable step.

        Time is the store's own clock, so that one authority judges a record's age. Once this returns, what it
        did survives a crash: a read stays read, a created message stays there.

        Raises:
            StorageUnavailable: The command had no effect. (Across a network it may not be known whether it had
                one; then a message may have been read, but nobody got it.)
        """
        ...
