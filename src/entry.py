"""What Cloudflare calls: the Worker and its Durable Object."""

from asyncio import create_task
from collections.abc import Coroutine
from typing import Any

from pyodide.ffi import create_proxy
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
        self._shard = Shard(ctx.storage, env.MESSAGES, in_background)

    async def apply(self, message_id: str, command: str, fetched_key: str | None) -> str:
        return await self._shard.apply(message_id, command, fetched_key)

    async def alarm(self, alarm_info: Any = None) -> None:  # noqa: ARG002
        await self._shard.sweep()


def in_background(work: Coroutine[Any, Any, None]) -> None:
    """Let `work` go on after the response.

    The runtime gets a task, as a proxy that lives until the task is done. Some runtimes (workerd 1.20260908.1) drop a
    coroutine without a word: Python's side of it is gone as soon as the call returns.
    """
    task = create_task(work)
    proxy = create_proxy(task)
    task.add_done_callback(lambda _: proxy.destroy())
    wait_until(proxy)
