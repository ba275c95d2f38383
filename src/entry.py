"""What Cloudflare calls: the Worker and its Durable Object."""

from typing import Any

from workers import DurableObject, Response, WorkerEntrypoint, wait_until

from crypt_worker.request import answer
from crypt_worker.shard import Shard


class Default(WorkerEntrypoint):
    """The Worker."""

    async def fetch(self, request: Any) -> Response:
        response = await answer(request, self.env)
        return Response(response.body or None, status=response.status, headers=response.headers)


class MessageShard(DurableObject):
    """One of the few objects that share all ids between them."""

    def __init__(self, ctx: Any, env: Any) -> None:
        super().__init__(ctx, env)
        self._shard = Shard(ctx.storage, env.MESSAGES, wait_until)

    async def apply(self, message_id: str, command: str, fetched_key: str | None) -> str:
        return await self._shard.apply(message_id, command, fetched_key)

    async def alarm(self, alarm_info: Any = None) -> None:  # noqa: ARG002
        await self._shard.sweep()
