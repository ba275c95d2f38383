"""Messages in Cloudflare KV, where Durable Objects say who gets them.

KV alone can neither create a key only if it is free nor hand a value to one reader only, and it is eventually
consistent. So a payload lies in KV under a random key that is used once, and a Durable Object (`shard`) keeps
which id has which key: it grants the id at creation, and it grants the one read.
"""

import re
import secrets
from collections.abc import Awaitable
from dataclasses import replace
from typing import Any

from crypt_core.errors import StorageUnavailable
from crypt_core.messages import Command, Create, Created, Granted, Outcome
from crypt_worker.shard import shard_name
from crypt_worker.wire import Fetch, answer_from_wire, to_wire

MAX_FETCHES = 3
"""A second one is needed only if the id passed on to another message since the first."""


class KvStore:
    """The store over the bindings of one request: a runtime's objects belong to the request that they came with."""

    def __init__(self, namespace: Any, shards: Any) -> None:
        """`namespace` is the KV binding, `shards` the Durable Object's."""
        self._namespace = namespace
        self._shards = shards

    async def apply(self, message_id: str, command: Command) -> Outcome:
        if isinstance(command, Create):
            return await self._create(message_id, command)
        key: str | None = None
        payload = ""
        for _ in range(MAX_FETCHES):
            answer = await self._ask_shard(message_id, command, key)
            if not isinstance(answer, Fetch):
                return Granted(payload) if isinstance(answer, Granted) else answer
            key = answer.key
            payload = await _platform(self._namespace.get(key))
            if payload is None:
                raise StorageUnavailable("KV does not show the message here yet")
        raise StorageUnavailable("the id changed hands too often")

    async def _create(self, message_id: str, command: Create) -> Outcome:
        # First the payload, then the id: an id that is granted has its message.
        key = secrets.token_urlsafe(24)
        await _platform(self._namespace.put(key, command.content, expirationTtl=command.ttl))
        outcome = await self._ask_shard(message_id, replace(command, content=key))
        assert not isinstance(outcome, Fetch)  # noqa: S101 - only reads are told to fetch
        if not isinstance(outcome, Created):
            await _platform(self._namespace.delete(key))
        return outcome

    async def _ask_shard(self, message_id: str, command: Command, holding: str | None = None) -> Outcome | Fetch:
        shard = self._shards.getByName(shard_name(message_id))
        return answer_from_wire(await _platform(shard.apply(message_id, to_wire(command), holding)))


async def _platform(call: Awaitable[Any]) -> Any:
    """Wait for the platform.

    Raises:
        StorageUnavailable: It failed. Of its reason only the kind and a status are kept: its text may quote a key.
    """
    try:
        return await call
    except Exception as error:  # noqa: BLE001 - JsException, which exists only in the runtime
        status = re.search(r"\b[45]\d\d\b", str(error))
        raise StorageUnavailable(f"{type(error).__name__} {status[0] if status else ''}".strip()) from None
