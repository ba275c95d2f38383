"""The shards as the Worker sees them: which one an id belongs to, and how it is called."""

from typing import Any
from zlib import crc32

from crypt_core.commands import Command
from crypt_core.limits.guesses import NoMissLeft, is_guess
from crypt_core.limits.hourly_budgets import Exhausted
from crypt_core.outcomes import Outcome
from crypt_core.store import StorageUnavailable
from crypt_worker.platform_calls import platform_call
from crypt_worker.wire import Damaged, Fetch, Put, answer_from_wire, to_wire

SHARDS = 8
"""One object takes 200 to 500 writes a second. Never change this number while messages live: their ids would be
looked up in other shards."""


def shard_name(message_id: str) -> str:
    """The name of the id's shard."""
    return f"messages-{crc32(message_id.encode()) % SHARDS}"


class Shards:
    """The shards of one store, as one client asks them."""

    def __init__(self, binding: Any, client: str = "", misses_per_hour: int = 0) -> None:
        """Call the shards for a client.

        Args:
            binding: That of the store's Durable Objects.
            client: The client's address.
            misses_per_hour: How many misses the client has; 0 is no limit.
        """
        self._binding = binding
        self._asker = (client, misses_per_hour)

    async def apply(self, message_id: str, command: Command, fetched_key: str | None = None) -> Outcome | Fetch | Put:
        """Let the id's shard apply the command.

        Raises:
            NoMissLeft: The client has used up its misses in this shard, which did not look.
            StorageUnavailable: The shard does not answer, or cannot read the record.
        """
        shard = self._binding.getByName(shard_name(message_id))
        asker = self._asker if is_guess(message_id, command) else ()
        answer = answer_from_wire(await platform_call(shard.apply(message_id, to_wire(command), fetched_key, *asker)))
        if isinstance(answer, Exhausted):
            raise NoMissLeft(answer.wait)
        if isinstance(answer, Damaged):
            raise StorageUnavailable("a record cannot be read")
        return answer
