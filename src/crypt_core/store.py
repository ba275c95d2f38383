"""The store port: all that the service needs from a place that keeps messages."""

from typing import Protocol

from crypt_core.commands import Command
from crypt_core.outcomes import Outcome


class StorageUnavailable(Exception):
    """The store did not apply the command, and changed nothing. The argument is the reason, for the operator's log."""


class Store(Protocol):
    """Keeps one record for each id.

    The port has no get and no delete on purpose: between two steps, a second reader could come in.
    """

    async def apply(self, message_id: str, command: Command) -> Outcome:
        """Load the record of the id, let `messages.decide` decide, and keep the new record: one atomic, durable step.

        The store uses its own clock, so that one clock judges the age of a record. When this method returns, its
        effect survives a crash: a read message stays read, a created message stays there.

        Raises:
            StorageUnavailable: The command had no effect. (Across a network the store may not know whether it had;
                then the message may have been read, but nobody got it.)
        """
        ...
