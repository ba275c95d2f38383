"""The store port: all that the service needs from a place that keeps messages."""

from typing import Protocol, runtime_checkable

from crypt_core.messages import Command, Outcome


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


@runtime_checkable
class CountsMessages(Protocol):
    """What a store may be able to do besides; `ID_LENGTH=auto` needs it."""

    def plain_messages(self) -> int:
        """The number of plain messages that are kept, or a number somewhat above. It costs no look at the messages."""
        ...
