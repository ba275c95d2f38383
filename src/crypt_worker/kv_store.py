"""The store `kv`: payloads in Cloudflare KV, and Durable Objects that decide who gets them.

KV alone can neither create a key only if it is free nor hand a value to one reader only, and KV is eventually
consistent. So KV keeps the payload under a random key, and a Durable Object (`shard`) keeps which id has which key:
the object grants the id at creation, and grants the one read.
"""

from dataclasses import replace

from crypt_core.errors import StorageUnavailable
from crypt_core.messages import Command, Create, Created, Granted, Outcome
from crypt_worker.kv_payloads import KvPayloads
from crypt_worker.shards import Shards
from crypt_worker.wire import Fetch

MAX_FETCHES = 3
"""A second fetch is needed only if the id passed on to another message after the first one."""


class KvStore:
    """The store over payloads, and over shards whose records have the payloads' keys."""

    def __init__(self, payloads: KvPayloads, shards: Shards) -> None:
        self._payloads = payloads
        self._shards = shards

    async def apply(self, message_id: str, command: Command) -> Outcome:
        if isinstance(command, Create):
            return await self._create(message_id, command)
        key: str | None = None
        payload = ""
        for _ in range(MAX_FETCHES):
            answer = await self._shards.apply(message_id, command, key)
            if not isinstance(answer, Fetch):
                return Granted(payload) if isinstance(answer, Granted) else answer
            key = answer.key
            payload = await self._payloads.get(key)
        raise StorageUnavailable("the id changed hands too often")

    async def _create(self, message_id: str, command: Create) -> Outcome:
        # First the payload, then the id: an id that is granted has its message.
        key = await self._payloads.put(command.content, command.ttl)
        outcome = await self._shards.apply(message_id, replace(command, content=key))
        assert not isinstance(outcome, Fetch)  # noqa: S101 - only reads are told to fetch
        if not isinstance(outcome, Created):
            await self._payloads.delete(key)
        return outcome
