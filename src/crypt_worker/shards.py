"""The shards as the Worker sees them: which one an id belongs to, and how it is called."""

from typing import Any
from zlib import crc32

from crypt_core.errors import StorageUnavailable
from crypt_core.messages import Command, Outcome
from crypt_worker.platform_calls import platform_call
from crypt_worker.wire import Damaged, Fetch, answer_from_wire, to_wire

SHARDS = 8
"""One object takes 200 to 500 writes a second. Never change this number while messages live: their ids would be
looked up in other shards."""


def shard_name(message_id: str) -> str:
    """The name of the id's shard."""
    return f"messages-{crc32(message_id.encode()) % SHARDS}"


class Shards:
    """The shards of one store."""

    def __init__(self, binding: Any) -> None:
        """`binding` is that of the store's Durable Objects."""
        self._binding = binding

    async def apply(self, message_id: str, command: Command, fetched_key: str | None = None) -> Outcome | Fetch:
        """Let the id's shard apply the command. Raises `StorageUnavailable`."""
        shard = self._binding.getByName(shard_name(message_id))
        answer = answer_from_wire(await platform_call(shard.apply(message_id, to_wire(command), fetched_key)))
        if isinstance(answer, Damaged):
            raise StorageUnavailable("a record cannot be read")
        return answer
