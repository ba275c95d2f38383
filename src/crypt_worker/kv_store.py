"""The store `kv`: payloads in Cloudflare KV, and Durable Objects that decide who gets them.

KV alone can neither create a key only if it is free nor hand a value to one reader only, and KV is eventually
consistent. So KV keeps the payload under a random key, and a Durable Object (`shard`) keeps which id has which key:
the object grants the id at creation, and grants the one read.
"""

from dataclasses import replace

from crypt_core.commands import Answer, Command, Create
from crypt_core.outcomes import Answered, Created, Granted, Outcome, Question
from crypt_core.store import StorageUnavailable
from crypt_worker.kv_payloads import KvPayloads
from crypt_worker.shards import Shards
from crypt_worker.wire import Fetch, Put

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
        if isinstance(command, Answer):
            return await self._answer(message_id, command)
        key: str | None = None
        payload = ""
        for _ in range(MAX_FETCHES):
            answer = await self._shards.apply(message_id, command, key)
            assert not isinstance(answer, Put)  # noqa: S101 - only answers are told to put
            if isinstance(answer, Question):
                return replace(answer, content=await self._payloads.get(answer.content))  # it is not used up
            if not isinstance(answer, Fetch):
                return Granted(payload) if isinstance(answer, Granted) else answer
            key = answer.key
            payload = await self._payloads.get(key)
        raise StorageUnavailable("the id changed hands too often")

    async def _create(self, message_id: str, command: Create) -> Outcome:
        # First the payload, then the id: an id that is granted has its message.
        return await self._put(message_id, command, command.ttl)

    async def _answer(self, message_id: str, command: Answer) -> Outcome:
        """Ask first: anybody may send answers, and those that are refused must not cost writes to KV."""
        told = await self._shards.apply(message_id, replace(command, content=""))
        assert not isinstance(told, Fetch)  # noqa: S101 - only reads are told to fetch
        return await self._put(message_id, command, told.ttl) if isinstance(told, Put) else told

    async def _put(self, message_id: str, command: Create | Answer, ttl: int) -> Outcome:
        """Put the payload, and then let the shard decide; a payload that it refuses is deleted."""
        key = await self._payloads.put(command.content, ttl)
        outcome = await self._shards.apply(message_id, replace(command, content=key))
        assert not isinstance(outcome, Fetch | Put)  # noqa: S101 - these are for callers without a payload
        if not isinstance(outcome, Created | Answered):
            await self._payloads.delete(key)
        return outcome
